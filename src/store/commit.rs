//! `commitGeneration`: publish a page and remove its lease, both or neither.

use std::sync::Arc;

use super::Store;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Generation;
use crate::table::CommitOutcome;

impl Store {
    /// Writes the page and deletes the lease in one transaction, if the lease is still the caller's and has not expired
    /// by `generation.now`, in whole seconds.
    ///
    /// A lease serves for one commit: a token that this store has committed is refused until it is acquired again. The
    /// row of the table does not count, because a late duplicate of the acquire may have brought it back.
    ///
    /// # Errors
    /// `LeaseNotOwned` when the lease was lost, `OutOfRange` for strings that make too large a row, and every kind that
    /// the network can cause. After a failure of the network the page may or may not have been published.
    pub fn commit_generation(
        self: &Arc<Self>,
        call: &Call,
        generation: Generation,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (store, call) = (Arc::clone(self), call.clone());
        let key = call.key().shared_partition();
        let change = [&self.changes, &self.page_changes].map(|changes| changes.begin(Arc::clone(&key)));
        let epoch = self.page_changes.epoch();
        self.stale_if_error.forget(&key);
        async move {
            let _change = change;
            let published = store.publish(&call, &generation).await;
            store.page_cache.forget(&key);
            store.stale_if_error.forget(&key);
            published?;
            store.paced_polling.end(&key);
            store.double_check.published(&key, generation.page.generated_at);
            store.stale_if_error.remember(&key, &generation.page, store.clock.now());
            // Another commit or invalidation of this store may have come after this one.
            if !store.page_changes.none_since(epoch, &key) {
                store.stale_if_error.forget(&key);
            }
            Ok(())
        }
    }

    async fn publish(&self, call: &Call, generation: &Generation) -> Result<()> {
        let claim = &generation.claim;
        if self.committed_tokens.contains(call.key(), claim) {
            return Err(lease_lost(call));
        }
        let pending = self.committed_tokens.begin(call.key(), claim);
        let observer = self.observer(call);
        match self.table.connect(call, &observer).await?.commit(generation).await? {
            CommitOutcome::Committed => {
                pending.succeeded();
                Ok(())
            }
            CommitOutcome::LeaseLost => Err(lease_lost(call)),
        }
    }
}

/// FaceTheory's words.
fn lease_lost(call: &Call) -> Error {
    let message = format!("ISR lease lost for cache key \"{}\"", call.key().escaped_for_display());
    Error::new(ErrorKind::LeaseNotOwned, message)
}

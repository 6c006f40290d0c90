//! `invalidate`: remove a page, or mark it as stale.

use std::sync::Arc;

use super::Store;
use crate::call::Call;
use crate::config::BooleanOption;
use crate::error::Result;

impl Store {
    /// Deletes page and lease in one transaction, so that a regeneration in flight cannot publish. With
    /// `softInvalidation` the page is kept and marked as stale instead.
    ///
    /// A key without rows is not an error. The HTML itself stays in the object store.
    ///
    /// # Errors
    /// Every kind that the network can cause; after one of those the page may or may not be there.
    pub fn invalidate(self: &Arc<Self>, call: &Call) -> impl Future<Output = Result<()>> + Send + use<> {
        let (store, call) = (Arc::clone(self), call.clone());
        let key = call.key().shared_partition();
        let change = [&self.changes, &self.page_changes].map(|changes| changes.begin(Arc::clone(&key)));
        self.stale_if_error.forget(&key);
        async move {
            let _change = change;
            let invalidated = store.remove(&call).await;
            store.page_cache.forget(&key);
            // A read may have kept the page meanwhile.
            store.stale_if_error.forget(&key);
            store.paced_polling.end(&key);
            invalidated
        }
    }

    async fn remove(&self, call: &Call) -> Result<()> {
        let observer = self.observer(call);
        let session = self.table.connect(call, &observer).await?;
        if self.config().boolean(BooleanOption::SoftInvalidation) && session.mark_stale().await? {
            return Ok(());
        }
        session.delete_entry().await
    }
}

//! `releaseLease`: remove the lease without publishing a page.

use std::sync::Arc;

use super::Store;
use crate::call::Call;
use crate::model::LeaseClaim;

impl Store {
    /// Deletes the lease if it is the caller's; else nothing. Sends nothing when this store has committed its token.
    ///
    /// A failure of the network is not an error here: a lease that could not be deleted expires by itself.
    pub fn release_lease(self: &Arc<Self>, call: &Call, claim: LeaseClaim) -> impl Future<Output = ()> + Send + use<> {
        let (store, call) = (Arc::clone(self), call.clone());
        let change = self.changes.begin(call.key().shared_partition());
        async move {
            let _change = change;
            if store.committed_tokens.contains(call.key(), &claim) {
                return;
            }
            let observer = store.observer(&call);
            if let Ok(session) = store.table.connect(&call, &observer).await {
                // Best effort, as said above.
                let _ = session.delete_lock(&claim).await;
            }
            store.paced_polling.end(call.key().partition());
        }
    }
}

//! `releaseLease`: give the lease back without a page.

use super::Store;
use crate::model::LeaseClaim;
use crate::table::Call;

impl Store {
    /// Deletes the lease if it is the caller's; else nothing. Sends nothing when this store's own commit has consumed it.
    ///
    /// Nothing that the network does is an error here: a lease that could not be deleted runs out by itself.
    pub async fn release_lease(&self, claim: &LeaseClaim) {
        if !self.consumed.contains(claim) {
            self.release_at(self.call("releaseLease", &claim.key), claim).await;
        }
    }

    pub(super) async fn release_at(&self, call: Call<'_>, claim: &LeaseClaim) {
        // See above: there is nobody to tell.
        let _ = self.table.delete_lock(call, claim).await;
    }
}

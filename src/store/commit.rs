//! `commitGeneration`: publish a page and give the lease back, both or neither.

use super::Store;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Generation, LeaseClaim};
use crate::table::Published;

impl Store {
    /// Writes the page and deletes the lease in one transaction, if the lease is still the caller's and has not expired
    /// by `generation.now`, in whole seconds.
    ///
    /// A lease serves for one publish: a token that this store has published with is refused until it is acquired again,
    /// whatever the table says, because a delayed duplicate of the acquire may have brought its row back.
    ///
    /// # Errors
    /// `LeaseNotOwned` when the lease was lost, `OutOfRange` for strings that make too large a row, and every kind that
    /// the network can cause; after one of those the page may or may not have been published.
    pub async fn commit_generation(&self, generation: &Generation) -> Result<()> {
        let claim = &generation.claim;
        let _changes = self.fresh.changes(claim.key.partition());
        if self.consumed.contains(claim) {
            return Err(lease_lost(claim));
        }
        let publish = self.consumed.publish(claim);
        match self.table.publish(self.call("commitGeneration", &claim.key), generation).await? {
            Published::Yes => {
                publish.succeeded();
                Ok(())
            }
            Published::LeaseLost => Err(lease_lost(claim)),
        }
    }
}

/// FaceTheory's words.
fn lease_lost(claim: &LeaseClaim) -> Error {
    let message = format!("ISR lease lost for cache key \"{}\"", claim.key.cache_key());
    Error::new(ErrorKind::LeaseNotOwned, message)
}

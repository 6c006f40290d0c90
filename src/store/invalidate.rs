//! `invalidate`: forget a page.

use super::Store;
use crate::error::Result;
use crate::model::EntryKey;

impl Store {
    /// Deletes page and lease in one transaction, so that a regeneration in flight cannot publish what is now outdated.
    /// A key without rows is no error. The HTML itself stays in the object store.
    ///
    /// # Errors
    /// Every kind that the network can cause; after one of those the page may or may not be there.
    pub async fn invalidate(&self, key: &EntryKey) -> Result<()> {
        let _changes = self.fresh.changes(key.partition());
        self.table.delete_entry(self.call("invalidate", key)).await
    }
}

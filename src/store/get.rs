//! `get`: what the table knows of a page, with one request.

use super::turns::By;
use super::{Store, record};
use crate::error::Result;
use crate::model::{EntryKey, Record, RevalidateSeconds};

impl Store {
    /// The record of `key`, or nothing where neither row exists. The lease is as stored, also when it has expired.
    ///
    /// Calls for the same key that wait at the same time share one read, which is sent after each of them began.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn get(&self, key: &EntryKey) -> Result<Option<Record>> {
        let call = self.call("get", key);
        let read = self.reads.share(&self.table, call, || self.table.read_entry(call)).await?;
        let (By::This((lock, page)) | By::Another((lock, page))) = read;
        if lock.is_none() && page.is_none() {
            return Ok(None);
        }
        let of_page = page.as_ref().map(|page| page.revalidate);
        let revalidate =
            of_page.or(lock.as_ref().and_then(|lock| lock.revalidate)).unwrap_or(RevalidateSeconds::DEFAULT);
        Ok(Some(record(key, page, revalidate, lock.map(|lock| lock.lease))))
    }
}

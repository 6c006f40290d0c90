//! `get`: what the table knows of a page, with one request.

use super::turns::By;
use super::{Store, record};
use crate::error::Result;
use crate::model::{EntryKey, Page, Record, RevalidateSeconds};
use crate::table::{Call, LockRow};

impl Store {
    /// The record of `key`, or nothing where neither row exists. The lease is as stored, also when it has expired.
    ///
    /// Calls for the same key that wait at the same time share one read, which is sent after each of them began. With
    /// `max_staleness`, a fresh page without a lease is answered from memory for that long after it was read.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn get(&self, key: &EntryKey) -> Result<Option<Record>> {
        if let Some(record) = self.remembered(key) {
            return Ok(Some(record));
        }
        let call = self.call("get", key);
        let read = self.reads.share(&self.table, call, || self.read(call)).await?;
        let (By::This((lock, page)) | By::Another((lock, page))) = read;
        if lock.is_none() && page.is_none() {
            return Ok(None);
        }
        let of_page = page.as_ref().map(|page| page.revalidate);
        let revalidate =
            of_page.or(lock.as_ref().and_then(|lock| lock.revalidate)).unwrap_or(RevalidateSeconds::DEFAULT);
        Ok(Some(record(key, page, revalidate, lock.map(|lock| lock.lease))))
    }

    /// What `get` would answer from memory, if anything.
    #[must_use]
    pub fn remembered(&self, key: &EntryKey) -> Option<Record> {
        let page = self.fresh.page(key.partition())?;
        let revalidate = page.revalidate;
        Some(record(key, Some(page), revalidate, None))
    }

    async fn read(&self, call: Call<'_>) -> Result<(Option<LockRow>, Option<Page>)> {
        let reading = self.fresh.reads(call.key.partition());
        let entry = self.table.read_entry(call).await?;
        if let (Some(reading), (None, Some(page))) = (reading, &entry) {
            reading.keep(page);
        }
        Ok(entry)
    }
}

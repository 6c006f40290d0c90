//! `get`: the page and the lease of a key, with one request.

use std::sync::Arc;

use super::circuit_breaker::Admission;
use super::coalesce::{Shared, Ticket};
use super::{Store, record};
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{EntryKey, Page, Record, RevalidateSeconds};
use crate::table::{Entry, reads_consistently};

/// How a `get` begins, on the caller's thread.
enum Start {
    /// The page cache has the answer.
    Cached(Record),
    /// The key rests after a failure: the last known page is the answer.
    Resting(Page),
    /// A request is needed, perhaps that of another call.
    Joined { call: Call, ticket: Ticket<Entry>, admission: Admission, now_ms: f64 },
}

impl Store {
    /// The record of the call's key, or none when neither row exists. The lease is as stored, also when it has expired.
    ///
    /// Concurrent calls for a key share one request, which is sent after each of them began. With `maxStalenessMs` a fresh
    /// page without a lease is answered from memory; with `staleIfErrorMs` the last known page replaces a failure.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub fn get(self: &Arc<Self>, call: &Call) -> impl Future<Output = Result<Option<Record>>> + Send + use<> {
        let store = Arc::clone(self);
        let start = self.start_get(call);
        let call = call.clone();
        async move {
            let (call, ticket, _admission, now_ms) = match start {
                Ok(Start::Cached(record)) => return Ok(Some(record)),
                Ok(Start::Resting(page)) => return Ok(Some(store.stale(&call, page))),
                Ok(Start::Joined { call, ticket, admission, now_ms }) => (call, ticket, admission, now_ms),
                // The circuit is open. The key does not rest: the next call may be the probe.
                Err(error) => return store.stale_or(&call, error, false),
            };
            let shared = ticket.share(
                call.deadline().at(),
                || store.waited_in_vain(&call),
                async || store.pace(&call).await,
                || store.read(&call),
            );
            match shared.await {
                Ok(Shared::Leader(entry)) => Ok(store.answer(&call, entry, Some(now_ms))),
                Ok(Shared::Follower(entry)) => {
                    call.stats().set_shared();
                    Ok(store.answer(&call, entry, None))
                }
                Err(error) => store.stale_or(&call, error, true),
            }
        }
    }

    fn start_get(&self, call: &Call) -> Result<Start> {
        if let Some(record) = self.cached(call.key()) {
            return Ok(Start::Cached(record));
        }
        if let Some(page) = self.stale_if_error.resting(&self.clock, call.key().partition()) {
            return Ok(Start::Resting(page));
        }
        let (call, admission) = self.admit(call.clone())?;
        let ticket = self.reads.join(call.key().shared_partition());
        Ok(Start::Joined { call, ticket, admission, now_ms: self.clock.epoch_millis() })
    }

    /// The answer of `get` from memory, if there is one.
    #[must_use]
    pub fn cached(&self, key: &EntryKey) -> Option<Record> {
        let page = self.page_cache.get(&self.clock, key.partition())?;
        self.double_check.seen(&self.clock, &key.shared_partition(), Some(&page));
        let revalidate = page.revalidate;
        Some(record(key, Some(page), revalidate, None))
    }

    async fn pace(&self, call: &Call) {
        if self.config().fleet_rules.paced_polling {
            self.paced_polling.wait(&self.clock, call).await;
        }
    }

    /// Reads both rows, and reports them to the store's rules.
    async fn read(&self, call: &Call) -> Result<Entry> {
        let key = call.key().shared_partition();
        if self.stale_if_error.resting(&self.clock, &key).is_some() {
            let message = "the key is not requested for a while after a failure; nothing was sent";
            return Err(Error::new(ErrorKind::Unavailable, message).about(self.table.describe(call)));
        }
        let (epoch, page_epoch, sent_at) = (self.changes.epoch(), self.page_changes.epoch(), self.clock.now());
        let consistently = reads_consistently(self.config());
        let observer = self.observer(call);
        let mut session = self.table.connect(call, &observer).await?;
        if self.stale_if_error.has(&self.clock, &key) {
            session = session.failing_when_throttled();
        }
        let entry = session.read_entry(consistently).await.map_err(|error| session.explain(error))?;
        let (lease, page) = (entry.lock.as_ref().map(|lock| &lock.lease), entry.page.as_ref());
        self.paced_polling.seen(&self.clock, &key, (lease, page), sent_at);
        self.remember(&key, page, sent_at, page_epoch);
        if !self.changes.none_since(epoch, &key) {
            return Ok(entry);
        }
        match lease {
            Some(lease) if consistently => self.recent_leases.put(Arc::clone(&key), lease, page, sent_at, epoch),
            _ => self.recent_leases.forget(&key),
        }
        if let (None, Some(page)) = (lease, page) {
            self.page_cache.put(&self.clock, &key, page, sent_at);
        }
        Ok(entry)
    }

    /// `own_call_ms` is the wall clock when the call began, if its own request was answered.
    fn answer(&self, call: &Call, Entry { lock, page }: Entry, own_call_ms: Option<f64>) -> Option<Record> {
        let key = call.key().shared_partition();
        self.double_check.seen(&self.clock, &key, page.as_ref());
        if lock.is_none() && page.is_none() {
            return None;
        }
        let early = match (&page, own_call_ms) {
            (Some(page), Some(now_ms)) if lock.is_none() => self.early_refresh.shortened(&key, page, now_ms),
            _ => None,
        };
        let of_page = page.as_ref().map(|page| page.revalidate);
        let of_lock = lock.as_ref().and_then(|lock| lock.revalidate);
        let revalidate = early.or(of_page).or(of_lock).unwrap_or(RevalidateSeconds::DEFAULT);
        Some(record(call.key(), page, revalidate, lock.map(|lock| lock.lease)))
    }

    /// The last known page, if the failure may be passed over. Whether the key `rests` after it.
    fn stale_or(&self, call: &Call, error: Error, rests: bool) -> Result<Option<Record>> {
        if !error.kind().is_retryable() {
            return Err(error);
        }
        match self.stale_if_error.instead_of_failure(&self.clock, call.key().partition(), rests) {
            Some(page) => Ok(Some(self.stale(call, page))),
            None => Err(error),
        }
    }

    fn stale(&self, call: &Call, page: Page) -> Record {
        call.stats().set_stale();
        self.double_check.seen(&self.clock, &call.key().shared_partition(), Some(&page));
        let revalidate = page.revalidate;
        record(call.key(), Some(page), revalidate, None)
    }
}

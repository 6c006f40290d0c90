//! The five operations, a file each, and the rules that make them cheap in a crowd, most of them a file each.
//!
//! A rule may answer a call without a request, delay it or change its answer, within the promises of the protocol
//! documentation. Only the table decides about leases and pages.

mod acquire;
mod changes;
mod circuit_breaker;
mod coalesce;
mod commit;
mod committed_tokens;
mod double_check;
mod early_refresh;
mod get;
mod invalidate;
mod key_state;
mod observer;
mod paced_polling;
mod page_cache;
mod recent_lease;
mod release;
mod stale_if_error;

use std::sync::Arc;

use self::acquire::Answer;
use self::changes::{Changes, Epoch};
use self::circuit_breaker::{Admission, CircuitBreaker};
use self::coalesce::Coalescer;
use self::committed_tokens::CommittedTokens;
use self::double_check::DoubleCheck;
use self::early_refresh::EarlyRefresh;
use self::observer::KeyObserver;
use self::paced_polling::PacedPolling;
use self::page_cache::PageCache;
use self::recent_lease::RecentLeases;
use self::stale_if_error::StaleIfError;
use crate::aws::read_early;
use crate::call::{Call, Deadline, Operation};
use crate::clock::{Clock, Moment};
use crate::config::{Config, NumberOption};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{CacheKey, EntryKey, Lease, Page, Record, RevalidateSeconds};
use crate::table::{Entry, Table};

/// ISR metadata and regeneration leases in one `DynamoDB` table. The crate's documentation has the protocol.
///
/// Each operation joins its key's request when it is called, and returns a future that may be sent to another thread.
pub struct Store {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    changes: Arc<Changes>,
    /// Of the changes: those of the page.
    page_changes: Arc<Changes>,
    reads: Coalescer<Entry>,
    acquires: Coalescer<Answer>,
    page_cache: PageCache,
    committed_tokens: CommittedTokens,
    recent_leases: RecentLeases,
    double_check: DoubleCheck,
    paced_polling: PacedPolling,
    circuit_breaker: Arc<CircuitBreaker>,
    stale_if_error: StaleIfError,
    early_refresh: EarlyRefresh,
}

impl Store {
    /// A store that has sent nothing yet: region, credentials and connections are resolved at the first call.
    #[must_use]
    pub fn new(config: Config) -> Arc<Self> {
        // Here, because this is the JavaScript thread.
        read_early();
        Arc::new(Self {
            clock: Clock::new(config.time_source.clone()),
            changes: Arc::default(),
            page_changes: Arc::default(),
            reads: Coalescer::default(),
            acquires: Coalescer::default(),
            page_cache: PageCache::new(config.millis(NumberOption::MaxStalenessMs)),
            committed_tokens: CommittedTokens::default(),
            recent_leases: RecentLeases::default(),
            double_check: DoubleCheck::default(),
            paced_polling: PacedPolling::default(),
            circuit_breaker: Arc::default(),
            stale_if_error: StaleIfError::new(config.millis(NumberOption::StaleIfErrorMs)),
            early_refresh: EarlyRefresh::new(config.number(NumberOption::EarlyRefresh)),
            table: Table::new(config),
        })
    }

    /// The settings of the store.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.table.config()
    }

    /// The key whose rows lie where TableTheory has them.
    #[must_use]
    pub fn key(&self, cache_key: CacheKey) -> EntryKey {
        EntryKey::prefixed(self.config().pk_prefix(), cache_key)
    }

    /// A call that begins now: its deadline counts from here.
    #[must_use]
    pub fn call<K>(&self, operation: Operation, key: K) -> Call<K> {
        let deadline = match operation {
            Operation::EnsureTable => Deadline::of_ensure_table(),
            _ => self.table.deadline(),
        };
        Call::begin(operation, key, deadline)
    }

    /// Permission to send a request for the call's key.
    fn admit(&self, call: Call) -> Result<(Call, Admission)> {
        if !self.config().fleet_rules.circuit_breaker {
            return Ok((call, Admission::Closed));
        }
        let key = call.key().shared_partition();
        match self.circuit_breaker.admit(&self.clock, &key).map_err(|error| error.about(self.table.describe(&call)))? {
            Admission::Closed => Ok((call, Admission::Closed)),
            probe @ Admission::Probe(_) => Ok((call.into_probe(), probe)),
        }
    }

    /// Follows the requests of a call.
    fn observer<'a>(&'a self, call: &'a Call) -> KeyObserver<'a> {
        KeyObserver::new(self, call)
    }

    /// A read that was sent at `sent_at`, after `epoch` of the page's changes, has shown this page, or none.
    fn remember(&self, key: &Arc<str>, page: Option<&Page>, sent_at: Moment, epoch: Epoch) {
        match page {
            None => self.stale_if_error.found_none(key, sent_at),
            Some(page) => {
                if self.page_changes.is_quiet_since(epoch, key) {
                    self.stale_if_error.remember(key, page, sent_at);
                }
                // A change can have begun on another thread meanwhile.
                if !self.page_changes.is_quiet_since(epoch, key) {
                    self.stale_if_error.forget(key);
                }
            }
        }
    }

    /// Why a call gave up while it waited for another one.
    fn waited_in_vain(&self, call: &Call) -> Error {
        let limit = call.deadline().describe();
        let message = format!("{limit} while waiting for an in-flight request for the same key");
        Error::new(ErrorKind::Timeout, message).about(self.table.describe(call))
    }
}

fn record(key: &EntryKey, page: Option<Page>, revalidate: RevalidateSeconds, lease: Option<Lease>) -> Record {
    Record { cache_key: key.shared_cache_key(), page, revalidate, lease }
}

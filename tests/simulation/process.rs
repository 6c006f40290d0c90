//! The store as a simulated process has it. The rest of the simulation calls the store only through this file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::shared::IntoShared;
use tabletheory_isr::{
    CacheKey, Config, Endpoint, EntryKey, EpochMillis, Error, Generation, HtmlPointer, LeaseAttempt, LeaseClaim,
    LeaseMillis, LeaseOwner, LeaseRequest, LeaseToken, NumberOption, Operation, Page, Record, RevalidateSeconds, Store,
    TableName,
};

use crate::clock::VirtualClock;

/// A lease that a process asks for, has or had.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    pub(crate) key: EntryKey,
    pub(crate) owner: String,
    pub(crate) token: String,
}

impl Claim {
    fn for_store(&self) -> LeaseClaim {
        LeaseClaim {
            owner: LeaseOwner::new(self.owner.clone()).expect("not empty"),
            token: LeaseToken::new(self.token.clone()).expect("not empty"),
        }
    }
}

/// The settings of a simulated process's store; its tokens begin with `name`.
pub(crate) fn config(wire: impl HttpClient + 'static, name: &str, clock: VirtualClock) -> Config {
    let mut config = Config::new(TableName::new("isr").expect("a name"));
    config.endpoint = Some(Endpoint::new("endpoint", "http://localhost:8000").expect("an address"));
    config.set_region("us-east-1".to_owned()).expect("a region");
    config.http_client = Some(wire.into_shared());
    config.time_source = Some(SharedTimeSource::new(clock));
    let (name, counter) = (name.to_owned(), AtomicU64::new(0));
    config.unique_ids = Arc::new(move || format!("{name}-{}", counter.fetch_add(1, Ordering::Relaxed)));
    config
}

pub(crate) fn set_millis(config: &mut Config, option: NumberOption, duration: Duration) {
    config.set_number(option, duration.as_secs_f64() * 1_000.0).expect("in range");
}

/// A page with a freshness lifetime in seconds.
pub(crate) fn page(pointer: &str, generated_at_ms: f64, revalidate_seconds: f64) -> Page {
    let pointer = HtmlPointer::new(pointer.to_owned()).expect("not empty");
    let revalidate = RevalidateSeconds::new(revalidate_seconds).expect("in range");
    Page::new(pointer, time(generated_at_ms), revalidate)
}

/// A process with a store of its own.
pub(crate) struct Process {
    store: Arc<Store>,
}

impl Process {
    pub(crate) fn new(config: Config) -> Self {
        Self { store: Store::new(config) }
    }

    pub(crate) fn config(&self) -> &Config {
        self.store.config()
    }

    pub(crate) fn key(&self, cache_key: &str) -> EntryKey {
        self.store.key(CacheKey::new(cache_key.to_owned()).expect("not empty"))
    }

    pub(crate) fn unique_id(&self) -> String {
        (self.config().unique_ids)()
    }

    pub(crate) async fn get(&self, key: &EntryKey) -> Result<Option<Record>, Error> {
        self.store.get(&self.store.call(Operation::Get, key.clone())).await
    }

    pub(crate) async fn try_acquire(&self, claim: &Claim, now_ms: f64, lease_ms: f64) -> Result<LeaseAttempt, Error> {
        let request = LeaseRequest {
            claim: claim.for_store(),
            now: time(now_ms),
            duration: LeaseMillis::new(lease_ms).expect("in range"),
            fallback_revalidate: RevalidateSeconds::DEFAULT,
        };
        let call = self.store.call(Operation::TryAcquireLease, claim.key.clone());
        self.store.try_acquire_lease(&call, request).await
    }

    pub(crate) async fn commit(&self, claim: &Claim, page: Page, now_ms: f64) -> Result<(), Error> {
        let call = self.store.call(Operation::CommitGeneration, claim.key.clone());
        let generation = Generation { claim: claim.for_store(), page, now: time(now_ms) };
        self.store.commit_generation(&call, generation).await
    }

    pub(crate) async fn release(&self, claim: &Claim) {
        self.store.release_lease(&self.store.call(Operation::ReleaseLease, claim.key.clone()), claim.for_store()).await;
    }

    pub(crate) async fn invalidate(&self, key: &EntryKey) -> Result<(), Error> {
        self.store.invalidate(&self.store.call(Operation::Invalidate, key.clone())).await
    }

    pub(crate) async fn ensure_table(&self) {
        let call = self.store.call(Operation::EnsureTable, ());
        self.store.ensure_table(&call).await.expect("a table");
    }
}

fn time(ms: f64) -> EpochMillis {
    EpochMillis::new(ms).expect("a time")
}

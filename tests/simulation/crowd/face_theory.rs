//! `FaceTheory`'s flow for a page view, as its `handleFace` has it: look, regenerate or wait, or serve the existing
//! page.

use std::time::Duration;

use tabletheory_isr::{EntryKey, Error, LeaseAttempt, NumberOption, Record};
use tokio::time::sleep;

use crate::clock::VirtualClock;
use crate::process::{Claim, Process, page, set_millis};

const LEASE_MS: f64 = 5_000.0;
const WAIT_MS: f64 = 7_000.0;
const POLL: Duration = Duration::from_millis(25);
pub(crate) const REVALIDATE_SECONDS: f64 = 60.0;
pub(crate) const RENDER: Duration = Duration::from_millis(500);

/// The response to a visitor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Response {
    /// A fresh page.
    Hit,
    /// The page of another environment, after a wait for it.
    WaitHit,
    /// The page that this environment rendered.
    Rendered,
    /// An expired page, because its regeneration took too long.
    Stale,
    /// The last known page, because the store rejected: the app's error path.
    StaleAfterError(&'static str),
    /// HTTP status 500.
    Error(&'static str),
}

/// One environment of Lambda: one request at a time, and a store of its own.
pub(crate) struct Environment {
    name: String,
    process: Process,
    clock: VirtualClock,
    /// `FaceTheory`'s own memory, for when the store rejects.
    last_known: Option<Record>,
    views: u32,
}

impl Environment {
    pub(crate) fn new(name: String, process: Process, clock: VirtualClock) -> Self {
        Self { name, process, clock, last_known: None, views: 0 }
    }

    pub(crate) fn key(&self, cache_key: &str) -> EntryKey {
        self.process.key(cache_key)
    }

    /// Publishes a page as if it had been rendered `age` ago.
    pub(crate) async fn publish(&self, key: &EntryKey, age: Duration) {
        let now = self.clock.now_ms();
        let claim = self.claim(key);
        let acquired = self.process.try_acquire(&claim, now, LEASE_MS).await.expect("an answer");
        assert!(matches!(acquired, LeaseAttempt::Acquired(_)), "the key is new");
        let page = page("before", now - age.as_secs_f64() * 1_000.0, REVALIDATE_SECONDS);
        self.process.commit(&claim, page, now).await.expect("published");
    }

    fn claim(&self, key: &EntryKey) -> Claim {
        let owner = format!("{}.{}", self.name, self.views);
        Claim { key: key.clone(), owner, token: self.process.unique_id() }
    }

    fn remember(&mut self, record: Option<&Record>) {
        if let Some(record) = record.filter(|record| record.page.is_some()) {
            self.last_known = Some(record.clone());
        }
    }

    /// The response to a visitor.
    pub(crate) async fn view(&mut self, key: &EntryKey) -> Response {
        self.views += 1;
        self.try_view(key).await.unwrap_or_else(|(error, known)| {
            let code = error.kind().code();
            let known = known.or_else(|| self.last_known.clone());
            if known.is_some_and(|record| record.page.is_some()) {
                Response::StaleAfterError(code)
            } else {
                Response::Error(code)
            }
        })
    }

    /// The response, or the store's error and the record that was known by then.
    async fn try_view(&mut self, key: &EntryKey) -> Result<Response, (Error, Option<Record>)> {
        let now = self.clock.now_ms();
        let existing = self.process.get(key).await.map_err(|error| (error, None))?;
        self.remember(existing.as_ref());
        if existing.as_ref().is_some_and(|record| is_fresh(record, now)) {
            return Ok(Response::Hit);
        }
        let claim = self.claim(key);
        let stale = match self.try_acquire(&claim, now).await.map_err(|error| (error, existing.clone()))? {
            LeaseAttempt::Acquired(_) => return self.regenerate(&claim).await.map_err(|error| (error, existing)),
            LeaseAttempt::Held(record) => existing.unwrap_or(record),
        };
        let failed = |error| (error, Some(stale.clone()));
        if let Some(waited) = self.wait(key, generated_at(&stale)).await.map_err(failed)? {
            self.remember(Some(&waited));
            return Ok(Response::WaitHit);
        }
        let again = Claim { token: self.process.unique_id(), ..claim };
        match self.try_acquire(&again, self.clock.now_ms()).await.map_err(failed)? {
            LeaseAttempt::Acquired(_) => self.regenerate(&again).await.map_err(failed),
            LeaseAttempt::Held(_) if stale.page.is_some() => Ok(Response::Stale),
            LeaseAttempt::Held(_) => Ok(Response::Error("regeneration lock is busy")),
        }
    }

    async fn try_acquire(&mut self, claim: &Claim, now: f64) -> Result<LeaseAttempt, Error> {
        let attempt = self.process.try_acquire(claim, now, LEASE_MS).await?;
        let (LeaseAttempt::Acquired(record) | LeaseAttempt::Held(record)) = &attempt;
        self.remember(Some(record));
        Ok(attempt)
    }

    async fn regenerate(&mut self, claim: &Claim) -> Result<Response, Error> {
        let generated_at = self.clock.now_ms();
        sleep(RENDER).await;
        let page = page(&claim.token, generated_at, REVALIDATE_SECONDS);
        let committed = self.process.commit(claim, page, generated_at).await;
        self.process.release(claim).await;
        committed.map(|()| Response::Rendered)
    }

    /// The record, once it is newer than `previous` or fresh.
    async fn wait(&self, key: &EntryKey, previous: f64) -> Result<Option<Record>, Error> {
        let deadline = self.clock.now_ms() + WAIT_MS;
        while self.clock.now_ms() < deadline {
            sleep(POLL).await;
            let Some(record) = self.process.get(key).await? else { continue };
            if record.page.is_some() && (generated_at(&record) > previous || is_fresh(&record, self.clock.now_ms())) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

fn generated_at(record: &Record) -> f64 {
    record.page.as_ref().map_or(0.0, |page| page.generated_at.get())
}

fn is_fresh(record: &Record, now: f64) -> bool {
    record.page.is_some() && now < generated_at(record) + record.revalidate.get() * 1_000.0
}

/// The options that the documentation recommends for hot pages.
pub(crate) fn recommended(config: &mut tabletheory_isr::Config) {
    set_millis(config, NumberOption::MaxStalenessMs, Duration::from_secs(5));
    set_millis(config, NumberOption::StaleIfErrorMs, Duration::from_mins(1));
}

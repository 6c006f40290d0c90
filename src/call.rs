//! A call of a store: its operation, key, deadline and statistics, handed down to every request that it sends.

use std::fmt::{self, Display};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use crate::model::EntryKey;

/// An operation of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `get`
    Get,
    /// `tryAcquireLease`
    TryAcquireLease,
    /// `commitGeneration`
    CommitGeneration,
    /// `releaseLease`
    ReleaseLease,
    /// `invalidate`
    Invalidate,
    /// `ensureTable`
    EnsureTable,
    /// A request of an operator, by `DynamoDB`'s name for it.
    Admin(&'static str),
}

impl Operation {
    /// The name of the method, as JavaScript has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::TryAcquireLease => "tryAcquireLease",
            Self::CommitGeneration => "commitGeneration",
            Self::ReleaseLease => "releaseLease",
            Self::Invalidate => "invalidate",
            Self::EnsureTable => "ensureTable",
            Self::Admin(name) => name,
        }
    }
}

/// The cost of a call. Counted where requests are sent, and read by the caller.
#[derive(Debug, Default)]
pub struct CallStats {
    requests: AtomicU32,
    throttles: AtomicU32,
    paced_micros: AtomicU64,
    is_shared: AtomicBool,
    is_stale: AtomicBool,
}

impl CallStats {
    /// Requests sent, including repeated ones.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that were throttled.
    #[must_use]
    pub fn throttles(&self) -> u32 {
        self.throttles.load(Ordering::Relaxed)
    }

    /// Time spent waiting between polls of a held lease.
    #[must_use]
    pub fn paced(&self) -> Duration {
        Duration::from_micros(self.paced_micros.load(Ordering::Relaxed))
    }

    /// Whether another call's request answered this one.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    /// Whether the answer is the last known page, because the table could not be read.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_throttle(&self) {
        self.throttles.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_paced(&self, time: Duration) {
        self.paced_micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn set_shared(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_stale(&self) {
        self.is_stale.store(true, Ordering::Relaxed);
    }
}

/// A call, and the key that it is for; `()` for calls that are for the whole table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Call<K = EntryKey> {
    operation: Operation,
    key: K,
    deadline: Deadline,
    stats: Arc<CallStats>,
    is_probe: bool,
}

impl<K> Call<K> {
    /// A call that begins now.
    pub(crate) fn begin(operation: Operation, key: K, deadline: Deadline) -> Self {
        Self { operation, key, deadline, stats: Arc::default(), is_probe: false }
    }

    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// The cost of the call so far.
    #[must_use]
    pub fn stats(&self) -> &Arc<CallStats> {
        &self.stats
    }

    pub(crate) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(crate) fn with_deadline(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// Whether its request probes an open circuit, and so is tried once.
    pub(crate) const fn is_probe(&self) -> bool {
        self.is_probe
    }

    pub(crate) fn into_probe(self) -> Self {
        Self { is_probe: true, ..self }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for cache key \"{}\"", self.operation.name(), self.key.truncated_for_display())
    }
}

impl Display for Call<()> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation.name())
    }
}

/// Which time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    Connect,
    Request,
    Operation,
    EnsureTable,
}

impl TimeLimit {
    /// Its name in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connectTimeoutMs",
            Self::Request => "requestTimeoutMs",
            Self::Operation => "operationTimeoutMs",
            Self::EnsureTable => "the limit of ensureTable",
        }
    }
}

/// The end of a call, and how long the call was meant to take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    allowed: Duration,
    /// The time that is kept for a release after the deadline.
    reserve: Duration,
    limit: TimeLimit,
}

/// A deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elapsed;

impl Deadline {
    pub(crate) fn after(allowed: Duration, limit: TimeLimit) -> Self {
        Self { at: Instant::now() + allowed, allowed, reserve: Duration::ZERO, limit }
    }

    /// The deadline of `ensureTable`: creating a table takes longer than a page view may wait.
    pub(crate) fn of_ensure_table() -> Self {
        Self::after(Duration::from_mins(1), TimeLimit::EnsureTable)
    }

    /// Earlier by a tenth of the whole, which leaves time for a release.
    pub(crate) fn with_reserve(self) -> Self {
        Self { at: self.at - self.allowed / 10, reserve: self.allowed / 10, ..self }
    }

    pub(crate) const fn at(self) -> Instant {
        self.at
    }

    pub(crate) const fn kind(self) -> TimeLimit {
        self.limit
    }

    /// The limit that passed, as a phrase for a message.
    pub(crate) fn describe(self) -> String {
        let limit = format!("{} ({} ms)", self.limit.name(), self.allowed.as_millis());
        if self.reserve.is_zero() {
            return format!("{limit} exceeded");
        }
        format!("{limit} would be exceeded: {} ms passed", self.allowed.saturating_sub(self.reserve).as_millis())
    }

    pub(crate) fn has_passed(self) -> bool {
        self.at <= Instant::now()
    }

    pub(crate) fn remaining(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub(crate) async fn limit<T>(self, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        before(self.at, future).await
    }
}

/// How late a timer must be to show that the process was frozen or starved.
const FREEZE: Duration = Duration::from_millis(50);
/// How long an answer that came in during a freeze may take to be read.
const GRACE: Duration = Duration::from_millis(100);

/// The output of `future`, if it comes before `at`. After a freeze the timer can wake the task before the socket does:
/// an answer that has come in meanwhile still counts.
pub(crate) async fn before<T>(at: Instant, future: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut future = pin!(future);
    if let Ok(output) = timeout_at(at, &mut future).await {
        return Ok(output);
    }
    if was_frozen(at) {
        return timeout(GRACE, future).await.map_err(|_| Elapsed);
    }
    Err(Elapsed)
}

/// Whether now is long after `due`, when a timer should have fired.
pub(crate) fn was_frozen(due: Instant) -> bool {
    Instant::now().saturating_duration_since(due) > FREEZE
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reserve_is_a_tenth_of_the_whole() {
        let start = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(10), TimeLimit::Operation).with_reserve();
        assert_eq!(deadline.limit(pending::<()>()).await, Err(Elapsed));
        assert_eq!(start.elapsed(), Duration::from_secs(9));
    }

    #[tokio::test]
    async fn an_answer_that_came_in_during_a_freeze_counts() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let answer = async {
            let value: u32 = receive.await.expect("sent");
            // The socket's task runs after the timer's.
            tokio::time::sleep(Duration::from_millis(5)).await;
            value
        };
        let frozen = async {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(200));
            send.send(7).expect("waited for");
        };
        let (answered, ()) = tokio::join!(before(Instant::now() + Duration::from_millis(20), answer), frozen);
        assert_eq!(answered, Ok(7));
    }
}

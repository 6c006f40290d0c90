//! How often and how long a request is tried.
//!
//! The SDK's own retries are off, because two things are needed that they cannot say: whether any earlier attempt may
//! have taken effect, and attempts against a conflicting transaction counted apart from the others.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::connections::Connections;
use super::fault::{Class, Fault, Limit};
use super::tally;

const SHORTEST_BACKOFF_MS: f64 = 25.0;
const LONGEST_BACKOFF_MS: f64 = 400.0;

/// How a request is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    /// Attempts that fail for any reason but a conflict.
    pub(super) max_attempts: u32,
    /// Attempts that fail by a conflict.
    pub(super) max_conflicts: u32,
    /// Limit for one attempt.
    pub(super) request_timeout: Duration,
    pub(super) connections: &'a Connections,
}

/// The end of a call, and how long the call was meant to take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    allowed: Duration,
    limit: Limit,
}

impl Deadline {
    pub(super) fn after(allowed: Duration, limit: Limit) -> Self {
        Self { at: tally::begun() + allowed, allowed, limit }
    }

    /// Earlier by a tenth of the whole, for what has to be done when this one has passed.
    pub(crate) fn with_reserve(self) -> Self {
        Self { at: self.at - self.allowed / 10, limit: Limit::MostOfOperation, ..self }
    }

    /// Like an answer, what comes too late does not come.
    pub(super) async fn limit<T>(self, future: impl Future<Output = T>) -> Result<T, Fault> {
        timeout_at(self.at, future).await.map_err(|_| self.passed("without an answer"))
    }

    pub(super) fn passed(self, meanwhile: &str) -> Fault {
        Fault::timed_out(self.limit, self.allowed, meanwhile)
    }

    fn has_passed(self) -> bool {
        self.at <= Instant::now()
    }
}

/// Why a request failed for good.
#[derive(Debug)]
pub(super) struct Failure {
    /// The last attempt's fault.
    pub(super) fault: Fault,
    /// Whether any attempt may have taken effect.
    pub(super) may_have_been_applied: bool,
    /// How many attempts were made.
    pub(super) attempts: u32,
}

/// Tries `request` until it succeeds, cannot succeed, has been tried often enough, or time is up.
pub(super) async fn attempt<T, F, R>(policy: Policy<'_>, deadline: Deadline, mut request: R) -> Result<T, Failure>
where
    R: FnMut() -> F,
    F: Future<Output = Result<T, Fault>>,
{
    let (mut attempts, mut conflicts, mut may_have_been_applied) = (0, 0, false);
    if deadline.has_passed() {
        return Err(Failure { fault: deadline.passed("before anything was sent"), may_have_been_applied, attempts });
    }
    loop {
        attempts += 1;
        // The SDK's futures are of many kilobytes, and would be copied with ours wherever those are moved.
        let fault = match one_attempt(policy, deadline, Box::pin(request())).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        may_have_been_applied |= fault.may_have_been_applied;
        let is_conflict = fault.class == Class::Conflict;
        conflicts += u32::from(is_conflict);
        let tries_are_left = match fault.class {
            Class::ConditionFailed
            | Class::Final(_)
            | Class::TimedOut(Limit::Operation | Limit::MostOfOperation | Limit::EnsureTable) => false,
            Class::Conflict => conflicts < policy.max_conflicts,
            Class::Throttled | Class::TimedOut(_) | Class::Unavailable => attempts - conflicts < policy.max_attempts,
        };
        let pause = backoff(attempts);
        if !tries_are_left || Instant::now() + pause >= deadline.at {
            return Err(Failure { fault, may_have_been_applied, attempts });
        }
        sleep(pause).await;
    }
}

async fn one_attempt<T>(
    policy: Policy<'_>,
    deadline: Deadline,
    request: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let not_sent =
        || Fault { may_have_been_applied: false, ..deadline.passed("while too many other requests were in flight") };
    let _slot = timeout_at(deadline.at, policy.connections.slot()).await.map_err(|_| not_sent())?;
    if deadline.has_passed() {
        return Err(not_sent());
    }
    tally::sent();
    let sent = Instant::now();
    let request_ends = sent + policy.request_timeout;
    if deadline.at <= request_ends {
        return deadline.limit(request).await?;
    }
    timeout_at(request_ends, request).await.map_err(|_| {
        policy.connections.fell_silent(sent);
        Fault::timed_out(Limit::Request, policy.request_timeout, "without an answer")
    })?
}

/// 25 to 50 ms after the first attempt, twice that after each further one, up to 400 to 800 ms.
fn backoff(attempts: u32) -> Duration {
    let base = (SHORTEST_BACKOFF_MS * 2_f64.powi(attempts.min(10).cast_signed() - 1)).min(LONGEST_BACKOFF_MS);
    Duration::from_secs_f64(base * (1.0 + fastrand::f64()) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;
    use std::sync::LazyLock;

    use tokio::time::timeout;

    use super::*;
    use crate::error::ErrorKind;

    const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

    /// The same for all: none of these tests fills it.
    static CONNECTIONS: LazyLock<Connections> = LazyLock::new(|| Connections::new(None));

    fn policy(connections: &Connections) -> Policy<'_> {
        Policy { max_attempts: 3, max_conflicts: 5, request_timeout: REQUEST_TIMEOUT, connections }
    }

    fn fault(class: Class) -> Fault {
        Fault { class, may_have_been_applied: class == Class::Unavailable, what: "fault".to_owned(), source: None }
    }

    fn in_time(allowed: Duration) -> Deadline {
        Deadline::after(allowed, Limit::Operation)
    }

    /// Fails with each of `faults` in turn, and then succeeds.
    async fn after(faults: &[Class]) -> Result<usize, Failure> {
        let left = RefCell::new(faults.iter());
        let request = || async {
            let next = left.borrow_mut().next().copied();
            next.map_or(Ok(faults.len()), |class| Err(fault(class)))
        };
        attempt(policy(&CONNECTIONS), in_time(Duration::from_mins(5)), request).await
    }

    #[tokio::test(start_paused = true)]
    async fn throttles_and_breakdowns_count_together_and_conflicts_apart() {
        use Class::{Conflict, Throttled, Unavailable};
        assert_eq!(after(&[Throttled, Unavailable]).await.expect("two are survived"), 2);
        assert_eq!(after(&[Throttled, Unavailable, Throttled]).await.expect_err("three are not").attempts, 3);
        assert_eq!(after(&[Conflict; 4]).await.expect("four are survived"), 4);
        assert_eq!(after(&[Conflict; 5]).await.expect_err("five are not").attempts, 5);
        let mixed = [Conflict, Throttled, Conflict, Unavailable, Conflict, Conflict];
        assert_eq!(after(&mixed).await.expect("neither count is full"), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_apart_and_further_so_each_time() {
        let start = Instant::now();
        after(&[Class::Throttled, Class::Unavailable]).await.expect("two are survived");
        let took = start.elapsed();
        assert!((Duration::from_millis(75)..=Duration::from_millis(152)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_its_slot_no_longer_than_the_call_lasts() {
        let connections = Connections::new(None);
        let mut held = vec![];
        while let Ok(slot) = timeout(Duration::from_millis(1), connections.slot()).await {
            held.push(slot);
        }
        assert_eq!(held.len(), 64);
        let start = Instant::now();
        let request = || async { panic!("sent") };
        let call = attempt::<(), _, _>(policy(&connections), in_time(Duration::from_secs(3)), request);
        let failure = call.await.expect_err("no slot");
        assert_eq!((failure.fault.class, failure.may_have_been_applied), (Class::TimedOut(Limit::Operation), false));
        assert!(start.elapsed() <= Duration::from_millis(3_001), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_after_the_end() {
        let deadline = in_time(Duration::ZERO);
        let request = || async { panic!("sent") };
        let failure = attempt::<(), _, _>(policy(&CONNECTIONS), deadline, request).await.expect_err("too late");
        assert_eq!((failure.attempts, failure.may_have_been_applied), (0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_succeed_is_not_tried_again() {
        for class in [Class::ConditionFailed, Class::Final(ErrorKind::AccessDenied)] {
            let failure = after(&[class]).await.expect_err("final");
            assert_eq!((failure.attempts, failure.fault.class), (1, class));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_may_have_been_applied_is_not_forgotten_by_later_ones() {
        let failure = after(&[Class::Unavailable, Class::Conflict, Class::Final(ErrorKind::AccessDenied)]).await;
        assert!(failure.expect_err("final").may_have_been_applied);
        assert!(!after(&[Class::Throttled; 3]).await.expect_err("too many").may_have_been_applied);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_costs_each_attempt_its_limit_and_the_call_no_more_than_its_own() {
        for (allowed, attempts, limit) in
            [(10_000, 3, Limit::Request), (1_500, 2, Limit::Operation), (300, 1, Limit::Operation)]
        {
            let allowed = Duration::from_millis(allowed);
            let start = Instant::now();
            let failure =
                attempt::<(), _, _>(policy(&CONNECTIONS), in_time(allowed), pending).await.expect_err("silence");
            assert_eq!((failure.attempts, failure.fault.class), (attempts, Class::TimedOut(limit)));
            assert!(failure.may_have_been_applied);
            assert!(start.elapsed() <= allowed + Duration::from_millis(1), "{:?}", start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reserve_is_a_tenth_of_the_whole() {
        let (start, deadline) = (Instant::now(), in_time(Duration::from_secs(10)).with_reserve());
        let fault = deadline.limit(pending::<()>()).await.expect_err("nothing comes");
        assert_eq!((fault.class, start.elapsed()), (Class::TimedOut(Limit::MostOfOperation), Duration::from_secs(9)));
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_pause_that_would_outlast_the_call() {
        let start = Instant::now();
        let deadline = in_time(Duration::from_millis(20));
        let failure =
            attempt::<(), _, _>(policy(&CONNECTIONS), deadline, || async { Err(fault(Class::Throttled)) }).await;
        assert_eq!(failure.expect_err("throttled").fault.class, Class::Throttled);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[test]
    fn pauses_double_with_jitter_up_to_a_limit() {
        for (attempts, shortest, longest) in
            [(1, 25, 50), (2, 50, 100), (3, 100, 200), (5, 400, 800), (4_000, 400, 800)]
        {
            for _ in 0..100 {
                let pause = backoff(attempts);
                assert!(
                    (Duration::from_millis(shortest)..=Duration::from_millis(longest)).contains(&pause),
                    "{pause:?}"
                );
            }
        }
    }
}

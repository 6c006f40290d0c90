//! How often and how long a request is tried.
//!
//! The SDK's own retries are off, because they cannot say whether an earlier attempt may have taken effect, and cannot
//! count conflicts and throttles apart from other failures.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::connections::Connections;
use super::http::abandon;
use super::request_error::{RequestError, RequestErrorKind};
use super::signing::{Signed, Signing};
use crate::call::{CallStats, Deadline, TimeLimit, before};

/// The first wait after a failure without an answer or a conflict.
const SHORTEST_BACKOFF: Duration = Duration::from_millis(25);
const LONGEST_BACKOFF: Duration = Duration::from_millis(400);
/// The first wait after a throttle. Quick retries would keep a partition throttled.
const SHORTEST_THROTTLE_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_THROTTLE_BACKOFF: Duration = Duration::from_secs(1);
/// A request that has been silent for this long does not keep others from being sent.
const SLOW: Duration = Duration::from_millis(250);

/// Learns how requests end.
pub(crate) trait RequestObserver: Sync {
    /// A request is sent.
    fn sent(&self) {}
    /// A request was answered, be it by an error.
    fn answered(&self) {}
    /// A request that was sent at `begun`, with `allowed` time, had no answer.
    fn unanswered(&self, _begun: Instant, _allowed: Duration) {}
    /// A request was throttled.
    fn throttled(&self) {}
}

/// For requests in which the store has no interest beyond the answer.
impl RequestObserver for () {}

/// How a request is tried.
#[derive(Clone, Copy)]
pub(crate) struct RetryPolicy<'a> {
    /// Attempts that fail for any reason but a conflict or a throttle.
    pub(crate) max_attempts: u32,
    /// Attempts that fail by a conflict.
    pub(crate) max_conflicts: u32,
    /// Whether a throttled request is sent again.
    pub(crate) retries_throttles: bool,
    /// Limit for one attempt.
    pub(crate) request_timeout: Duration,
    pub(crate) connections: &'a Connections,
    /// Nothing where requests are not signed.
    pub(crate) signing: Option<&'a Signing>,
    pub(crate) stats: &'a CallStats,
    pub(crate) observer: &'a dyn RequestObserver,
}

/// Why a request failed for good.
#[derive(Debug)]
pub(crate) struct RetryError {
    /// The error of the last attempt.
    pub(crate) last: RequestError,
    /// Whether any attempt may have taken effect.
    pub(crate) may_have_been_applied: bool,
    /// Whether any attempt may have been sent.
    pub(crate) was_sent: bool,
    /// How many attempts were made.
    pub(crate) attempts: u32,
}

/// Sends `request` until it succeeds, cannot succeed, has used up its attempts, or the deadline passes.
pub(crate) async fn retry<T, F, R>(policy: RetryPolicy<'_>, deadline: Deadline, mut request: R) -> Result<T, RetryError>
where
    R: FnMut() -> F,
    F: Future<Output = Result<T, RequestError>>,
{
    let (mut attempts, mut conflicts, mut may_have_been_applied, mut was_sent) = (0, 0, false, false);
    let mut throttles = ThrottleBackoff::default();
    let mut refusals = Refusals::default();
    let mut throttle = None;
    if deadline.has_passed() {
        let last = RequestError::deadline(deadline, "before anything was sent").before_sending();
        return Err(RetryError { last, may_have_been_applied, was_sent, attempts });
    }
    loop {
        attempts += 1;
        let signed = policy.signing.map(Signing::now);
        // The SDK's futures are of many kilobytes, and would be copied with ours wherever those are moved.
        let last = match one_attempt(policy, deadline, Box::pin(request())).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let last = match throttle.take() {
            // The deadline passed before the throttled request was sent again.
            Some(throttle) if last.is_cut_off() => throttle,
            _ => last,
        };
        may_have_been_applied |= last.may_have_been_applied;
        was_sent |= last.may_have_been_applied || last.is_answered;
        if refusals.can_be_mended(policy, deadline, &last, signed).await {
            continue;
        }
        let wait = match last.kind {
            RequestErrorKind::Throttled if policy.retries_throttles => throttles.next(deadline),
            RequestErrorKind::ConditionFailed
            | RequestErrorKind::Throttled
            | RequestErrorKind::Final(_)
            | RequestErrorKind::TimedOut(TimeLimit::Operation | TimeLimit::EnsureTable) => None,
            RequestErrorKind::Conflict => {
                conflicts += 1;
                (conflicts < policy.max_conflicts).then(|| backoff(attempts))
            }
            RequestErrorKind::TimedOut(_) | RequestErrorKind::Unavailable => {
                (attempts - conflicts - throttles.count() - refusals.0 < policy.max_attempts).then(|| backoff(attempts))
            }
        };
        match wait.filter(|wait| Instant::now() + *wait < deadline.at()) {
            Some(wait) => {
                sleep(wait).await;
                if deadline.has_passed() {
                    return Err(RetryError { last, may_have_been_applied, was_sent, attempts });
                }
                throttle = (last.kind == RequestErrorKind::Throttled).then_some(last);
            }
            None => return Err(RetryError { last, may_have_been_applied, was_sent, attempts }),
        }
    }
}

/// Signatures of a call that were refused and made anew. They count to no other limit.
#[derive(Default)]
struct Refusals(u32);

impl Refusals {
    /// A clock and credentials can both be wrong.
    const MOST: u32 = 2;

    async fn can_be_mended(
        &mut self,
        policy: RetryPolicy<'_>,
        deadline: Deadline,
        error: &RequestError,
        used: Option<Signed>,
    ) -> bool {
        let (Some(refusal), Some(signing), Some(used)) = (error.refusal, policy.signing, used) else { return false };
        if self.0 == Self::MOST || !deadline.limit(signing.changes_after(refusal, used)).await.unwrap_or(false) {
            return false;
        }
        self.0 += 1;
        true
    }
}

async fn one_attempt<T>(
    policy: RetryPolicy<'_>,
    deadline: Deadline,
    mut request: Pin<Box<impl Future<Output = Result<T, RequestError>>>>,
) -> Result<T, RequestError> {
    let not_sent = || RequestError::deadline(deadline, "while too many other requests were in flight").before_sending();
    let slot = deadline.limit(policy.connections.slot()).await.map_err(|_| not_sent())?;
    if deadline.has_passed() {
        return Err(not_sent());
    }
    policy.stats.count_request();
    policy.observer.sent();
    let begun = Instant::now();
    let end = deadline.at().min(begun + policy.request_timeout);
    let outcome = if let Ok(outcome) = timeout_at(end.min(begun + SLOW), &mut request).await {
        Ok(outcome)
    } else {
        drop(slot);
        before(end, &mut request).await
    };
    match &outcome {
        Ok(Err(error)) if !error.is_answered => policy.observer.unanswered(begun, end - begun),
        Ok(Err(error)) if error.kind == RequestErrorKind::Throttled => {
            policy.stats.count_throttle();
            policy.observer.answered();
            policy.observer.throttled();
        }
        Ok(_) => policy.observer.answered(),
        Err(_) => {}
    }
    outcome.unwrap_or_else(|_| {
        let reached = abandon(request);
        if reached.is_some_and(|reached| reached.phase.has_status()) {
            policy.observer.answered();
        } else {
            policy.observer.unanswered(begun, end - begun);
        }
        let meanwhile = reached.map_or("without an answer".to_owned(), |reached| reached.phase.to_string());
        let error = if end == deadline.at() {
            RequestError::deadline(deadline, &meanwhile)
        } else {
            RequestError::timed_out(TimeLimit::Request, policy.request_timeout, &meanwhile)
        };
        Err(if reached.is_some_and(|reached| !reached.was_sent) { error.before_sending() } else { error })
    })
}

/// 25 to 50 ms after the first attempt, twice that after each further one, up to 400 to 800 ms.
fn backoff(attempts: u32) -> Duration {
    exponential(SHORTEST_BACKOFF, LONGEST_BACKOFF, attempts).mul_f64(1.0 + fastrand::f64())
}

fn exponential(shortest: Duration, longest: Duration, count: u32) -> Duration {
    shortest.saturating_mul(1 << count.clamp(1, 16).saturating_sub(1)).min(longest)
}

/// The waits of a throttled request: 50 % to 100 % of a back-off that doubles from 50 ms to a second.
#[derive(Debug, Default)]
pub(crate) struct ThrottleBackoff {
    count: u32,
}

impl ThrottleBackoff {
    /// How often the request was throttled.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The next wait; none when the deadline is too near. A wait of more than half of the remaining time is cut to about
    /// a fifth of it. So a request that has waited long is sent more often in the end, and comes before new ones.
    pub(crate) fn next(&mut self, deadline: Deadline) -> Option<Duration> {
        self.count += 1;
        let longest = exponential(SHORTEST_THROTTLE_BACKOFF, LONGEST_THROTTLE_BACKOFF, self.count);
        let wait = longest.mul_f64(0.5 + fastrand::f64() / 2.0);
        let remaining = deadline.remaining();
        if wait < remaining / 2 {
            return Some(wait);
        }
        (remaining > SHORTEST_THROTTLE_BACKOFF / 2).then(|| remaining.mul_f64(0.15 + fastrand::f64() / 10.0))
    }
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

    /// The same for all: no test here fills it.
    static CONNECTIONS: LazyLock<Connections> = LazyLock::new(Connections::new);
    static STATS: LazyLock<CallStats> = LazyLock::new(CallStats::default);

    fn policy(connections: &Connections) -> RetryPolicy<'_> {
        RetryPolicy {
            max_attempts: 3,
            max_conflicts: 5,
            retries_throttles: true,
            request_timeout: REQUEST_TIMEOUT,
            connections,
            signing: None,
            stats: &STATS,
            observer: &(),
        }
    }

    fn error(kind: RequestErrorKind) -> RequestError {
        let may_have_been_applied = kind == RequestErrorKind::Unavailable;
        RequestError {
            kind,
            may_have_been_applied,
            is_answered: true,
            message: "error".to_owned(),
            source: None,
            refusal: None,
        }
    }

    fn within(allowed: Duration) -> Deadline {
        Deadline::after(allowed, TimeLimit::Operation)
    }

    /// Fails with each of `kinds` in turn, and then succeeds.
    async fn after(kinds: &[RequestErrorKind]) -> Result<usize, RetryError> {
        let left = RefCell::new(kinds.iter());
        let request = || async {
            let next = left.borrow_mut().next().copied();
            next.map_or(Ok(kinds.len()), |kind| Err(error(kind)))
        };
        retry(policy(&CONNECTIONS), within(Duration::from_mins(5)), request).await
    }

    #[tokio::test(start_paused = true)]
    async fn failures_conflicts_and_throttles_are_counted_apart() {
        use RequestErrorKind::{Conflict, Throttled, Unavailable};
        assert_eq!(after(&[Unavailable; 2]).await.expect("two are survived"), 2);
        assert_eq!(after(&[Unavailable; 3]).await.expect_err("three are not").attempts, 3);
        assert_eq!(after(&[Conflict; 4]).await.expect("four are survived"), 4);
        assert_eq!(after(&[Conflict; 5]).await.expect_err("five are not").attempts, 5);
        assert_eq!(after(&[Throttled; 30]).await.expect("throttles have no count"), 30);
        let mixed = [Conflict, Throttled, Conflict, Unavailable, Conflict, Throttled, Conflict, Unavailable];
        assert_eq!(after(&mixed).await.expect("neither count is full"), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_apart_and_further_so_each_time() {
        let start = Instant::now();
        after(&[RequestErrorKind::Unavailable; 2]).await.expect("two are survived");
        let took = start.elapsed();
        assert!((Duration::from_millis(75)..=Duration::from_millis(152)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_request_is_repeated_until_the_deadline() {
        let start = Instant::now();
        let request = || async { Err(error(RequestErrorKind::Throttled)) };
        let error = retry::<(), _, _>(policy(&CONNECTIONS), within(Duration::from_secs(3)), request).await;
        let error = error.expect_err("throttled");
        assert_eq!(error.last.kind, RequestErrorKind::Throttled);
        assert!((10..=40).contains(&error.attempts), "{}", error.attempts);
        assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_request_is_tried_once_when_the_policy_says_so() {
        let policy = RetryPolicy { retries_throttles: false, ..policy(&CONNECTIONS) };
        let request = || async { Err(error(RequestErrorKind::Throttled)) };
        let error = retry::<(), _, _>(policy, within(Duration::from_secs(3)), request).await;
        assert_eq!(error.expect_err("throttled").attempts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_its_slot_no_longer_than_the_call_lasts() {
        let connections = Connections::new();
        let mut held = vec![];
        while let Ok(slot) = timeout(Duration::from_millis(1), connections.slot()).await {
            held.push(slot);
        }
        assert_eq!(held.len(), 64);
        let start = Instant::now();
        let request = || async { panic!("sent") };
        let call = retry::<(), _, _>(policy(&connections), within(Duration::from_secs(3)), request);
        let error = call.await.expect_err("no slot");
        assert_eq!(
            (error.last.kind, error.may_have_been_applied),
            (RequestErrorKind::TimedOut(TimeLimit::Operation), false)
        );
        assert!(start.elapsed() <= Duration::from_millis(3_001), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn silent_requests_hold_others_back_for_a_quarter_second_only() {
        let connections = Connections::new();
        let start = Instant::now();
        let silent: Vec<_> =
            (0..64).map(|_| retry::<(), _, _>(policy(&connections), within(Duration::from_secs(3)), pending)).collect();
        let other = async {
            sleep(Duration::from_millis(1)).await;
            let answer = retry(policy(&connections), within(Duration::from_secs(3)), || async { Ok(()) }).await;
            (answer.is_ok(), start.elapsed())
        };
        let silent = async {
            let mut silent: Vec<_> = silent.into_iter().map(Box::pin).collect();
            std::future::poll_fn(|context| {
                for request in &mut silent {
                    let _ = request.as_mut().poll(context);
                }
                std::task::Poll::<()>::Pending
            })
            .await;
        };
        let (is_answered, took) = tokio::select! { answer = other => answer, () = silent => panic!("answered") };
        assert!(is_answered);
        assert!(took < Duration::from_millis(300), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_is_sent_after_the_deadline() {
        let request = || async { panic!("sent") };
        let error = retry::<(), _, _>(policy(&CONNECTIONS), within(Duration::ZERO), request).await.expect_err("late");
        assert_eq!((error.attempts, error.may_have_been_applied), (0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_error_is_not_retried() {
        for kind in [RequestErrorKind::ConditionFailed, RequestErrorKind::Final(ErrorKind::AccessDenied)] {
            let error = after(&[kind]).await.expect_err("final");
            assert_eq!((error.attempts, error.last.kind), (1, kind));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_may_have_been_applied_is_not_forgotten_by_later_ones() {
        use RequestErrorKind::{Conflict, Final, Throttled, Unavailable};
        let error = after(&[Unavailable, Conflict, Final(ErrorKind::AccessDenied)]).await.expect_err("final");
        assert!(error.may_have_been_applied);
        let error = after(&[Throttled, Final(ErrorKind::AccessDenied)]).await.expect_err("final");
        assert!(!error.may_have_been_applied);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_costs_each_attempt_its_limit_and_the_call_no_more_than_its_own() {
        for (allowed, attempts, limit) in
            [(10_000, 3, TimeLimit::Request), (1_500, 2, TimeLimit::Operation), (200, 1, TimeLimit::Operation)]
        {
            let allowed = Duration::from_millis(allowed);
            let start = Instant::now();
            let error = retry::<(), _, _>(policy(&CONNECTIONS), within(allowed), pending).await.expect_err("silence");
            assert_eq!((error.attempts, error.last.kind), (attempts, RequestErrorKind::TimedOut(limit)));
            assert!(error.may_have_been_applied);
            assert!(start.elapsed() <= allowed + Duration::from_millis(1), "{:?}", start.elapsed());
        }
    }

    mod signatures {
        use std::time::SystemTime;

        use aws_credential_types::Credentials;
        use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
        use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};

        use super::*;
        use crate::aws::credentials::{CurrentCredentials, Source};
        use crate::aws::signing::Refusal;
        use crate::aws::signing_clock::SigningClock;

        /// Hands out another key each time, or always the same.
        #[derive(Debug)]
        struct Keys {
            change: bool,
        }

        impl ProvideCredentials for Keys {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                let id = if self.change { fastrand::u64(..) } else { 0 };
                future::ProvideCredentials::ready(Ok(Credentials::new(id.to_string(), "secret", None, None, "test")))
            }
        }

        fn here() -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_hours(24)
        }

        async fn signing(change: bool) -> Signing {
            let clock = SigningClock::new(SharedTimeSource::new(StaticTimeSource::new(here())));
            let source = Source::Provider(SharedCredentialsProvider::new(Keys { change }));
            let credentials = CurrentCredentials::new(source, clock.clone());
            credentials.ready().await.expect("loaded");
            Signing { credentials, clock }
        }

        /// How many attempts are made where each of `refusals` refuses one, and whether the call succeeds.
        async fn attempts(signing: &Signing, refusals: &[Refusal]) -> (usize, bool) {
            let sent = RefCell::new(0);
            let request = || async {
                let refusal = refusals.get(*sent.borrow()).copied();
                *sent.borrow_mut() += 1;
                let kind = RequestErrorKind::Final(ErrorKind::Credentials);
                refusal.map_or(Ok(()), |_| Err(RequestError { refusal, ..error(kind) }))
            };
            let policy = RetryPolicy { max_attempts: 1, signing: Some(signing), ..policy(&CONNECTIONS) };
            let outcome = retry(policy, within(Duration::from_mins(5)), request).await;
            (sent.into_inner(), outcome.is_ok())
        }

        #[tokio::test(start_paused = true)]
        async fn refused_for_their_time_are_made_anew_by_the_clock_of_the_server() {
            let signing = signing(true).await;
            let off = Refusal::Clock(here() + Duration::from_hours(1));
            assert_eq!(attempts(&signing, &[off]).await, (2, true));
            // It is learned: a further refusal has another reason.
            assert_eq!(attempts(&signing, &[off]).await, (1, false));
        }

        #[tokio::test(start_paused = true)]
        async fn of_expired_credentials_are_made_anew_where_the_source_has_others() {
            assert_eq!(attempts(&signing(true).await, &[Refusal::Credentials]).await, (2, true));
            assert_eq!(attempts(&signing(false).await, &[Refusal::Credentials]).await, (1, false));
        }

        #[tokio::test(start_paused = true)]
        async fn are_made_anew_at_most_twice() {
            let off = Refusal::Clock(here() + Duration::from_hours(1));
            assert_eq!(attempts(&signing(true).await, &[off, Refusal::Credentials]).await, (3, true));
            assert_eq!(attempts(&signing(true).await, &[Refusal::Credentials; 9]).await, (3, false));
        }
    }

    #[test]
    fn waits_double_with_jitter_up_to_a_limit() {
        for (attempts, shortest, longest) in
            [(1, 25, 50), (2, 50, 100), (3, 100, 200), (5, 400, 800), (4_000, 400, 800)]
        {
            for _ in 0..100 {
                let wait = backoff(attempts);
                assert!((Duration::from_millis(shortest)..=Duration::from_millis(longest)).contains(&wait), "{wait:?}");
            }
        }
    }
}

//! The credentials that requests are signed with, and their renewal.
//!
//! * A load runs in a task of its own, one at a time. A call that gives up does not end it: later calls use its result.
//! * While the current credentials are valid, no call waits for a load and no call fails by one.
//! * Nothing here keeps a store alive: the tasks hold it weakly.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::time::TimeSource;
use http::HeaderValue;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Source;
use crate::aws::signing_clock::SigningClock;
use crate::error::{Error, ErrorKind, Result};
use crate::shared_task::{Outcome, SharedTask};
use crate::sync::lock;

/// A source that needs longer has hung.
const LONGEST_LOAD: Duration = Duration::from_mins(1);
/// AWS has new credentials ready five minutes before the old ones expire.
const LONGEST_AHEAD: Duration = Duration::from_mins(5);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The current credentials of one store, once there are some.
#[derive(Debug, Clone)]
pub(crate) struct CurrentCredentials(Arc<Shared>);

/// Counts the credentials that a store has had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Generation(u64);

#[derive(Debug)]
struct Shared {
    source: Arc<Source>,
    clock: SigningClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Credentials>,
    generation: Generation,
    /// Nothing where the current credentials do not expire.
    renew_at: Option<SystemTime>,
    /// Loads in a row that have failed.
    failures: u32,
    /// Loads in a row that gave credentials of a short life.
    short_lives: u32,
    loading: SharedTask,
    /// Begins the renewal at its time, also when no call is made.
    timer: Option<AbortHandle>,
}

impl CurrentCredentials {
    pub(crate) fn new(source: Source, clock: SigningClock) -> Self {
        Self(Arc::new(Shared { source: Arc::new(source), clock, state: Mutex::default() }))
    }

    /// Waits until there are valid credentials.
    ///
    /// # Errors
    /// That of the load, where there are none.
    pub(crate) async fn ready(&self) -> Result<()> {
        let loading = {
            let mut state = lock(&self.0.state);
            let now = self.0.clock.now();
            if state.current.as_ref().is_some_and(|current| !has_expired(current, now)) {
                // The timer does not run while a machine is frozen.
                if state.renew_at.is_some_and(|at| at <= now) {
                    let _ = self.0.load(&mut state);
                }
                return Ok(());
            }
            self.0.load(&mut state)
        };
        outcome(loading).await
    }

    pub(crate) fn generation(&self) -> Generation {
        lock(&self.0.state).generation
    }

    pub(crate) fn current(&self) -> Option<Credentials> {
        lock(&self.0.state).current.clone()
    }

    /// Asks the source once more, since a server has refused the credentials of the generation `used`. Whether there are
    /// now others.
    pub(crate) async fn replace(&self, used: Generation) -> bool {
        let (loading, refused) = {
            let mut state = lock(&self.0.state);
            if state.generation != used {
                return true;
            }
            if !self.0.source.can_change() {
                return false;
            }
            (self.0.load(&mut state), state.current.clone())
        };
        outcome(loading).await.is_ok() && self.current().as_ref().map(keys) != refused.as_ref().map(keys)
    }
}

impl Shared {
    /// Joins the load in flight, or begins one.
    fn load(self: &Arc<Self>, state: &mut State) -> Outcome {
        state.loading.join_or_begin(|| {
            let (source, clock, shared) = (Arc::clone(&self.source), self.clock.clone(), Arc::downgrade(self));
            async move {
                let loaded = timeout(LONGEST_LOAD, load_valid(&source, &clock)).await.unwrap_or_else(|_| {
                    let seconds = LONGEST_LOAD.as_secs();
                    let message = format!("the source of the AWS credentials did not answer within {seconds} seconds");
                    Err(Error::new(ErrorKind::Timeout, message))
                });
                // Without its store, no call waits for the result.
                shared.upgrade().map_or(Ok(()), |shared| shared.keep(loaded))
            }
        })
    }

    fn keep(self: &Arc<Self>, loaded: Result<Credentials>) -> Result<()> {
        let mut state = lock(&self.state);
        let result = match loaded {
            Ok(credentials) => {
                let expiry = credentials.expiry();
                let is_short = expiry.is_some_and(|expiry| expiry <= self.clock.now() + LONGEST_AHEAD);
                state.short_lives = if is_short { state.short_lives.saturating_add(1) } else { 0 };
                state.failures = 0;
                state.generation.0 += 1;
                state.current = Some(credentials);
                Ok(())
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                Err(error)
            }
        };
        self.schedule(&mut state);
        result
    }

    fn schedule(self: &Arc<Self>, state: &mut State) {
        if let Some(timer) = state.timer.take() {
            timer.abort();
        }
        state.renew_at = None;
        let now = self.clock.now();
        let expiry = state.current.as_ref().and_then(Credentials::expiry);
        let Some(remaining) = expiry.and_then(|expiry| expiry.duration_since(now).ok()) else { return };
        if !self.source.can_change() {
            return;
        }
        let wait = match (state.failures, state.short_lives) {
            // They may be the rest of a longer life, out of a cache of the source.
            (0, 1) => pause_after(0),
            (0, _) => time_to_renewal(remaining),
            (failures, _) => pause_after(failures),
        };
        // From their expiry on, the next call loads new ones.
        if wait >= remaining {
            return;
        }
        state.renew_at = Some(now + wait);
        let shared = Arc::downgrade(self);
        state.timer = Some(tokio::spawn(renew_later(shared, wait)).abort_handle());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(timer) = lock(&self.state).timer.take() {
            timer.abort();
        }
    }
}

async fn renew_later(shared: Weak<Shared>, wait: Duration) {
    sleep(wait).await;
    if let Some(shared) = shared.upgrade() {
        let mut state = lock(&shared.state);
        let _ = shared.load(&mut state);
    }
}

async fn outcome(loading: Outcome) -> Result<()> {
    let gone = || Error::new(ErrorKind::Unexpected, "the source of the AWS credentials has failed");
    loading.wait().await.unwrap_or_else(|| Err(gone()))
}

/// Asks a second time after expired credentials: the source may have renewed a cache of its own meanwhile.
async fn load_valid(source: &Source, clock: &SigningClock) -> Result<Credentials> {
    let mut credentials = source.load().await?;
    if has_expired(&credentials, clock.now()) && source.can_change() {
        credentials = source.load().await?;
    }
    if has_expired(&credentials, clock.now()) {
        let message = "the AWS credentials have expired; renew them, and check the clock of this machine";
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    if !can_be_sent(&credentials) {
        let message =
            "the AWS credentials contain characters that are not allowed in an HTTP header, such as line breaks";
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    Ok(credentials)
}

fn keys(credentials: &Credentials) -> [Option<String>; 3] {
    let key_id = credentials.access_key_id().to_owned();
    let secret = credentials.secret_access_key().to_owned();
    [Some(key_id), Some(secret), credentials.session_token().map(str::to_owned)]
}

fn has_expired(credentials: &Credentials, now: SystemTime) -> bool {
    credentials.expiry().is_some_and(|expiry| expiry <= now)
}

fn can_be_sent(credentials: &Credentials) -> bool {
    let in_headers = [Some(credentials.access_key_id()), credentials.session_token()];
    in_headers.into_iter().flatten().all(|text| HeaderValue::from_str(text).is_ok())
}

/// A third of the lifetime ahead and at most five minutes; a fifth less by chance, so that a fleet does not ask at once.
fn time_to_renewal(remaining: Duration) -> Duration {
    let ahead = (remaining / 3).min(LONGEST_AHEAD).mul_f64(0.8 + 0.2 * fastrand::f64());
    remaining.saturating_sub(ahead).max(SHORTEST_PAUSE)
}

/// Doubles with each failure, and is shortened by up to a half by chance.
fn pause_after(failures: u32) -> Duration {
    let longest = (SHORTEST_PAUSE * 2_u32.saturating_pow(failures.min(16))).min(LONGEST_PAUSE);
    longest.mul_f64(0.5 + 0.5 * fastrand::f64())
}

impl ProvideCredentials for CurrentCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        // Every request waits for `ready` before it is signed.
        let none = || CredentialsError::not_loaded("none are loaded");
        future::ProvideCredentials::ready(self.current().ok_or_else(none))
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the times are constants")]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_smithy_async::time::SharedTimeSource;
    use tokio::time::Instant;

    use super::*;

    /// The wall clock of a paused runtime.
    #[derive(Debug)]
    struct TokioClock(Instant);

    impl TimeSource for TokioClock {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_hours(24) + self.0.elapsed()
        }
    }

    /// Hands out credentials that are named by the number of the load.
    #[derive(Debug)]
    struct Numbered {
        clock: SigningClock,
        loads: Arc<AtomicU32>,
        load: fn(u32) -> Load,
    }

    struct Load {
        takes: Duration,
        lives: Option<Duration>,
    }

    impl ProvideCredentials for Numbered {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                let number = self.loads.fetch_add(1, Ordering::Relaxed) + 1;
                let Load { takes, lives } = (self.load)(number);
                sleep(takes).await;
                let lives = lives.ok_or_else(|| CredentialsError::not_loaded("out of order"))?;
                let expiry = self.clock.now() + lives;
                Ok(Credentials::new(number.to_string(), "secret", None, Some(expiry), "test"))
            })
        }
    }

    fn numbered(load: fn(u32) -> Load) -> (CurrentCredentials, Arc<AtomicU32>) {
        let clock = SigningClock::new(SharedTimeSource::new(TokioClock(Instant::now())));
        let loads = Arc::new(AtomicU32::new(0));
        let provider = Numbered { clock: clock.clone(), loads: Arc::clone(&loads), load };
        let source = Source::Provider(SharedCredentialsProvider::new(provider));
        (CurrentCredentials::new(source, clock), loads)
    }

    fn key(credentials: &CurrentCredentials) -> String {
        credentials.current().expect("loaded").access_key_id().to_owned()
    }

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn credentials_are_renewed_before_they_expire_without_a_call() {
        let (credentials, loads) = numbered(|_| Load { takes: SECOND, lives: Some(HOUR) });
        credentials.ready().await.expect("loaded");
        sleep(HOUR - LONGEST_AHEAD - SECOND).await;
        assert_eq!(key(&credentials), "1");
        sleep(LONGEST_AHEAD - Duration::from_mins(3)).await;
        assert_eq!(key(&credentials), "2");
        sleep(10 * HOUR).await;
        assert!((11..=13).contains(&loads.load(Ordering::Relaxed)), "{loads:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_life_may_be_the_rest_of_a_longer_one_and_is_renewed_at_once_and_only_once() {
        let (credentials, loads) = numbered(|number| Load {
            takes: Duration::ZERO,
            lives: Some(if number == 1 { Duration::from_mins(1) } else { HOUR }),
        });
        credentials.ready().await.expect("loaded");
        sleep(2 * SECOND).await;
        assert_eq!((key(&credentials).as_str(), loads.load(Ordering::Relaxed)), ("2", 2));
        let (credentials, loads) = numbered(|_| Load { takes: Duration::ZERO, lives: Some(Duration::from_mins(1)) });
        credentials.ready().await.expect("loaded");
        sleep(30 * SECOND).await;
        assert_eq!(loads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_waits_for_a_renewal_that_hangs_while_the_credentials_are_valid() {
        let (credentials, loads) =
            numbered(|number| Load { takes: if number == 1 { SECOND } else { HOUR }, lives: Some(HOUR) });
        credentials.ready().await.expect("loaded");
        let start = Instant::now();
        while start.elapsed() < HOUR - 2 * SECOND {
            let call = Instant::now();
            credentials.ready().await.expect("valid");
            assert_eq!(call.elapsed(), Duration::ZERO);
            sleep(SECOND).await;
        }
        assert_eq!(key(&credentials), "1");
        let asked = loads.load(Ordering::Relaxed);
        assert!((2..=8).contains(&asked), "{asked}");
        sleep(5 * SECOND).await;
        let error = credentials.ready().await.expect_err("expired, and the source hangs");
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_is_repeated_ever_more_slowly_and_fails_no_call_before_the_expiry() {
        let (credentials, loads) = numbered(|number| Load {
            takes: Duration::ZERO,
            lives: (number == 1 || number > 8).then_some(Duration::from_mins(15)),
        });
        credentials.ready().await.expect("loaded");
        let start = Instant::now();
        while loads.load(Ordering::Relaxed) < 9 {
            credentials.ready().await.expect("valid");
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(key(&credentials), "9");
        assert!(start.elapsed() < Duration::from_mins(15), "{:?}", start.elapsed());
        assert!(start.elapsed() > Duration::from_mins(11), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_that_no_call_waits_for_any_more_ends_and_serves_later_calls() {
        let (credentials, loads) = numbered(|_| Load { takes: 4 * SECOND, lives: Some(HOUR) });
        for _ in 0..3 {
            assert!(timeout(SECOND, credentials.ready()).await.is_err());
        }
        credentials.ready().await.expect("loaded");
        assert_eq!((key(&credentials).as_str(), loads.load(Ordering::Relaxed)), ("1", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_without_credentials_share_one_load_and_its_failure_is_not_kept() {
        let (credentials, loads) = numbered(|number| Load { takes: SECOND, lives: (number > 1).then_some(HOUR) });
        let (first, second) = tokio::join!(credentials.ready(), credentials.ready());
        assert!(first.is_err() && second.is_err());
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        credentials.ready().await.expect("the next call asks again");
        assert_eq!(key(&credentials), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_hands_out_expired_credentials_is_asked_twice() {
        let (credentials, loads) = numbered(|number| Load {
            takes: Duration::ZERO,
            lives: Some(if number == 2 { HOUR } else { Duration::ZERO }),
        });
        credentials.ready().await.expect("valid");
        assert_eq!(key(&credentials), "2");
        let (credentials, _) = numbered(|_| Load { takes: Duration::ZERO, lives: Some(Duration::ZERO) });
        let error = credentials.ready().await.expect_err("expired");
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(loads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_replaced_once_for_all_requests_that_were_signed_with_them() {
        let (credentials, loads) = numbered(|_| Load { takes: SECOND, lives: Some(HOUR) });
        credentials.ready().await.expect("loaded");
        let used = credentials.generation();
        let (first, second) = tokio::join!(credentials.replace(used), credentials.replace(used));
        assert!(first && second);
        assert!(credentials.replace(used).await);
        assert_eq!((key(&credentials).as_str(), loads.load(Ordering::Relaxed)), ("2", 2));
        let clock = SigningClock::new(SharedTimeSource::new(TokioClock(Instant::now())));
        let fixed = Source::Fixed(Credentials::new("id", "secret", None, None, "test"));
        let fixed = CurrentCredentials::new(fixed, clock);
        fixed.ready().await.expect("given");
        assert!(!fixed.replace(fixed.generation()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_dropped_asks_no_more() {
        let (credentials, loads) = numbered(|_| Load { takes: SECOND, lives: Some(HOUR) });
        credentials.ready().await.expect("loaded");
        let shared = Arc::downgrade(&credentials.0);
        drop(credentials);
        assert!(shared.upgrade().is_none());
        sleep(2 * HOUR).await;
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn credentials_that_no_header_can_hold_are_refused() {
        let clock = SigningClock::new(SharedTimeSource::default());
        let source = Source::Fixed(Credentials::new("id\n", "secret", None, None, "test"));
        let error = CurrentCredentials::new(source, clock).ready().await.expect_err("a line break");
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains("HTTP header"), "{error}");
    }
}

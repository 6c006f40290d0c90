//! The circuit breaker: after five requests in a row without an answer, `get` and `tryAcquireLease` fail at once instead
//! of waiting for a table that cannot be reached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{Clock, Moment};
use crate::error::{Error, ErrorKind};
use crate::sync::lock;

/// How many requests in a row must fail.
const FAILURES: usize = 5;
const SHORTEST_OPEN: Duration = Duration::from_millis(250);
const LONGEST_OPEN: Duration = Duration::from_secs(4);
/// How much later than its limit a request ends that spans a freeze.
const FREEZE: Duration = Duration::from_millis(100);

/// The circuits of one store.
#[derive(Default)]
pub(super) struct CircuitBreaker(Mutex<State>);

#[derive(Default)]
struct State {
    /// The keys of the last failures in a row, and when the last one was known.
    failures: Vec<Arc<str>>,
    last_failure: Option<Instant>,
    all: Option<Open>,
    by_key: HashMap<Arc<str>, Open>,
}

/// An open circuit.
struct Open {
    since: Moment,
    lasts: Duration,
    /// The interval without jitter.
    interval: Duration,
    is_probed: bool,
    /// Whether the probe's request was sent.
    was_sent: bool,
}

/// Permission to send a request.
pub(super) enum Admission {
    /// The circuit is closed.
    Closed,
    /// The request probes an open circuit.
    Probe(#[expect(dead_code, reason = "it is held until the call ends, and acts when it is dropped")] Probe),
}

/// The only request of an open circuit. Dropped without an answer, the circuit stays open.
pub(super) struct Probe {
    breaker: Arc<CircuitBreaker>,
    clock: Clock,
    key: Option<Arc<str>>,
}

impl Open {
    fn new(clock: &Clock, interval: Duration) -> Self {
        let lasts = interval.mul_f64(0.75 + fastrand::f64() / 2.0);
        Self { since: clock.now(), lasts, interval, is_probed: false, was_sent: false }
    }
}

impl CircuitBreaker {
    /// Permission to send a request for `key`.
    ///
    /// # Errors
    /// `Unavailable`, with the remaining time in its message, while the circuit is open.
    pub(super) fn admit(self: &Arc<Self>, clock: &Clock, key: &Arc<str>) -> Result<Admission, Error> {
        let mut state = lock(&self.0);
        let (open, probed) = match &mut state.all {
            Some(open) => (open, None),
            None => match state.by_key.get_mut(key) {
                Some(open) => (open, Some(Arc::clone(key))),
                None => return Ok(Admission::Closed),
            },
        };
        let left = open.lasts.saturating_sub(clock.since(open.since));
        if left.is_zero() && !open.is_probed {
            (open.is_probed, open.was_sent) = (true, false);
            return Ok(Admission::Probe(Probe { breaker: Arc::clone(self), clock: clock.clone(), key: probed }));
        }
        let next = if open.is_probed {
            "a probe is in flight".to_owned()
        } else {
            format!("the next request is sent in {} ms", left.as_millis().max(1))
        };
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("circuit open after {FAILURES} requests in a row without an answer; nothing was sent; {next}"),
        ))
    }

    /// A request for `key` is sent.
    pub(super) fn sent(&self, key: &str) {
        let State { all, by_key, .. } = &mut *lock(&self.0);
        if let Some(open) = all.as_mut().or_else(|| by_key.get_mut(key)) {
            open.was_sent = true;
        }
    }

    /// A request was answered.
    pub(super) fn answered(&self) {
        let mut state = lock(&self.0);
        if !state.failures.is_empty() || state.all.is_some() || !state.by_key.is_empty() {
            *state = State::default();
        }
    }

    /// A request for `key` that was sent at `begun` with `allowed` time had no answer.
    pub(super) fn unanswered(&self, clock: &Clock, key: &Arc<str>, begun: (Instant, Moment), allowed: Duration) {
        if clock.since(begun.1) > allowed + FREEZE {
            return;
        }
        let mut state = lock(&self.0);
        // Requests that fail together tell as much as one.
        if state.last_failure.is_some_and(|last| begun.0 < last) {
            return;
        }
        state.last_failure = Some(Instant::now());
        if state.failures.len() == FAILURES {
            state.failures.remove(0);
        }
        state.failures.push(Arc::clone(key));
        if state.failures.len() < FAILURES || state.all.is_some() {
            return;
        }
        let open = Open::new(clock, SHORTEST_OPEN);
        if state.failures.iter().all(|other| other == key) {
            state.by_key.entry(Arc::clone(key)).or_insert(open);
        } else {
            state.all = Some(open);
            state.by_key.clear();
        }
    }
}

impl Drop for Probe {
    /// Had it been answered, the circuit would be closed. A probe that was not sent has told nothing.
    fn drop(&mut self) {
        let mut state = lock(&self.breaker.0);
        let open = match &self.key {
            None => state.all.as_mut(),
            Some(key) => state.by_key.get_mut(key),
        };
        match open {
            Some(open) if open.was_sent => *open = Open::new(&self.clock, (open.interval * 2).min(LONGEST_OPEN)),
            Some(open) => open.is_probed = false,
            None => {}
        }
    }
}

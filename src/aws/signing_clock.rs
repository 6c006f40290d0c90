//! The clock that requests are signed by: this machine's, corrected once a server has refused a signature for its time.
//!
//! Only such a refusal corrects it. The SDK learns from every answer, so that one answer of a gateway with a wrong date
//! makes the next signature wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};

/// AWS takes signatures of the last and of the next five minutes. A smaller correction changes no answer.
const SMALLEST_CORRECTION: Duration = Duration::from_mins(4);

/// A clock and the correction that is added to it.
#[derive(Debug, Clone)]
pub(crate) struct SigningClock {
    clock: SharedTimeSource,
    offset_millis: Arc<AtomicI64>,
}

/// The correction that a signature was made with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Correction(i64);

impl SigningClock {
    pub(crate) fn new(clock: SharedTimeSource) -> Self {
        Self { clock, offset_millis: Arc::default() }
    }

    pub(crate) fn correction(&self) -> Correction {
        Correction(self.offset_millis.load(Ordering::Relaxed))
    }

    /// A server whose clock says `server` has refused the time of a signature that was made with the correction `used`.
    /// Whether a new signature has another time.
    pub(crate) fn learn(&self, server: SystemTime, used: Correction) -> bool {
        let offset = millis_between(self.clock.now(), server);
        if u128::from(offset.abs_diff(used.0)) < SMALLEST_CORRECTION.as_millis() {
            return false;
        }
        self.offset_millis.store(offset, Ordering::Relaxed);
        true
    }
}

impl TimeSource for SigningClock {
    fn now(&self) -> SystemTime {
        let now = self.clock.now();
        let Correction(offset) = self.correction();
        let size = Duration::from_millis(offset.unsigned_abs());
        let corrected = if offset < 0 { now.checked_sub(size) } else { now.checked_add(size) };
        corrected.unwrap_or(now)
    }
}

fn millis_between(from: SystemTime, to: SystemTime) -> i64 {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match to.duration_since(from) {
        Ok(ahead) => millis(ahead),
        Err(behind) => -millis(behind.duration()),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::time::StaticTimeSource;

    use super::*;

    #[test]
    fn a_refusal_corrects_the_clock_in_both_directions_for_every_request_that_was_signed_before() {
        let here = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let hour = Duration::from_hours(1);
        for server in [here + hour, here - hour] {
            let clock = SigningClock::new(SharedTimeSource::new(StaticTimeSource::new(here)));
            assert_eq!(clock.now(), here);
            let before = clock.correction();
            assert!(clock.learn(server, before));
            assert_eq!(clock.now(), server);
            assert!(clock.learn(server, before), "a second request was signed before the correction");
            assert!(!clock.learn(server, clock.correction()), "a corrected signature was refused");
        }
    }

    #[test]
    fn a_small_difference_corrects_nothing() {
        let here = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let clock = SigningClock::new(SharedTimeSource::new(StaticTimeSource::new(here)));
        assert!(!clock.learn(here + Duration::from_mins(3), clock.correction()));
        assert_eq!(clock.now(), here);
    }
}

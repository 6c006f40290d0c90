//! Time by two clocks: a monotonic one, which may stand still while a machine is frozen, and the wall clock, which can be set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::SharedTimeSource;
use tokio::time::Instant;

/// Reads both clocks.
#[derive(Debug, Clone)]
pub(crate) struct Clock(SharedTimeSource);

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.monotonic < other.monotonic
    }
}

impl Clock {
    pub(crate) fn new(time_source: Option<SharedTimeSource>) -> Self {
        Self(time_source.unwrap_or_default())
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { monotonic: Instant::now(), wall: self.0.now() }
    }

    /// The wall clock.
    pub(crate) fn wall(&self) -> SystemTime {
        self.0.now()
    }

    /// The wall clock in epoch milliseconds.
    pub(crate) fn epoch_millis(&self) -> f64 {
        self.wall().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
    }

    /// The time since `moment` by the clock that has advanced further, so that a freeze counts.
    pub(crate) fn since(&self, moment: Moment) -> Duration {
        let now = self.now();
        let wall = now.wall.duration_since(moment.wall).unwrap_or_default();
        now.monotonic.saturating_duration_since(moment.monotonic).max(wall)
    }

    /// Whether at most `age` has passed since `moment` by both clocks. A wall clock that was set back says no.
    pub(crate) fn is_within(&self, age: Duration, moment: Moment) -> bool {
        let now = self.now();
        now.monotonic.saturating_duration_since(moment.monotonic) <= age
            && now.wall.duration_since(moment.wall).is_ok_and(|elapsed| elapsed <= age)
    }
}

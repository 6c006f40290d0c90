//! The wall clock of the simulation, which follows the runtime's virtual clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

/// The wall clock when the simulation begins, in epoch milliseconds.
pub(crate) const EPOCH_MS: f64 = 1_700_000_000_000.0;

/// A clock that shows [`EPOCH_MS`] at `start`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VirtualClock {
    start: Instant,
}

impl VirtualClock {
    pub(crate) fn starting_at(start: Instant) -> Self {
        Self { start }
    }

    /// Whole epoch milliseconds, as `Date.now()` returns them.
    pub(crate) fn now_ms(self) -> f64 {
        EPOCH_MS + (self.start.elapsed().as_secs_f64() * 1_000.0).floor()
    }
}

impl TimeSource for VirtualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(EPOCH_MS / 1_000.0) + self.start.elapsed()
    }
}

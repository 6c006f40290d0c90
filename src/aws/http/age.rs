//! How long ago something was, also across a freeze of the whole machine.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A moment by both clocks: the monotonic one stands still while a virtual machine is frozen, and the other one is set
/// at times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) instant: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        #[expect(clippy::disallowed_methods, reason = "only the time that passed counts, and no lease depends on it")]
        let wall = SystemTime::now();
        Self { instant: Instant::now(), wall }
    }

    /// Whether more than `limit` has passed by either clock.
    pub(super) fn is_older_than(self, limit: Duration) -> bool {
        let now = Self::now();
        now.instant.duration_since(self.instant) > limit
            || now.wall.duration_since(self.wall).is_ok_and(|passed| passed > limit)
    }

    /// The same moment if the wall clock had been set forward since.
    #[cfg(test)]
    pub(super) fn with_wall_clock_set_forward(self, by: Duration) -> Self {
        Self { wall: self.wall - by, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_grows_old_by_either_clock() {
        let limit = Duration::from_secs(15);
        let moment = Moment::now();
        assert!(!moment.is_older_than(limit));
        assert!(moment.with_wall_clock_set_forward(limit * 2).is_older_than(limit));
        tokio::time::advance(limit + Duration::from_millis(1)).await;
        assert!(moment.is_older_than(limit));
    }
}

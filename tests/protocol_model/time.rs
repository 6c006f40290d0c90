//! Time, at the world's scale.

use super::scale::{LEASE_MILLIS, MILLIS_PER_SECOND, Number};

/// Epoch milliseconds, and durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Millis(pub(crate) Number);

/// Epoch seconds, the unit of the shared schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Seconds(Number);

/// How long a lease lasts.
pub(crate) const LEASE: Millis = Millis(LEASE_MILLIS);

impl Millis {
    pub(crate) const fn plus(self, duration: Self) -> Self {
        Self(self.0 + duration.0)
    }

    pub(crate) fn rounded_up(self) -> Seconds {
        Seconds(self.0.div_ceil(MILLIS_PER_SECOND))
    }

    pub(crate) fn rounded_down(self) -> Seconds {
        Seconds(self.0 / MILLIS_PER_SECOND)
    }

    /// The value that a program without units reads.
    pub(crate) fn mistaken_for_seconds(self) -> Seconds {
        Seconds(self.0)
    }
}

//! The clocks of the writers.

use super::time::{LEASE, Millis};

/// When every run begins: late enough for a clock that is a lease behind.
pub(crate) const BEGINNING: Millis = Millis(4);

/// How far a writer's clock is off, for a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Skew {
    LeaseBehind,
    None,
    LeaseAhead,
}

impl Skew {
    pub(crate) const ALL: [Self; 3] = [Self::LeaseBehind, Self::None, Self::LeaseAhead];

    /// The clock's reading at the time `now`.
    pub(crate) fn reading(self, now: Millis) -> Millis {
        match self {
            Self::LeaseBehind => Millis(now.0 - LEASE.0),
            Self::None => now,
            Self::LeaseAhead => now.plus(LEASE),
        }
    }
}

//! Time, scaled down until every remainder of a second occurs: a second has two milliseconds.

/// Epoch milliseconds, and durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Millis(pub(crate) u8);

/// Epoch seconds, the unit of the shared schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Seconds(u8);

const MILLIS_PER_SECOND: u8 = 2;

/// How long a lease lasts. No whole number of seconds, so that some leases end within one.
pub(crate) const LEASE: Millis = Millis(3);

/// When every run begins: late enough for a clock that is a lease behind.
pub(crate) const BEGINNING: Millis = Millis(4);

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

    /// What a program without units makes of it.
    pub(crate) fn mistaken_for_seconds(self) -> Seconds {
        Seconds(self.0)
    }
}

/// How far a writer's clock is off, for a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Skew {
    LeaseBehind,
    None,
    LeaseAhead,
}

impl Skew {
    pub(crate) const ALL: [Self; 3] = [Self::LeaseBehind, Self::None, Self::LeaseAhead];

    /// What the clock shows at the time `now`.
    pub(crate) fn reading(self, now: Millis) -> Millis {
        match self {
            Self::LeaseBehind => Millis(now.0 - LEASE.0),
            Self::None => now,
            Self::LeaseAhead => now.plus(LEASE),
        }
    }
}

//! The rules that the protocol keeps, each with the only exception that it has.
//!
//! The exceptions all come from one thing, a **ghost**: LOCK, put back by a stray copy of an acquire after the row of
//! that acquire had been there and was gone. Nothing short of a counter that every acquire reads first would tell it
//! from the row that it repeats. What can come of ghosts is among the witnesses, as the protocol's limits.

use stateright::Property;

use crate::model::LeaseModel;
use crate::set::Member;
use crate::state::State;
use crate::table::Origin;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    /// A commit that takes effect finds its own lease in LOCK. No exception.
    Fenced,
    /// The commits of a lease take effect at most once, and so does an invalidation. Exception: a caller commits again
    /// with a lease whose commit was told nothing certain, and one of the two finds a ghost.
    Once,
    /// META and LOCK are never of one lease. Exception: LOCK is a ghost.
    Atomic,
    /// META is the page of the last commit since the invalidation; without one there is none. No exception.
    NewestWins,
    /// From the moment when the invalidation takes effect, META is of a lease acquired later. Exception: it was
    /// committed through a ghost that came after the invalidation.
    Invalidated,
    /// Who is told that it has the lease has had its token in LOCK. No exception.
    AcquiredIsTrue,
    /// Who is told that another has the lease does not have its own token in LOCK, and who is told of contention does
    /// not have it there by an attempt of its own. Exception to the latter, and no lie: it is there by a stray copy.
    NotAcquiredIsTrue,
    /// What is told to have succeeded, commit or invalidation, has taken effect. No exception.
    SuccessIsTrue,
    /// Who is told that the lease is lost did not have it at that moment, or had it past its end. No exception.
    LostIsTrue,
    /// A commit that was told so has not taken effect, and never will. Exception: a stray copy of it finds a ghost.
    LostForEver,
    /// A lease that has ended, by the clock of who asks, is free for the first who asks. No exception.
    TakeOver,
    /// A lease that has not is free for nobody but its owner. No exception.
    Exclusive,
    /// A release removes no lease but its own. No exception.
    SafeRelease,
}

impl Member for Rule {
    fn bit(self) -> u32 {
        self as u32
    }
}

impl Rule {
    pub(crate) const ALL: [Self; 13] = [
        Self::Fenced,
        Self::Once,
        Self::Atomic,
        Self::NewestWins,
        Self::Invalidated,
        Self::AcquiredIsTrue,
        Self::NotAcquiredIsTrue,
        Self::SuccessIsTrue,
        Self::LostIsTrue,
        Self::LostForEver,
        Self::TakeOver,
        Self::Exclusive,
        Self::SafeRelease,
    ];

    pub(crate) fn property(self) -> Property<LeaseModel> {
        let holds: fn(&LeaseModel, &State) -> bool = match self {
            Self::Fenced => |_, state| state.history.keeps(Self::Fenced),
            Self::Once => |_, state| state.history.keeps(Self::Once),
            Self::Atomic => |_, State { table, .. }| {
                table.lock.is_none_or(|lock| lock.origin == Origin::Ghost || table.meta != Some(lock.lease))
            },
            Self::NewestWins => |_, state| state.table.meta == state.history.newest,
            Self::Invalidated => |_, state| {
                let is_done = !state.invalidator.is_between_two_calls();
                state.history.keeps(Self::Invalidated) && (!is_done || state.history.is_current(state.table.meta))
            },
            Self::AcquiredIsTrue => |_, state| state.history.keeps(Self::AcquiredIsTrue),
            Self::NotAcquiredIsTrue => |_, state| state.history.keeps(Self::NotAcquiredIsTrue),
            Self::SuccessIsTrue => |_, state| state.history.keeps(Self::SuccessIsTrue),
            Self::LostIsTrue => |_, state| state.history.keeps(Self::LostIsTrue),
            Self::LostForEver => |_, state| state.history.keeps(Self::LostForEver),
            Self::TakeOver => |_, state| state.history.keeps(Self::TakeOver),
            Self::Exclusive => |_, state| state.history.keeps(Self::Exclusive),
            Self::SafeRelease => |_, state| state.history.keeps(Self::SafeRelease),
        };
        Property::always(self.name(), holds)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fenced => "fenced",
            Self::Once => "once",
            Self::Atomic => "atomic",
            Self::NewestWins => "newest wins",
            Self::Invalidated => "invalidated",
            Self::AcquiredIsTrue => "acquired is true",
            Self::NotAcquiredIsTrue => "not acquired is true",
            Self::SuccessIsTrue => "success is true",
            Self::LostIsTrue => "lost is true",
            Self::LostForEver => "lost for ever",
            Self::TakeOver => "take-over",
            Self::Exclusive => "exclusive",
            Self::SafeRelease => "safe release",
        }
    }
}

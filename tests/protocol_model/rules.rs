//! The rules that the protocol keeps, each with the only exception that it has.
//!
//! The exceptions all come from one thing, a **revived LOCK**. A late duplicate of an acquire
//! puts LOCK back after the acquire's row was there and has gone. Only a counter that every acquire reads first would
//! tell it from the row that it repeats. The effects of revived LOCKs are among the witnesses, as the protocol's
//! limits.

use super::set::Member;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    /// A commit that takes effect finds its own lease in LOCK. No exception.
    Fenced,
    /// The commits of a lease take effect at most once, and so does the deletion of an invalidation. Exception: a caller
    /// commits again with a lease whose commit had an unknown result, and one of the two finds a revived LOCK.
    Once,
    /// META and LOCK are never of one lease. Exception: a revived LOCK.
    Atomic,
    /// META is the page of the last commit since the invalidation; without one there is none. No exception.
    NewestWins,
    /// From the moment when the invalidation takes effect, META is of a lease acquired later. Exception: it was
    /// committed through a revived LOCK that came after the invalidation.
    Invalidated,
    /// A caller that is granted the lease has had its token in LOCK. No exception.
    AcquiredIsTrue,
    /// A caller that is refused for another's lease does not have its own token in LOCK. After contention, a caller
    /// does not have its token there by an attempt of its own. Exception to the latter, and not a false answer: a late
    /// duplicate put it there.
    NotAcquiredIsTrue,
    /// The lease that refuses a caller was in the row during the call or at most 100 ms before it. It is not free for
    /// the caller. No exception.
    HeldIsTrue,
    /// A caller is told of a needless lease only if a page was published since it looked. No exception.
    NeedlessIsTrue,
    /// A caller that is granted the lease has not read a page that was published since it looked. No exception.
    NotRenderedAgain,
    /// A store asks at most one caller for each generation to refresh it early, and only after a read that showed no lease.
    /// No exception.
    RefreshedOnce,
    /// A commit or invalidation that is reported as successful has taken effect. No exception.
    SuccessIsTrue,
    /// A caller that is told of a lost lease did not have it at that moment, or had it past its end. No exception.
    LostIsTrue,
    /// A commit that was told so has not taken effect, and never will. Exception: a late duplicate of it finds a
    /// revived LOCK.
    LostForEver,
    /// A lease that has ended by the caller's clock is free for the first caller. No exception.
    TakeOver,
    /// A lease that has not ended is free only for its owner. No exception.
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
    pub(crate) const ALL: [Self; 17] = [
        Self::Fenced,
        Self::Once,
        Self::Atomic,
        Self::NewestWins,
        Self::Invalidated,
        Self::AcquiredIsTrue,
        Self::NotAcquiredIsTrue,
        Self::HeldIsTrue,
        Self::NeedlessIsTrue,
        Self::NotRenderedAgain,
        Self::RefreshedOnce,
        Self::SuccessIsTrue,
        Self::LostIsTrue,
        Self::LostForEver,
        Self::TakeOver,
        Self::Exclusive,
        Self::SafeRelease,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fenced => "fenced",
            Self::Once => "once",
            Self::Atomic => "atomic",
            Self::NewestWins => "newest wins",
            Self::Invalidated => "invalidated",
            Self::AcquiredIsTrue => "acquired is true",
            Self::NotAcquiredIsTrue => "not acquired is true",
            Self::HeldIsTrue => "held is true",
            Self::NeedlessIsTrue => "needless is true",
            Self::NotRenderedAgain => "not rendered again",
            Self::RefreshedOnce => "refreshed once",
            Self::SuccessIsTrue => "success is true",
            Self::LostIsTrue => "lost is true",
            Self::LostForEver => "lost for ever",
            Self::TakeOver => "take-over",
            Self::Exclusive => "exclusive",
            Self::SafeRelease => "safe release",
        }
    }
}

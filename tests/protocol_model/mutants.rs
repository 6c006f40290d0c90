//! The protocol with one change, and beside each change the rules that it breaks.

use super::rules::Rule;

macro_rules! mutants {
    ($($(#[$meaning:meta])+ $mutant:ident breaks $rules:expr;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mutant {
            $($(#[$meaning])+ $mutant,)+
        }

        impl Mutant {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$mutant,)+];

            /// It breaks its rules where the invalidation is soft.
            pub(crate) fn is_soft(self) -> bool {
                matches!(
                    self,
                    Self::SoftInvalidationKeepsFreshness
                        | Self::SoftInvalidationKeepsLock
                        | Self::SoftInvalidationIgnoresAbsence
                        | Self::SoftRefusalIsSuccess
                )
            }

            /// It is a change to a rule for fleets.
            pub(crate) fn is_of_fleet(self) -> bool {
                matches!(
                    self,
                    Self::SeenLeaseForEver
                        | Self::SeenLeaseNeverEnds
                        | Self::AnyPageIsNewer
                        | Self::NoSecondLook
                        | Self::NeedlessLeaseKept
                        | Self::ReadIgnoresToken
                )
            }

            /// It is a change to early refresh.
            pub(crate) fn is_of_early_refresh(self) -> bool {
                matches!(self, Self::EarlyRefreshForAll | Self::EarlyRefreshDespiteLease)
            }

            pub(crate) fn breaks(self) -> &'static [Rule] {
                match self {
                    $(Self::$mutant => &$rules,)+
                }
            }
        }
    };
}

mutants! {
    /// A commit asks only for the owner.
    CommitWithoutTokenCheck breaks [Rule::Fenced];
    /// A release asks only for the owner.
    ReleaseWithoutTokenCheck breaks [Rule::SafeRelease];
    /// A commit is also allowed without a LOCK row.
    CommitWithoutLock breaks [Rule::Fenced];
    /// A commit puts META and then deletes LOCK.
    CommitInTwoCalls breaks [Rule::Atomic, Rule::Fenced];
    /// An invalidation deletes META and then LOCK.
    InvalidateInTwoCalls breaks [Rule::Invalidated];
    /// An invalidation deletes META only.
    InvalidateKeepsLock breaks [Rule::Invalidated];
    /// An invalidation deletes LOCK only.
    InvalidateKeepsPage breaks [Rule::NewestWins];
    /// A soft invalidation leaves the page as fresh as it was.
    SoftInvalidationKeepsFreshness breaks [Rule::Invalidated];
    /// A soft invalidation does not delete LOCK.
    SoftInvalidationKeepsLock breaks [Rule::Invalidated];
    /// A soft invalidation is also allowed without a page. No rule needs that: its row reads as a missing page.
    SoftInvalidationIgnoresAbsence breaks [];
    /// A soft invalidation that finds no page has succeeded, and leaves LOCK.
    SoftRefusalIsSuccess breaks [Rule::SuccessIsTrue];
    /// A lease that a store has seen answers an acquire at any later time.
    SeenLeaseForEver breaks [Rule::HeldIsTrue];
    /// A lease that a store has seen answers an acquire for which it is free.
    SeenLeaseNeverEnds breaks [Rule::HeldIsTrue];
    /// A page makes a lease needless though the caller saw that page.
    AnyPageIsNewer breaks [Rule::NeedlessIsTrue];
    /// A lease is granted with any page beside its put.
    NoSecondLook breaks [Rule::NotRenderedAgain];
    /// A needless lease is not released.
    NeedlessLeaseKept breaks [Rule::NotAcquiredIsTrue];
    /// Every caller of a store is asked to refresh a page early.
    EarlyRefreshForAll breaks [Rule::RefreshedOnce];
    /// A caller is asked to refresh a page early while another process does.
    EarlyRefreshDespiteLease breaks [Rule::RefreshedOnce];
    /// A read after a throttle takes any lease of the own owner for the call's.
    ReadIgnoresToken breaks [Rule::AcquiredIsTrue];
    /// A writer uses one token for all its leases.
    OneTokenForAllRounds breaks [Rule::Fenced];
    /// Each attempt at a transaction has its own client request token.
    NewRequestTokenForEachAttempt breaks [Rule::LostForEver, Rule::Once];
    /// A commit without an answer is a lost lease.
    TimeoutIsLeaseLost breaks [Rule::LostForEver, Rule::LostIsTrue];
    /// A call without an answer has succeeded.
    TimeoutIsSuccess breaks [Rule::AcquiredIsTrue, Rule::SuccessIsTrue];
    /// Any cancelled commit counts as a lost lease.
    CancellationIsLeaseLost breaks [Rule::LostIsTrue];
    /// The lease is not free for its own owner: a retry takes its own row for another's.
    OwnLeaseIsHeld breaks [Rule::NotAcquiredIsTrue];
    /// Contention is the answer although an earlier attempt may have taken effect.
    ContendedDespiteDoubt breaks [Rule::NotAcquiredIsTrue];
    /// A lease is free when LOCK has been removed, and not before.
    ExpiryIgnored breaks [Rule::TakeOver];
    /// A lease is free until it ends.
    ExpiryReversed breaks [Rule::TakeOver, Rule::Exclusive];
    /// The end of a lease in seconds is compared with milliseconds.
    SecondsForMillis breaks [Rule::Exclusive];
    /// A store does not remember which tokens it has committed.
    ConsumedTokenForgotten breaks [Rule::Once];
    /// A commit does not ask whether the lease has expired. No rule needs that: the token alone fences.
    CommitIgnoresExpiry breaks [];
    /// A commit or a release does not ask for the owner. No rule needs that either.
    OwnerIgnored breaks [];
}

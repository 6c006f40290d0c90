//! The protocol with one change, and beside each change the rules that it breaks.

use crate::properties::Rule;

macro_rules! mutants {
    ($($(#[$meaning:meta])+ $mutant:ident breaks $rules:expr;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mutant {
            $($(#[$meaning])+ $mutant,)+
        }

        impl Mutant {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$mutant,)+];

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
    /// A commit is also allowed where there is no LOCK.
    CommitWithoutLock breaks [Rule::Fenced];
    /// A commit puts META and then deletes LOCK.
    CommitInTwoCalls breaks [Rule::Atomic, Rule::Fenced];
    /// An invalidation deletes META and then LOCK.
    InvalidateInTwoCalls breaks [Rule::Invalidated];
    /// An invalidation deletes META only.
    InvalidateKeepsLock breaks [Rule::Invalidated];
    /// An invalidation deletes LOCK only.
    InvalidateKeepsPage breaks [Rule::NewestWins];
    /// A writer uses one token for all its leases.
    OneTokenForAllRounds breaks [Rule::Fenced];
    /// Each attempt at a transaction has its own client request token.
    NewRequestTokenForEachAttempt breaks [Rule::LostForEver, Rule::Once];
    /// A commit without an answer is a lost lease.
    TimeoutIsLeaseLost breaks [Rule::LostForEver, Rule::LostIsTrue];
    /// A call without an answer has succeeded.
    TimeoutIsSuccess breaks [Rule::AcquiredIsTrue, Rule::SuccessIsTrue];
    /// Whatever cancels a commit, it is a lost lease.
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

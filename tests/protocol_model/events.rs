//! Events on the path to a state.

use super::lease::{CommitCalls, Leases};
use super::set::{Member, Set};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    LeaseTakenOver,
    CrashedLeaseTakenOver,
    Held,
    Contended,
    ZombieRefused,
    InvalidationFences,
    ExpiredLeaseRefused,
    EndedLeaseCommits,
    RetryMeetsOwnLease,
    RetryMeetsOwnCommit,
    UnknownHadTakenEffect,
    RevivedLease,
    RevivedLeaseBringsOutdatedPage,
    RevivedLeaseReplacesNewerPage,
    CommittedAfterLost,
    CommittedTwice,
    LateDuplicateReplacesOwnNewerLease,
    HeldByMemory,
    Needless,
    RenderedAgain,
    RefreshedEarly,
    EarlyRefreshNeedless,
    SoftInvalidationAgain,
}

impl Member for Event {
    fn bit(self) -> u32 {
        self as u32
    }
}

/// The events on the path to a state, and the notes from which they are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Witnesses {
    pub(crate) seen: Set<Event>,
    /// The writers that have crashed.
    pub(crate) crashed: Leases,
    /// Acquired before the lease that was acquired last.
    pub(crate) overtaken: Leases,
    /// Which commits were told nothing certain.
    pub(crate) unknown: CommitCalls,
}

impl Default for Witnesses {
    fn default() -> Self {
        Self { seen: Set::EMPTY, crashed: Leases::EMPTY, overtaken: Leases::EMPTY, unknown: CommitCalls::EMPTY }
    }
}

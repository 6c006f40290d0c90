//! What has to be possible, because a model in which nothing happens keeps every rule; and, by name, what the protocol
//! does not prevent.

use stateright::Property;

use crate::lease::{CommitCalls, Lease, Leases};
use crate::message::Request;
use crate::model::LeaseModel;
use crate::set::{Member, Set};
use crate::state::State;

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
    GhostLease,
    GhostBringsOutdatedPage,
    GhostReplacesNewerPage,
    CommittedAfterLost,
    CommittedTwice,
    StrayReplacesOwnNewerLease,
}

impl Member for Event {
    fn bit(self) -> u32 {
        self as u32
    }
}

/// What has been seen on the way to a state, and what it takes to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Witnesses {
    pub(crate) seen: Set<Event>,
    /// Whose writer has crashed.
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

impl State {
    fn saw(&self, event: Event) -> bool {
        self.history.witnesses.is_some_and(|witnesses| witnesses.seen.contains(event))
    }

    /// An unknown commit that has not taken effect, and of which no copy is under way.
    fn has_unknown_without_effect(&self) -> bool {
        let is_under_way = |lease: Lease| {
            self.strays.iter().any(|stray| matches!(stray, Request::Commit { claim, .. } if claim.lease == lease))
        };
        self.history.witnesses.is_some_and(|witnesses| {
            Lease::all().flat_map(Lease::commits).any(|call| {
                witnesses.unknown.contains(call) && !self.history.has_committed(call) && !is_under_way(call.lease)
            })
        })
    }
}

fn sometimes(name: &'static str, condition: fn(&LeaseModel, &State) -> bool) -> Property<LeaseModel> {
    Property::sometimes(name, condition)
}

pub(crate) fn possibilities() -> Vec<Property<LeaseModel>> {
    vec![
        sometimes("a lease is held by another", |_, state| state.saw(Event::Held)),
        sometimes("an acquire gives up on contention", |_, state| state.saw(Event::Contended)),
        sometimes("an ended lease is taken over", |_, state| state.saw(Event::LeaseTakenOver)),
        sometimes("a crashed writer's lease is taken over", |_, state| state.saw(Event::CrashedLeaseTakenOver)),
        sometimes("a zombie's commit is refused", |_, state| state.saw(Event::ZombieRefused)),
        sometimes("an invalidation fences a regeneration", |_, state| state.saw(Event::InvalidationFences)),
        sometimes("an expired lease is refused at commit", |_, state| state.saw(Event::ExpiredLeaseRefused)),
        sometimes("an ended lease commits unnoticed", |_, state| state.saw(Event::EndedLeaseCommits)),
        sometimes("a retry meets its own lease", |_, state| state.saw(Event::RetryMeetsOwnLease)),
        sometimes("a retry meets its own commit", |_, state| state.saw(Event::RetryMeetsOwnCommit)),
        sometimes("an unknown commit took effect", |_, state| state.saw(Event::UnknownHadTakenEffect)),
        sometimes("an unknown commit never will", |_, state| state.has_unknown_without_effect()),
        sometimes("a stray acquire leaves a ghost", |_, state| state.saw(Event::GhostLease)),
    ]
}

/// What the protocol does not prevent. Each takes a stray copy of an acquire.
pub(crate) fn limits() -> Vec<Property<LeaseModel>> {
    vec![
        sometimes("a ghost brings an invalidated page back", |_, state| state.saw(Event::GhostBringsOutdatedPage)),
        sometimes("a ghost replaces a newer page", |_, state| state.saw(Event::GhostReplacesNewerPage)),
        sometimes("a lost commit takes effect after all", |_, state| state.saw(Event::CommittedAfterLost)),
        sometimes("a lease commits twice", |_, state| state.saw(Event::CommittedTwice)),
        sometimes("a stray replaces its owner's newer lease", |_, state| state.saw(Event::StrayReplacesOwnNewerLease)),
    ]
}

//! States that must be possible, because a model in which nothing happens keeps every rule; and, by name, the limits of
//! the protocol.

use stateright::Property;

use crate::events::Event;
use crate::lease::Lease;
use crate::message::Request;
use crate::model::LeaseModel;
use crate::state::State;

impl State {
    fn saw(&self, event: Event) -> bool {
        self.history.witnesses.is_some_and(|witnesses| witnesses.seen.contains(event))
    }

    /// An unknown commit that has not taken effect, and of which no copy is in flight.
    fn has_unknown_without_effect(&self) -> bool {
        let is_under_way = |lease: Lease| {
            self.late_duplicates
                .iter()
                .any(|late_duplicate| matches!(late_duplicate, Request::Commit { claim, .. } if claim.lease == lease))
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
        sometimes("a late duplicate of an acquire revives a LOCK", |_, state| state.saw(Event::RevivedLease)),
    ]
}

/// The limits of the protocol. Each needs a late duplicate of an acquire.
pub(crate) fn limits() -> Vec<Property<LeaseModel>> {
    vec![
        sometimes("a revived LOCK brings an invalidated page back", |_, state| {
            state.saw(Event::RevivedLeaseBringsOutdatedPage)
        }),
        sometimes("a revived LOCK replaces a newer page", |_, state| state.saw(Event::RevivedLeaseReplacesNewerPage)),
        sometimes("a lost commit takes effect after all", |_, state| state.saw(Event::CommittedAfterLost)),
        sometimes("a lease commits twice", |_, state| state.saw(Event::CommittedTwice)),
        sometimes("a late duplicate replaces its owner's newer lease", |_, state| {
            state.saw(Event::LateDuplicateReplacesOwnNewerLease)
        }),
    ]
}

/// States that the rules for fleets make possible, and limits that remain.
pub(crate) fn of_fleet() -> Vec<Property<LeaseModel>> {
    vec![
        sometimes("a lease that was seen answers an acquire", |_, state| state.saw(Event::HeldByMemory)),
        sometimes("a newer page makes a lease needless", |_, state| state.saw(Event::Needless)),
        sometimes("a page published between read and put is rendered again", |_, state| {
            state.saw(Event::RenderedAgain)
        }),
    ]
}

/// States that early refresh makes possible, and the limit that remains.
pub(crate) fn of_early_refresh() -> Vec<Property<LeaseModel>> {
    vec![
        sometimes("a page is refreshed early", |_, state| state.saw(Event::RefreshedEarly)),
        sometimes("an early refresh of another process makes one needless", |_, state| {
            state.saw(Event::EarlyRefreshNeedless)
        }),
        sometimes("two processes refresh one page early", |_, state| state.saw(Event::RenderedAgain)),
    ]
}

/// The limit that remains for a soft invalidation.
pub(crate) fn of_soft_invalidation() -> Vec<Property<LeaseModel>> {
    vec![sometimes("a late duplicate of a soft invalidation marks a newer page", |_, state| {
        state.saw(Event::SoftInvalidationAgain)
    })]
}

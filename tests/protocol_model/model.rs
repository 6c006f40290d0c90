//! The model as the checker asks for it: which steps are possible where.

use stateright::{Model, Property};

use crate::bounds::{Bounds, Feature};
use crate::fleet::Fleet;
use crate::invalidator::Invalidator;
use crate::lease::WriterId;
use crate::message::Request;
use crate::mutants::Mutant;
use crate::network::{Fate, Fault};
use crate::rules::Rule;
use crate::state::{Action, Caller, State};
use crate::time::Millis;
use crate::witnesses::{limits, of_early_refresh, of_fleet, of_soft_invalidation, possibilities};

/// The protocol, or a mutant of it, in a world of some size.
#[derive(Clone, Debug)]
pub(crate) struct LeaseModel {
    pub(crate) mutant: Option<Mutant>,
    pub(crate) bounds: Bounds,
}

impl LeaseModel {
    pub(crate) fn of_the_protocol(bounds: Bounds) -> Self {
        Self { mutant: None, bounds }
    }

    /// The writer is between two rounds and has read a page as fresh, so that it does not acquire.
    fn has_fresh_page(&self, state: &State, id: WriterId) -> bool {
        let knows = |fleet: &Fleet| fleet.shows_fresh_page(id);
        self.bounds.feature == Feature::EarlyRefresh
            && state.writers[id.index()].is_idle(self)
            && state.fleet.as_ref().is_none_or(knows)
    }

    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

fn push_attempts(state: &State, caller: Caller, request: Request, actions: &mut Vec<Action>) {
    let is_acquire = matches!(request, Request::Acquire { .. });
    for fate in Fate::ALL {
        let is_possible = match fate.fault() {
            None => true,
            // It makes a difference to an acquire only.
            Some(_) if fate.ends_for_lack_of_time() && !is_acquire => false,
            // It would be the same as a delay.
            Some(Fault::Crash) if caller == Caller::Invalidator => false,
            Some(fault) => state.faults.allows(fault),
        };
        if is_possible {
            actions.push(Action::Attempt(caller, request, fate));
        }
    }
}

/// The store's optional shortcuts that cost the table no write.
fn push_fleet(model: &LeaseModel, state: &State, id: WriterId, actions: &mut Vec<Action>) {
    let (Some(fleet), writer) = (&state.fleet, state.writers[id.index()]) else { return };
    if writer.is_idle(model) {
        if fleet.can_look(id, &state.table) {
            actions.push(Action::Look(id));
        }
        if model.bounds.feature == Feature::EarlyRefresh && fleet.can_refresh(id, &state.table, model.mutant) {
            actions.push(Action::LookAndRefresh(id));
        }
        if fleet.can_read_early(id) {
            actions.push(Action::ReadEarly(id));
        }
        let claim = writer.claim(model);
        let seen = |now: &Millis| fleet.recently_seen(claim, *now, model.mutant).is_some();
        actions.extend(state.readings(id, model).filter(seen).map(|now| Action::AnswerFromMemory(id, now)));
    }
    if writer.acquires_at(model).is_some_and(|now| state.read_tells(id, now, model).is_some()) {
        actions.push(Action::ReadAfterThrottle(id));
    }
}

impl Model for LeaseModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.bounds.clocks.iter().map(|skews| State::initial(*skews, self)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for id in WriterId::all() {
            let writer = &state.writers[id.index()];
            let send = |request| push_attempts(state, Caller::Writer(id), request, actions);
            if !self.has_fresh_page(state, id) {
                writer.requests(state.readings(id, self), self, send);
            }
            push_fleet(self, state, id, actions);
            if writer.is_between_calls() && state.faults.allows(Fault::Crash) {
                actions.push(Action::Crash(id));
            }
        }
        if let Some(request) = state.invalidator.request() {
            push_attempts(state, Caller::Invalidator, request, actions);
        }
        actions.extend(state.late_duplicates.iter().map(Action::LateDuplicateArrives));
        if state.faults.allows(Fault::Pause) {
            actions.push(Action::Pause);
        }
        if state.invalidator == Invalidator::Resolved {
            actions.push(Action::Get);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = *last;
        next.step(action, self);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties: Vec<_> = Rule::ALL.into_iter().map(Rule::property).collect();
        if self.bounds.looks_for_witnesses {
            properties.extend(possibilities().into_iter().chain(limits()));
            properties.extend(match self.bounds.feature {
                Feature::None => vec![],
                Feature::SoftInvalidation => of_soft_invalidation(),
                Feature::Fleet => of_fleet(),
                Feature::EarlyRefresh => of_early_refresh(),
            });
        }
        properties
    }
}

//! The whole world in one instant, and what one step makes of it.

use crate::history::History;
use crate::invalidator::Invalidator;
use crate::lease::{Lease, WRITERS, WriterId};
use crate::message::{Answer, Request};
use crate::model::LeaseModel;
use crate::network::{Budget, Fate, Fault, Strays};
use crate::table::{Copy, Table};
use crate::time::{BEGINNING, Millis, Skew};
use crate::writer::{Then, Writer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Writer(WriterId),
    Invalidator,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A caller sends a request, and this becomes of it.
    Attempt(Caller, Request, Fate),
    StrayArrives(Request),
    /// A writer crashes that has no request under way.
    Crash(WriterId),
    Pause,
    /// A `get` that begins when the invalidation has resolved.
    Get,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    now: Millis,
    skews: [Skew; WRITERS],
    pub(crate) table: Table,
    pub(crate) writers: [Writer; WRITERS],
    pub(crate) invalidator: Invalidator,
    pub(crate) strays: Strays,
    pub(crate) faults: Budget,
    pub(crate) history: History,
}

impl State {
    pub(crate) fn initial(skews: [Skew; WRITERS], model: &LeaseModel) -> Self {
        let bounds = &model.bounds;
        Self {
            now: BEGINNING,
            skews,
            table: Table::EMPTY,
            writers: WriterId::ALL.map(Writer::new),
            invalidator: Invalidator::new(model),
            strays: Strays::default(),
            faults: bounds.faults,
            history: History::new(bounds.callers_commit_again, bounds.looks_for_witnesses),
        }
    }

    fn clock(&self, id: WriterId) -> Millis {
        self.skews[id.index()].reading(self.now)
    }

    /// What a writer's clock has shown so far.
    pub(crate) fn readings(&self, id: WriterId, model: &LeaseModel) -> impl Iterator<Item = Millis> {
        let skew = self.skews[id.index()];
        (BEGINNING.0..=self.now.0).step_by(model.bounds.pause.0.into()).map(move |time| skew.reading(Millis(time)))
    }

    pub(crate) fn step(&mut self, action: Action, model: &LeaseModel) {
        match action {
            Action::Attempt(caller, request, fate) => self.attempt(caller, request, fate, model),
            Action::StrayArrives(request) => {
                self.strays.remove(request);
                self.table.serve(request, Copy::Stray, model, &mut self.history);
            }
            Action::Crash(id) => {
                self.faults.spend(Fault::Crash);
                self.crash(id);
            }
            Action::Pause => {
                self.faults.spend(Fault::Pause);
                self.now = self.now.plus(model.bounds.pause);
            }
            Action::Get => self.history.read(self.table.meta),
        }
        if model.bounds.forgets {
            self.forget_what_cannot_matter(model);
        }
    }

    fn attempt(&mut self, caller: Caller, request: Request, fate: Fate, model: &LeaseModel) {
        if let Some(fault) = fate.fault() {
            self.faults.spend(fault);
        }
        if let Caller::Writer(id) = caller {
            self.writers[id.index()].send(request);
        }
        match fate {
            Fate::Served => {
                let answer = self.table.serve(request, Copy::Awaited, model, &mut self.history);
                self.hear(caller, request, answer, Then::Retry, model);
            }
            Fate::RequestLost(then) => self.hear(caller, request, Answer::Silence, then, model),
            Fate::AnswerLost(then) => {
                self.table.serve(request, Copy::Awaited, model, &mut self.history);
                self.hear(caller, request, Answer::Silence, then, model);
            }
            Fate::Delayed(then) => {
                self.strays.add(request);
                self.hear(caller, request, Answer::Silence, then, model);
            }
            Fate::Duplicated => self.strays.add(request),
            Fate::Conflict(then) => self.hear(caller, request, Answer::Conflict, then, model),
            Fate::Throttled(then) => self.hear(caller, request, Answer::Throttled, then, model),
            Fate::CallerCrashes => {
                self.strays.add(request);
                if let Caller::Writer(id) = caller {
                    self.crash(id);
                }
            }
        }
    }

    fn hear(&mut self, caller: Caller, request: Request, answer: Answer, then: Then, model: &LeaseModel) {
        match caller {
            Caller::Writer(id) => {
                let clock = self.clock(id);
                if let Some(report) = self.writers[id.index()].hear(answer, then, clock, model) {
                    self.history.reported(report, request, answer, &self.table);
                }
            }
            Caller::Invalidator => {
                self.invalidator.hear(answer, then, model);
                if self.invalidator == Invalidator::Resolved {
                    self.history.invalidation_reported();
                }
            }
        }
    }

    fn crash(&mut self, id: WriterId) {
        let writer = &mut self.writers[id.index()];
        self.history.crashed(writer.lease());
        writer.end_round();
    }

    /// What can matter no more would only tell states apart that have the same future: strays that will change nothing,
    /// and the past of a lease that has no row, that no request will name, and whose holder is done with it.
    fn forget_what_cannot_matter(&mut self, model: &LeaseModel) {
        let table = self.table;
        self.strays.remove_where(|stray| table.has_applied(stray));
        for lease in Lease::all() {
            let writer = &self.writers[lease.writer.index()];
            let is_held = writer.lease() == lease && writer.has_plans(model);
            let has_row = table.meta == Some(lease) || table.lock.is_some_and(|lock| lock.lease == lease);
            let is_under_way = || self.strays.iter().any(|stray| stray.lease() == Some(lease));
            if !is_held && !has_row && !is_under_way() {
                self.table.forget(lease);
                self.history.forget(lease);
            }
        }
    }
}

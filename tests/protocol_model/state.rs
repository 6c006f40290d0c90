//! The whole world in one instant, and the result of each step.

use crate::bounds::Feature;
use crate::call::{Report, Then};
use crate::fleet::Fleet;
use crate::history::History;
use crate::invalidator::{Invalidator, THE_INVALIDATION};
use crate::lease::{Lease, WriterId};
use crate::message::{Answer, Request};
use crate::model::LeaseModel;
use crate::mutants::Mutant;
use crate::network::{Budget, Fate, Fault, LateDuplicates};
use crate::scale::WRITERS;
use crate::skew::{BEGINNING, Skew};
use crate::table::{Copy, Table};
use crate::time::Millis;
use crate::writer::Writer;

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
    LateDuplicateArrives(Request),
    /// A writer without a request in flight crashes.
    Crash(WriterId),
    Pause,
    /// A writer's store reads both rows.
    Look(WriterId),
    /// The same; the writer is told that the page, which is fresh, is stale.
    LookAndRefresh(WriterId),
    /// The read of META that belongs to a writer's next acquire is served before its put.
    ReadEarly(WriterId),
    /// The store's observations answer a writer's acquire.
    AnswerFromMemory(WriterId, Millis),
    /// Between two attempts, a read tells a writer how its acquire ends.
    ReadAfterThrottle(WriterId),
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
    pub(crate) late_duplicates: LateDuplicates,
    pub(crate) faults: Budget,
    pub(crate) history: History,
    /// The observations of the stores, in worlds with the rules for fleets.
    pub(crate) fleet: Option<Fleet>,
}

impl State {
    pub(crate) fn initial(skews: [Skew; WRITERS], model: &LeaseModel) -> Self {
        let bounds = &model.bounds;
        Self {
            now: BEGINNING,
            skews,
            table: Table::EMPTY,
            writers: std::array::from_fn(|number| Writer::new(WriterId(u8::try_from(number).expect("few writers")))),
            invalidator: Invalidator::new(model),
            late_duplicates: LateDuplicates::default(),
            faults: bounds.faults,
            history: History::new(bounds.callers_commit_again, bounds.looks_for_witnesses),
            fleet: matches!(bounds.feature, Feature::Fleet | Feature::EarlyRefresh).then_some(Fleet::NEW),
        }
    }

    fn clock(&self, id: WriterId) -> Millis {
        self.skews[id.index()].reading(self.now)
    }

    /// The readings of a writer's clock so far.
    pub(crate) fn readings(&self, id: WriterId, model: &LeaseModel) -> impl Iterator<Item = Millis> {
        let skew = self.skews[id.index()];
        (BEGINNING.0..=self.now.0).step_by(model.bounds.pause.0.into()).map(move |time| skew.reading(Millis(time)))
    }

    pub(crate) fn step(&mut self, action: Action, model: &LeaseModel) {
        let before = self.table;
        match action {
            Action::Look(id) => self.with_fleet(|fleet, table| fleet.look(id, table)),
            Action::LookAndRefresh(id) => self.look_and_refresh(id),
            Action::ReadEarly(id) => self.with_fleet(|fleet, table| fleet.read_early(id, table)),
            Action::AnswerFromMemory(id, now) => self.answer_from_memory(id, now, model),
            Action::ReadAfterThrottle(id) => self.read_after_throttle(id, model),
            Action::Attempt(caller, request, fate) => self.attempt(caller, request, fate, model),
            Action::LateDuplicateArrives(request) => {
                self.late_duplicates.remove(request);
                self.table.serve(request, Copy::LateDuplicate, model.mutant, &mut self.history);
            }
            Action::Crash(id) => {
                self.faults.spend(Fault::Crash);
                self.crash(id);
            }
            Action::Pause => {
                self.faults.spend(Fault::Pause);
                self.now = self.now.plus(model.bounds.pause);
                self.with_fleet(|fleet, table| fleet.time_passed(table, model.mutant));
            }
            Action::Get => self.history.read(&self.table),
        }
        self.with_fleet(|fleet, table| fleet.changed(&before, table));
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
                let answer = self.table.serve(request, Copy::Awaited, model.mutant, &mut self.history);
                self.hear(caller, request, answer, Then::Retry, model);
            }
            Fate::RequestLost(then) => self.hear(caller, request, Answer::Silence, then, model),
            Fate::AnswerLost(then) => {
                self.table.serve(request, Copy::Awaited, model.mutant, &mut self.history);
                self.hear(caller, request, Answer::Silence, then, model);
            }
            Fate::Delayed(then) => {
                self.late_duplicates.add(request);
                self.hear(caller, request, Answer::Silence, then, model);
            }
            Fate::Duplicated => self.late_duplicates.add(request),
            Fate::Conflict(then) => self.hear(caller, request, Answer::Conflict, then, model),
            Fate::Throttled(then) => self.hear(caller, request, Answer::Throttled, then, model),
            Fate::CallerCrashes => {
                self.late_duplicates.add(request);
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
                let report = self.writers[id.index()].hear(answer, then, clock, model);
                if report == Some(Report::Acquired) && self.turns_back(id, request, answer, model) {
                    return;
                }
                if let Some(report) = report {
                    self.history.reported(report, request, answer, &self.table);
                }
                if self.writers[id.index()].is_idle(model) {
                    self.with_fleet(|fleet, _| fleet.forget(id));
                }
            }
            Caller::Invalidator => {
                self.invalidator.hear(answer, then, model);
                if self.invalidator == Invalidator::Resolved {
                    self.history.invalidation_reported(THE_INVALIDATION);
                }
            }
        }
    }

    fn with_fleet(&mut self, change: impl FnOnce(&mut Fleet, &Table)) {
        if let Some(fleet) = &mut self.fleet {
            change(fleet, &self.table);
        }
    }

    /// The second look at the page, after the lease was taken.
    fn turns_back(&mut self, id: WriterId, request: Request, answer: Answer, model: &LeaseModel) -> bool {
        let Some(fleet) = self.fleet else { return false };
        let is_needless = fleet.is_needless(id, &self.table, model.mutant);
        self.history.looked_twice(is_needless, fleet.is_overtaken(id), fleet.reads_newer_page(id, &self.table));
        self.history.refreshes(fleet.refreshes_early(id), is_needless);
        if !is_needless {
            return false;
        }
        let writer = &mut self.writers[id.index()];
        if model.has(Mutant::NeedlessLeaseKept) {
            let claim = writer.claim(model);
            writer.end_round();
            self.history.reported(Report::Needless, Request::Release { claim }, answer, &self.table);
        } else {
            writer.turns_back();
            self.history.reported(Report::Acquired, request, answer, &self.table);
        }
        true
    }

    fn look_and_refresh(&mut self, id: WriterId) {
        let table = self.table;
        let Some(fleet) = &mut self.fleet else { return };
        let is_first = fleet.look_and_refresh(id, &table);
        self.history.asked_to_refresh(is_first && table.lock.is_none());
    }

    fn answer_from_memory(&mut self, id: WriterId, now: Millis, model: &LeaseModel) {
        let (Some(fleet), claim) = (self.fleet, self.writers[id.index()].claim(model)) else { return };
        if let Some(lock) = fleet.recently_seen(claim, now, model.mutant) {
            self.history.held_by_memory(fleet.was_held(lock, claim, now));
            self.writers[id.index()].end_round();
        }
    }

    /// The result for a writer that reads both rows between two attempts of its acquire.
    pub(crate) fn read_tells(&self, id: WriterId, now: Millis, model: &LeaseModel) -> Option<Report> {
        let (claim, lock) = (self.writers[id.index()].claim(model), self.table.lock?);
        let is_own =
            if model.has(Mutant::ReadIgnoresToken) { lock.owner == claim.owner } else { lock.token == claim.token };
        if is_own {
            return Some(Report::Acquired);
        }
        (!lock.is_free_for(claim.owner, now, model.mutant)).then_some(Report::Held)
    }

    fn read_after_throttle(&mut self, id: WriterId, model: &LeaseModel) {
        let (clock, claim) = (self.clock(id), self.writers[id.index()].claim(model));
        let now = self.writers[id.index()].acquires_at(model);
        let Some(report) = now.and_then(|now| self.read_tells(id, now, model)) else { return };
        self.history.acquire_reported(report, claim, &self.table);
        let writer = &mut self.writers[id.index()];
        match report {
            Report::Acquired => writer.has_acquired(clock),
            _ => writer.end_round(),
        }
    }

    fn crash(&mut self, id: WriterId) {
        let writer = &mut self.writers[id.index()];
        self.history.crashed(writer.lease());
        writer.end_round();
        self.with_fleet(|fleet, _| fleet.crashed(id));
    }

    /// Facts without further effect would only separate states that have the same future. They are late duplicates that
    /// will change nothing, and the past of a finished lease. Such a lease has no row, no request will name it, and its
    /// holder has finished with it.
    fn forget_what_cannot_matter(&mut self, model: &LeaseModel) {
        let table = self.table;
        self.late_duplicates.remove_where(|late_duplicate| table.has_applied(late_duplicate));
        for lease in Lease::all() {
            let writer = &self.writers[lease.writer.index()];
            let is_held = writer.lease() == lease && writer.has_plans(model);
            let has_row = table.meta == Some(lease) || table.lock.is_some_and(|lock| lock.lease == lease);
            let is_under_way =
                || self.late_duplicates.iter().any(|late_duplicate| late_duplicate.lease() == Some(lease));
            if !is_held && !has_row && !is_under_way() {
                self.table.forget(lease);
                self.history.forget(lease);
                self.with_fleet(|fleet, _| fleet.forget_page(lease));
            }
        }
    }
}

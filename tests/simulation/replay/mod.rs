//! Trace validation: each run of the real code, replayed effect by effect through the model of the protocol.
//!
//! The model's own files are compiled here with larger numbers. A request takes effect on the model's table when it
//! does on the simulated one: the answers must be the same, and so must the rows. The attempts of a call and their
//! answers lead through the model's calls to the caller's result. A step that the model cannot make is a violation, and
//! so is a rule of the model that is broken on the way.

#[path = "../../protocol_model/call.rs"]
mod call;
#[path = "../../protocol_model/events.rs"]
mod events;
#[path = "../../protocol_model/history.rs"]
#[expect(dead_code, reason = "the model's writers crash, read and look")]
mod history;
#[path = "../../protocol_model/lease.rs"]
#[expect(dead_code, reason = "the model visits all leases")]
mod lease;
#[path = "../../protocol_model/message.rs"]
#[expect(dead_code, reason = "the model has late duplicates and mutants")]
mod message;
#[path = "../../protocol_model/mutants.rs"]
#[expect(dead_code, reason = "the model says which rules a mutant breaks")]
mod mutants;
mod names;
#[path = "../../protocol_model/rules.rs"]
mod rules;
mod scale;
#[path = "../../protocol_model/set.rs"]
#[expect(dead_code, reason = "the model forgets")]
mod set;
mod step;
#[path = "../../protocol_model/table.rs"]
#[expect(dead_code, reason = "the model has late duplicates and forgets")]
mod table;
#[path = "../../protocol_model/time.rs"]
mod time;

use std::collections::BTreeMap;

use tokio::time::Instant;

use self::call::{Report, Then, after_acquire, after_commit};
use self::history::History;
use self::lease::{CommitCall, Lease, Owner};
use self::message::{Answer, Part, Request};
pub(crate) use self::mutants::Mutant;
use self::names::Names;
use self::rules::Rule;
use self::table::{Copy, Table};
use self::time::Millis;
use crate::ledger::{CallId, RECENTLY};

/// One attempt at a request, or a read.
#[derive(Debug, Clone)]
struct Attempt {
    client: usize,
    /// Nothing for a read.
    request: Option<Request>,
    /// The client request token.
    transaction: Option<String>,
    sent: Instant,
    /// The table when the request was judged, and its answer there.
    judged: Option<(Table, Answer)>,
    /// The answer that came back.
    heard: Option<Answer>,
}

/// The answer to an acquire, as its caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquired {
    Yes,
    /// By this much it is not free.
    Held,
    /// No lease is named.
    HeldByNobody,
    Failed,
}

/// One key's run through the protocol, and through changed protocols that should not be able to make all its steps.
pub(crate) struct Replays {
    protocol: Replay,
    /// Those that could make each step so far.
    mutants: Vec<Replay>,
}

impl Replays {
    pub(crate) fn new(mutants: &[Mutant]) -> Self {
        let mutants = mutants.iter().map(|mutant| Replay::new(Some(*mutant))).collect();
        Self { protocol: Replay::new(None), mutants }
    }

    /// Makes a step in each model. The verdict is the protocol's; mutants that cannot make it are `noticed`.
    pub(crate) fn each(&mut self, noticed: &mut Vec<Mutant>, mut step: impl FnMut(&mut Replay) -> Verdict) -> Verdict {
        self.mutants.retain_mut(|replay| {
            let is_possible = step(replay).is_ok();
            noticed.extend(replay.mutant.filter(|_| !is_possible));
            is_possible
        });
        step(&mut self.protocol)
    }
}

/// One key's run through a model.
pub(crate) struct Replay {
    mutant: Option<Mutant>,
    table: Table,
    history: History,
    names: Names,
    attempts: BTreeMap<usize, Attempt>,
    /// Rules of the model that have been found broken.
    broken: Vec<Rule>,
}

type Verdict = Result<(), String>;

fn require(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

impl Replay {
    fn new(mutant: Option<Mutant>) -> Self {
        Self {
            mutant,
            table: Table::EMPTY,
            history: History::new(true, false),
            names: Names::default(),
            attempts: BTreeMap::new(),
            broken: vec![],
        }
    }

    fn keeps_rules(&mut self) -> Verdict {
        let broken = Rule::ALL.into_iter().find(|rule| !self.history.keeps(*rule) && !self.broken.contains(rule));
        let Some(rule) = broken else { return Ok(()) };
        self.broken.push(rule);
        Err(format!("the model's rule \"{}\" is broken", rule.name()))
    }

    fn own_attempts(&self, is_own: impl Fn(Request) -> bool) -> Vec<Attempt> {
        self.attempts.values().filter(|attempt| attempt.request.is_some_and(&is_own)).cloned().collect()
    }

    /// An acquire has ended, which began at `began` with this clock.
    pub(crate) fn acquire_ended(
        &mut self,
        (owner, token, now): (&str, &str, f64),
        client: usize,
        began: Instant,
        told: Acquired,
    ) -> Verdict {
        let (lease, owner, now) = (self.names.lease(token), self.names.owner(owner), millis(now));
        let own =
            self.own_attempts(|request| matches!(request, Request::Acquire { claim, .. } if claim.lease == lease));
        if let Some(attempt) = own.last() {
            let reports = self.reports_of_acquire(&own)?;
            let report = match told {
                Acquired::Yes => Report::Acquired,
                Acquired::Held => Report::Held,
                Acquired::HeldByNobody => Report::Contended,
                Acquired::Failed => Report::AcquireUnknown,
            };
            if reports.contains(&report) {
                let table = attempt.judged.map_or(self.table, |(table, _)| table);
                let answer = attempt.heard.unwrap_or(Answer::Silence);
                if let Some(request) = attempt.request {
                    self.history.reported(report, request, answer, &table);
                }
                return self.keeps_rules();
            }
        }
        // The answer has come from a read, from another caller's attempt, or from the store's observations.
        let seen = self.seen_by(client, began);
        let is_explained = match told {
            Acquired::Yes => seen.iter().any(|table| table.lock.is_some_and(|lock| lock.lease == lease)),
            Acquired::Held => seen
                .iter()
                .filter_map(|table| table.lock)
                .any(|lock| lock.lease != lease && lock.owner != owner && !lock.has_ended_by(now)),
            // A newer page makes the lease needless; or the attempt of another caller met only conflicts.
            Acquired::HeldByNobody => {
                let is_needless = seen.iter().any(|table| table.fresh_page().is_some());
                is_needless || own.is_empty() && self.met_conflict(client, began)
            }
            Acquired::Failed => true,
        };
        require(is_explained, || format!("the model cannot tell the acquire {lease:?} that it is {told:?}: {own:?}"))
    }

    /// The possible results of an acquire after its attempts.
    fn reports_of_acquire(&self, own: &[Attempt]) -> Result<Vec<Report>, String> {
        let mut unsure = false;
        let Some((last, earlier)) = own.split_last() else { return Ok(vec![]) };
        for attempt in earlier {
            require(attempt.request == last.request, || format!("the attempts of an acquire differ: {own:?}"))?;
            let answer = attempt.heard.unwrap_or(Answer::Silence);
            let goes_on = after_acquire(answer, Then::Retry, unsure, self.mutant).is_none();
            require(goes_on, || format!("an acquire goes on after {answer:?}"))?;
            unsure |= answer == Answer::Silence;
        }
        // An answer may as well not have come: the read beside the put has failed.
        let answers = [last.heard.unwrap_or(Answer::Silence), Answer::Silence];
        let ends = answers.into_iter().flat_map(|answer| [Then::GiveUp, Then::TimeIsUp].map(|then| (answer, then)));
        Ok(ends.filter_map(|(answer, then)| after_acquire(answer, then, unsure, self.mutant)).collect())
    }

    /// The table, as requests of this client have met it since shortly before the call.
    fn seen_by(&self, client: usize, began: Instant) -> Vec<Table> {
        let is_recent = |attempt: &&Attempt| attempt.client == client && attempt.sent + RECENTLY >= began;
        self.attempts.values().filter(is_recent).filter_map(|attempt| Some(attempt.judged?.0)).collect()
    }

    fn met_conflict(&self, client: usize, began: Instant) -> bool {
        self.attempts
            .values()
            .any(|attempt| attempt.client == client && attempt.sent >= began && attempt.heard == Some(Answer::Conflict))
    }

    /// A commit has ended.
    pub(crate) fn commit_ended(&mut self, token: &str, id: CallId, report: CommitReport) -> Verdict {
        let lease = self.names.lease(token);
        let call = CommitCall { lease, nth: self.names.commit(lease, id) };
        let own = self.own_attempts(
            |request| matches!(request, Request::Commit { claim, nth, .. } if claim.lease == lease && nth == call.nth),
        );
        let report = match report {
            CommitReport::Committed => Report::Committed,
            CommitReport::LeaseLost => Report::LeaseLost,
            CommitReport::Unknown => Report::CommitUnknown,
        };
        let Some((last, earlier)) = own.split_last() else {
            // A store refuses a token that it has committed.
            let is_known = lease.commits().any(|call| self.history.has_committed(call));
            let is_possible = report == Report::CommitUnknown || report == Report::LeaseLost && is_known;
            return require(is_possible, || format!("the model cannot tell a commit that was not sent {report:?}"));
        };
        for attempt in earlier {
            let is_same = (attempt.request, &attempt.transaction) == (last.request, &last.transaction);
            require(is_same, || format!("the attempts of a commit differ: {own:?}"))?;
            let answer = attempt.heard.unwrap_or(Answer::Silence);
            let goes_on = after_commit(answer, Then::Retry, Part::Whole, self.mutant).is_none();
            require(goes_on, || format!("a commit goes on after {answer:?}"))?;
        }
        let answer = last.heard.unwrap_or(Answer::Silence);
        let ends = [Then::GiveUp, Then::TimeIsUp].map(|then| after_commit(answer, then, Part::Whole, self.mutant));
        require(ends.contains(&Some(report)), || {
            format!("the model cannot tell the commit {call:?} {report:?} after {answer:?}")
        })?;
        if let Some(request) = last.request {
            let table = last.judged.map_or(self.table, |(table, _)| table);
            self.history.reported(report, request, answer, &table);
        }
        self.keeps_rules()
    }
}

/// The result of a commit for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitReport {
    Committed,
    LeaseLost,
    Unknown,
}

/// Whole milliseconds, as the clients' clocks show.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
fn millis(ms: f64) -> Millis {
    Millis(ms as u64)
}

/// The model's names for a lease and an owner of the simulated rows.
fn is_same_lock(lock: table::Lock, lease: Lease, owner: Owner, expires_at: f64) -> bool {
    lock.lease == lease && lock.owner == owner && lock.expires_at_ms == millis(expires_at)
}

/// Which copy of a request has arrived.
pub(crate) fn copy(is_awaited: bool) -> Copy {
    if is_awaited { Copy::Awaited } else { Copy::LateDuplicate }
}

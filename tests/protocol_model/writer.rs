//! One writer, who regenerates the page as FaceTheory does: acquire, render, commit, and in the end release.
//!
//! A call begins with its first attempt; that it may have begun earlier shows in the reading of the clock that it
//! sends, which may be an old one. How often an attempt is repeated is left open: after each failed one the call may
//! retry or give up. So the model covers every limit on attempts and on time.

use crate::call::{Report, Then, after_acquire, after_commit};
use crate::lease::{Lease, Owner, Token, WriterId};
use crate::message::{Answer, Claim, Part, Request};
use crate::model::LeaseModel;
use crate::mutants::Mutant;
use crate::time::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Before a round, or after the last.
    Idle,
    /// `unsure`: an earlier attempt may have taken effect.
    Acquiring {
        now: Millis,
        unsure: bool,
    },
    /// Has been told that it has the lease, when its clock showed `began`.
    Rendering {
        began: Millis,
    },
    Committing {
        nth: u8,
        now: Millis,
        attempt: u8,
        part: Part,
    },
    /// The commit is over, and the caller may make another with the same lease.
    Wondering {
        now: Millis,
    },
    Releasing,
    /// The lease that it got is needless.
    Returning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    id: WriterId,
    round: u8,
    phase: Phase,
}

impl Writer {
    pub(crate) fn new(id: WriterId) -> Self {
        Self { id, round: 0, phase: Phase::Idle }
    }

    /// The lease of the present round.
    pub(crate) fn lease(self) -> Lease {
        Lease { writer: self.id, round: self.round }
    }

    /// In a round, with no request in flight.
    pub(crate) fn is_between_calls(self) -> bool {
        matches!(self.phase, Phase::Rendering { .. } | Phase::Wondering { .. })
    }

    /// May acquire or commit the present round's lease, or will be told how that went.
    pub(crate) fn has_plans(self, model: &LeaseModel) -> bool {
        self.has_rounds_left(model) && !matches!(self.phase, Phase::Releasing | Phase::Returning)
    }

    fn has_rounds_left(self, model: &LeaseModel) -> bool {
        self.round < model.bounds.rounds[self.id.index()]
    }

    /// Before a round.
    pub(crate) fn is_idle(self, model: &LeaseModel) -> bool {
        self.phase == Phase::Idle && self.has_rounds_left(model)
    }

    /// Between two attempts of an acquire, which all send this reading of the clock.
    pub(crate) fn acquires_at(self, model: &LeaseModel) -> Option<Millis> {
        match self.phase {
            Phase::Acquiring { now, .. } if self.has_rounds_left(model) => Some(now),
            _ => None,
        }
    }

    /// Has learned by a read that it has the lease.
    pub(crate) fn has_acquired(&mut self, clock: Millis) {
        self.phase = Phase::Rendering { began: clock };
    }

    /// Has a lease that is needless.
    pub(crate) fn turns_back(&mut self) {
        self.phase = Phase::Returning;
    }

    pub(crate) fn claim(self, model: &LeaseModel) -> Claim {
        let lease = self.lease();
        let first = Lease { round: 0, ..lease };
        let token = Token(if model.has(Mutant::OneTokenForAllRounds) { first } else { lease });
        Claim { lease, token, owner: Owner(model.bounds.owners[self.id.index()]) }
    }

    /// The requests that may now be in flight. `readings` are the clock's readings so far.
    pub(crate) fn requests(
        self,
        readings: impl Iterator<Item = Millis>,
        model: &LeaseModel,
        mut send: impl FnMut(Request),
    ) {
        if !self.has_rounds_left(model) {
            return;
        }
        let claim = self.claim(model);
        let first_part = if model.has(Mutant::CommitInTwoCalls) { Part::First } else { Part::Whole };
        let commit = |nth, now| Request::Commit { claim, nth, now, attempt: 0, part: first_part };
        match self.phase {
            Phase::Idle => readings.for_each(|now| send(Request::Acquire { claim, now })),
            Phase::Acquiring { now, .. } => send(Request::Acquire { claim, now }),
            Phase::Rendering { began } => {
                // The caller gives `generatedAt`, read before it renders, or `nowMs`, read after.
                readings.filter(|now| *now >= began).for_each(|now| send(commit(0, now)));
                send(Request::Release { claim });
            }
            Phase::Committing { nth, now, attempt, part } => send(Request::Commit { claim, nth, now, attempt, part }),
            Phase::Wondering { now } => {
                send(commit(1, now));
                send(Request::Release { claim });
            }
            Phase::Releasing | Phase::Returning => send(Request::Release { claim }),
        }
    }

    /// An attempt with `request` is made. The first of a call fixes the content of the others.
    pub(crate) fn send(&mut self, request: Request) {
        match request {
            Request::Acquire { now, .. } if self.phase == Phase::Idle => {
                self.phase = Phase::Acquiring { now, unsure: false };
            }
            Request::Commit { nth, now, attempt, part, .. } => {
                self.phase = Phase::Committing { nth, now, attempt, part };
            }
            Request::Release { .. } if self.phase != Phase::Returning => self.phase = Phase::Releasing,
            Request::Release { .. } | Request::Acquire { .. } | Request::Invalidate { .. } => {}
        }
    }

    /// The attempt has ended, and perhaps the call with it.
    pub(crate) fn hear(&mut self, answer: Answer, then: Then, clock: Millis, model: &LeaseModel) -> Option<Report> {
        match self.phase {
            Phase::Acquiring { unsure, .. } => self.hear_of_acquire(answer, then, unsure, clock, model),
            Phase::Committing { .. } => self.hear_of_commit(answer, then, model),
            Phase::Releasing => {
                if then != Then::Retry || matches!(answer, Answer::Done { .. } | Answer::Refused) {
                    self.end_round();
                }
                None
            }
            Phase::Returning => match answer {
                Answer::Done { .. } | Answer::Refused => {
                    self.end_round();
                    Some(Report::Needless)
                }
                _ => {
                    if then != Then::Retry {
                        self.end_round();
                    }
                    None
                }
            },
            Phase::Idle | Phase::Rendering { .. } | Phase::Wondering { .. } => None,
        }
    }

    fn hear_of_acquire(
        &mut self,
        answer: Answer,
        then: Then,
        was_unsure: bool,
        clock: Millis,
        model: &LeaseModel,
    ) -> Option<Report> {
        let Some(report) = after_acquire(answer, then, was_unsure, model.mutant) else {
            if let Phase::Acquiring { unsure, .. } = &mut self.phase {
                *unsure |= answer == Answer::Silence;
            }
            return None;
        };
        match report {
            Report::Acquired => self.phase = Phase::Rendering { began: clock },
            // The store itself releases a lease that it has not reported, unless the last attempt was throttled.
            Report::AcquireUnknown if then == Then::GiveUp && answer != Answer::Throttled => {
                self.phase = Phase::Releasing;
            }
            _ => self.end_round(),
        }
        Some(report)
    }

    fn hear_of_commit(&mut self, answer: Answer, then: Then, model: &LeaseModel) -> Option<Report> {
        let Phase::Committing { nth, now, attempt, part } = &mut self.phase else { return None };
        let Some(report) = after_commit(answer, then, *part, model.mutant) else {
            if matches!(answer, Answer::Done { .. }) {
                *part = Part::Second;
            } else {
                *attempt += u8::from(model.has(Mutant::NewRequestTokenForEachAttempt));
            }
            return None;
        };
        let may_wonder = model.bounds.callers_commit_again && *nth == 0 && report != Report::LeaseLost;
        let now = *now;
        if report == Report::Committed && !model.has(Mutant::ConsumedTokenForgotten) {
            // The store refuses another commit by itself, and has nothing to release.
            self.end_round();
        } else if may_wonder {
            self.phase = Phase::Wondering { now };
        } else {
            self.phase = Phase::Releasing;
        }
        Some(report)
    }

    /// Also the state after a crash: nothing of the round is kept.
    pub(crate) fn end_round(&mut self) {
        *self = Self { round: self.round + 1, ..Self::new(self.id) };
    }
}

//! A call: the attempts at one request, and the result for the caller.

use super::message::{Answer, Part};
use super::mutants::Mutant;

/// The next action of a call after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Then {
    Retry,
    /// It has been tried often enough.
    GiveUp,
    /// No time is left, not even to release a lease that the acquire may hold.
    TimeIsUp,
}

/// The result of a call for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Acquired,
    /// Not acquired: another owner has the lease.
    Held,
    /// Not acquired: other transactions were in the way, and no attempt can have taken effect.
    Contended,
    /// Any other error of an acquire, which may have taken effect.
    AcquireUnknown,
    /// Not acquired: a page that was published since the caller looked makes it needless. The lease is released.
    Needless,
    Committed,
    LeaseLost,
    /// Any other error of a commit, which may have taken effect.
    CommitUnknown,
}

/// The result of an acquire after an attempt; `None` if it retries. `unsure`: an earlier attempt may have taken effect.
pub(crate) fn after_acquire(answer: Answer, then: Then, unsure: bool, mutant: Option<Mutant>) -> Option<Report> {
    Some(match answer {
        Answer::Done { .. } => Report::Acquired,
        Answer::Refused => Report::Held,
        _ if then == Then::Retry => return None,
        Answer::Silence if mutant == Some(Mutant::TimeoutIsSuccess) => Report::Acquired,
        Answer::Conflict if !unsure || mutant == Some(Mutant::ContendedDespiteDoubt) => Report::Contended,
        _ => Report::AcquireUnknown,
    })
}

/// The result of a commit after an attempt; `None` if it continues.
pub(crate) fn after_commit(answer: Answer, then: Then, part: Part, mutant: Option<Mutant>) -> Option<Report> {
    Some(match answer {
        Answer::Done { .. } if part == Part::First => return None,
        Answer::Done { .. } => Report::Committed,
        Answer::Refused => Report::LeaseLost,
        Answer::Conflict | Answer::Throttled if mutant == Some(Mutant::CancellationIsLeaseLost) => Report::LeaseLost,
        _ if then == Then::Retry => return None,
        Answer::Silence if mutant == Some(Mutant::TimeoutIsLeaseLost) => Report::LeaseLost,
        Answer::Silence if mutant == Some(Mutant::TimeoutIsSuccess) => Report::Committed,
        _ => Report::CommitUnknown,
    })
}

//! A path through the model, for people.

use std::fmt::{Display, Formatter, Result};

use stateright::Path;

use crate::message::{Part, Request};
use crate::network::Fate;
use crate::state::{Action, State};
use crate::table::{Origin, Table};

/// Numbered steps, each with the table's content after it. A2 is the second lease of writer A.
pub(crate) struct Trace(pub(crate) Path<State, Action>);

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut steps = self.0.clone().into_vec().into_iter().peekable();
        let mut number = 0;
        while let (Some((_, Some(action))), Some((after, _))) = (steps.next(), steps.peek()) {
            number += 1;
            writeln!(f, "{number:4}. {:52} {}", action.to_string(), after.table)?;
        }
        Ok(())
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Attempt(_, request, fate) => write!(f, "{request}: {fate}"),
            Self::LateDuplicateArrives(request) => write!(f, "a late duplicate arrives: {request}"),
            Self::Crash(id) => write!(f, "{id} crashes"),
            Self::Pause => f.write_str("a lease's time passes"),
            Self::Look(id) => write!(f, "{id} looks"),
            Self::LookAndRefresh(id) => write!(f, "{id} looks, and is to refresh the page early"),
            Self::ReadEarly(id) => write!(f, "{id} reads META, before its put arrives"),
            Self::AnswerFromMemory(id, now) => write!(f, "{id} acquires at {}: held, as it has seen", now.0),
            Self::ReadAfterThrottle(id) => write!(f, "{id} reads both rows"),
            Self::Get => f.write_str("get"),
        }
    }
}

impl Display for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Acquire { claim, now } => write!(f, "acquire {} at {}", claim.lease, now.0),
            Self::Commit { claim, nth, now, attempt, part } => {
                let again = if *nth > 0 { " again" } else { "" };
                write!(f, "commit {}{again} at {}{}", claim.lease, now.0, Attempt(*attempt, *part))
            }
            Self::Release { claim } => write!(f, "release {}", claim.lease),
            Self::Invalidate { is_soft, attempt, part, .. } => {
                write!(f, "invalidate{}{}", if *is_soft { " softly" } else { "" }, Attempt(*attempt, *part))
            }
        }
    }
}

/// Steps that only mutants have.
struct Attempt(u8, Part);

impl Display for Attempt {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.0 > 0 {
            write!(f, " with request token {}", self.0 + 1)?;
        }
        match self.1 {
            Part::Whole => Ok(()),
            Part::First => f.write_str(" (first half)"),
            Part::Second => f.write_str(" (second half)"),
        }
    }
}

impl Display for Fate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Served => f.write_str("answered"),
            Self::RequestLost(then) => write!(f, "request lost, {then:?}"),
            Self::AnswerLost(then) => write!(f, "answer lost, {then:?}"),
            Self::Delayed(then) => write!(f, "delayed, {then:?}"),
            Self::Duplicated => f.write_str("duplicated"),
            Self::Conflict(then) => write!(f, "conflict, {then:?}"),
            Self::Throttled(then) => write!(f, "throttled, {then:?}"),
            Self::CallerCrashes => f.write_str("the caller crashes"),
        }
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.meta {
            Some(lease) => write!(f, "META {lease}{}  ", if self.is_outdated { " (outdated)" } else { "" })?,
            None => write!(f, "META --  ")?,
        }
        let Some(lock) = &self.lock else { return f.write_str("LOCK --") };
        let origin = match lock.origin {
            Origin::Attempt => "",
            Origin::LateDuplicate => " (by a late duplicate)",
            Origin::Revived => " (revived)",
        };
        write!(f, "LOCK {} until {}{origin}", lock.lease, lock.expires_at_ms.0)
    }
}

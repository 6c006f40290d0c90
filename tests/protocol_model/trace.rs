//! A path through the model, for people.

use std::fmt::{Display, Formatter, Result};

use stateright::Path;

use crate::message::{Part, Request};
use crate::network::Fate;
use crate::state::{Action, State};
use crate::table::{Origin, Table};

/// Numbered steps, each with what the table holds after it. A2 is the second lease of writer A.
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
            Self::StrayArrives(request) => write!(f, "a stray copy arrives: {request}"),
            Self::Crash(id) => write!(f, "{id} crashes"),
            Self::Pause => f.write_str("a lease's time passes"),
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
            Self::Invalidate { attempt, part } => write!(f, "invalidate{}", Attempt(*attempt, *part)),
        }
    }
}

/// What only mutants have.
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
            Some(lease) => write!(f, "META {lease}  ")?,
            None => write!(f, "META --  ")?,
        }
        let Some(lock) = &self.lock else { return f.write_str("LOCK --") };
        let origin = match lock.origin {
            Origin::Attempt => "",
            Origin::Stray => " (by a stray)",
            Origin::Ghost => " (ghost)",
        };
        write!(f, "LOCK {} until {}{origin}", lock.lease, lock.expires_at_ms.0)
    }
}

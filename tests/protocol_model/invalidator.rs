//! The invalidator, who invalidates the page once and then looks at it.

use crate::message::{Answer, Part, Request};
use crate::model::LeaseModel;
use crate::mutants::Mutant;
use crate::writer::Then;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invalidator {
    /// Before the call, or in it.
    Invalidating { attempt: u8, part: Part },
    /// The call has resolved.
    Resolved,
    /// The call was rejected, for whatever reason: it may have taken effect.
    Rejected,
}

impl Invalidator {
    pub(crate) fn new(model: &LeaseModel) -> Self {
        let part = if model.has(Mutant::InvalidateInTwoCalls) { Part::First } else { Part::Whole };
        Self::Invalidating { attempt: 0, part }
    }

    pub(crate) fn request(self) -> Option<Request> {
        match self {
            Self::Invalidating { attempt, part } => Some(Request::Invalidate { attempt, part }),
            Self::Resolved | Self::Rejected => None,
        }
    }

    /// An attempt has ended, and perhaps the call with it.
    pub(crate) fn hear(&mut self, answer: Answer, then: Then, model: &LeaseModel) {
        let Self::Invalidating { attempt, part } = self else { return };
        match answer {
            Answer::Done { .. } if *part == Part::First => *part = Part::Second,
            Answer::Done { .. } => *self = Self::Resolved,
            _ if then == Then::Retry => *attempt += u8::from(model.has(Mutant::NewRequestTokenForEachAttempt)),
            Answer::Silence if model.has(Mutant::TimeoutIsSuccess) => *self = Self::Resolved,
            _ => *self = Self::Rejected,
        }
    }

    /// Half of it is done, as only a mutant knows it.
    pub(crate) fn is_between_two_calls(self) -> bool {
        matches!(self, Self::Invalidating { part: Part::Second, .. })
    }
}

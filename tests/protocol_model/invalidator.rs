//! The invalidator, who invalidates the page once and then looks at it.

use crate::bounds::Feature;
use crate::call::Then;
use crate::message::{Answer, Invalidation, Part, Request};
use crate::model::LeaseModel;
use crate::mutants::Mutant;

/// The only one of its world.
pub(crate) const THE_INVALIDATION: Invalidation = Invalidation(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invalidator {
    /// Before the call, or in it.
    Invalidating { is_soft: bool, attempt: u8, part: Part },
    /// The call has resolved.
    Resolved,
    /// The call was rejected for any reason: it may have taken effect.
    Rejected,
}

impl Invalidator {
    pub(crate) fn new(model: &LeaseModel) -> Self {
        let part = if model.has(Mutant::InvalidateInTwoCalls) { Part::First } else { Part::Whole };
        Self::Invalidating { is_soft: model.bounds.feature == Feature::SoftInvalidation, attempt: 0, part }
    }

    pub(crate) fn request(self) -> Option<Request> {
        match self {
            Self::Invalidating { is_soft, attempt, part } => {
                Some(Request::Invalidate { call: THE_INVALIDATION, is_soft, attempt, part })
            }
            Self::Resolved | Self::Rejected => None,
        }
    }

    /// An attempt has ended, and perhaps the call with it.
    pub(crate) fn hear(&mut self, answer: Answer, then: Then, model: &LeaseModel) {
        let Self::Invalidating { is_soft, attempt, part } = self else { return };
        match answer {
            Answer::Done { .. } if *part == Part::First => *part = Part::Second,
            Answer::Done { .. } => *self = Self::Resolved,
            Answer::Refused if model.has(Mutant::SoftRefusalIsSuccess) => *self = Self::Resolved,
            // A page to keep does not exist: another transaction deletes both rows.
            Answer::Refused if *is_soft => (*is_soft, *attempt) = (false, *attempt + 1),
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

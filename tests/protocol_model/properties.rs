//! The rules as properties of a state.

use stateright::Property;

use super::model::LeaseModel;
use super::rules::Rule;
use super::state::State;
use super::table::Origin;

impl Rule {
    pub(crate) fn property(self) -> Property<LeaseModel> {
        let holds: fn(&LeaseModel, &State) -> bool = match self {
            Self::Fenced => |_, state| state.history.keeps(Self::Fenced),
            Self::Once => |_, state| state.history.keeps(Self::Once),
            Self::Atomic => |_, State { table, .. }| {
                table.lock.is_none_or(|lock| lock.origin == Origin::Revived || table.meta != Some(lock.lease))
            },
            Self::NewestWins => |_, state| state.table.meta == state.history.newest,
            Self::Invalidated => |_, state| {
                let is_done = !state.invalidator.is_between_two_calls();
                state.history.keeps(Self::Invalidated)
                    && (!is_done || state.table.is_outdated || state.history.is_current(state.table.meta))
            },
            Self::AcquiredIsTrue => |_, state| state.history.keeps(Self::AcquiredIsTrue),
            Self::NotAcquiredIsTrue => |_, state| state.history.keeps(Self::NotAcquiredIsTrue),
            Self::HeldIsTrue => |_, state| state.history.keeps(Self::HeldIsTrue),
            Self::NeedlessIsTrue => |_, state| state.history.keeps(Self::NeedlessIsTrue),
            Self::NotRenderedAgain => |_, state| state.history.keeps(Self::NotRenderedAgain),
            Self::RefreshedOnce => |_, state| state.history.keeps(Self::RefreshedOnce),
            Self::SuccessIsTrue => |_, state| state.history.keeps(Self::SuccessIsTrue),
            Self::LostIsTrue => |_, state| state.history.keeps(Self::LostIsTrue),
            Self::LostForEver => |_, state| state.history.keeps(Self::LostForEver),
            Self::TakeOver => |_, state| state.history.keeps(Self::TakeOver),
            Self::Exclusive => |_, state| state.history.keeps(Self::Exclusive),
            Self::SafeRelease => |_, state| state.history.keeps(Self::SafeRelease),
        };
        Property::always(self.name(), holds)
    }
}

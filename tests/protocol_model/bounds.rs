//! How large a world is explored, and how bad.

use crate::lease::WRITERS;
use crate::network::Budget;
use crate::time::{LEASE, Millis, Skew};

#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) name: &'static str,
    /// How often each writer regenerates.
    pub(crate) rounds: [u8; WRITERS],
    /// Who each writer says that it is.
    pub(crate) owners: [u8; WRITERS],
    pub(crate) clocks: Vec<[Skew; WRITERS]>,
    pub(crate) faults: Budget,
    /// How long one pause is.
    pub(crate) pause: Millis,
    /// A caller may commit twice with one lease, unless it was told that the lease is lost.
    pub(crate) callers_commit_again: bool,
    pub(crate) looks_for_witnesses: bool,
    /// Merges states that have the same future.
    pub(crate) forgets: bool,
}

/// Longer than a lease, by whole seconds.
const LONG_PAUSE: Millis = LEASE.plus(Millis(1));

const CLOCKS_APART: [Skew; WRITERS] = Skew::ALL;
const CLOCKS_AGREE: [Skew; WRITERS] = [Skew::None; WRITERS];

/// Everything that can happen in one world.
pub(crate) fn everything() -> Bounds {
    Bounds {
        name: "everything",
        rounds: [2, 2, 2],
        owners: [0, 1, 2],
        clocks: vec![CLOCKS_APART],
        faults: Budget::of(1, 2),
        pause: LONG_PAUSE,
        callers_commit_again: false,
        looks_for_witnesses: false,
        forgets: true,
    }
}

/// Worlds that go further in one direction, and less far in the others.
pub(crate) fn corners() -> [Bounds; 3] {
    [
        Bounds {
            name: "many faults",
            rounds: [1, 1, 0],
            faults: Budget { delays: 2, ..Budget::of(1, 4) },
            ..everything()
        },
        Bounds {
            name: "all clocks",
            rounds: [1, 1, 1],
            clocks: all_clocks(),
            faults: Budget::of(2, 2),
            pause: LEASE,
            ..everything()
        },
        Bounds {
            name: "shared owner",
            rounds: [2, 1, 0],
            owners: [0, 0, 0],
            clocks: vec![CLOCKS_AGREE],
            faults: Budget::of(1, 3),
            callers_commit_again: true,
            ..everything()
        },
    ]
}

/// Where each mutant breaks its rules, the protocol keeps them, and everything possible is seen.
pub(crate) fn small() -> Bounds {
    Bounds {
        name: "small",
        rounds: [2, 1, 0],
        clocks: vec![CLOCKS_AGREE],
        faults: Budget { pauses: 2, ..Budget::of(1, 2) },
        pause: LEASE,
        callers_commit_again: true,
        ..everything()
    }
}

/// Small enough to be explored many times.
pub(crate) fn tiny() -> Bounds {
    Bounds { name: "tiny", faults: Budget::of(1, 1), ..small() }
}

/// Every combination but for the order of the writers, who are alike.
fn all_clocks() -> Vec<[Skew; WRITERS]> {
    let each = || Skew::ALL.into_iter();
    let all = each().flat_map(|a| each().flat_map(move |b| each().map(move |c| [a, b, c])));
    all.filter(|skews| skews.is_sorted()).collect()
}

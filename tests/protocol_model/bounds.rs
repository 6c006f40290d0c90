//! How large a world is explored, and how bad.

use crate::mutants::Mutant;
use crate::network::Budget;
use crate::scale::WRITERS;
use crate::skew::Skew;
use crate::time::{LEASE, Millis};

/// The optional steps and limits of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    None,
    /// The invalidation keeps the page, marked as outdated.
    SoftInvalidation,
    /// The stores have the rules for fleets.
    Fleet,
    /// The same, where a page stays fresh, and a writer replaces it only by an early refresh.
    EarlyRefresh,
}

#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) name: &'static str,
    /// How often each writer regenerates.
    pub(crate) rounds: [u8; WRITERS],
    /// The owner name of each writer.
    pub(crate) owners: [u8; WRITERS],
    pub(crate) clocks: Vec<[Skew; WRITERS]>,
    pub(crate) faults: Budget,
    /// The length of one step of time.
    pub(crate) pause: Millis,
    /// A caller may commit twice with one lease, unless it was told that the lease is lost.
    pub(crate) callers_commit_again: bool,
    pub(crate) looks_for_witnesses: bool,
    pub(crate) feature: Feature,
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
        feature: Feature::None,
        forgets: true,
    }
}

/// Worlds that go further in one direction, and less far in the others.
pub(crate) fn corners() -> [Bounds; 6] {
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
        Bounds {
            name: "soft invalidation",
            rounds: [2, 1, 0],
            clocks: vec![CLOCKS_AGREE],
            faults: Budget::of(1, 3),
            feature: Feature::SoftInvalidation,
            ..everything()
        },
        Bounds {
            name: "fleet",
            rounds: [1, 1, 1],
            clocks: vec![CLOCKS_AGREE],
            faults: Budget::of(1, 1),
            pause: LEASE,
            feature: Feature::Fleet,
            ..everything()
        },
        Bounds {
            name: "early refresh",
            rounds: [2, 1, 0],
            clocks: vec![CLOCKS_AGREE],
            faults: Budget::of(1, 2),
            pause: LEASE,
            feature: Feature::EarlyRefresh,
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

/// The same, where the invalidation is soft.
pub(crate) fn small_and_soft() -> Bounds {
    Bounds { name: "small and soft", feature: Feature::SoftInvalidation, ..small() }
}

/// The same, with the rules for fleets and fewer faults.
pub(crate) fn small_fleet() -> Bounds {
    Bounds {
        name: "small fleet",
        feature: Feature::Fleet,
        faults: Budget::of(1, 1),
        callers_commit_again: false,
        ..small()
    }
}

/// The same, with early refresh.
pub(crate) fn small_with_early_refresh() -> Bounds {
    Bounds { name: "small with early refresh", feature: Feature::EarlyRefresh, ..small_fleet() }
}

/// The world in which a mutant, or the protocol, is explored.
pub(crate) fn small_for(mutant: Option<Mutant>) -> Bounds {
    match mutant {
        Some(mutant) if mutant.is_soft() => small_and_soft(),
        // Another lease of the own owner.
        Some(Mutant::ReadIgnoresToken) => Bounds { owners: [0, 0, 0], ..small_fleet() },
        Some(mutant) if mutant.is_of_fleet() => small_fleet(),
        Some(mutant) if mutant.is_of_early_refresh() => small_with_early_refresh(),
        _ => small(),
    }
}

/// Small enough to be explored many times.
pub(crate) fn tiny_for(mutant: Option<Mutant>) -> Bounds {
    Bounds { name: "tiny", faults: Budget::of(1, 1), ..small_for(mutant) }
}

/// Every combination but for the order of the writers, who are alike.
fn all_clocks() -> Vec<[Skew; WRITERS]> {
    let each = || Skew::ALL.into_iter();
    let all = each().flat_map(|a| each().flat_map(move |b| each().map(move |c| [a, b, c])));
    all.filter(|skews| skews.is_sorted()).collect()
}

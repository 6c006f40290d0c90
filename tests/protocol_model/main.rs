//! The lease protocol as a model, of which every state is visited.
//!
//! The crate's documentation has the protocol in words. Here it is as small machines. [`writer`]s and an
//! [`invalidator`] call; a [`table`] serves their requests. A [`network`] loses, delays, repeats and refuses requests.
//! Writers crash, time passes, clocks are off. The module [`properties`] has the rules that hold in every state. Module
//! [`witnesses`] has the states that must be possible, and the limits of the protocol. Module [`mutants`] has the
//! mistakes that the rules must notice, and [`bounds`] the worlds that are explored. The shortest series of numbered
//! steps shows a broken rule.
//!
//! The files that name each other by `super` are compiled into the simulation too, with larger numbers ([`scale`]): it
//! replays each run of the real code through them.
//!
//! A world has one key. Three things are left out, because no rule depends on them. They are calls that share a request,
//! rows of other writers, and the garbage collection by `ttl`. Only worlds with the rules for fleets have the page that an
//! acquire reads beside its write.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that panics fails")]

mod bounds;
mod call;
mod events;
mod explore;
mod fleet;
mod history;
mod invalidator;
mod lease;
mod message;
mod model;
mod mutants;
mod network;
mod properties;
mod rules;
mod scale;
mod set;
mod skew;
mod state;
mod table;
mod time;
mod trace;
mod witnesses;
mod writer;

use std::collections::BTreeSet;

use stateright::{Checker, Model};

use crate::bounds::Bounds;
use crate::explore::{Exhausted, exhaust, shortest};
use crate::model::LeaseModel;
use crate::mutants::Mutant;
use crate::rules::Rule;

/// Visits every state of a world, and says how many there are.
fn keeps_every_rule(bounds: Bounds) -> Exhausted {
    let model = LeaseModel::of_the_protocol(bounds);
    let world = exhaust(&model);
    let Exhausted { states, steps, depth, time } = world;
    println!("{}: {states} states, {steps} steps, depth {depth}, {time:.1?}", model.bounds.name);
    world
}

#[test]
fn every_rule_is_kept_where_everything_happens_at_once() {
    let world = keeps_every_rule(bounds::everything());
    assert!(world.states >= 1_000_000, "{} states", world.states);
}

#[test]
fn every_rule_is_kept_in_every_corner() {
    for bounds in bounds::corners() {
        keeps_every_rule(bounds);
    }
}

#[test]
fn every_witness_state_is_reachable() {
    let of_protocol = witnesses::possibilities().into_iter().chain(witnesses::limits());
    let worlds = [
        (bounds::small(), of_protocol.collect()),
        (bounds::small_fleet(), witnesses::of_fleet()),
        (bounds::small_with_early_refresh(), witnesses::of_early_refresh()),
        (bounds::small_and_soft(), witnesses::of_soft_invalidation()),
    ];
    for (bounds, wanted) in worlds {
        let model = LeaseModel::of_the_protocol(Bounds { forgets: false, looks_for_witnesses: true, ..bounds });
        let wanted: Vec<_> = wanted.iter().map(|property| property.name).collect();
        let traces = shortest(&model, &wanted);
        for name in wanted {
            let trace = traces.get(name).unwrap_or_else(|| panic!("not possible: {name}"));
            println!("{name}:\n{trace}");
        }
    }
}

#[test]
fn each_mutant_breaks_the_rules_beside_it_where_the_protocol_keeps_them() {
    keeps_every_rule(bounds::small());
    keeps_every_rule(bounds::small_and_soft());
    keeps_every_rule(bounds::small_fleet());
    keeps_every_rule(bounds::small_with_early_refresh());
    for mutant in Mutant::ALL {
        let model = LeaseModel { mutant: Some(*mutant), bounds: bounds::small_for(Some(*mutant)) };
        let names: Vec<_> = mutant.breaks().iter().map(|rule| rule.name()).collect();
        if names.is_empty() {
            exhaust(&model);
        }
        let traces = shortest(&model, &names);
        for name in names {
            let trace = traces.get(name).unwrap_or_else(|| panic!("{mutant:?} does not break \"{name}\""));
            println!("{mutant:?} breaks \"{name}\":\n{trace}");
        }
    }
}

#[test]
fn each_rule_is_broken_by_some_mutant() {
    for rule in Rule::ALL {
        assert!(Mutant::ALL.iter().any(|mutant| mutant.breaks().contains(&rule)), "{rule:?}");
    }
}

#[test]
fn merging_states_hides_no_broken_rule() {
    let broken = |mutant: Option<Mutant>, forgets| -> BTreeSet<_> {
        let bounds = Bounds { forgets, ..bounds::tiny_for(mutant) };
        let checker = LeaseModel { mutant, bounds }.checker().spawn_bfs().join();
        checker.discoveries().into_keys().collect()
    };
    for mutant in Mutant::ALL.iter().copied().map(Some).chain([None]) {
        assert_eq!(broken(mutant, true), broken(mutant, false), "{mutant:?}");
    }
}

//! Runs of the checker.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use crate::model::LeaseModel;
use crate::trace::Trace;

/// A world of which every state has been visited, and none breaks a rule.
pub(crate) struct Exhausted {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    pub(crate) depth: usize,
    pub(crate) time: Duration,
}

/// Visits every state. Panics with a shortest way to a broken rule, if there is one.
pub(crate) fn exhaust(model: &LeaseModel) -> Exhausted {
    let start = Instant::now();
    let checker = model
        .clone()
        .checker()
        .threads(available_parallelism().map_or(1, NonZeroUsize::get))
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let world = model.bounds.name;
    if let Some(rule) = checker.discoveries().keys().next() {
        let traces = shortest(model, &[rule]);
        panic!("in the world \"{world}\", the rule \"{rule}\" is broken:\n{}", traces[rule]);
    }
    assert!(checker.is_done(), "every state of \"{world}\" has been visited");
    Exhausted {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        time: start.elapsed(),
    }
}

/// Ways to states that break the rule or show the possibility of that name, where there are any: with the fewest
/// faults, and of those a shortest.
pub(crate) fn shortest(model: &LeaseModel, names: &[&'static str]) -> BTreeMap<&'static str, Trace> {
    let mut traces = BTreeMap::new();
    for faults in 0..=model.bounds.faults.together {
        let mut model = model.clone();
        model.bounds.faults.together = faults;
        for depth in 2.. {
            let checker = model.clone().checker().target_max_depth(depth).spawn_bfs().join();
            for (name, path) in checker.discoveries() {
                if names.contains(&name) {
                    traces.entry(name).or_insert(Trace(path));
                }
            }
            if traces.len() == names.len() {
                return traces;
            }
            if checker.max_depth() < depth {
                break;
            }
        }
    }
    traces
}

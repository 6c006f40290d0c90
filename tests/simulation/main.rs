//! The real store, serialising, signing, retrying and giving up with the real SDK, against a `DynamoDB` in memory behind a
//! network that loses, delays, duplicates and breaks a quarter of what passes, under a clock that stands still when
//! nobody waits: everything that happens is decided by a seed.
//!
//! * `SIMULATION_SEEDS=200000 cargo test --test simulation` runs more of them.
//! * `SIMULATION_SEED=7 cargo test --test simulation` runs one and prints what happened.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that panics fails")]

mod conformance;
mod dynamodb;
mod ledger;
mod network;
mod workload;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ledger::{Counts, Ledger};
use network::{Faults, World, lock};
use tokio::task::JoinSet;
use workload::Client;

const CLIENTS: usize = 5;
/// Of each client; 60 in all.
const OPERATIONS: usize = 12;
const DEFAULT_SEEDS: u64 = 2_000;

struct Outcome {
    violations: Vec<String>,
    counts: Counts,
    trace: String,
}

/// The same seed gives the same outcome, to the letter.
fn simulate(seed: u64, is_traced: bool) -> Outcome {
    // The store's back-off draws from this thread's generator.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let world = Arc::new(Mutex::new(World::new(seed, CLIENTS, Ledger::new(is_traced))));
        let mut clients: JoinSet<Client> = (0..CLIENTS)
            .map(|number| {
                let mut client = Client::new(&world, number);
                async move {
                    client.work(OPERATIONS).await;
                    client
                }
            })
            .collect();
        let mut last = None;
        while let Some(ended) = clients.join_next().await {
            last = Some(ended.expect("no client panics"));
        }
        lock(&world).set_faults(Faults::None);
        last.expect("there are clients").take_over_everything().await;
        let ledger = std::mem::replace(&mut lock(&world).ledger, Ledger::new(false));
        Outcome { violations: ledger.violations.clone(), counts: ledger.counts, trace: ledger.into_trace() }
    })
}

fn number_from_environment(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number")))
}

/// Runs the seeds on all processors; the first that breaks a promise is run again, traced.
fn simulate_all(seeds: u64) -> Counts {
    let (next, total, broken) = (AtomicU64::new(0), Mutex::new(Counts::default()), Mutex::new(None));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || broken.lock().expect("unbroken").is_some() {
                        return;
                    }
                    let outcome = simulate(seed, false);
                    total.lock().expect("unbroken").add(outcome.counts);
                    if !outcome.violations.is_empty() {
                        broken.lock().expect("unbroken").get_or_insert(seed);
                    }
                }
            });
        }
    });
    if let Some(seed) = *broken.lock().expect("unbroken") {
        let Outcome { violations, trace, .. } = simulate(seed, true);
        panic!("seed {seed} breaks a promise: {violations:#?}\n{trace}");
    }
    *total.lock().expect("unbroken")
}

#[test]
fn every_promise_holds_under_every_seed() {
    if let Some(seed) = number_from_environment("SIMULATION_SEED") {
        let Outcome { violations, trace, .. } = simulate(seed, true);
        println!("{trace}");
        assert!(violations.is_empty(), "seed {seed} breaks a promise: {violations:#?}");
        return;
    }
    let seeds = number_from_environment("SIMULATION_SEEDS").unwrap_or(DEFAULT_SEEDS);
    let counts = simulate_all(seeds);
    println!("{seeds} seeds: {counts:?}");
    let Counts { commits, refused_commits, take_overs, ghosts, unknown_outcomes, outdated, faulted, exchanges, .. } =
        counts;
    for reached in [commits, refused_commits, take_overs, ghosts, unknown_outcomes] {
        assert!(reached > seeds / 100, "the simulation does not reach what it is for: {counts:?}");
    }
    assert!(outdated > 0 || seeds < 1_000, "no store remembered what had changed: {counts:?}");
    assert!(faulted > exchanges / 5, "too few exchanges were faulted: {counts:?}");
}

#[test]
fn a_seed_decides_everything() {
    for seed in 0..20 {
        let (first, second) = (simulate(seed, true), simulate(seed, true));
        assert!(first.trace.lines().count() > 100, "hardly anything happened: {}", first.trace);
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
    assert_ne!(simulate(1, true).trace, simulate(2, true).trace);
}

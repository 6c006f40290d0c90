//! The real store and the real SDK against a `DynamoDB` in memory: they serialise, sign, retry and give up. The network
//! loses, delays, duplicates and breaks a quarter of the messages. The clock stands still when no task waits. A seed
//! decides every event.
//!
//! * `SIMULATION_SEEDS=200000 cargo test --test simulation` runs more of them; `SIMULATION_FIRST_SEED` is the first, or 0.
//! * `SIMULATION_SEED=7 cargo test --test simulation` runs one and prints its events.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that panics fails")]

mod clock;
mod conformance;
mod credentials;
mod crowd;
mod dynamodb;
mod ledger;
mod network;
mod process;
mod replay;
mod workload;

use std::env;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ledger::{Counts, Ledger};
use network::{Faults, World, lock};
use replay::Mutant;
use tokio::task::JoinSet;
use workload::Client;

const CLIENTS: usize = 5;
/// Of each client; 60 in all.
const OPERATIONS: usize = 12;
const DEFAULT_SEEDS: u64 = 2_000;

struct Outcome {
    violations: Vec<String>,
    counts: Counts,
    noticed: Vec<Mutant>,
    trace: String,
}

/// The same seed gives the same outcome, to the letter.
fn simulate(seed: u64, is_traced: bool) -> Outcome {
    simulate_against(&[], seed, is_traced)
}

/// The same, and which of these changes to the protocol the run would show.
fn simulate_against(mutants: &[Mutant], seed: u64, is_traced: bool) -> Outcome {
    // The store's back-off draws from this thread's generator.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let world = Arc::new(Mutex::new(World::new(seed, CLIENTS, Ledger::new(is_traced, mutants))));
        let mut clients: JoinSet<Client> = (0..CLIENTS)
            .map(|number| {
                let mut client = Client::new(&world, number);
                async move {
                    Box::pin(client.work(OPERATIONS)).await;
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
        let ledger = std::mem::replace(&mut lock(&world).ledger, Ledger::new(false, &[]));
        Outcome {
            violations: ledger.violations.clone(),
            counts: ledger.counts,
            noticed: ledger.noticed.clone(),
            trace: ledger.into_trace(),
        }
    })
}

fn number_from_environment(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number")))
}

/// Does the job for each seed, on all processors, until one answers that it is enough.
fn on_all_processors(seeds: u64, job: impl Fn(u64) -> ControlFlow<()> + Sync) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    if job(seed).is_break() {
                        next.store(seeds, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

/// Runs the seeds; the first that breaks a promise is run again, traced.
fn simulate_all(first: u64, seeds: u64) -> Counts {
    let (total, broken) = (Mutex::new(Counts::default()), Mutex::new(None));
    on_all_processors(seeds, |number| {
        let seed = first + number;
        let outcome = simulate(seed, false);
        total.lock().expect("unbroken").add(outcome.counts);
        if outcome.violations.is_empty() {
            return ControlFlow::Continue(());
        }
        broken.lock().expect("unbroken").get_or_insert(seed);
        ControlFlow::Break(())
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
    let first = number_from_environment("SIMULATION_FIRST_SEED").unwrap_or(0);
    let counts = simulate_all(first, seeds);
    println!("{seeds} seeds from {first}: {counts:?}");
    let Counts { commits, refused_commits, take_overs, revived, unknown_outcomes, outdated, .. } = counts;
    let Counts { freezes, rival_commits, renewals, faulted, exchanges, .. } = counts;
    for reached in [commits, refused_commits, take_overs, revived, unknown_outcomes, freezes, rival_commits, renewals] {
        assert!(reached > seeds / 100, "the simulation does not reach its goals: {counts:?}");
    }
    assert!(outdated > 0 || seeds < 1_000, "no page cache held an outdated page: {counts:?}");
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

/// The changes to the protocol that show in the table's operations and in the callers' results.
const VISIBLE: [Mutant; 16] = [
    Mutant::CommitWithoutTokenCheck,
    Mutant::ReleaseWithoutTokenCheck,
    Mutant::CommitWithoutLock,
    Mutant::InvalidateKeepsLock,
    Mutant::InvalidateKeepsPage,
    Mutant::SoftInvalidationKeepsFreshness,
    Mutant::SoftInvalidationKeepsLock,
    Mutant::SoftInvalidationIgnoresAbsence,
    Mutant::TimeoutIsLeaseLost,
    Mutant::TimeoutIsSuccess,
    Mutant::CancellationIsLeaseLost,
    Mutant::OwnLeaseIsHeld,
    Mutant::ExpiryIgnored,
    Mutant::ExpiryReversed,
    Mutant::SecondsForMillis,
    Mutant::CommitIgnoresExpiry,
];

#[test]
fn trace_validation_notices_each_change_to_the_protocol() {
    let mut unnoticed = VISIBLE.to_vec();
    for seed in 0..200 {
        let Outcome { noticed, violations, .. } = simulate_against(&unnoticed, seed, false);
        assert!(violations.is_empty(), "seed {seed} breaks a promise: {violations:#?}");
        unnoticed.retain(|mutant| !noticed.contains(mutant));
        if unnoticed.is_empty() {
            return;
        }
    }
    panic!("200 runs could have been made by {unnoticed:?}");
}

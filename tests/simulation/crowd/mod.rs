//! A crowd: many environments of Lambda, each with a store of its own, that want one page at about the same time.
//!
//! The stores are the real ones. They share nothing but the page's partition, which has `DynamoDB`'s limits, and run
//! `FaceTheory`'s flow in virtual time: a seed decides everything.
//!
//! * `npm run fleet` prints the figures of 10,000 environments, for the store as it is and with each rule switched off.
//! * `FLEET_SEEDS=100 cargo test --test simulation crowd` runs more seeds of the goals.

mod face_theory;
mod figures;
mod goals;
mod table;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tabletheory_isr::{Config, FleetRules};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::face_theory::{Environment, Response};
use self::figures::Figures;
use self::wire::{CrowdWire, Region};
use crate::clock::VirtualClock;
use crate::dynamodb::Units;
use crate::process::{Process, config};

const CACHE_KEY: &str = "default::/?";

/// The table's rows for the page when the crowd comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beforehand {
    NeverRendered,
    /// Its freshness lifetime ended a second ago.
    Expired,
    Fresh,
}

/// A crowd, and the page that it requests.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) environments: u32,
    /// They arrive evenly at random within this time.
    pub(crate) window: Duration,
    pub(crate) beforehand: Beforehand,
    /// Each environment's views, one after the other, and the time from one to the next.
    pub(crate) views: u32,
    pub(crate) interval: Duration,
    /// The size of the fleet that these environments stand for: their partition has that fraction of the limits.
    pub(crate) fleet: u32,
    /// When the table stops to answer after the first arrival, and for how long.
    pub(crate) outage: Option<(Duration, Duration)>,
    pub(crate) rules: FleetRules,
    pub(crate) options: fn(&mut Config),
}

impl Crowd {
    /// A view each, with default options, and the whole partition.
    pub(crate) fn of(environments: u32, window: Duration, beforehand: Beforehand) -> Self {
        Self {
            environments,
            window,
            beforehand,
            views: 1,
            interval: Duration::ZERO,
            fleet: environments,
            outage: None,
            rules: FleetRules::default(),
            options: |_| (),
        }
    }

    /// The share of the fleet that is simulated.
    pub(crate) fn scale(&self) -> f64 {
        f64::from(self.environments) / f64::from(self.fleet)
    }

    /// The same seed gives the same figures.
    pub(crate) fn run(&self, seed: u64) -> Figures {
        // The store's jitter draws from this thread's generator.
        fastrand::seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.visit(seed))
    }

    async fn visit(&self, seed: u64) -> Figures {
        let region = Arc::new(Mutex::new(Region::new(seed)));
        let clock = VirtualClock::starting_at(Instant::now());
        self.prepare(&region, clock).await;
        region.lock().expect("unbroken").limit(Units::PARTITION.scaled(self.scale()));
        if let Some((after, time)) = self.outage {
            let begin = Instant::now() + after;
            region.lock().expect("unbroken").silence(begin..begin + time);
        }
        let (begin, mut random) = (Instant::now(), fastrand::Rng::with_seed(seed));
        let mut environments: JoinSet<Vec<(Response, Duration)>> = (0..self.environments)
            .map(|number| {
                let arrival = begin + self.window.mul_f64(random.f64());
                let (region, crowd) = (Arc::clone(&region), *self);
                async move {
                    sleep_until(arrival).await;
                    crowd.views_of(crowd.environment(number, region, clock)).await
                }
            })
            .collect();
        let mut visits = Vec::new();
        while let Some(views) = environments.join_next().await {
            visits.extend(views.expect("no environment panics"));
        }
        let (consumed, throttles) = region.lock().expect("unbroken").consumed();
        Figures::new(visits, consumed, throttles)
    }

    fn environment(&self, number: u32, region: Arc<Mutex<Region>>, clock: VirtualClock) -> Environment {
        let name = format!("e{number}");
        let mut config = config(CrowdWire(region), &name, clock);
        config.fleet_rules = self.rules;
        (self.options)(&mut config);
        Environment::new(name, Process::new(config), clock)
    }

    async fn prepare(&self, region: &Arc<Mutex<Region>>, clock: VirtualClock) {
        let age = match self.beforehand {
            Beforehand::NeverRendered => return,
            Beforehand::Expired => Duration::from_secs_f64(face_theory::REVALIDATE_SECONDS + 1.0),
            Beforehand::Fresh => Duration::ZERO,
        };
        let editor = self.environment(u32::MAX, Arc::clone(region), clock);
        editor.publish(&editor.key(CACHE_KEY), age).await;
    }

    async fn views_of(&self, mut environment: Environment) -> Vec<(Response, Duration)> {
        let key = environment.key(CACHE_KEY);
        let mut views = Vec::new();
        for _ in 0..self.views {
            let begun = Instant::now();
            let response = environment.view(&key).await;
            let took = begun.elapsed();
            views.push((response, took));
            sleep(self.interval.saturating_sub(took)).await;
        }
        views
    }
}

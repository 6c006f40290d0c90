//! The table that `npm run fleet` prints: each rule of the fleet, and the figures without it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tabletheory_isr::{FleetRules, NumberOption};

use super::figures::Figures;
use super::{Beforehand, Crowd};
use crate::process::set_millis;
use crate::{number_from_environment, on_all_processors};

/// A rule switched off, by name.
type Without = (&'static str, fn(&mut FleetRules));

const RULES: [Without; 8] = [
    ("all rules", |_| ()),
    ("without patient retries", |rules| rules.patient_retries = false),
    ("without a read after a throttled put", |rules| rules.read_after_throttled_put = false),
    ("without the recently seen lease", |rules| rules.recently_seen_lease = false),
    ("without the double check", |rules| rules.double_check = false),
    ("without paced polling", |rules| rules.paced_polling = false),
    ("without the circuit breaker", |rules| rules.circuit_breaker = false),
    ("without any of them", |rules| *rules = no_rules()),
];

/// Nothing that a fleet needs.
pub(crate) fn no_rules() -> FleetRules {
    FleetRules {
        patient_retries: false,
        read_after_throttled_put: false,
        recently_seen_lease: false,
        double_check: false,
        paced_polling: false,
        circuit_breaker: false,
    }
}

fn number(name: &str, default: u32) -> u32 {
    number_from_environment(name).map_or(default, |number| u32::try_from(number).expect("a crowd, not a world"))
}

fn print(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// The crowds of the table; of each fleet, at most so many environments.
fn crowds(most: u32) -> [(&'static str, Crowd); 5] {
    let crowd = |fleet: u32, window, beforehand| Crowd { fleet, ..Crowd::of(fleet.min(most), window, beforehand) };
    let second = Duration::from_secs(1);
    let hot = Crowd {
        views: 60,
        interval: Duration::from_millis(100),
        outage: Some((2 * second, 2 * second)),
        options: |config| set_millis(config, NumberOption::StaleIfErrorMs, Duration::from_mins(1)),
        ..crowd(100, second, Beforehand::Fresh)
    };
    [
        ("4,000 in 50 ms, never rendered", crowd(4_000, Duration::from_millis(50), Beforehand::NeverRendered)),
        ("4,000 in 1 s, never rendered", crowd(4_000, second, Beforehand::NeverRendered)),
        ("4,000 in 1 s, expired", crowd(4_000, second, Beforehand::Expired)),
        ("10,000 in 2 s, never rendered", crowd(10_000, 2 * second, Beforehand::NeverRendered)),
        ("100 × 10 views a second, the table silent for 2 s, staleIfErrorMs: 60000", hot),
    ]
}

#[test]
#[ignore = "prints a table; npm run fleet"]
fn fleet_table() {
    let most = number("FLEET_ENVIRONMENTS", 10_000);
    let seed = u64::from(number("FLEET_SEED", 1));
    let rows: Vec<(&str, Without, Crowd)> =
        crowds(most).into_iter().flat_map(|(name, crowd)| RULES.map(|rule| (name, rule, crowd))).collect();
    let cells = Mutex::new(BTreeMap::new());
    on_all_processors(rows.len().try_into().expect("few"), |index| {
        let (name, (rule, switch_off), mut crowd) = rows[usize::try_from(index).expect("few")];
        switch_off(&mut crowd.rules);
        let begun = Instant::now();
        let figures = crowd.run(seed);
        eprintln!("{name}, {rule}: {:.1?} for {:?}", begun.elapsed(), figures.responses);
        let row = [name.to_owned(), rule.to_owned()].into_iter().chain(figures.cells());
        cells.lock().expect("unbroken").insert(index, row.collect::<Vec<String>>());
        ControlFlow::Continue(())
    });
    println!("at most {most} environments of each fleet; render 500 ms; seed {seed}\n");
    let headings: Vec<String> = ["fleet", "rules"].into_iter().chain(Figures::HEADINGS).map(str::to_owned).collect();
    print(&headings);
    print(&vec!["---".to_owned(); headings.len()]);
    cells.into_inner().expect("unbroken").values().for_each(|row| print(row));
}

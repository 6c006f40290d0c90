//! One key's rows, version by version, as the simulation's own writers write them.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tabletheory_isr::{Lease, Page};
use tokio::time::Instant;

use super::CallId;
use crate::dynamodb::Item;
use crate::workload::REVALIDATE_SECONDS;

/// META, as far as it tells one publish from another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Published {
    /// The token that it was published with, and the call: each publish has a pointer of its own.
    pub(crate) pointer: String,
    pub(crate) generated_at: f64,
    pub(crate) etag: Option<String>,
}

impl Published {
    pub(crate) fn token(&self) -> &str {
        token_in(&self.pointer)
    }

    /// All pages of the simulation are fresh for so long.
    pub(crate) fn is_fresh(&self, now: f64) -> bool {
        now < self.generated_at + REVALIDATE_SECONDS * 1_000.0
    }

    /// A soft invalidation has marked it.
    pub(crate) fn is_outdated(&self) -> bool {
        self.generated_at == 0.0
    }

    /// The page as a soft invalidation leaves it.
    pub(crate) fn outdated(self) -> Self {
        Self { generated_at: 0.0, ..self }
    }
}

/// Publishers name their pages after their lease.
pub(crate) fn pointer(token: &str, call: CallId) -> String {
    format!("{token}/{call}")
}

pub(crate) fn token_in(pointer: &str) -> &str {
    pointer.split_once('/').map_or(pointer, |(token, _)| token)
}

/// The call that published it.
pub(crate) fn call_in(pointer: &str) -> CallId {
    pointer.split_once('/').and_then(|(_, call)| call.parse().ok()).expect("publishers name their pages so")
}

/// LOCK.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) token: String,
    pub(crate) owner: String,
    pub(crate) expires_at: f64,
}

impl Held {
    /// Whether `owner` may take it, by the caller's clock.
    pub(crate) fn is_free(&self, owner: &str, now: f64) -> bool {
        self.expires_at <= now || self.owner == owner
    }

    /// Whether a publish passes: whose it is, and its end in whole seconds.
    pub(crate) fn lets_publish(&self, owner: &str, token: &str, now_s: f64) -> bool {
        self.owner == owner && self.token == token && (self.expires_at / 1_000.0).ceil() > now_s
    }
}

/// Both rows at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Version {
    pub(crate) page: Option<Published>,
    pub(crate) lock: Option<Held>,
}

impl Version {
    pub(crate) fn of_rows(meta: Option<&Item>, lock: Option<&Item>) -> Self {
        let page = meta.map(|row| Published {
            pointer: string(row, "s3_key"),
            generated_at: number(row, "generated_at_ms"),
            etag: row.get("etag").map(|_| string(row, "etag")),
        });
        let lock = lock.map(|row| Held {
            token: string(row, "lease_token"),
            owner: string(row, "lease_owner"),
            expires_at: number(row, "lease_expires_at_ms"),
        });
        Self { page, lock }
    }

    /// The same, from a client's result.
    pub(crate) fn of_record(page: Option<&Page>, lease: Option<&Lease>) -> Self {
        let page = page.map(|page| Published {
            pointer: page.html_pointer.as_str().to_owned(),
            generated_at: page.generated_at.get(),
            etag: page.etag.clone(),
        });
        let lock = lease.map(|lease| Held {
            token: lease.token.as_str().to_owned(),
            owner: lease.owner.clone().unwrap_or_default(),
            expires_at: lease.expires_at.get(),
        });
        Self { page, lock }
    }

    pub(crate) fn is_held_with(&self, token: &str) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.token == token)
    }
}

/// All versions of one key's rows, and the changes that led to them.
#[derive(Default)]
pub(crate) struct History {
    /// Beyond the first, which is nothing; and since when.
    versions: Vec<(Instant, Version)>,
    /// By lease token: the call that acquired with it.
    pub(crate) acquired_by: HashMap<String, CallId>,
    /// Every token that LOCK ever had.
    pub(crate) seen: HashSet<String>,
    pub(crate) revived: HashSet<String>,
    /// By lease token and by client request token.
    pub(crate) committed: HashSet<String>,
    pub(crate) transactions: HashSet<String>,
    /// Of each publish, its version.
    pub(crate) published: HashMap<String, usize>,
    /// The last invalidation, and its version.
    pub(crate) invalidated: Option<(Instant, usize)>,
    /// The page that the effects so far must have left.
    pub(crate) expected: Option<Published>,
}

impl History {
    pub(crate) fn latest(&self) -> usize {
        self.versions.len()
    }

    pub(crate) fn now(&self) -> Version {
        self.versions.last().map(|(_, version)| version.clone()).unwrap_or_default()
    }

    pub(crate) fn push(&mut self, version: Version) {
        self.versions.push((Instant::now(), version));
    }

    /// The version that was the latest when the clock came to `time`.
    pub(crate) fn at(&self, time: Instant) -> usize {
        self.versions.partition_point(|(since, _)| *since < time)
    }

    /// The versions from `first` on, up to now.
    pub(crate) fn since(&self, first: usize) -> impl Iterator<Item = Version> + '_ {
        let nothing = (first == 0).then(Version::default);
        nothing
            .into_iter()
            .chain(self.versions.iter().skip(first.saturating_sub(1)).map(|(_, version)| version.clone()))
    }
}

fn string(row: &Item, name: &str) -> String {
    row.get(name).and_then(|value| value["S"].as_str()).unwrap_or_else(|| panic!("{name} in {row:?}")).to_owned()
}

fn number(row: &Item, name: &str) -> f64 {
    decimal(row.get(name).unwrap_or(&Value::Null))
}

/// A typed number.
pub(crate) fn decimal(value: &Value) -> f64 {
    value["N"].as_str().and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{value} is not a number"))
}

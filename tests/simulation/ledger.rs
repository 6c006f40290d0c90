//! What the table did, in its order, and whether that and what the clients were told keep the protocol's promises.
//!
//! The promises, by the names that `docs/protocol.md` gives them: fenced, once, atomic, newest wins, truthful,
//! take-over, safe release, bounded. A *ghost* is a LOCK row that a late delivery of an acquire has put after its lease
//! had ended; the exceptions that the documents make for it are made here, and counted.

mod answers;
mod effects;
mod history;

pub(crate) use history::{History, Version, pointer};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::time::Duration;

use tokio::time::Instant;

use crate::network::{Exchange, Fault};

/// Index into the ledger's calls.
pub(crate) type CallId = usize;

/// One call of a client, from its side.
pub(crate) struct Call {
    pub(crate) pk: String,
    pub(crate) started: Instant,
    /// The table's version when the call began.
    pub(crate) first_version: usize,
    /// The oldest version that its store may show a page of.
    pub(crate) remembered: usize,
    pub(crate) ended: Option<Instant>,
    /// What it met.
    pub(crate) faults: Vec<Fault>,
}

/// How often something happened; to see that a simulation reaches what it is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) exchanges: u64,
    pub(crate) faulted: u64,
    pub(crate) commits: u64,
    pub(crate) refused_commits: u64,
    pub(crate) take_overs: u64,
    pub(crate) ghosts: u64,
    pub(crate) unknown_outcomes: u64,
    /// Publishes that only a ghost made possible.
    pub(crate) ghost_commits: u64,
    /// Pages that were shown again after they had changed.
    pub(crate) outdated: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.exchanges += other.exchanges;
        self.faulted += other.faulted;
        self.commits += other.commits;
        self.refused_commits += other.refused_commits;
        self.take_overs += other.take_overs;
        self.ghosts += other.ghosts;
        self.unknown_outcomes += other.unknown_outcomes;
        self.ghost_commits += other.ghost_commits;
        self.outdated += other.outdated;
    }
}

/// Everything that happened.
pub(crate) struct Ledger {
    pub(crate) start: Instant,
    histories: BTreeMap<String, History>,
    calls: Vec<Call>,
    /// Tokens and pages of which a client was told that they never take effect.
    never: HashSet<String>,
    /// By store and key: the version when its last change ended.
    changed: HashMap<(String, String), usize>,
    pub(crate) counts: Counts,
    pub(crate) violations: Vec<String>,
    /// A line for each event, where somebody wants to read them.
    trace: Option<String>,
}

impl Ledger {
    pub(crate) fn new(is_traced: bool) -> Self {
        Self {
            start: Instant::now(),
            histories: BTreeMap::new(),
            calls: Vec::new(),
            never: HashSet::new(),
            changed: HashMap::new(),
            counts: Counts::default(),
            violations: Vec::new(),
            trace: is_traced.then(String::new),
        }
    }

    pub(crate) fn into_trace(self) -> String {
        self.trace.unwrap_or_default()
    }

    /// A client calls.
    pub(crate) fn began(&mut self, pk: &str, what: impl FnOnce() -> String) -> CallId {
        let id = self.calls.len();
        self.note(|| format!("call {id} on {pk}: {}", what()));
        self.counts.calls += 1;
        let first_version = self.history(pk).latest();
        let started = Instant::now();
        let remembered = first_version;
        self.calls.push(Call { pk: pk.to_owned(), started, first_version, remembered, ended: None, faults: vec![] });
        id
    }

    /// The call is answered by a store that shows pages again for so long, unless it has changed something since.
    pub(crate) fn remembers(&mut self, id: CallId, store: &str, max_staleness: Duration) {
        let pk = self.calls[id].pk.clone();
        let changed = self.changed.get(&(store.to_owned(), pk.clone())).copied().unwrap_or_default();
        // Before the start there was nothing.
        let oldest = Instant::now().checked_sub(max_staleness).map_or(0, |time| self.history(&pk).at(time));
        self.calls[id].remembered = oldest.max(changed);
    }

    /// A call of this store that may have changed its key has ended.
    pub(crate) fn changed(&mut self, id: CallId, store: &str) {
        let pk = self.calls[id].pk.clone();
        let latest = self.history(&pk).latest();
        self.changed.insert((store.to_owned(), pk), latest);
    }

    /// The network takes a request, for these calls.
    pub(crate) fn sent(&mut self, exchange: &Exchange, calls: &[CallId], fault: Option<Fault>) {
        self.counts.exchanges += 1;
        if let Some(fault) = fault {
            self.counts.faulted += 1;
            for id in calls {
                self.calls[*id].faults.push(fault);
            }
        }
        self.note(|| format!("client {} sends {} {:?}", exchange.client, exchange.operation, fault));
    }

    /// The call asks for a lease with this token.
    pub(crate) fn acquires(&mut self, id: CallId, token: &str) {
        let pk = self.calls[id].pk.clone();
        self.history(&pk).acquired_by.insert(token.to_owned(), id);
    }

    /// A client has its answer. Nothing may take longer than the time for a call.
    pub(crate) fn ended(&mut self, id: CallId, longest: Duration, what: impl FnOnce() -> String) {
        let now = Instant::now();
        let call = &mut self.calls[id];
        call.ended = Some(now);
        let took = now - call.started;
        self.note(|| format!("call {id} ends: {}", what()));
        self.require(took <= longest, "bounded", || format!("call {id} took {took:?}"));
    }

    /// A client is gone in the middle of its call.
    pub(crate) fn abandoned(&mut self, id: CallId) {
        self.calls[id].ended = Some(Instant::now());
        self.note(|| format!("call {id}: the client crashed"));
    }

    fn history(&mut self, pk: &str) -> &mut History {
        self.histories.entry(pk.to_owned()).or_default()
    }

    pub(crate) fn require(&mut self, holds: bool, promise: &str, what: impl FnOnce() -> String) {
        if !holds {
            let violation = format!("not {promise}: {}", what());
            self.note(|| violation.clone());
            self.violations.push(violation);
        }
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let at = self.start.elapsed().as_millis();
            writeln!(trace, "{at:>6} ms  {}", what()).expect("writing to a string");
        }
    }
}

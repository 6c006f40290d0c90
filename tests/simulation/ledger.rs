//! The table's operations in their order. It checks that they and the clients' results keep the protocol's promises.
//!
//! The promises, by the names that `docs/protocol.md` gives them: fenced, once, atomic, newest wins, truthful,
//! take-over, safe release, bounded. A *revived LOCK* is a LOCK row that a late duplicate of an
//! acquire has put after its lease had ended. The exceptions that the documents make for it are made here, and counted.

mod answers;
mod credentials;
mod effects;
mod history;

pub(crate) use history::{History, Version, call_in, decimal, pointer, token_in};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::time::Duration;

use tokio::time::Instant;

use self::credentials::Issued;
use crate::dynamodb::{Answer, partition};
use crate::network::{Exchange, Fault};
use crate::replay::{Mutant, Replay, Replays};

/// Index into the ledger's calls.
pub(crate) type CallId = usize;

/// One call of a client, from its side.
pub(crate) struct Call {
    pub(crate) client: usize,
    pub(crate) pk: String,
    pub(crate) started: Instant,
    /// The table's version when the call began.
    pub(crate) first_version: usize,
    /// The oldest version that its store may show a page or a lease of.
    pub(crate) remembered: usize,
    pub(crate) ended: Option<Instant>,
    /// The faults that it met.
    pub(crate) faults: Vec<Fault>,
    /// How long its process stood still.
    frozen: Duration,
    /// When its process went on, all answers that it waited for had come.
    pub(crate) answers_wait: bool,
}

/// How long ago a store may have seen the lease that it takes for held.
pub(crate) const RECENTLY: Duration = Duration::from_millis(100);
/// How long an answer that came during a freeze may take to be read.
const GRACE: Duration = Duration::from_millis(150);

/// The number of times that something happened; to see that a simulation reaches its goals.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) exchanges: u64,
    pub(crate) faulted: u64,
    pub(crate) commits: u64,
    pub(crate) refused_commits: u64,
    pub(crate) take_overs: u64,
    pub(crate) revived: u64,
    pub(crate) unknown_outcomes: u64,
    /// Publishes that only a revived LOCK made possible.
    pub(crate) revived_commits: u64,
    /// Pages that were shown again after they had changed.
    pub(crate) outdated: u64,
    /// Freezes in which the answers came that were waited for.
    pub(crate) freezes: u64,
    /// Several commits of one token, of which one took effect.
    pub(crate) rival_commits: u64,
    /// Credentials that came before the last ones had expired.
    pub(crate) renewals: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.exchanges += other.exchanges;
        self.faulted += other.faulted;
        self.commits += other.commits;
        self.refused_commits += other.refused_commits;
        self.take_overs += other.take_overs;
        self.revived += other.revived;
        self.unknown_outcomes += other.unknown_outcomes;
        self.revived_commits += other.revived_commits;
        self.outdated += other.outdated;
        self.freezes += other.freezes;
        self.rival_commits += other.rival_commits;
        self.renewals += other.renewals;
    }
}

/// Everything that happened.
pub(crate) struct Ledger {
    pub(crate) start: Instant,
    histories: BTreeMap<String, History>,
    /// By key: the run so far, in the model of the protocol.
    replays: BTreeMap<String, Replays>,
    /// Changes to the protocol, which the real code does not have.
    mutants: Vec<Mutant>,
    /// Those that could not have made a step.
    pub(crate) noticed: Vec<Mutant>,
    calls: Vec<Call>,
    /// Tokens and pages of which a client was told that they never take effect.
    never: HashSet<String>,
    /// By store and key: the version when its last change ended.
    changed: HashMap<(String, String), usize>,
    /// By client: its process.
    stores: HashMap<usize, String>,
    credentials: Vec<Issued>,
    pub(crate) counts: Counts,
    pub(crate) violations: Vec<String>,
    /// A line for each event, if a reader wants them.
    trace: Option<String>,
}

impl Ledger {
    pub(crate) fn new(is_traced: bool, mutants: &[Mutant]) -> Self {
        Self {
            replays: BTreeMap::new(),
            mutants: mutants.to_vec(),
            noticed: vec![],
            start: Instant::now(),
            histories: BTreeMap::new(),
            calls: Vec::new(),
            never: HashSet::new(),
            changed: HashMap::new(),
            stores: HashMap::new(),
            credentials: vec![],
            counts: Counts::default(),
            violations: Vec::new(),
            trace: is_traced.then(String::new),
        }
    }

    pub(crate) fn into_trace(self) -> String {
        self.trace.unwrap_or_default()
    }

    /// A client calls.
    pub(crate) fn began(&mut self, client: usize, pk: &str, what: impl FnOnce() -> String) -> CallId {
        let id = self.calls.len();
        self.note(|| format!("call {id} on {pk}: {}", what()));
        self.counts.calls += 1;
        let first_version = self.history(pk).latest();
        let started = Instant::now();
        let remembered = first_version;
        let pk = pk.to_owned();
        self.calls.push(Call {
            client,
            pk,
            started,
            first_version,
            remembered,
            ended: None,
            faults: vec![],
            frozen: Duration::ZERO,
            answers_wait: false,
        });
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
        for id in calls {
            // This request was not in flight when the process stood still.
            self.calls[*id].answers_wait = false;
        }
        if let Some(fault) = fault {
            self.counts.faulted += 1;
            for id in calls {
                self.calls[*id].faults.push(fault);
            }
        }
        self.note(|| format!("client {} sends {} {:?}", exchange.client, exchange.operation, fault));
        self.step(&partition(&exchange.operation, &exchange.request), |replay| {
            replay.sent(exchange);
            Ok(())
        });
    }

    /// The sender has the answer, whole.
    pub(crate) fn heard(&mut self, exchange: &Exchange, answer: &Answer) {
        self.step(&partition(&exchange.operation, &exchange.request), |replay| {
            replay.heard(exchange.id, answer);
            Ok(())
        });
    }

    /// The model can make the step.
    fn step(&mut self, pk: &str, step: impl FnMut(&mut Replay) -> Result<(), String>) {
        let mutants = &self.mutants;
        let replays = self.replays.entry(pk.to_owned()).or_insert_with(|| Replays::new(mutants));
        if let Err(why) = replays.each(&mut self.noticed, step) {
            self.require(false, "a step of the model", || why);
        }
    }

    /// The call asks for a lease with this token. Its store may trust a reading of a moment ago.
    pub(crate) fn acquires(&mut self, id: CallId, store: &str, token: &str) {
        self.remembers(id, store, RECENTLY);
        let pk = self.calls[id].pk.clone();
        self.history(&pk).acquired_by.insert(token.to_owned(), id);
    }

    /// A client has its answer. Nothing may take longer than the time for a call.
    pub(crate) fn ended(&mut self, id: CallId, longest: Duration, what: impl FnOnce() -> String) {
        let now = Instant::now();
        let call = &mut self.calls[id];
        call.ended = Some(now);
        let took = now - call.started;
        // After a freeze, an answer has a moment to be read.
        let frozen = if call.frozen.is_zero() { Duration::ZERO } else { call.frozen + GRACE };
        self.note(|| format!("call {id} ends: {}", what()));
        let longest = longest + frozen;
        self.require(took <= longest, "bounded", || format!("call {id} took {took:?}"));
    }

    /// The process of these calls has stood still. Unless a call is alone, it may have waited for another's turn.
    pub(crate) fn thawed(&mut self, calls: &[CallId], is_answered: bool, time: Duration) {
        for id in calls {
            let call = &mut self.calls[*id];
            call.answers_wait = is_answered && calls.len() == 1 && call.faults.is_empty();
            call.faults.push(Fault::Frozen);
            call.frozen += time;
        }
        self.counts.freezes += u64::from(is_answered);
        self.note(|| format!("calls {calls:?} stood still for {} ms", time.as_millis()));
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

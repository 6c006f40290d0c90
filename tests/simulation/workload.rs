//! Clients that act as FaceTheory does, and sometimes as a client should not: they publish late, twice, or after a
//! crash.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use tabletheory_isr::{BooleanOption, CredentialsSource, EntryKey, LeaseAttempt, NumberOption};
use tokio::time::{sleep, timeout};

use crate::clock::VirtualClock;
use crate::credentials::{RENEWING_CLIENTS, Source};
use crate::ledger::{CallId, pointer};
use crate::network::{Shared, Wire, lock};
use crate::process::{Claim, Process, config, page, set_millis};

const LEASE_MS: f64 = 2_000.0;
pub(crate) const REVALIDATE_SECONDS: f64 = 60.0;
/// How far a client's clock is from the true one, in leases.
const SKEWS: [f64; 5] = [0.0, -1.0, 1.0, 0.0, 0.0];
/// The clients whose invalidations are soft.
const SOFT_CLIENT: usize = 3;
const KEYS: usize = 3;
/// How long a client's store shows a fresh page again.
const MAX_STALENESS: [Duration; 5] =
    [Duration::ZERO, Duration::from_millis(400), Duration::from_secs(2), Duration::from_secs(5), Duration::ZERO];

fn name(client: usize, lives: u32) -> String {
    format!("c{client}.{lives}")
}

/// A process that stands still for `freeze`, once `after` has passed. Answers arrive meanwhile.
async fn freezing(
    world: &Shared,
    client: usize,
    mut operation: Pin<Box<impl Future<Output = ()>>>,
    after: Duration,
    freeze: Duration,
) {
    if timeout(after, &mut operation).await.is_ok() {
        return;
    }
    let waiting = lock(world).freeze(client);
    sleep(freeze).await;
    lock(world).thaw(client, &waiting, freeze);
    operation.await;
}

fn start(world: &Shared, number: usize, name: &str, clock: VirtualClock) -> Process {
    let wire = Wire { world: Arc::clone(world), client: number };
    let mut config = config(wire, name, clock);
    set_millis(&mut config, NumberOption::MaxStalenessMs, MAX_STALENESS[number]);
    config.set_boolean(BooleanOption::SoftInvalidation, number == SOFT_CLIENT);
    lock(world).ledger.started(number, name);
    if RENEWING_CLIENTS.contains(&number) {
        let source = Source { world: Arc::clone(world), client: number, store: name.to_owned(), clock };
        config.credentials = Some(CredentialsSource::Provider(SharedCredentialsProvider::new(source)));
    }
    Process::new(config)
}

/// One simulated process.
pub(crate) struct Client {
    world: Shared,
    number: usize,
    /// How many processes it was before: a crash takes its memory.
    lives: u32,
    /// Of the store; its tokens begin so.
    name: String,
    process: Process,
    clock: VirtualClock,
    /// Leases that were granted and not released, as far as this client knows.
    claims: Vec<Claim>,
}

impl Client {
    pub(crate) fn new(world: &Shared, number: usize) -> Self {
        let clock = VirtualClock::starting_at(lock(world).ledger.start);
        let name = name(number, 0);
        let process = start(world, number, &name, clock);
        Self { world: Arc::clone(world), number, lives: 0, name, process, clock, claims: vec![] }
    }

    /// `operations` calls, one after the other.
    pub(crate) async fn work(&mut self, operations: usize) {
        for _ in 0..operations {
            let (is_crash, patience, idle, freeze) = {
                let random = &mut lock(&self.world).random;
                // Most waits are those of a page that is rendered; some outlast the lease.
                let idle = if random.u8(0..10) == 0 { random.u64(0..6_000) } else { random.u64(0..150) };
                let freeze = (random.u8(0..12) == 0).then(|| Duration::from_millis(random.u64(100..6_000)));
                (random.u8(0..25) == 0, Duration::from_millis(random.u64(0..80)), idle, freeze)
            };
            sleep(Duration::from_millis(idle)).await;
            if is_crash {
                if timeout(patience, Box::pin(self.operation())).await.is_err() {
                    self.crash();
                }
            } else if let Some(freeze) = freeze {
                let (world, number) = (Arc::clone(&self.world), self.number);
                freezing(&world, number, Box::pin(self.operation()), patience / 3, freeze).await;
            } else {
                Box::pin(self.operation()).await;
            }
        }
    }

    fn crash(&mut self) {
        let mut world = lock(&self.world);
        for call in std::mem::take(&mut world.in_flight[self.number]) {
            world.ledger.abandoned(call);
        }
        drop(world);
        self.restart();
    }

    fn restart(&mut self) {
        self.lives += 1;
        self.claims.clear();
        self.name = name(self.number, self.lives);
        self.process = start(&self.world, self.number, &self.name, self.clock);
    }

    async fn operation(&mut self) {
        let (choice, key) = {
            let random = &mut lock(&self.world).random;
            (random.u8(0..100), random.usize(0..KEYS))
        };
        // A client with a lease mostly continues with it.
        match (choice, self.claims.len()) {
            (0..48, 1..) => self.commit().await,
            (48..55, 1..) => Box::pin(self.commit_at_once()).await,
            (55..70, 1..) => self.release().await,
            (70..76, _) => self.invalidate(&self.key(key)).await,
            (76..86, _) => self.get(&self.key(key)).await,
            (86..88, _) => self.get_at_once(&self.key(key)).await,
            (88..90, _) => Box::pin(self.acquire_at_once(&self.key(key))).await,
            _ => self.acquire(&self.key(key)).await,
        }
    }

    fn key(&self, number: usize) -> EntryKey {
        self.process.key(&format!("k{number}"))
    }

    /// The client's own clock.
    fn now(&self) -> f64 {
        self.clock.now_ms() + SKEWS[self.number] * LEASE_MS
    }

    fn begin(&self, key: &EntryKey, what: impl FnOnce() -> String) -> CallId {
        let mut world = lock(&self.world);
        let id = world.ledger.began(self.number, key.partition(), || format!("client {} {}", self.number, what()));
        world.in_flight[self.number].push(id);
        id
    }

    fn end(&self, id: CallId, result: &dyn std::fmt::Debug) {
        // A client that waits for a timer wakes up to a millisecond late.
        let longest = self.process.config().millis(NumberOption::OperationTimeoutMs) + Duration::from_millis(2);
        let mut world = lock(&self.world);
        world.in_flight[self.number].retain(|other| *other != id);
        world.ledger.ended(id, longest, || format!("{result:?}"));
    }

    fn changed(&self, id: CallId) {
        lock(&self.world).ledger.changed(id, &self.name);
    }

    pub(crate) async fn get(&self, key: &EntryKey) {
        let id = self.begin(key, || "gets".to_owned());
        lock(&self.world).ledger.remembers(id, &self.name, self.process.config().millis(NumberOption::MaxStalenessMs));
        let result = self.process.get(key).await;
        self.end(id, &result);
        lock(&self.world).ledger.answered_get(id, &result);
    }

    async fn invalidate(&self, key: &EntryKey) {
        let id = self.begin(key, || "invalidates".to_owned());
        let result = self.process.invalidate(key).await;
        self.end(id, &result);
        self.changed(id);
        lock(&self.world).ledger.answered_invalidate(id, &result);
    }

    /// Calls that share their work.
    async fn get_at_once(&self, key: &EntryKey) {
        tokio::join!(self.get(key), self.get(key), self.get(key), async {
            sleep(Duration::from_millis(10)).await;
            self.get(key).await;
        });
    }

    /// Rivals in one process.
    async fn acquire_at_once(&mut self, key: &EntryKey) {
        let mut rivals = ["a", "b", "c"].map(|rival| (self.claim(key, rival), self.now()));
        // For these clients, the others' lease has ended or is their own.
        let [first, .., last] = &mut rivals;
        if lock(&self.world).random.bool() {
            last.1 += 3.0 * LEASE_MS;
        } else {
            last.0.owner.clone_from(&first.0.owner);
        }
        let [a, b, c] = &rivals;
        let acquire = |rival: &(Claim, f64)| self.try_acquire(rival.0.clone(), rival.1);
        let outcomes = tokio::join!(acquire(a), acquire(b), acquire(c));
        for ((claim, _), is_acquired) in rivals.into_iter().zip(<[bool; 3]>::from(outcomes)) {
            if is_acquired {
                self.claims.push(claim);
            }
        }
    }

    async fn acquire(&mut self, key: &EntryKey) {
        let claim = self.claim(key, "");
        if self.try_acquire(claim.clone(), self.now()).await {
            self.claims.push(claim);
        }
    }

    fn claim(&self, key: &EntryKey, rival: &str) -> Claim {
        let owner = format!("o{}.{}{rival}", self.number, self.lives);
        Claim { key: key.clone(), owner, token: self.process.unique_id() }
    }

    async fn try_acquire(&self, claim: Claim, now: f64) -> bool {
        let id = self.begin(&claim.key, || format!("acquires with {}", claim.token));
        lock(&self.world).ledger.acquires(id, &self.name, &claim.token);
        let result = self.process.try_acquire(&claim, now, LEASE_MS).await;
        self.end(id, &result);
        self.changed(id);
        lock(&self.world).ledger.answered_acquire(id, &claim, now, &result);
        matches!(result, Ok(LeaseAttempt::Acquired(_)))
    }

    /// Long after everything else, every lease can be taken.
    pub(crate) async fn take_over_everything(&mut self) {
        sleep(Duration::from_mins(1)).await;
        self.restart();
        for number in 0..KEYS {
            let key = self.key(number);
            self.get(&key).await;
            let before = self.claims.len();
            self.acquire(&key).await;
            let is_taken = self.claims.len() > before;
            lock(&self.world).ledger.require(is_taken, "take-over", || format!("k{number} is blocked for ever"));
        }
    }

    /// Mostly the newest lease, and mostly only once.
    fn choose_claim(&mut self) -> Claim {
        let random = &mut lock(&self.world).random;
        let newest = self.claims.len() - 1;
        let chosen = if random.u8(0..5) == 0 { random.usize(0..=newest) } else { newest };
        if random.u8(0..3) == 0 { self.claims[chosen].clone() } else { self.claims.remove(chosen) }
    }

    async fn commit(&mut self) {
        let claim = self.choose_claim();
        self.try_commit(&claim).await;
    }

    /// Rivals with one token, of which at most one publishes.
    async fn commit_at_once(&mut self) {
        let claim = self.choose_claim();
        let late = Duration::from_millis(lock(&self.world).random.u64(0..60));
        let (first, second, third) = tokio::join!(self.try_commit(&claim), self.try_commit(&claim), async {
            sleep(late).await;
            self.try_commit(&claim).await
        });
        lock(&self.world).ledger.counts.rival_commits += u64::from(first || second || third);
    }

    async fn try_commit(&self, claim: &Claim) -> bool {
        let id = self.begin(&claim.key, || format!("commits with {}", claim.token));
        let now = self.now();
        let name = pointer(&claim.token, id);
        let mut page = page(&name, now, REVALIDATE_SECONDS);
        page.etag = id.is_multiple_of(2).then(|| format!("\"{id}\""));
        let result = self.process.commit(claim, page, now).await;
        self.end(id, &result);
        self.changed(id);
        lock(&self.world).ledger.answered_commit(id, &name, &result);
        result.is_ok()
    }

    async fn release(&mut self) {
        let claim = self.choose_claim();
        let id = self.begin(&claim.key, || format!("releases {}", claim.token));
        self.process.release(&claim).await;
        self.end(id, &());
        lock(&self.world).ledger.answered_release(id, &claim.token);
    }
}

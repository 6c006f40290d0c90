//! Clients that do what FaceTheory does, and now and then what nobody should: publish late, twice, or after a crash.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::shared::IntoShared;
use tabletheory_isr::{
    CacheKey, Config, Endpoint, EntryKey, EpochMillis, Generation, HtmlPointer, LeaseAttempt, LeaseClaim, LeaseMillis,
    LeaseOwner, LeaseRequest, LeaseToken, Page, RevalidateSeconds, Store, TableName,
};
use tokio::time::{Instant, sleep, timeout};

use crate::ledger::{CallId, pointer};
use crate::network::{Shared, Wire, lock};

/// The clients' clocks when the simulation begins, in epoch milliseconds.
const EPOCH_MS: f64 = 1_700_000_000_000.0;
const LEASE_MS: u32 = 2_000;
/// How far a client's clock is from the true one, in leases.
const SKEWS: [f64; 5] = [0.0, -1.0, 1.0, 0.0, 0.0];
const KEYS: usize = 3;
/// How long a client's store shows a fresh page again.
const MAX_STALENESS: [Duration; 5] =
    [Duration::ZERO, Duration::from_millis(400), Duration::from_secs(2), Duration::from_secs(5), Duration::ZERO];

/// The store as a simulated client has it.
pub(crate) fn store(wire: impl HttpClient + 'static, prefix: &str, max_staleness: Duration) -> Store {
    let mut config = Config::new(TableName::new("isr").expect("a name"));
    config.endpoint = Some(Endpoint::new("endpoint", "http://localhost:8000").expect("an address"));
    config.region = Some("us-east-1".to_owned());
    config.max_staleness = max_staleness;
    config.http_client = Some(wire.into_shared());
    config.time_source = Some(SharedTimeSource::new(StaticTimeSource::from_secs(1_700_000_000)));
    let (prefix, counter) = (prefix.to_owned(), std::sync::atomic::AtomicU64::new(0));
    config.unique_ids = Arc::new(move || {
        let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{prefix}-{number}")
    });
    Store::new(config)
}

fn name(client: usize, lives: u32) -> String {
    format!("c{client}.{lives}")
}

/// One simulated process.
pub(crate) struct Client {
    world: Shared,
    number: usize,
    /// How many processes it was before: a crash takes its memory.
    lives: u32,
    /// Of the store; its tokens begin so.
    name: String,
    store: Store,
    start: Instant,
    /// Leases that were granted and not given back, as far as this client knows.
    claims: Vec<LeaseClaim>,
}

impl Client {
    pub(crate) fn new(world: &Shared, number: usize) -> Self {
        let start = lock(world).ledger.start;
        let wire = Wire { world: Arc::clone(world), client: number };
        let name = name(number, 0);
        let store = store(wire, &name, MAX_STALENESS[number]);
        Self { world: Arc::clone(world), number, lives: 0, name, store, start, claims: vec![] }
    }

    /// `operations` calls, one after the other.
    pub(crate) async fn work(&mut self, operations: usize) {
        for _ in 0..operations {
            let (is_crash, patience, idle) = {
                let random = &mut lock(&self.world).random;
                // Most pauses are those of a page that is rendered; some outlast the lease.
                let idle = if random.u8(0..10) == 0 { random.u64(0..6_000) } else { random.u64(0..150) };
                (random.u8(0..25) == 0, Duration::from_millis(random.u64(0..80)), idle)
            };
            sleep(Duration::from_millis(idle)).await;
            if is_crash {
                if timeout(patience, self.operation()).await.is_err() {
                    self.crash();
                }
            } else {
                self.operation().await;
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
        let wire = Wire { world: Arc::clone(&self.world), client: self.number };
        self.store = store(wire, &self.name, MAX_STALENESS[self.number]);
    }

    async fn operation(&mut self) {
        let (choice, key) = {
            let random = &mut lock(&self.world).random;
            (random.u8(0..100), random.usize(0..KEYS))
        };
        // Whoever holds a lease mostly goes on with it.
        match (choice, self.claims.len()) {
            (0..55, 1..) => self.commit().await,
            (55..70, 1..) => self.release().await,
            (70..76, _) => self.invalidate(&self.key(key)).await,
            (76..86, _) => self.get(&self.key(key)).await,
            (86..88, _) => self.get_at_once(&self.key(key)).await,
            (88..90, _) => self.acquire_at_once(&self.key(key)).await,
            _ => self.acquire(self.key(key)).await,
        }
    }

    fn key(&self, number: usize) -> EntryKey {
        self.store.key(CacheKey::new("cacheKey", format!("k{number}")).expect("not empty"))
    }

    /// The client's own clock.
    fn now(&self) -> EpochMillis {
        let skew = SKEWS[self.number] * f64::from(LEASE_MS);
        let elapsed = self.start.elapsed().as_secs_f64() * 1_000.0;
        EpochMillis::new("nowMs", (EPOCH_MS + skew + elapsed).round()).expect("a time")
    }

    fn begin(&self, key: &EntryKey, what: impl FnOnce() -> String) -> CallId {
        let mut world = lock(&self.world);
        let id = world.ledger.began(key.partition(), || format!("client {} {}", self.number, what()));
        world.in_flight[self.number].push(id);
        id
    }

    fn end(&self, id: CallId, result: &dyn std::fmt::Debug) {
        // Whoever waits for a timer wakes up to a millisecond late.
        let longest = self.store.config().operation_timeout + Duration::from_millis(2);
        let mut world = lock(&self.world);
        world.in_flight[self.number].retain(|other| *other != id);
        world.ledger.ended(id, longest, || format!("{result:?}"));
    }

    fn changed(&self, id: CallId) {
        lock(&self.world).ledger.changed(id, &self.name);
    }

    pub(crate) async fn get(&self, key: &EntryKey) {
        let id = self.begin(key, || "gets".to_owned());
        lock(&self.world).ledger.remembers(id, &self.name, self.store.config().max_staleness);
        let result = self.store.get(key).await;
        self.end(id, &result);
        lock(&self.world).ledger.answered_get(id, &result);
    }

    async fn invalidate(&self, key: &EntryKey) {
        let id = self.begin(key, || "invalidates".to_owned());
        let result = self.store.invalidate(key).await;
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
        let mut rivals = ["a", "b", "c"].map(|rival| self.request(key.clone(), rival));
        // To whom what the others hold has ended, or is the own.
        let [first, .., last] = &mut rivals;
        if lock(&self.world).random.bool() {
            last.now = EpochMillis::new("nowMs", last.now.get() + 3.0 * f64::from(LEASE_MS)).expect("a time");
        } else {
            last.claim.owner = first.claim.owner.clone();
        }
        let [a, b, c] = &rivals;
        let outcomes = tokio::join!(self.try_acquire(a), self.try_acquire(b), self.try_acquire(c));
        for (rival, is_acquired) in rivals.into_iter().zip(<[bool; 3]>::from(outcomes)) {
            if is_acquired {
                self.claims.push(rival.claim);
            }
        }
    }

    async fn acquire(&mut self, key: EntryKey) {
        let request = self.request(key, "");
        if self.try_acquire(&request).await {
            self.claims.push(request.claim);
        }
    }

    fn request(&self, key: EntryKey, rival: &str) -> LeaseRequest {
        let owner = format!("o{}.{}{rival}", self.number, self.lives);
        let token = (self.store.config().unique_ids)();
        LeaseRequest {
            claim: LeaseClaim {
                key,
                owner: LeaseOwner::new("leaseOwner", owner).expect("not empty"),
                token: LeaseToken::new("leaseToken", token).expect("not empty"),
            },
            now: self.now(),
            duration: LeaseMillis::new("leaseDurationMs", f64::from(LEASE_MS)).expect("in range"),
            fallback_revalidate: RevalidateSeconds::DEFAULT,
        }
    }

    async fn try_acquire(&self, request: &LeaseRequest) -> bool {
        let token = request.claim.token.as_str();
        let id = self.begin(&request.claim.key, || format!("acquires with {token}"));
        lock(&self.world).ledger.acquires(id, token);
        let result = self.store.try_acquire_lease(request).await;
        self.end(id, &result);
        self.changed(id);
        lock(&self.world).ledger.answered_acquire(id, request, &result);
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
            self.acquire(key).await;
            let is_taken = self.claims.len() > before;
            lock(&self.world).ledger.require(is_taken, "take-over", || format!("k{number} is blocked for ever"));
        }
    }

    /// Mostly the newest lease, and mostly only once.
    fn choose_claim(&mut self) -> LeaseClaim {
        let random = &mut lock(&self.world).random;
        let newest = self.claims.len() - 1;
        let chosen = if random.u8(0..5) == 0 { random.usize(0..=newest) } else { newest };
        if random.u8(0..3) == 0 { self.claims[chosen].clone() } else { self.claims.remove(chosen) }
    }

    async fn commit(&mut self) {
        let claim = self.choose_claim();
        let id = self.begin(&claim.key, || format!("commits with {}", claim.token.as_str()));
        let now = self.now();
        let name = pointer(claim.token.as_str(), id);
        let html_pointer = HtmlPointer::new("htmlPointer", name.clone()).expect("not empty");
        let mut page = Page::new(&html_pointer, now, RevalidateSeconds::DEFAULT);
        page.etag = id.is_multiple_of(2).then(|| format!("\"{id}\""));
        let result = self.store.commit_generation(&Generation { claim, page, now }).await;
        self.end(id, &result);
        self.changed(id);
        lock(&self.world).ledger.answered_commit(id, &name, &result);
    }

    async fn release(&mut self) {
        let claim = self.choose_claim();
        let id = self.begin(&claim.key, || format!("releases {}", claim.token.as_str()));
        self.store.release_lease(&claim).await;
        self.end(id, &());
        lock(&self.world).ledger.answered_release(id, claim.token.as_str());
    }
}

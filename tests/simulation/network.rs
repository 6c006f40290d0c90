//! The way from the clients to the table and back: latency and faults, all drawn from the seed.
//!
//! Takes the place of the SDK's HTTP connector, so everything above it is the real thing. A request that is on its way
//! arrives, even if its sender no longer waits.

use std::collections::BTreeSet;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::credentials::RENEWING_CLIENTS;
use crate::dynamodb::{Answer, Database, partition};
use crate::ledger::{CallId, Ledger, Version};

/// The outcome of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request never arrives.
    LostBefore,
    /// The request takes effect, and its answer never arrives.
    LostAfter,
    /// The request takes effect late; often after its sender has given up.
    Delayed,
    /// The request takes effect twice, the second time late.
    Duplicated,
    /// Too many requests: no effect.
    Throttled,
    /// Another transaction is in the way: no effect.
    Conflicting,
    /// Status 500, before or after the effect.
    ServerError,
    /// The request takes effect, and its answer breaks off.
    Truncated,
    /// The connection was idle for too long: it is reset when it is used, before or after the request took effect, and so
    /// are the client's next ones.
    ResetOnUse,
    /// The client's credentials are refused: they have expired, or are said to have.
    Revoked,
    /// The client's process stands still for a while. Not of the network: answers arrive meanwhile.
    Frozen,
}

const FAULTS: [Fault; 9] = [
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Delayed,
    Fault::Duplicated,
    Fault::Throttled,
    Fault::Conflicting,
    Fault::ServerError,
    Fault::Truncated,
    Fault::ResetOnUse,
];

/// The most idle connections of a client that are dead.
const DEAD_CONNECTIONS: u8 = 4;

/// Longer than any call lasts.
const LONGEST_DELAY_MS: u64 = 6_000;

/// The table, the known facts about it, and the dice.
pub(crate) struct World {
    pub(crate) random: fastrand::Rng,
    pub(crate) ledger: Ledger,
    database: Database,
    faults: Faults,
    /// The calls that each client is in.
    pub(crate) in_flight: Vec<Vec<CallId>>,
    exchanges: usize,
    /// Of each client: its exchanges without an answer.
    unanswered: Vec<BTreeSet<usize>>,
    /// Of each client: its idle connections that will be reset.
    dead_connections: Vec<u8>,
}

/// How many exchanges are faulted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    None,
    AQuarter,
}

pub(crate) type Shared = Arc<Mutex<World>>;

impl World {
    pub(crate) fn new(seed: u64, clients: usize, ledger: Ledger) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            ledger,
            database: Database::default(),
            faults: Faults::AQuarter,
            in_flight: vec![vec![]; clients],
            exchanges: 0,
            unanswered: vec![BTreeSet::new(); clients],
            dead_connections: vec![0; clients],
        }
    }

    pub(crate) fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    pub(crate) fn has_faults(&self) -> bool {
        self.faults == Faults::AQuarter
    }

    fn draw_fault(&mut self, client: usize) -> Option<Fault> {
        if let Some(left) = self.dead_connections[client].checked_sub(1) {
            self.dead_connections[client] = left;
            return Some(Fault::ResetOnUse);
        }
        if self.has_faults() && RENEWING_CLIENTS.contains(&client) && self.random.u8(0..20) == 0 {
            return Some(Fault::Revoked);
        }
        let is_faulted = self.has_faults() && self.random.u8(0..4) == 0;
        let fault = is_faulted.then(|| FAULTS[self.random.usize(0..FAULTS.len())]);
        if fault == Some(Fault::ResetOnUse) {
            self.dead_connections[client] = self.random.u8(0..DEAD_CONNECTIONS);
        }
        fault
    }

    /// The client stands still. Which of its requests have no answer yet.
    pub(crate) fn freeze(&self, client: usize) -> BTreeSet<usize> {
        self.unanswered[client].clone()
    }

    /// The client goes on, after a freeze in which these requests waited for their answers.
    pub(crate) fn thaw(&mut self, client: usize, waited: &BTreeSet<usize>, time: Duration) {
        let is_answered = !waited.is_empty() && waited.is_disjoint(&self.unanswered[client]);
        self.ledger.thawed(&self.in_flight[client], is_answered, time);
    }

    fn millis(&mut self, range: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }

    /// The request takes effect, or is refused, now.
    fn deliver(&mut self, exchange: &Exchange, is_awaited: bool) -> Answer {
        let answer = self.database.answer(&exchange.operation, &exchange.request);
        let pk = partition(&exchange.operation, &exchange.request);
        let row = |sk| self.database.row(&pk, sk);
        let after = Version::of_rows(row("META"), row("LOCK"));
        self.ledger.delivered(&pk, exchange, is_awaited, &answer, &after);
        answer
    }
}

pub(crate) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("no thread panics while holding it")
}

/// A request, and whose it is.
pub(crate) struct Exchange {
    pub(crate) id: usize,
    pub(crate) client: usize,
    pub(crate) operation: String,
    pub(crate) request: Value,
}

impl Exchange {
    pub(crate) fn new(id: usize, client: usize, request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").expect("each request has a target");
        let operation = target.strip_prefix("DynamoDB_20120810.").expect("in this version").to_owned();
        let body = request.body().bytes().expect("no request is streamed");
        Self { id, client, operation, request: serde_json::from_slice(body).expect("each request is JSON") }
    }
}

/// One client's connection.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) world: Shared,
    pub(crate) client: usize,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.client)
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

type Reply = Result<HttpResponse, ConnectorError>;

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (reply, answer) = oneshot::channel();
        let journey = {
            let mut world = lock(&self.world);
            let world = &mut *world;
            world.exchanges += 1;
            let exchange = Exchange::new(world.exchanges, self.client, &request);
            world.unanswered[self.client].insert(exchange.id);
            let calls = &world.in_flight[self.client];
            let is_expired = world.ledger.signed(self.client, calls, access_key_id(&request));
            let fault = if is_expired { Some(Fault::Revoked) } else { world.draw_fault(self.client) };
            world.ledger.sent(&exchange, &world.in_flight[self.client], fault);
            let longest = if fault == Some(Fault::Delayed) { LONGEST_DELAY_MS } else { 20 };
            Journey { exchange, fault, there: world.millis(1..=longest), back: world.millis(1..=20) }
        };
        tokio::spawn(journey.travel(Arc::clone(&self.world), reply));
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(answer) => answer,
                // Silence.
                Err(_) => pending().await,
            }
        })
    }
}

/// The name of the credentials that a request is signed with.
fn access_key_id(request: &HttpRequest) -> &str {
    let signature = request.headers().get("authorization").expect("each request is signed");
    let (_, scope) = signature.split_once("Credential=").expect("a scope");
    scope.split('/').next().unwrap_or_default()
}

struct Journey {
    exchange: Exchange,
    fault: Option<Fault>,
    there: Duration,
    back: Duration,
}

impl Journey {
    async fn travel(self, world: Shared, reply: oneshot::Sender<Reply>) {
        sleep(self.there).await;
        let arrival = self.arrive(&mut lock(&world), !reply.is_closed());
        let late = (self.fault == Some(Fault::Duplicated)).then(|| lock(&world).millis(1..=LONGEST_DELAY_MS));
        if let Some(arrival) = arrival {
            sleep(self.back).await;
            self.hand_over(arrival, &world, reply);
        }
        if let Some(late) = late {
            sleep(late).await;
            lock(&world).deliver(&self.exchange, false);
        }
    }

    /// The sender may have given up.
    fn hand_over(&self, arrival: Arrival, world: &Shared, reply: oneshot::Sender<Reply>) {
        let mut world = lock(world);
        world.unanswered[self.exchange.client].remove(&self.exchange.id);
        match arrival {
            Arrival::Answer(answer) => {
                if reply.send(Ok(response(&answer))).is_ok() {
                    world.ledger.heard(&self.exchange, &answer);
                }
            }
            Arrival::Broken(fragment) => drop(reply.send(Ok(fragment))),
            Arrival::Reset => {
                drop(reply.send(Err(ConnectorError::io(std::io::Error::other("connection reset").into()))));
            }
        }
    }

    /// The answer for the sender; `None` for silence.
    fn arrive(&self, world: &mut World, is_awaited: bool) -> Option<Arrival> {
        match self.fault {
            None | Some(Fault::Delayed | Fault::Duplicated) => {
                Some(Arrival::Answer(world.deliver(&self.exchange, is_awaited)))
            }
            Some(Fault::ResetOnUse) => {
                if world.random.bool() {
                    world.deliver(&self.exchange, is_awaited);
                }
                Some(Arrival::Reset)
            }
            Some(Fault::Frozen) => unreachable!("the network does not freeze"),
            Some(Fault::LostBefore) => lost(world),
            Some(Fault::LostAfter) => {
                world.deliver(&self.exchange, is_awaited);
                lost(world)
            }
            Some(Fault::Throttled) => {
                let code = if world.random.bool() { "ThrottlingException" } else { "ProvisionedThroughputExceeded" };
                Some(Arrival::Answer(self.refusal(code)))
            }
            Some(Fault::Revoked) => {
                let message = "The security token included in the request is expired";
                Some(Arrival::Answer(Answer::error(400, "ExpiredTokenException", message)))
            }
            Some(Fault::Conflicting) => {
                let code = if world.random.bool() { "TransactionInProgressException" } else { "TransactionConflict" };
                Some(Arrival::Answer(self.refusal(code)))
            }
            Some(Fault::ServerError) => {
                if world.random.bool() {
                    world.deliver(&self.exchange, is_awaited);
                }
                Some(Arrival::Answer(Answer::error(500, "InternalServerError", "Internal server error")))
            }
            Some(Fault::Truncated) => {
                let answer = world.deliver(&self.exchange, is_awaited);
                let whole = answer.body.to_string();
                let kept = world.random.usize(0..whole.len());
                Some(Arrival::Broken(http_response(answer.status, whole[..kept].to_owned())))
            }
        }
    }

    /// A reason of a cancelled transaction, or the error of a single write by another name.
    fn refusal(&self, code: &str) -> Answer {
        let is_transaction = self.exchange.operation == "TransactWriteItems";
        match code {
            "TransactionConflict" | "ProvisionedThroughputExceeded" if is_transaction => {
                Answer::cancelled(&["None", code])
            }
            "TransactionConflict" | "TransactionInProgressException" if !is_transaction => {
                Answer::error(400, "TransactionConflictException", "Transaction is ongoing for the item")
            }
            "ProvisionedThroughputExceeded" => {
                Answer::error(400, "ProvisionedThroughputExceededException", "Too many requests")
            }
            code => Answer::error(400, code, "Try again"),
        }
    }
}

/// The answer for the sender.
enum Arrival {
    Answer(Answer),
    /// Part of an answer.
    Broken(HttpResponse),
    Reset,
}

/// A connection that breaks, or one on which nothing ever comes.
fn lost(world: &mut World) -> Option<Arrival> {
    world.random.bool().then_some(Arrival::Reset)
}

pub(crate) fn response(answer: &Answer) -> HttpResponse {
    http_response(answer.status, answer.body.to_string())
}

fn http_response(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body))
}

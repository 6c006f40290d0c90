//! The way from the clients to the table and back: latency and faults, all drawn from the seed.
//!
//! Takes the place of the SDK's HTTP connector, so everything above it is the real thing. A request that is on its way
//! arrives, whether or not its sender still waits.

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

use crate::dynamodb::{Answer, Database, partition};
use crate::ledger::{CallId, Ledger, Version};

/// What becomes of one exchange.
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
}

const FAULTS: [Fault; 8] = [
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Delayed,
    Fault::Duplicated,
    Fault::Throttled,
    Fault::Conflicting,
    Fault::ServerError,
    Fault::Truncated,
];

/// Longer than any call lasts.
const LONGEST_DELAY_MS: u64 = 6_000;

/// The table, what is known of it, and the dice.
pub(crate) struct World {
    pub(crate) random: fastrand::Rng,
    pub(crate) ledger: Ledger,
    database: Database,
    faults: Faults,
    /// The calls that each client is in.
    pub(crate) in_flight: Vec<Vec<CallId>>,
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
        }
    }

    pub(crate) fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    fn draw_fault(&mut self) -> Option<Fault> {
        let is_faulted = self.faults == Faults::AQuarter && self.random.u8(0..4) == 0;
        is_faulted.then(|| FAULTS[self.random.usize(0..FAULTS.len())])
    }

    fn millis(&mut self, range: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }

    /// The request takes effect, or is refused, now.
    fn deliver(&mut self, exchange: &Exchange) -> Answer {
        let answer = self.database.answer(&exchange.operation, &exchange.request);
        let pk = partition(&exchange.operation, &exchange.request);
        let row = |sk| self.database.row(&pk, sk);
        let after = Version::of_rows(row("META"), row("LOCK"));
        self.ledger.delivered(&pk, exchange, &answer, &after);
        answer
    }
}

pub(crate) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("nobody panics while holding it")
}

/// A request, and whose it is.
pub(crate) struct Exchange {
    pub(crate) client: usize,
    pub(crate) operation: String,
    pub(crate) request: Value,
}

impl Exchange {
    fn new(client: usize, request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").expect("each request has a target");
        let operation = target.strip_prefix("DynamoDB_20120810.").expect("in this version").to_owned();
        let body = request.body().bytes().expect("no request is streamed");
        Self { client, operation, request: serde_json::from_slice(body).expect("each request is JSON") }
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
            let exchange = Exchange::new(self.client, &request);
            let fault = world.draw_fault();
            let world = &mut *world;
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

struct Journey {
    exchange: Exchange,
    fault: Option<Fault>,
    there: Duration,
    back: Duration,
}

impl Journey {
    async fn travel(self, world: Shared, reply: oneshot::Sender<Reply>) {
        sleep(self.there).await;
        let answer = self.arrive(&mut lock(&world));
        if self.fault == Some(Fault::Duplicated) {
            let late = lock(&world).millis(1..=LONGEST_DELAY_MS);
            sleep(self.back).await;
            let _ = reply.send(answer.expect("a duplicated request is answered"));
            sleep(late).await;
            lock(&world).deliver(&self.exchange);
        } else if let Some(answer) = answer {
            sleep(self.back).await;
            // The sender may have given up.
            let _ = reply.send(answer);
        }
    }

    /// What the sender gets back; nothing for silence.
    fn arrive(&self, world: &mut World) -> Option<Reply> {
        match self.fault {
            None | Some(Fault::Delayed | Fault::Duplicated) => Some(Ok(response(&world.deliver(&self.exchange)))),
            Some(Fault::LostBefore) => lost(world),
            Some(Fault::LostAfter) => {
                world.deliver(&self.exchange);
                lost(world)
            }
            Some(Fault::Throttled) => {
                let code = if world.random.bool() { "ThrottlingException" } else { "ProvisionedThroughputExceeded" };
                Some(Ok(response(&self.refusal(code))))
            }
            Some(Fault::Conflicting) => {
                let code = if world.random.bool() { "TransactionInProgressException" } else { "TransactionConflict" };
                Some(Ok(response(&self.refusal(code))))
            }
            Some(Fault::ServerError) => {
                if world.random.bool() {
                    world.deliver(&self.exchange);
                }
                Some(Ok(response(&Answer::error(500, "InternalServerError", "Internal server error"))))
            }
            Some(Fault::Truncated) => {
                let answer = world.deliver(&self.exchange);
                let whole = answer.body.to_string();
                let kept = world.random.usize(0..whole.len());
                Some(Ok(http_response(answer.status, whole[..kept].to_owned())))
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

/// A connection that breaks, or one on which nothing ever comes.
fn lost(world: &mut World) -> Option<Reply> {
    world.random.bool().then(|| Err(ConnectorError::io(std::io::Error::other("connection reset").into())))
}

fn response(answer: &Answer) -> HttpResponse {
    http_response(answer.status, answer.body.to_string())
}

fn http_response(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body))
}

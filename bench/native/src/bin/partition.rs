//! Stands before a `DynamoDB` without limits, and gives each partition key the limits of a partition: two token buckets.
//!
//! `partition 127.0.0.1:8000 <read units a second> <write units a second> [<certificate> <key>]`
//!
//! Each bucket holds one second's units and begins full. A request that finds too few is answered as throttled and costs
//! nothing. A refused condition costs its write, and each action of a transaction costs two units. `GET /partitions`
//! answers with the units and throttles of each partition key so far.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use bench_native::{Request, Socket, error_response, response, serve, tls_from};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PARTITIONS_REQUEST: &[u8] = b"GET /partitions ";

struct Relay {
    server: String,
    read_limit: f64,
    write_limit: f64,
    partitions: RefCell<HashMap<String, Partition>>,
}

struct Partition {
    read: Bucket,
    write: Bucket,
    requests: usize,
}

/// A token bucket: it gains `limit` units a second, and holds at most the units of one second.
struct Bucket {
    limit: f64,
    left: f64,
    filled: Instant,
    used: f64,
    throttled: usize,
}

/// The units that one request takes from the partition of `key`.
struct Demand {
    key: String,
    read: f64,
    write: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("an argument is missing; partition.rs lists them");
    let relay = Relay {
        server: next()?,
        read_limit: next()?.parse()?,
        write_limit: next()?.parse()?,
        partitions: RefCell::default(),
    };
    Ok(serve(relay, tls_from(arguments)?.as_ref(), converse)?)
}

async fn converse(relay: Rc<Relay>, mut client: Box<dyn Socket>) -> io::Result<()> {
    let (mut received, mut answered) = (Vec::with_capacity(16 * 1024), Vec::with_capacity(16 * 1024));
    let mut server = None;
    loop {
        let Some(request) = Request::parse(&received) else {
            if client.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let length = request.length;
        if received.starts_with(PARTITIONS_REQUEST) {
            client.write_all(&response(&relay.report().to_string())).await?;
        } else if let Some(refusal) = relay.refusal(&request) {
            client.write_all(&refusal).await?;
        } else {
            let sent = received.get(..length).unwrap_or_default();
            // The server closes idle connections. Then the request goes over a new one.
            let reused = match &mut server {
                Some(server) => match pass(sent, server, &mut client, &mut answered).await {
                    Err(_) if answered.is_empty() => false,
                    result => result.map(|()| true)?,
                },
                None => false,
            };
            if !reused {
                pass(sent, server.insert(relay.connect().await?), &mut client, &mut answered).await?;
            }
        }
        client.flush().await?;
        received.drain(..length);
    }
}

/// Forwards one request to the server, and its answer to the client.
async fn pass(
    request: &[u8],
    server: &mut TcpStream,
    client: &mut Box<dyn Socket>,
    answered: &mut Vec<u8>,
) -> io::Result<()> {
    answered.clear();
    server.write_all(request).await?;
    loop {
        if server.read_buf(answered).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // An answer has the shape of a request, but for its first line.
        if let Some(answer) = Request::parse(answered) {
            return client.write_all(answered.get(..answer.length).unwrap_or_default()).await;
        }
    }
}

impl Relay {
    async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.server).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Takes the request's units from its partition, or returns the answer to a throttled request.
    fn refusal(&self, request: &Request) -> Option<Vec<u8>> {
        let operation = str::from_utf8(request.operation).ok()?;
        let Demand { key, read, write } = Demand::of(operation, &serde_json::from_slice(request.body).ok()?)?;
        let mut partitions = self.partitions.borrow_mut();
        let partition = partitions.entry(key).or_insert_with(|| Partition {
            read: Bucket::full(self.read_limit),
            write: Bucket::full(self.write_limit),
            requests: 0,
        });
        partition.requests += 1;
        // A request either reads or writes.
        if partition.read.take(read) && partition.write.take(write) {
            return None;
        }
        let name = if operation == "TransactWriteItems" {
            "com.amazon.coral.availability#ThrottlingException"
        } else {
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
        };
        Some(error_response(name, "The level of configured provisioned throughput for the table was exceeded."))
    }

    fn report(&self) -> Value {
        let figures = |(key, partition): (&String, &Partition)| {
            let figures = json!({
                "requests": partition.requests,
                "readUnits": partition.read.used,
                "writeUnits": partition.write.used,
                "throttledReads": partition.read.throttled,
                "throttledWrites": partition.write.throttled,
            });
            (key.clone(), figures)
        };
        Value::Object(self.partitions.borrow().iter().map(figures).collect::<Map<_, _>>())
    }
}

impl Demand {
    /// Returns `None` for a request without a partition. All rows are below 1 KB.
    fn of(operation: &str, input: &Value) -> Option<Self> {
        let text = |pointer: &str| input.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let consistent = input.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
        let read = |key| Self { key, read: if consistent { 1.0 } else { 0.5 }, write: 0.0 };
        let write = |key, units| Self { key, read: 0.0, write: units };
        match operation {
            "Query" => text("/ExpressionAttributeValues/:pk/S").map(read),
            "GetItem" => text("/Key/pk/S").map(read),
            "PutItem" => text("/Item/pk/S").map(|key| write(key, 1.0)),
            "DeleteItem" | "UpdateItem" => text("/Key/pk/S").map(|key| write(key, 1.0)),
            "TransactWriteItems" => {
                let actions = input.get("TransactItems")?.as_array()?;
                let units = actions.iter().map(|_| 2.0).sum();
                // All actions of these stores' transactions are in one partition.
                let kinds = ["/Put/Item", "/Delete/Key", "/Update/Key", "/ConditionCheck/Key"];
                let key = kinds.iter().find_map(|kind| text(&format!("/TransactItems/0{kind}/pk/S")))?;
                Some(write(key, units))
            }
            _ => None,
        }
    }
}

impl Bucket {
    fn full(limit: f64) -> Self {
        Self { limit, left: limit, filled: Instant::now(), used: 0.0, throttled: 0 }
    }

    fn take(&mut self, units: f64) -> bool {
        let now = Instant::now();
        let grown = self.limit.mul_add((now - self.filled).as_secs_f64(), self.left);
        (self.left, self.filled) = (grown.min(self.limit), now);
        let enough = self.left >= units;
        if enough {
            self.left -= units;
            self.used += units;
        } else {
            self.throttled += 1;
        }
        enough
    }
}

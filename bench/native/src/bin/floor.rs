//! What a `get` costs without an SDK: hyper, aws-sigv4 and `serde_json` on a runtime with one worker, as the addon has.
//!
//! `floor 127.0.0.1:8000 <warm-up> <calls one at a time> <calls at once> <calls of each of these>` prints one line of
//! JSON.

use std::env;
use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Plan {
    address: String,
    warm_up: usize,
    one_at_a_time: usize,
    at_once: usize,
    of_each: usize,
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("five arguments, as floor.rs says");
    let plan = Plan {
        address: next()?,
        warm_up: next()?.parse()?,
        one_at_a_time: next()?.parse()?,
        at_once: next()?.parse()?,
        of_each: next()?.parse()?,
    };
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
    let latency = latency(&runtime, &plan)?;
    let (took, cpu) = runtime.block_on(throughput(&plan))?;
    let calls = f64::from(u32::try_from(plan.at_once * plan.of_each)?);
    let figures = json!({
        "latencyUs": micros(latency),
        "callsPerSecond": calls / took.as_secs_f64(),
        "cpuUs": cpu.map(|cpu| micros(cpu) / calls),
    });
    println!("{figures}");
    Ok(())
}

/// The median of calls that another thread asks for and awaits, as JavaScript's does.
fn latency(runtime: &Runtime, plan: &Plan) -> Result<Duration> {
    let mut connection = runtime.block_on(Connection::open(&plan.address, 0))?;
    let mut times = Vec::with_capacity(plan.one_at_a_time);
    for call in 0..plan.warm_up + plan.one_at_a_time {
        let start = Instant::now();
        connection = runtime.block_on(runtime.spawn(repeat(connection, 1)))??;
        if call >= plan.warm_up {
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// How long all calls took, and this process's CPU for them.
async fn throughput(plan: &Plan) -> Result<(Duration, Option<Duration>)> {
    let mut connections = Vec::with_capacity(plan.at_once);
    for number in 0..plan.at_once {
        connections.push(repeat(Connection::open(&plan.address, number).await?, 1).await?);
    }
    let (start, cpu) = (Instant::now(), cpu_time());
    let loops = connections.into_iter().map(|connection| tokio::spawn(repeat(connection, plan.of_each)));
    for finished in loops.collect::<Vec<_>>() {
        finished.await??;
    }
    let took = start.elapsed();
    let cpu = cpu_time().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    Ok((took, cpu))
}

/// Of all threads of this process, on Linux.
fn cpu_time() -> Option<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let figures = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanos += figures.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

async fn repeat(mut connection: Connection, times: usize) -> Result<Connection> {
    for _ in 0..times {
        connection.get().await?;
    }
    Ok(connection)
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    url: String,
    body: Bytes,
    identity: Identity,
}

impl Connection {
    async fn open(address: &str, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let body = json!({
            "TableName": "bench",
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :lock AND :meta",
            "ExpressionAttributeValues": {
                ":pk": { "S": format!("CACHE#default::/news/{{slug}}?slug={number}") },
                ":lock": { "S": "LOCK" },
                ":meta": { "S": "META" },
            },
        });
        Ok(Self {
            sender,
            host: address.to_owned(),
            url: format!("http://{address}/"),
            body: body.to_string().into(),
            identity: Credentials::new("bench", "bench", None, None, "bench").into(),
        })
    }

    async fn get(&mut self) -> Result<Value> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(self.signed()?).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        let page: Value = serde_json::from_slice(&body)?;
        if page.pointer("/Items/0/s3_key/S").is_none() {
            return Err("an answer without a page".into());
        }
        Ok(page)
    }

    #[expect(clippy::disallowed_methods, reason = "a signature is of now")]
    fn signed(&self) -> Result<Request<Full<Bytes>>> {
        let headers = [
            ("host", self.host.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "DynamoDB_20120810.Query"),
        ];
        let parameters = SigningParams::builder()
            .identity(&self.identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(std::time::SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new("POST", &self.url, headers.into_iter(), SignableBody::Bytes(&self.body))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(self.body.clone()))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

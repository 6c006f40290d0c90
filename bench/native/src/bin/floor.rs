//! Measures a `get` without an SDK: hyper, aws-sigv4 and `serde_json` on a runtime with one worker, as the addon has.
//!
//! * `floor get http://127.0.0.1:8000 <warm-up> <calls one at a time> <calls at once> <calls of each of these>` prints
//!   one line of JSON.
//! * `floor views https://127.0.0.1:8000 <views>` prints a line when it is ready, waits for one, and prints one of JSON.
//!
//! Over TLS it trusts the certificates in the file that `NODE_EXTRA_CA_CERTS` names, and no others.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio_rustls::TlsConnector;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Plan {
    endpoint: String,
    warm_up: usize,
    one_at_a_time: usize,
    at_once: usize,
    of_each: usize,
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("arguments are missing; floor.rs lists them");
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
    let figures = match next()?.as_str() {
        "get" => {
            let plan = Plan {
                endpoint: next()?,
                warm_up: next()?.parse()?,
                one_at_a_time: next()?.parse()?,
                at_once: next()?.parse()?,
                of_each: next()?.parse()?,
            };
            gets(&runtime, &plan)?
        }
        "views" => views(&runtime, &next()?, next()?.parse()?)?,
        mode => return Err(format!("unknown mode \"{mode}\"; valid modes: get, views").into()),
    };
    println!("{figures}");
    Ok(())
}

fn gets(runtime: &Runtime, plan: &Plan) -> Result<Value> {
    let mut times = latencies(runtime, plan)?;
    times.sort_unstable();
    let percentile = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).map(micros);
    let (took, cpu) = runtime.block_on(throughput(plan))?;
    let calls = f64::from(u32::try_from(plan.at_once * plan.of_each)?);
    Ok(json!({
        "latencyUs": percentile(50),
        "p99Us": percentile(99),
        "callsPerSecond": calls / took.as_secs_f64(),
        "cpuUs": cpu.map(|cpu| micros(&cpu) / calls),
    }))
}

/// Makes views of one page, one after the other. The first includes the handshake. The CPU quota is set before them.
fn views(runtime: &Runtime, endpoint: &str, views: usize) -> Result<Value> {
    println!("ready");
    io::stdin().read_line(&mut String::new())?;
    let (mut times, mut cpus, mut open) = (Vec::new(), Vec::new(), None);
    for _ in 0..views {
        let (start, cpu) = (Instant::now(), cpu_time());
        let connection = match open.take() {
            Some(connection) => connection,
            None => runtime.block_on(Connection::open(endpoint, 0))?,
        };
        open = Some(runtime.block_on(runtime.spawn(repeat(connection, 1)))??);
        times.push(micros(&start.elapsed()) / 1e3);
        cpus.push(cpu_since(cpu).map(|cpu| micros(&cpu) / 1e3));
    }
    Ok(json!({ "times": times, "cpu": cpus }))
}

/// Returns the latencies of calls that another thread starts and awaits, as JavaScript's thread does.
fn latencies(runtime: &Runtime, plan: &Plan) -> Result<Vec<Duration>> {
    let mut connection = runtime.block_on(Connection::open(&plan.endpoint, 0))?;
    let mut times = Vec::with_capacity(plan.one_at_a_time);
    for call in 0..plan.warm_up + plan.one_at_a_time {
        let start = Instant::now();
        connection = runtime.block_on(runtime.spawn(repeat(connection, 1)))??;
        if call >= plan.warm_up {
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

/// Returns the time of all calls together, and this process's CPU time for them.
async fn throughput(plan: &Plan) -> Result<(Duration, Option<Duration>)> {
    let mut connections = Vec::with_capacity(plan.at_once);
    for number in 0..plan.at_once {
        connections.push(repeat(Connection::open(&plan.endpoint, number).await?, 1).await?);
    }
    let (start, cpu) = (Instant::now(), cpu_time());
    let loops = connections.into_iter().map(|connection| tokio::spawn(repeat(connection, plan.of_each)));
    for finished in loops.collect::<Vec<_>>() {
        finished.await??;
    }
    let took = start.elapsed();
    Ok((took, cpu_since(cpu)))
}

fn cpu_since(before: Option<Duration>) -> Option<Duration> {
    cpu_time().zip(before).map(|(after, before)| after.saturating_sub(before))
}

/// Returns the CPU time of all threads of this process, on Linux.
fn cpu_time() -> Option<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let figures = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanos += figures.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

fn micros(duration: &Duration) -> f64 {
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
    async fn open(endpoint: &str, number: usize) -> Result<Self> {
        let (scheme, address) = endpoint.split_once("://").ok_or("an endpoint without a scheme")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let sender = if scheme == "https" {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
            let stream = TlsConnector::from(tls_config()?).connect(ServerName::try_from(host)?, stream).await?;
            Self::start(TokioIo::new(stream)).await?
        } else {
            Self::start(TokioIo::new(stream)).await?
        };
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
            url: format!("{endpoint}/"),
            body: body.to_string().into(),
            identity: Credentials::new("bench", "bench", None, None, "bench").into(),
        })
    }

    async fn start(stream: impl Read + Write + Send + Unpin + 'static) -> Result<SendRequest<Full<Bytes>>> {
        let (sender, connection) = handshake(stream).await?;
        tokio::spawn(connection);
        Ok(sender)
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

    #[expect(clippy::disallowed_methods, reason = "a signature has the current time")]
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

fn tls_config() -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(env::var("NODE_EXTRA_CA_CERTS")?)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config.into())
}

//! The `DynamoDB` in memory against the real DynamoDB Local: the same requests, one after the other, get the same answers.

use std::env;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};
use tabletheory_isr::{BooleanOption, Config, Endpoint, NumberOption, TableName, http_client};

use crate::dynamodb::Database;
use crate::process::{Claim, Process, page};

const OPERATIONS: usize = 1_500;
const NOW_MS: f64 = 1_700_000_000_000.0;

#[derive(Default)]
struct Compared {
    memory: Database,
    random: fastrand::Rng,
    last_transaction: Option<HttpRequest>,
    requests: usize,
}

/// Sends each request to both.
#[derive(Clone)]
struct Both {
    local: SharedHttpClient,
    state: Arc<Mutex<Compared>>,
    /// One request at a time: of two at once, neither side says which was first.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl fmt::Debug for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Both")
    }
}

impl HttpClient for Both {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let local = self.local.http_connector(settings, parts);
        SharedHttpConnector::new(Connector { local, both: self.clone() })
    }
}

#[derive(Clone)]
struct Connector {
    local: SharedHttpConnector,
    both: Both,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let again = request.try_clone().expect("no request is streamed");
            let is_transaction = operation_of(&request) == "TransactWriteItems";
            let response = this.compare(request).await;
            let (hostile, repeated, altered) = {
                let mut state = this.both.state.lock().expect("unbroken");
                let repeated = (state.random.u8(0..3) == 0).then(|| state.last_transaction.as_ref()?.try_clone());
                if is_transaction {
                    state.last_transaction = again.try_clone();
                }
                let altered = is_transaction && state.random.u8(0..5) == 0;
                (state.random.u8(0..6) == 0, repeated.flatten(), altered)
            };
            if altered {
                this.compare(under_the_same_token(&again)).await;
            }
            if let Some(repeated) = repeated {
                this.compare(repeated).await;
            }
            if hostile {
                let row = hostile_row(&mut this.both.state.lock().expect("unbroken").random);
                this.compare(put(&again, &row)).await;
            }
            Ok(response)
        })
    }
}

impl Connector {
    /// Both answers, which must agree; the real one is returned.
    async fn compare(&self, request: HttpRequest) -> HttpResponse {
        let operation = operation_of(&request).to_owned();
        let body = json_of(&request);
        let _turn = self.both.turn.lock().await;
        let mut answer = self.local.call(request).await.expect("DynamoDB Local answers");
        let bytes = ByteStream::new(answer.take_body()).collect().await.expect("a whole answer").into_bytes();
        let theirs: Value = serde_json::from_slice(&bytes).expect("an answer in JSON");
        let mut state = self.both.state.lock().expect("unbroken");
        let ours = state.memory.answer(&operation, &body);
        state.requests += 1;
        let theirs = (answer.status().as_u16(), essence(&theirs));
        assert_eq!((ours.status, essence(&ours.body)), theirs, "ours and DynamoDB Local's, for {operation} {body:#}");
        *answer.body_mut() = SdkBody::from(bytes);
        answer
    }
}

fn operation_of(request: &HttpRequest) -> &str {
    request.headers().get("x-amz-target").and_then(|target| target.split_once('.')).expect("a target").1
}

fn json_of(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().expect("not streamed")).expect("JSON")
}

/// The same request with another body; DynamoDB Local does not check signatures.
fn with_body(template: &HttpRequest, operation: &str, body: &Value) -> HttpRequest {
    let mut request = template.try_clone().expect("not streamed");
    let text = body.to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    request.headers_mut().insert("x-amz-target", format!("DynamoDB_20120810.{operation}"));
    *request.body_mut() = SdkBody::from(text);
    request
}

fn under_the_same_token(transaction: &HttpRequest) -> HttpRequest {
    let mut body = json_of(transaction);
    body["TransactItems"].as_array_mut().expect("a list").reverse();
    with_body(transaction, "TransactWriteItems", &body)
}

fn put(template: &HttpRequest, row: &Value) -> HttpRequest {
    let body = json_of(template);
    let first_action = body["TransactItems"][0].as_object().and_then(|action| action.values().next());
    let named = first_action.unwrap_or(&body);
    let table = named["TableName"].as_str().expect("a table");
    with_body(template, "PutItem", &json!({ "TableName": table, "Item": row }))
}

/// The observable parts of an answer: numbers by their value, errors by their code and reasons.
fn essence(body: &Value) -> Value {
    if let Some(code) = body["__type"].as_str() {
        let code = code.rsplit('#').next();
        let reasons = body["CancellationReasons"].as_array();
        let reasons: Option<Vec<&Value>> =
            reasons.map(|reasons| reasons.iter().map(|reason| &reason["Code"]).collect());
        return json!({ "code": code, "reasons": reasons, "item": numbers(&body["Item"]) });
    }
    numbers(body)
}

fn numbers(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| match member.as_str().filter(|_| name == "N") {
                Some(digits) => (name.clone(), json!(digits.parse::<f64>().expect("a number"))),
                None => (name.clone(), numbers(member)),
            })
            .collect(),
        Value::Array(elements) => elements.iter().map(numbers).collect(),
        other => other.clone(),
    }
}

/// A row as no store writes it.
fn hostile_row(random: &mut fastrand::Rng) -> Value {
    let sort_key = ["LOCK", "LOCK", "META", "M", "REQ#1"][random.usize(0..5)];
    let mut row = json!({ "pk": { "S": format!("CACHE#k{}", random.u8(0..3)) }, "sk": { "S": sort_key } });
    for name in ["lease_token", "lease_expires_at", "lease_expires_at_ms", "lease_owner", "s3_key", "generated_at"] {
        let seconds = 1_700_000_000_i64 + random.i64(-3..3);
        let value = match random.u8(0..12) {
            0 => continue,
            1 => json!({ "S": "" }),
            2 => json!({ "BOOL": true }),
            3 => json!({ "NULL": true }),
            4 => json!({ "N": "-0" }),
            5 => json!({ "N": "1e100" }),
            6 => json!({ "N": (seconds * 1_000 + random.i64(0..1_000)).to_string() }),
            7 => json!({ "M": {} }),
            8 => json!({ "S": format!("t{}", random.u8(0..3)) }),
            9 => json!({ "S": format!("o{}", random.u8(0..3)) }),
            _ => json!({ "N": seconds.to_string() }),
        };
        row[name] = value;
    }
    row
}

/// Anybody does anything at any time.
async fn operate(process: &Process, random: &mut fastrand::Rng) {
    let text = |kind: &str, number: u8| format!("{kind}{number}");
    let key = process.key(&text("k", random.u8(0..3)));
    let claim = Claim { key: key.clone(), owner: text("o", random.u8(0..3)), token: text("t", random.u8(0..3)) };
    let now = NOW_MS + f64::from(random.i32(-3_000..3_000)) / 4.0;
    // The results have been compared.
    match random.u8(0..10) {
        0 => drop(process.get(&key).await),
        1 => drop(process.invalidate(&key).await),
        2 => process.release(&claim).await,
        3..6 => drop(process.commit(&claim, page(&text("p", random.u8(0..9)), now, 60.0), now).await),
        _ => drop(process.try_acquire(&claim, now, f64::from(random.u16(1..2_000))).await),
    }
}

#[tokio::test]
#[ignore = "needs DynamoDB Local, in DYNAMODB_ENDPOINT"]
async fn memory_answers_as_dynamodb_local_does() {
    let endpoint = env::var("DYNAMODB_ENDPOINT").expect("DYNAMODB_ENDPOINT says where DynamoDB Local is");
    let mut config = Config::new(TableName::new(format!("isr-{}", uuid::Uuid::new_v4())).expect("a name"));
    config.endpoint = Some(Endpoint::new("DYNAMODB_ENDPOINT", &endpoint).expect("an address"));
    config.set_number(NumberOption::LeaseTtlBufferSeconds, 0.0).expect("in range");
    Process::new(config.clone()).ensure_table().await;
    let state = Arc::new(Mutex::new(Compared { random: fastrand::Rng::with_seed(1), ..Compared::default() }));
    let both = Both { local: http_client(&config), state: Arc::clone(&state), turn: Arc::default() };
    config.http_client = Some(SharedHttpClient::new(both));
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..OPERATIONS / 10 {
        config.set_boolean(BooleanOption::SoftInvalidation, random.bool());
        // A store refuses the tokens that it has published with; a new one does not know them.
        let process = Process::new(config.clone());
        for _ in 0..10 {
            operate(&process, &mut random).await;
        }
    }
    let requests = state.lock().expect("unbroken").requests;
    println!("{requests} requests were answered alike");
    assert!(requests > OPERATIONS, "only {requests} requests");
}

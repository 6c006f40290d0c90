//! Hostile answers: nonsense, truncated answers, answers to other requests. Each call ends with an answer that the
//! server really gave or with a typed error, and never with a panic.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that panics fails")]

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tabletheory_isr::{
    CacheKey, Config, Endpoint, EpochMillis, Error, ErrorKind, Generation, HtmlPointer, LeaseAttempt, LeaseClaim,
    LeaseMillis, LeaseOwner, LeaseRequest, LeaseToken, Operation, Page, Record, RevalidateSeconds, Store, TableName,
};

const TOKEN: &str = "a-token-that-must-stay-secret";
const SECRET: &str = "a-secret-that-must-stay-secret";

/// Gives the same answer to everything.
#[derive(Debug, Clone)]
struct Parrot {
    status: u16,
    body: Vec<u8>,
}

impl HttpConnector for Parrot {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = self.status.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.body.clone()))))
    }
}

fn store(parrot: &Parrot) -> Arc<Store> {
    let mut config = Config::new(TableName::new("isr").expect("a name"));
    config.endpoint = Some(Endpoint::new("endpoint", "http://localhost:8000").expect("an address"));
    config.set_region("us-east-1".to_owned()).expect("a region");
    config.credentials = Some(aws_credential_types::Credentials::new("id", SECRET, None, None, "test").into());
    let connector = SharedHttpConnector::new(parrot.clone());
    config.http_client = Some(http_client_fn(move |_, _| connector.clone()));
    config.unique_ids = Arc::new(|| "request-token".to_owned());
    Store::new(config)
}

/// A typed value, or a value of the wrong type.
fn attribute() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        select(vec!["1e300", "-0", "1E+2", "", "0x10", "1700000000", "99999999999999999999999999999999999999"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        4 => ".{0,8}".prop_map(|text| json!({ "S": text })),
        4 => number.prop_map(|digits| json!({ "N": digits })),
        1 => any::<bool>().prop_map(|boolean| json!({ "BOOL": boolean })),
        1 => Just(json!({ "NULL": true })),
        1 => ".{0,6}".prop_map(|text| json!({ "B": text })),
        1 => Just(json!({ "SS": ["a"], "S": "b" })),
        1 => Just(json!({ "X": 1 })),
        1 => Just(json!({ "N": 1 })),
        1 => junk(),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|list| json!({ "L": list })),
            vec((select(vec!["inlineScripts", "inlineStyles", "x"]), inner), 0..3).prop_map(|members| {
                json!({ "M": members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>() })
            }),
        ]
    })
}

/// Any JSON.
fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        vec(".{0,3}", 0..3).prop_map(Value::from),
        vec((".{0,3}", any::<i32>()), 0..3).prop_map(|members| members.into_iter().collect::<Value>()),
    ]
}

fn row() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 14] = [
        "s3_key",
        "generated_at",
        "generated_at_ms",
        "revalidate_seconds",
        "revalidate_ms",
        "status",
        "content_type",
        "content_security_policy",
        "strict_csp_policy",
        "etag",
        "lease_token",
        "lease_expires_at",
        "lease_expires_at_ms",
        "lease_owner",
    ];
    let sort_key = select(vec![json!({ "S": "META" }), json!({ "S": "LOCK" }), json!({ "N": "1" }), Value::Null]);
    (sort_key, vec((select(NAMES.to_vec()), attribute()), 0..14)).prop_map(|(sort_key, attributes)| {
        let mut row: Map<String, Value> =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        row.insert("sk".to_owned(), sort_key);
        Value::Object(row)
    })
}

fn error() -> impl Strategy<Value = Value> {
    let code = select(vec![
        "TransactionCanceledException",
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "ThrottlingException",
        "ValidationException",
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InternalServerError",
        "SomethingNew",
        "",
    ]);
    let reason = prop_oneof![
        3 => select(vec!["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "SomethingNew"])
            .prop_map(|code| json!({ "Code": code, "Message": "because" })),
        1 => junk(),
    ];
    (code, vec(reason, 0..4), junk(), row()).prop_map(|(code, reasons, message, row)| {
        let name = format!("com.amazonaws.dynamodb.v20120810#{code}");
        json!({ "__type": name, "message": message, "CancellationReasons": reasons, "Item": row })
    })
}

fn parrot() -> impl Strategy<Value = Parrot> {
    let json = prop_oneof![
        3 => vec(row(), 0..4).prop_map(|rows| json!({ "Items": rows, "Count": rows.len() })),
        2 => row().prop_map(|row| json!({ "Item": row })),
        1 => Just(json!({})),
        4 => error(),
        1 => junk(),
    ];
    let text = json.prop_map(|json| json.to_string().into_bytes());
    let body = prop_oneof![
        5 => text.clone(),
        2 => (text, any::<prop::sample::Index>()).prop_map(|(text, end)| text[..end.index(text.len() + 1)].to_vec()),
        1 => vec(any::<u8>(), 0..40),
        1 => Just(b"<html><body>502 Bad Gateway</body></html>".to_vec()),
        1 => Just(Vec::new()),
    ];
    let status = prop_oneof![4 => Just(200), 3 => Just(400), 2 => Just(500), 1 => 200_u16..600];
    (status, body).prop_map(|(status, body)| Parrot { status, body })
}

/// Whether the answer can be a success of `DynamoDB`.
fn is_success(parrot: &Parrot) -> bool {
    (200..300).contains(&parrot.status) && serde_json::from_slice::<Map<String, Value>>(&parrot.body).is_ok()
}

/// Whether the answer says that the condition of a write failed.
fn is_refusal(parrot: &Parrot) -> bool {
    String::from_utf8_lossy(&parrot.body).contains("ConditionalCheckFailed")
}

fn check_error(error: &Error) -> Result<(), TestCaseError> {
    let mut said = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        said.push_str(&cause.to_string());
        source = cause.source();
    }
    prop_assert!(!said.contains(TOKEN) && !said.contains(SECRET), "{}", said);
    let ours = [ErrorKind::WrongType, ErrorKind::OutOfRange, ErrorKind::Config];
    prop_assert!(!ours.contains(&error.kind()), "the caller did nothing wrong: {}", error);
    Ok(())
}

fn check_record(record: &Record) -> Result<(), TestCaseError> {
    if let Some(page) = &record.page {
        prop_assert!(!page.html_pointer.as_str().is_empty() && page.generated_at.get().is_finite(), "{:?}", page);
        prop_assert!((100..600).contains(&page.status.get()) && !page.content_type.as_str().is_empty(), "{:?}", page);
    }
    if let Some(lease) = &record.lease {
        prop_assert!(!lease.token.as_str().is_empty() && lease.expires_at.get().is_finite(), "{:?}", lease);
    }
    prop_assert!(record.revalidate.get().is_finite() && record.revalidate.get() >= 0.0);
    Ok(())
}

async fn check(parrot: Parrot) -> Result<(), TestCaseError> {
    let store = store(&parrot);
    let key = store.key(CacheKey::new("k".to_owned()).expect("not empty"));
    let call = |operation| store.call(operation, key.clone());
    let claim = LeaseClaim {
        owner: LeaseOwner::new("o".to_owned()).expect("not empty"),
        token: LeaseToken::new(TOKEN.to_owned()).expect("not empty"),
    };
    let now = EpochMillis::new(1_700_000_000_000.0).expect("in range");
    match store.get(&call(Operation::Get)).await {
        Ok(record) => {
            prop_assert!(is_success(&parrot));
            record.as_ref().map_or(Ok(()), check_record)?;
        }
        Err(error) => check_error(&error)?,
    }
    let duration = LeaseMillis::new(1_000.0).expect("in range");
    let fallback_revalidate = RevalidateSeconds::DEFAULT;
    let request = LeaseRequest { claim: claim.clone(), now, duration, fallback_revalidate };
    match store.try_acquire_lease(&call(Operation::TryAcquireLease), request).await {
        Ok(LeaseAttempt::Acquired(record)) => {
            prop_assert!(is_success(&parrot));
            check_record(&record)?;
        }
        // The read would have to succeed, and the write to be refused, with the same answer.
        Ok(LeaseAttempt::Held(record)) => prop_assert!(false, "{:?}", record),
        Err(error) => check_error(&error)?,
    }
    let pointer = HtmlPointer::new("p".to_owned()).expect("not empty");
    let page = Page::new(pointer, now, RevalidateSeconds::DEFAULT);
    let generation = Generation { claim: claim.clone(), page, now };
    match store.commit_generation(&call(Operation::CommitGeneration), generation).await {
        Ok(()) => prop_assert!(is_success(&parrot)),
        Err(error) if error.kind() == ErrorKind::LeaseNotOwned => prop_assert!(is_refusal(&parrot), "{}", error),
        Err(error) => check_error(&error)?,
    }
    match store.invalidate(&call(Operation::Invalidate)).await {
        Ok(()) => prop_assert!(is_success(&parrot)),
        Err(error) => check_error(&error)?,
    }
    store.release_lease(&call(Operation::ReleaseLease), claim).await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_mistaken_for_another(parrot in parrot()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(check(parrot))?;
    }
}

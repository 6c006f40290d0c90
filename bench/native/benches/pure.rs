//! Measures work without a network: keys, and calls whose answers are at hand. Such a call only builds, signs and reads
//! requests. Run it with `cargo bench -p bench-native`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start must end")]

use std::hint::black_box;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bench_native::META;
use criterion::{Criterion, criterion_group, criterion_main};
use tabletheory_isr::{
    CacheKey, Config, Endpoint, EntryKey, EpochMillis, Generation, HtmlPointer, LeaseClaim, LeaseOwner, LeaseToken,
    Operation, Page, RevalidateSeconds, Store, TableName,
};

/// Answers every request with the same page.
#[derive(Debug)]
struct AtHand(String);

impl HttpConnector for AtHand {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = 200.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.0.as_str()))))
    }
}

fn store() -> Arc<Store> {
    let mut config = Config::new(TableName::new("isr").expect("a name"));
    config.endpoint = Some(Endpoint::new("endpoint", "http://localhost:8000").expect("an address"));
    let answer = format!(r#"{{"Count":1,"Items":[{META}],"ScannedCount":1}}"#);
    let connector = SharedHttpConnector::new(AtHand(answer));
    config.http_client = Some(http_client_fn(move |_, _| connector.clone()));
    Store::new(config)
}

fn cache_key(length: usize) -> CacheKey {
    CacheKey::new("k".repeat(length)).expect("not empty")
}

fn keys(criterion: &mut Criterion) {
    for (name, length) in [("key, 40 bytes", 40), ("key, 4,000 bytes, hashed", 4_000)] {
        let key = cache_key(length);
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| EntryKey::prefixed("CACHE#", black_box(&key).clone()));
        });
    }
}

fn calls(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let store = store();
    let key = store.key(cache_key(40));
    criterion.bench_function("get, its answer at hand", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            let call = store.call(Operation::Get, key.clone());
            let answer = store.get(&call);
            async move { answer.await.expect("an answer") }
        });
    });

    let time = EpochMillis::new(1_760_000_000_123.0).expect("a time");
    let pointer = HtmlPointer::new("isr/page.html".to_owned()).expect("not empty");
    let owner = LeaseOwner::new("owner".to_owned()).expect("not empty");
    let mut tokens = 0_u64..;
    criterion.bench_function("commitGeneration, its answer at hand", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            // A token publishes once.
            let token = tokens.next().map(|number| number.to_string()).unwrap_or_default();
            let token = LeaseToken::new(token).expect("not empty");
            let claim = LeaseClaim { owner: owner.clone(), token };
            let page = Page::new(pointer.clone(), time, RevalidateSeconds::DEFAULT);
            let generation = Generation { claim, page, now: time };
            let call = store.call(Operation::CommitGeneration, key.clone());
            let committed = store.commit_generation(&call, generation);
            async move { committed.await.expect("published") }
        });
    });
}

criterion_group!(pure, keys, calls);
criterion_main!(pure);

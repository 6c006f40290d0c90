//! The way from a crowd to a partition: latency, and no fault but the partition's limits.

use std::fmt;
use std::future::pending;
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::time::{Instant, sleep};

use crate::dynamodb::{Capacity, Database, Units};
use crate::network::{Exchange, response};

/// One way, in microseconds.
const LATENCY: RangeInclusive<u64> = 1_000..=4_000;

/// A table with limits, and the dice of the network.
pub(crate) struct Region {
    database: Database,
    random: fastrand::Rng,
    /// When it does not answer.
    silent: Option<Range<Instant>>,
}

impl Region {
    pub(crate) fn new(seed: u64) -> Self {
        Self { database: Database::default(), random: fastrand::Rng::with_seed(seed), silent: None }
    }

    /// From now on the table has these limits, and a full second's burst.
    pub(crate) fn limit(&mut self, limits: Units) {
        self.database.capacity = Some(Capacity::new(limits));
    }

    /// Nothing is answered at these times.
    pub(crate) fn silence(&mut self, times: Range<Instant>) {
        self.silent = Some(times);
    }

    fn is_silent(&self) -> bool {
        self.silent.as_ref().is_some_and(|times| times.contains(&Instant::now()))
    }

    pub(crate) fn consumed(&self) -> (Units, u32) {
        self.database
            .capacity
            .as_ref()
            .map_or_else(Default::default, |capacity| (capacity.consumed, capacity.throttles))
    }
}

/// The connection of one environment.
#[derive(Clone)]
pub(crate) struct CrowdWire(pub(crate) Arc<Mutex<Region>>);

impl fmt::Debug for CrowdWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CrowdWire")
    }
}

impl HttpClient for CrowdWire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for CrowdWire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let region = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let exchange = Exchange::new(0, 0, &request);
            let [there, back] = {
                let random = &mut region.lock().expect("unbroken").random;
                [(); 2].map(|()| Duration::from_micros(random.u64(LATENCY)))
            };
            sleep(there).await;
            if region.lock().expect("unbroken").is_silent() {
                return pending().await;
            }
            let answer = region.lock().expect("unbroken").database.answer(&exchange.operation, &exchange.request);
            sleep(back).await;
            Ok(response(&answer))
        })
    }
}

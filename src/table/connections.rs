//! The connections to the table's endpoint: how many there may be, and when all are given up.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::locked::locked;

/// Each takes a connection, and a Lambda function has 1,024 file descriptors for everything.
const MOST_REQUESTS_IN_FLIGHT: usize = 64;

/// The connections of one store.
#[derive(Debug)]
pub(super) struct Connections {
    slots: Semaphore,
    /// Nothing where the connections are not ours.
    pool: Option<Pool>,
}

impl Connections {
    pub(super) fn new(pool: Option<Pool>) -> Self {
        Self { slots: Semaphore::new(MOST_REQUESTS_IN_FLIGHT), pool }
    }

    /// Waits until another request may be sent. Never fails, since the semaphore is never closed.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }

    /// A request that was sent then has not been answered in time: its connection is dead, and so may be all that stood
    /// at that time. (After a pause, the other end may have forgotten them without a word.)
    pub(super) fn fell_silent(&self, sent: Instant) {
        if let Some(pool) = &self.pool {
            pool.renew(sent);
        }
    }
}

/// Connections that are kept for the next request, and all given up together.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    make: Box<dyn Fn() -> SharedHttpClient + Send + Sync>,
    current: Mutex<Current>,
}

struct Current {
    client: SharedHttpClient,
    since: Instant,
}

impl Pool {
    pub(super) fn new(make: impl Fn() -> SharedHttpClient + Send + Sync + 'static) -> Self {
        let current = Mutex::new(Current { client: make(), since: Instant::now() });
        Self(Arc::new(Shared { make: Box::new(make), current }))
    }

    fn renew(&self, sent: Instant) {
        let mut current = locked(&self.0.current);
        // What was sent before went to connections that are given up already.
        if sent >= current.since {
            *current = Current { client: (self.0.make)(), since: Instant::now() };
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl HttpClient for Pool {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let client = locked(&self.0.current).client.clone();
        client.http_connector(settings, parts)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_smithy_http_client::Builder;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connections_are_given_up_once_for_all_that_were_sent_over_them() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let pool = Pool::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Builder::new().build_http()
        });
        let connections = Connections::new(Some(pool));
        sleep(Duration::from_millis(1)).await;
        let sent = Instant::now();
        sleep(Duration::from_secs(1)).await;
        for _ in 0..3 {
            connections.fell_silent(sent);
        }
        assert_eq!(made.load(Ordering::Relaxed), 2);
        connections.fell_silent(Instant::now());
        assert_eq!(made.load(Ordering::Relaxed), 3);
        Connections::new(None).fell_silent(sent);
    }
}

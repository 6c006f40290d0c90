//! How many requests of one store may be in flight.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Each takes a connection, and a Lambda function has 1,024 file descriptors for everything.
const MOST_REQUESTS_IN_FLIGHT: usize = 64;

/// The places for the requests of one store.
#[derive(Debug)]
pub(crate) struct Connections(Semaphore);

impl Connections {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(MOST_REQUESTS_IN_FLIGHT))
    }

    /// Waits until another request may be sent. Never fails, since the semaphore is never closed.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.0.acquire().await.ok()
    }
}

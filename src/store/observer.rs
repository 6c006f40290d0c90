//! Reports the requests of a key to the circuit breaker and the paced polling.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::Store;
use crate::aws::RequestObserver;
use crate::call::{Call, Operation};
use crate::clock::Moment;
use crate::sync::lock;

/// Follows the requests of one call.
pub(super) struct KeyObserver<'a> {
    store: &'a Store,
    key: Arc<str>,
    is_get: bool,
    /// When the last request was sent, by the wall clock too.
    sent: Mutex<Option<Moment>>,
}

impl<'a> KeyObserver<'a> {
    pub(super) fn new(store: &'a Store, call: &'a Call) -> Self {
        let is_get = call.operation() == Operation::Get;
        Self { store, key: call.key().shared_partition(), is_get, sent: Mutex::new(None) }
    }
}

impl RequestObserver for KeyObserver<'_> {
    fn sent(&self) {
        *lock(&self.sent) = Some(self.store.clock.now());
        self.store.circuit_breaker.sent(&self.key);
        if self.is_get {
            self.store.paced_polling.sent(&self.store.clock, &self.key);
        }
    }

    fn answered(&self) {
        self.store.circuit_breaker.answered();
    }

    fn unanswered(&self, begun: Instant, allowed: Duration) {
        if let Some(sent) = *lock(&self.sent) {
            self.store.circuit_breaker.unanswered(&self.store.clock, &self.key, (begun, sent), allowed);
        }
    }

    fn throttled(&self) {
        self.store.paced_polling.throttled(&self.key);
    }
}

//! The recently seen lease: `tryAcquireLease` believes a lease that this store's own consistent read has just shown.
//! So callers that cannot win cost no write units.

use std::sync::Arc;
use std::time::Duration;

use super::changes::{Changes, Epoch};
use super::key_state::KeyState;
use crate::clock::{Clock, Moment};
use crate::model::{Lease, LeaseRequest, Page};

/// How long a lease is believed after the read that showed it was sent.
const BELIEVED: Duration = Duration::from_millis(100);

/// The leases that reads have shown.
#[derive(Default)]
pub(super) struct RecentLeases(KeyState<Seen>);

struct Seen {
    lease: Lease,
    page: Option<Page>,
    read_at: Moment,
    epoch: Epoch,
}

impl RecentLeases {
    /// A consistent read that was sent at `read_at`, after `epoch`, has shown `lease` and `page`.
    pub(super) fn put(&self, key: Arc<str>, lease: &Lease, page: Option<&Page>, read_at: Moment, epoch: Epoch) {
        self.0.put(key, Seen { lease: lease.clone(), page: page.cloned(), read_at, epoch });
    }

    /// A read has not found a lease.
    pub(super) fn forget(&self, key: &str) {
        self.0.forget(key);
    }

    /// The lease and the page that were seen, if the lease is not free for the caller and no change of this store has
    /// begun or ended since.
    pub(super) fn held_for(
        &self,
        clock: &Clock,
        changes: &Changes,
        key: &str,
        request: &LeaseRequest,
    ) -> Option<(Lease, Option<Page>)> {
        self.0.with(key, |seen| {
            let is_believed = clock.since(seen.read_at) <= BELIEVED
                && changes.none_since(seen.epoch, key)
                && !request.is_free(&seen.lease);
            is_believed.then(|| (seen.lease.clone(), seen.page.clone()))
        })?
    }
}

//! Paced polling: `get` of a page that another process regenerates waits between its requests. So the demand of a fleet
//! of any size settles near the partition's capacity.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::key_state::KeyState;
use crate::call::Call;
use crate::clock::{Clock, Moment};
use crate::model::{EpochMillis, Lease, LeaseToken, Page};

/// FaceTheory's polling interval.
const SHORTEST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_millis(200);
/// The interval after a throttle.
const THROTTLED: Duration = Duration::from_millis(500);
const LONGEST_THROTTLED: Duration = Duration::from_secs(2);

/// The keys that are polled.
#[derive(Default)]
pub(super) struct PacedPolling(KeyState<Pace>);

struct Pace {
    token: LeaseToken,
    begun: Moment,
    /// The time that was left of the lease at the beginning.
    lasts: Duration,
    interval: Duration,
    last_read: Option<Moment>,
}

impl PacedPolling {
    /// An acquire at `now`, by the caller's clock, was answered with `lease`, which another caller holds.
    pub(super) fn begin(&self, clock: &Clock, key: &Arc<str>, lease: &Lease, now: EpochMillis) {
        let left_ms = lease.expires_at.get() - now.get();
        let Ok(lasts) = Duration::try_from_secs_f64(left_ms / 1_000.0) else { return };
        let begun = clock.now();
        self.0.retain(key, |pace| pace.token == lease.token && clock.since(pace.begun) < pace.lasts);
        let pace = || Pace { token: lease.token.clone(), begun, lasts, interval: SHORTEST, last_read: Some(begun) };
        self.0.with_new(key, pace, |_| ());
    }

    /// This store changes the key.
    pub(super) fn end(&self, key: &str) {
        self.0.forget(key);
    }

    /// Waits until the next read of the key may be sent; half of the call's remaining time is always left for it.
    pub(super) async fn wait(&self, clock: &Clock, call: &Call) {
        let key = call.key().partition();
        self.0.retain(key, |pace| clock.since(pace.begun) < pace.lasts);
        let wait = self.0.with(key, |pace| {
            let interval = pace.interval.mul_f64(0.5 + fastrand::f64());
            let wait = pace.last_read.map_or(Duration::ZERO, |read| interval.saturating_sub(clock.since(read)));
            wait.min(pace.lasts.saturating_sub(clock.since(pace.begun)))
        });
        let wait = wait.unwrap_or_default().min(call.deadline().remaining() / 2);
        if !wait.is_zero() {
            call.stats().add_paced(wait);
            sleep(wait).await;
        }
    }

    /// A read of the key is sent.
    pub(super) fn sent(&self, clock: &Clock, key: &str) {
        self.0.with(key, |pace| pace.last_read = Some(clock.now()));
    }

    /// A request for the key was throttled.
    pub(super) fn throttled(&self, key: &str) {
        self.0.with(key, |pace| {
            pace.interval =
                if pace.interval < THROTTLED { THROTTLED } else { pace.interval * 2 }.min(LONGEST_THROTTLED);
        });
    }

    /// A read that was sent at `sent_at` has shown `lease` and `page`.
    pub(super) fn seen(
        &self,
        clock: &Clock,
        key: &str,
        (lease, page): (Option<&Lease>, Option<&Page>),
        sent_at: Moment,
    ) {
        let now = clock.epoch_millis();
        self.0.retain(key, |pace| {
            if sent_at.is_before(pace.begun) {
                return true;
            }
            let is_same = lease.is_some_and(|lease| lease.token == pace.token);
            let is_fresh = page.is_some_and(|page| page.is_fresh_at(now));
            pace.interval =
                if pace.interval > LONGEST { pace.interval * 3 / 4 } else { (pace.interval * 3 / 2).min(LONGEST) };
            is_same && !is_fresh
        });
    }
}

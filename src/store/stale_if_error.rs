//! Stale if error: while the table cannot be read, `get` answers the page that this store last read or published.

use std::sync::Arc;
use std::time::Duration;

use super::key_state::KeyState;
use crate::clock::{Clock, Moment};
use crate::model::Page;

/// The last known pages of one store.
pub(super) struct StaleIfError {
    /// Zero: no page is kept.
    longest: Duration,
    pages: KeyState<Remembered>,
}

struct Remembered {
    page: Page,
    known_at: Moment,
    /// Until when the key is not requested again.
    rests: Option<(Moment, Duration)>,
}

impl Remembered {
    fn is_resting(&self, clock: &Clock) -> bool {
        self.rests.is_some_and(|(since, rests)| clock.since(since) < rests)
    }
}

impl StaleIfError {
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, pages: KeyState::default() }
    }

    /// A read that was sent at `known_at` has shown the page, or this store has published it.
    pub(super) fn remember(&self, key: &Arc<str>, page: &Page, known_at: Moment) {
        if self.longest.is_zero() {
            return;
        }
        let new = || Remembered { page: page.clone(), known_at, rests: None };
        self.pages.with_new(key, new, |remembered| {
            if !known_at.is_before(remembered.known_at) {
                *remembered = new();
            }
        });
    }

    /// A read that was sent at `sent_at` has found no page.
    pub(super) fn found_none(&self, key: &str, sent_at: Moment) {
        self.pages.retain(key, |remembered| sent_at.is_before(remembered.known_at));
    }

    pub(super) fn forget(&self, key: &str) {
        self.pages.forget(key);
    }

    /// Whether a page could be answered for `key`.
    pub(super) fn has(&self, clock: &Clock, key: &str) -> bool {
        self.pages.with(key, |remembered| clock.since(remembered.known_at) <= self.longest) == Some(true)
    }

    /// The page, while the key rests after a failure.
    pub(super) fn resting(&self, clock: &Clock, key: &str) -> Option<Page> {
        self.pages.with(key, |remembered| {
            let is_usable = clock.since(remembered.known_at) <= self.longest && remembered.is_resting(clock);
            is_usable.then(|| remembered.page.clone())
        })?
    }

    /// The page to answer instead of a failure. If the key `rests` after it, then for 0.5 to 1.5 s.
    pub(super) fn instead_of_failure(&self, clock: &Clock, key: &str, rests: bool) -> Option<Page> {
        self.pages.with(key, |remembered| {
            if clock.since(remembered.known_at) > self.longest {
                return None;
            }
            if rests && !remembered.is_resting(clock) {
                remembered.rests = Some((clock.now(), Duration::from_secs_f64(0.5 + fastrand::f64())));
            }
            Some(remembered.page.clone())
        })?
    }
}

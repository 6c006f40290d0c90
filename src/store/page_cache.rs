//! The page cache: fresh pages without a lease, answered again from memory for `maxStalenessMs` (bounded staleness).

use std::sync::Arc;
use std::time::Duration;

use super::key_state::KeyState;
use crate::clock::{Clock, Moment};
use crate::model::Page;

/// The fresh pages of one store. Pages that a change of this store may have outdated are not kept.
pub(super) struct PageCache {
    /// Zero: no page is kept.
    max_staleness: Duration,
    pages: KeyState<Cached>,
}

struct Cached {
    page: Page,
    fetched_at: Moment,
}

impl PageCache {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self { max_staleness, pages: KeyState::default() }
    }

    /// The page of `key`, if it is fresh and was read a short enough time ago.
    pub(super) fn get(&self, clock: &Clock, key: &str) -> Option<Page> {
        if self.max_staleness.is_zero() {
            return None;
        }
        let now = clock.epoch_millis();
        let page = self.pages.with(key, |cached| {
            let is_usable = cached.page.is_fresh_at(now) && clock.is_within(self.max_staleness, cached.fetched_at);
            is_usable.then(|| cached.page.clone())
        })?;
        if page.is_none() {
            self.pages.forget(key);
        }
        page
    }

    /// Keeps a page that was read without a lease beside it, by a request that was sent at `fetched_at`.
    pub(super) fn put(&self, clock: &Clock, key: &Arc<str>, page: &Page, fetched_at: Moment) {
        if self.max_staleness.is_zero() || !page.is_fresh_at(clock.epoch_millis()) {
            return;
        }
        let new = || Cached { page: page.clone(), fetched_at };
        self.pages.with_new(key, new, |cached| {
            // An older read can be answered later.
            if !fetched_at.is_before(cached.fetched_at) {
                *cached = new();
            }
        });
    }

    pub(super) fn forget(&self, key: &str) {
        self.pages.forget(key);
    }
}

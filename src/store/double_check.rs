//! The double check: a lease is not granted for a page that another process has published since the caller looked.

use std::sync::Arc;
use std::time::Duration;

use super::key_state::KeyState;
use crate::clock::{Clock, Moment};
use crate::model::{EpochMillis, Page};

/// How long the answer of `get` is kept.
const REMEMBERED: Duration = Duration::from_secs(10);
/// How long a page must stay fresh to be worth serving instead of rendering.
const FRESH_FOR_MS: f64 = 1_000.0;
/// How long the release of a lease that is not needed is waited for.
pub(super) const RELEASE_LIMIT: Duration = Duration::from_millis(250);

/// The pages that callers know of.
#[derive(Default)]
pub(super) struct DoubleCheck(KeyState<Known>);

#[derive(Default)]
struct Known {
    /// When `get` answered last, and the generation that it returned.
    seen: Option<(Moment, Option<EpochMillis>)>,
    /// The generation that this store published last.
    published: Option<EpochMillis>,
}

impl DoubleCheck {
    /// `get` answers with `page`.
    pub(super) fn seen(&self, clock: &Clock, key: &Arc<str>, page: Option<&Page>) {
        let seen = Some((clock.now(), page.map(|page| page.generated_at)));
        self.0.with_new(key, Known::default, |known| known.seen = seen);
    }

    /// This store has published the page of `generated_at`.
    pub(super) fn published(&self, key: &Arc<str>, generated_at: EpochMillis) {
        self.0.with_new(key, Known::default, |known| known.published = Some(generated_at));
    }

    /// Whether `page` makes a regeneration needless: it is fresh at `now` and for a second more, and newer than the pages
    /// that the caller can know. Without a recent `get` no page is.
    pub(super) fn makes_needless(&self, clock: &Clock, key: &str, page: &Page, now: EpochMillis) -> bool {
        let is_new = self.0.with(key, |known| {
            let Some((at, seen)) = known.seen else { return false };
            let is_newer = |other: Option<EpochMillis>| other.is_none_or(|other| other < page.generated_at);
            clock.since(at) <= REMEMBERED && is_newer(seen) && is_newer(known.published)
        });
        is_new == Some(true) && page.stale_at() >= now.get() + FRESH_FOR_MS
    }
}

//! Fresh pages, served again from memory for a short time by a store that was asked to.
//!
//! Nothing is kept that a call of this store may have outdated: whatever changes a key forgets its page when it ends, and
//! what is read by a request that was sent before that end is not kept.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::SharedTimeSource;
use lru::LruCache;
use tokio::time::Instant;

use crate::config::Config;
use crate::locked::locked;
use crate::model::Page;

/// The pages that are kept; the one that was not asked for longest goes first.
const MOST_PAGES: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// The fresh pages of one store.
pub(super) struct FreshPages {
    /// Zero: none are kept.
    max_staleness: Duration,
    time_source: SharedTimeSource,
    state: Mutex<State>,
}

struct State {
    pages: LruCache<String, (Page, Sent)>,
    /// The reads that are under way, at most one for a key, and that no change has outdated since.
    reads: HashMap<String, Sent>,
}

/// When a request was sent, by both clocks: one stands still while a machine is frozen, the other can be set.
#[derive(Clone, Copy)]
struct Sent {
    monotonic: Instant,
    date: SystemTime,
}

impl FreshPages {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            max_staleness: config.max_staleness,
            time_source: config.time_source.clone().unwrap_or_default(),
            state: Mutex::new(State { pages: LruCache::new(MOST_PAGES), reads: HashMap::new() }),
        }
    }

    /// The page of `key`, if it is fresh and was read a short enough time ago.
    pub(super) fn page(&self, key: &str) -> Option<Page> {
        if self.max_staleness.is_zero() {
            return None;
        }
        let now = self.time_source.now();
        let mut state = locked(&self.state);
        let (page, sent) = state.pages.get(key)?;
        if page.is_fresh(now) && sent.is_within(self.max_staleness, now) {
            return Some(page.clone());
        }
        state.pages.pop(key);
        None
    }

    /// A read of `key` is about to be sent.
    pub(super) fn reads<'f>(&'f self, key: &'f str) -> Option<Reading<'f>> {
        if self.max_staleness.is_zero() {
            return None;
        }
        let sent = Sent { monotonic: Instant::now(), date: self.time_source.now() };
        locked(&self.state).reads.insert(key.to_owned(), sent);
        Some(Reading(Entry { pages: self, key }))
    }

    /// When what this returns is dropped, the page of `key` is forgotten, and no read that was sent until then is kept.
    pub(super) fn changes<'f>(&'f self, key: &'f str) -> Option<Changing<'f>> {
        (!self.max_staleness.is_zero()).then_some(Changing(Entry { pages: self, key }))
    }
}

struct Entry<'f> {
    pages: &'f FreshPages,
    key: &'f str,
}

/// A read that is under way.
pub(super) struct Reading<'f>(Entry<'f>);

impl Reading<'_> {
    /// Keeps what was read, unless something has changed since it was sent.
    pub(super) fn keep(self, page: &Page) {
        let Self(Entry { pages, key }) = &self;
        let mut state = locked(&pages.state);
        if let Some(sent) = state.reads.remove(*key)
            && page.is_fresh(pages.time_source.now())
        {
            state.pages.put((*key).to_owned(), (page.clone(), sent));
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        locked(&self.0.pages.state).reads.remove(self.0.key);
    }
}

/// A change that is under way.
pub(super) struct Changing<'f>(Entry<'f>);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut state = locked(&self.0.pages.state);
        state.pages.pop(self.0.key);
        state.reads.remove(self.0.key);
    }
}

impl Sent {
    fn is_within(self, age: Duration, now: SystemTime) -> bool {
        self.monotonic.elapsed() <= age && now.duration_since(self.date).is_ok_and(|elapsed| elapsed <= age)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use aws_smithy_async::time::TimeSource;
    use tokio::time::advance;

    use super::*;
    use crate::config::TableName;
    use crate::model::{EpochMillis, HtmlPointer, RevalidateSeconds};

    const AGE: Duration = Duration::from_secs(10);
    const MS: Duration = Duration::from_millis(1);

    /// The date, in milliseconds.
    #[derive(Debug, Clone, Default)]
    struct Calendar(Arc<AtomicU64>);

    impl TimeSource for Calendar {
        fn now(&self) -> SystemTime {
            UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    fn pages(max_staleness: Duration) -> (FreshPages, Calendar) {
        let calendar = Calendar::default();
        let mut config = Config::new(TableName::new("isr").expect("a name"));
        config.max_staleness = max_staleness;
        config.time_source = Some(SharedTimeSource::new(calendar.clone()));
        (FreshPages::new(&config), calendar)
    }

    /// A page that is fresh for `seconds` from the beginning of the calendar.
    fn page(seconds: f64) -> Page {
        let pointer = HtmlPointer::new("htmlPointer", "page".to_owned()).expect("not empty");
        let birth = EpochMillis::new("generatedAt", 0.0).expect("a time");
        Page::new(&pointer, birth, RevalidateSeconds::new("revalidateSeconds", seconds).expect("in range"))
    }

    fn kept(pages: &FreshPages, key: &str, seconds: f64) -> bool {
        pages.reads(key).expect("kept").keep(&page(seconds));
        pages.page(key).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_serves_for_so_long_after_its_read_was_sent_by_either_clock() {
        let (pages, calendar) = pages(AGE);
        let reading = pages.reads("k").expect("kept");
        advance(AGE).await;
        reading.keep(&page(60.0));
        assert_eq!(pages.page("k"), Some(page(60.0)));
        advance(MS).await;
        assert_eq!(pages.page("k"), None, "the monotonic clock");
        for (date, is_served) in [(11_000, true), (10_999, false), (21_000, true), (21_001, false)] {
            calendar.0.store(11_000, Ordering::Relaxed);
            assert!(kept(&pages, "k", 60.0));
            calendar.0.store(date, Ordering::Relaxed);
            assert_eq!(pages.page("k").is_some(), is_served, "the date {date}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_page_is_not_kept_and_not_served() {
        let (pages, calendar) = pages(AGE);
        assert!(!kept(&pages, "stale", 0.0));
        assert!(kept(&pages, "k", 5.0));
        calendar.0.store(4_999, Ordering::Relaxed);
        assert!(pages.page("k").is_some());
        calendar.0.store(5_000, Ordering::Relaxed);
        assert!(pages.page("k").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_forgets_the_page_when_it_ends_and_what_was_asked_for_before() {
        let (pages, _) = pages(AGE);
        assert!(kept(&pages, "k", 60.0) && kept(&pages, "other", 60.0));
        let change = pages.changes("k");
        assert!(pages.page("k").is_some(), "it has not happened yet");
        let reading = pages.reads("k").expect("kept");
        drop(change);
        assert!(pages.page("k").is_none());
        reading.keep(&page(60.0));
        assert!(pages.page("k").is_none(), "it may be from before the change");
        assert!(pages.page("other").is_some());
        assert!(kept(&pages, "k", 60.0), "it was sent after the change");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded_and_nothing_without_being_asked_for() {
        let (bounded, _) = pages(AGE);
        for number in 0..=MOST_PAGES.get() {
            drop(bounded.reads("failed"));
            assert!(kept(&bounded, &number.to_string(), 60.0));
        }
        assert!(bounded.page("0").is_none() && bounded.page("1").is_some());
        assert_eq!(locked(&bounded.state).pages.len(), MOST_PAGES.get());
        assert!(locked(&bounded.state).reads.is_empty());
        let (none, _) = pages(Duration::ZERO);
        assert!(none.reads("k").is_none() && none.page("k").is_none() && none.changes("k").is_none());
    }
}

//! The store's own changes, by key: whether a read may be from before one of them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use crate::sync::lock;

/// How many keys are told apart. A change of any other key counts as a change of all that are not.
const MOST_KEYS: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Numbers the changes that begin and end.
pub(super) struct Changes(Mutex<Numbers>);

struct Numbers {
    last: u64,
    by_key: LruCache<Arc<str>, u64>,
    /// The last change of the keys that are not told apart.
    others: u64,
    /// The keys of the changes in progress, and how many.
    in_progress: HashMap<Arc<str>, usize>,
}

/// A point between two changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) struct Epoch(u64);

impl Default for Changes {
    fn default() -> Self {
        Self(Mutex::new(Numbers { last: 0, by_key: LruCache::new(MOST_KEYS), others: 0, in_progress: HashMap::new() }))
    }
}

impl Changes {
    /// Now.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch(lock(&self.0).last)
    }

    /// Whether no change of `key` has begun or ended since `epoch`.
    pub(super) fn none_since(&self, epoch: Epoch, key: &str) -> bool {
        let numbers = lock(&self.0);
        numbers.by_key.peek(key).copied().unwrap_or(numbers.others) <= epoch.0
    }

    /// Whether no change of `key` has begun or ended since `epoch`, and none is in progress.
    pub(super) fn is_quiet_since(&self, epoch: Epoch, key: &str) -> bool {
        !lock(&self.0).in_progress.contains_key(key) && self.none_since(epoch, key)
    }

    /// A change of `key` begins; it ends when the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, key: Arc<str>) -> Change {
        *lock(&self.0).in_progress.entry(Arc::clone(&key)).or_default() += 1;
        self.count(&key);
        Change { changes: Arc::clone(self), key }
    }

    fn count(&self, key: &Arc<str>) {
        let mut numbers = lock(&self.0);
        numbers.last += 1;
        let number = numbers.last;
        if let Some((other, number)) = numbers.by_key.push(Arc::clone(key), number)
            && other != *key
        {
            numbers.others = numbers.others.max(number);
        }
    }
}

/// A change in progress.
pub(super) struct Change {
    changes: Arc<Changes>,
    key: Arc<str>,
}

impl Drop for Change {
    fn drop(&mut self) {
        let mut numbers = lock(&self.changes.0);
        if let Some(changes) = numbers.in_progress.get_mut(&self.key) {
            *changes -= 1;
            if *changes == 0 {
                numbers.in_progress.remove(&self.key);
            }
        }
        drop(numbers);
        self.changes.count(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_when_it_begins_and_when_it_ends() {
        let changes = Arc::new(Changes::default());
        let before = changes.epoch();
        assert!(changes.none_since(before, "k"));
        let change = changes.begin("k".into());
        let during = changes.epoch();
        assert!(!changes.none_since(before, "k") && changes.none_since(during, "k"));
        assert!(!changes.is_quiet_since(during, "k") && changes.is_quiet_since(during, "other"));
        drop(change);
        assert!(!changes.none_since(during, "k") && changes.is_quiet_since(changes.epoch(), "k"));
        assert!(changes.none_since(before, "other"));
    }

    #[test]
    fn a_change_that_is_forgotten_counts_for_all_keys() {
        let changes = Arc::new(Changes::default());
        let before = changes.epoch();
        for number in 0..=MOST_KEYS.get() {
            drop(changes.begin(number.to_string().into()));
        }
        assert!(!changes.none_since(before, "0") && !changes.none_since(before, "never changed"));
        assert!(changes.none_since(changes.epoch(), "0"));
    }
}

//! A store's memory of its keys, bounded: the least recently used key goes first.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use crate::sync::lock;

/// The number of keys that are kept.
pub(super) const MOST_KEYS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// A bounded map from partition keys.
pub(super) struct KeyState<V>(Mutex<LruCache<Arc<str>, V>>);

impl<V> Default for KeyState<V> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST_KEYS)))
    }
}

impl<V> KeyState<V> {
    pub(super) fn put(&self, key: Arc<str>, value: V) {
        lock(&self.0).put(key, value);
    }

    pub(super) fn forget(&self, key: &str) {
        lock(&self.0).pop(key);
    }

    /// `read` of the key's value.
    pub(super) fn with<R>(&self, key: &str, read: impl FnOnce(&mut V) -> R) -> Option<R> {
        lock(&self.0).get_mut(key).map(read)
    }

    /// `read` of the key's value, which is made if there is none.
    pub(super) fn with_new<R>(&self, key: &Arc<str>, make: impl FnOnce() -> V, read: impl FnOnce(&mut V) -> R) -> R {
        read(lock(&self.0).get_or_insert_mut(Arc::clone(key), make))
    }

    /// Forgets the key's value unless `keep` says otherwise.
    pub(super) fn retain(&self, key: &str, keep: impl FnOnce(&mut V) -> bool) {
        let mut values = lock(&self.0);
        if values.peek_mut(key).is_some_and(|value| !keep(value)) {
            values.pop(key);
        }
    }
}

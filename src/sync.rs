//! One way to take a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Every change under one of this crate's locks is complete before anything can panic, so a poisoned lock is as good as
/// another.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

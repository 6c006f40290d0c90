//! Blocking calls of the operating system, each on a thread of its own.
//!
//! Such a call cannot be cancelled, and may never return: a lookup whose server does not answer, a file on a dead mount.
//! Calls for the same thing share one thread, so that a hanging one never occupies a second. All calls of one kind share a
//! bound on their threads.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::sync::lock;

/// Enough for the resolver's plug-ins. Always given: without it the standard library reads the environment.
const STACK_BYTES: usize = 256 * 1_024;

type Answer<V> = watch::Receiver<Option<V>>;

/// Blocking calls of one kind, by the thing that each is about.
pub(crate) struct OffThread<K, V> {
    name: &'static str,
    pending: Arc<Mutex<HashMap<K, Answer<V>>>>,
    threads: Arc<Semaphore>,
}

impl<K, V> OffThread<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// `name` is that of the threads, in at most 15 characters; there are never more than `most_threads`.
    pub(crate) fn new(name: &'static str, most_threads: usize) -> Self {
        Self { name, pending: Arc::default(), threads: Arc::new(Semaphore::new(most_threads)) }
    }

    /// The result of `job`, or of a pending job for the same `key`. It takes as long as the job takes: callers set a limit.
    ///
    /// # Errors
    /// When the thread could not be started, or the job panicked.
    pub(crate) async fn run(&self, key: K, job: impl FnOnce() -> V + Send + 'static) -> io::Result<V> {
        let mut answer = if let Some(answer) = self.joined(&key) {
            answer
        } else {
            let permit = Arc::clone(&self.threads).acquire_owned().await.map_err(io::Error::other)?;
            self.start(key, permit, job)?
        };
        let answer = answer.wait_for(Option::is_some).await.map_err(|_| io::Error::other("the thread died"))?;
        answer.clone().ok_or_else(|| io::Error::other("the thread died"))
    }

    fn joined(&self, key: &K) -> Option<Answer<V>> {
        lock(&self.pending).get(key).cloned()
    }

    fn start(
        &self,
        key: K,
        permit: OwnedSemaphorePermit,
        job: impl FnOnce() -> V + Send + 'static,
    ) -> io::Result<Answer<V>> {
        let (sender, answer) = watch::channel(None);
        match lock(&self.pending).entry(key.clone()) {
            // Another call may have started the same while this one waited for its permit.
            Occupied(pending) => return Ok(pending.get().clone()),
            Vacant(place) => place.insert(answer.clone()),
        };
        let entry = Entry { key, pending: Arc::clone(&self.pending), _permit: permit };
        let work = move || {
            let result = job();
            drop(entry);
            sender.send_replace(Some(result));
        };
        thread::Builder::new().name(self.name.to_owned()).stack_size(STACK_BYTES).spawn(work)?;
        Ok(answer)
    }
}

/// Its end, also by a panic, makes room for the next call.
struct Entry<K: Eq + Hash, V> {
    key: K,
    pending: Arc<Mutex<HashMap<K, Answer<V>>>>,
    _permit: OwnedSemaphorePermit,
}

impl<K: Eq + Hash, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        lock(&self.pending).remove(&self.key);
    }
}

/// A copy of an error that several calls share. One of the operating system keeps its number.
pub(crate) fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn calls_for_one_key_share_a_thread_and_others_do_not_wait_for_it() {
        let jobs = Arc::new(OffThread::<&str, usize>::new("test", 2));
        let count = Arc::new(AtomicUsize::new(0));
        let (finish, finished) = mpsc::channel::<()>();
        let hanging = {
            let count = Arc::clone(&count);
            move || {
                finished.recv().expect("a word");
                count.fetch_add(1, Ordering::Relaxed)
            }
        };
        assert!(timeout(SHORT, jobs.run("hangs", hanging)).await.is_err());
        for _ in 0..3 {
            assert!(timeout(SHORT, jobs.run("hangs", || panic!("a second thread"))).await.is_err());
        }
        assert_eq!(jobs.run("other", || 7).await.expect("a thread"), 7);
        let waiter = tokio::spawn({
            let jobs = Arc::clone(&jobs);
            async move { jobs.run("hangs", || panic!("a second thread")).await }
        });
        tokio::task::yield_now().await;
        finish.send(()).expect("the thread");
        assert_eq!(waiter.await.expect("no panic").expect("a result"), 0);
        assert_eq!(jobs.run("hangs", || 9).await.expect("a thread"), 9);
    }

    #[tokio::test]
    async fn threads_are_bounded_and_one_that_ends_makes_room_also_by_a_panic() {
        let jobs = OffThread::<usize, ()>::new("test", 1);
        let (finish, finished) = mpsc::channel::<()>();
        let hanging = move || finished.recv().expect("a word");
        assert!(timeout(SHORT, jobs.run(0, hanging)).await.is_err());
        assert!(timeout(SHORT, jobs.run(1, || ())).await.is_err());
        finish.send(()).expect("the thread");
        jobs.run(2, || ()).await.expect("room");
        jobs.run(3, || panic!("on purpose")).await.expect_err("a panic");
        jobs.run(3, || ()).await.expect("room");
    }
}

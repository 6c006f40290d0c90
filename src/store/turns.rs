//! Calls for one key that are under way at the same time, in turns: one is in flight, and whoever comes meanwhile waits for
//! the next, which one of them makes for all.
//!
//! Nothing is shared that was asked for before the sharer's own call began. So an answer is never older than the call
//! that gets it, and whatever is true of a call that goes alone is true of one that shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::table::{Call, Table};

/// Runs calls for different keys apart, and those for the same key in turns.
pub(super) struct Turns<T> {
    keys: Mutex<HashMap<String, Callers<T>>>,
}

/// A key that somebody calls for, and how many do.
struct Callers<T> {
    key: Arc<Key<T>>,
    count: usize,
}

struct Key<T> {
    /// Held by the call that is in flight.
    in_flight: tokio::sync::Mutex<()>,
    /// The turn that has not been sent yet.
    waiting: Mutex<Option<Arc<Turn<T>>>>,
}

/// One request for all who joined before it was sent.
struct Turn<T>(Mutex<Progress<T>>);

enum Progress<T> {
    /// Nobody has answered it. Its first failure is the failed caller's own: the next caller tries again.
    Open {
        has_failed: bool,
    },
    Done(Result<T>),
}

/// An answer, by whose work it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum By<T> {
    /// This call's own.
    This(T),
    /// Another's, sent after this call had begun.
    Another(T),
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { keys: Mutex::default() }
    }
}

impl<T: Clone> Turns<T> {
    /// The answer of `work`, or of another call's that was sent after this one began.
    ///
    /// # Errors
    /// What `work` failed with here, or twice elsewhere; `Timeout` when the turn did not come within the call's time.
    pub(super) async fn share<F>(&self, table: &Table, call: Call<'_>, work: impl FnOnce() -> F) -> Result<By<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let caller = self.enter(call.key.partition());
        let turn = caller.key.join();
        let _in_flight = table.in_time(call, call.deadline, WAITING, caller.key.in_flight.lock()).await?;
        if let Some(answer) = turn.answer() {
            return answer.map(By::Another);
        }
        caller.key.seal(&turn);
        let answer = work().await;
        turn.settle(&answer);
        answer.map(By::This)
    }

    /// The answer of `work`, once nobody else is in flight.
    ///
    /// # Errors
    /// What `work` fails with; `Timeout` when the turn did not come within the call's time.
    pub(super) async fn alone<F>(&self, table: &Table, call: Call<'_>, work: impl FnOnce() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let caller = self.enter(call.key.partition());
        let _in_flight = table.in_time(call, call.deadline, WAITING, caller.key.in_flight.lock()).await?;
        work().await
    }

    fn enter<'t>(&'t self, name: &'t str) -> Caller<'t, T> {
        let mut keys = locked(&self.keys);
        if let Some(callers) = keys.get_mut(name) {
            callers.count += 1;
            return Caller { turns: self, name, key: Arc::clone(&callers.key) };
        }
        let key = Arc::new(Key { in_flight: tokio::sync::Mutex::default(), waiting: Mutex::default() });
        keys.insert(name.to_owned(), Callers { key: Arc::clone(&key), count: 1 });
        Caller { turns: self, name, key }
    }
}

/// What a call waits for that is not its own, in messages.
const WAITING: &str = "other calls for the same key were under way";

/// A call that is under way. A key's entry goes with its last caller.
struct Caller<'t, T> {
    turns: &'t Turns<T>,
    name: &'t str,
    key: Arc<Key<T>>,
}

impl<T> Drop for Caller<'_, T> {
    fn drop(&mut self) {
        let mut keys = locked(&self.turns.keys);
        let Some(callers) = keys.get_mut(self.name) else { return };
        callers.count -= 1;
        if callers.count == 0 {
            keys.remove(self.name);
        }
    }
}

impl<T> Key<T> {
    fn join(&self) -> Arc<Turn<T>> {
        let mut waiting = locked(&self.waiting);
        let new = || Arc::new(Turn(Mutex::new(Progress::Open { has_failed: false })));
        Arc::clone(waiting.get_or_insert_with(new))
    }

    /// From now on nobody joins `turn`.
    fn seal(&self, turn: &Arc<Turn<T>>) {
        locked(&self.waiting).take_if(|waiting| Arc::ptr_eq(waiting, turn));
    }
}

impl<T: Clone> Turn<T> {
    fn answer(&self) -> Option<Result<T>> {
        match &*locked(&self.0) {
            Progress::Open { .. } => None,
            Progress::Done(answer) => Some(answer.clone()),
        }
    }

    fn settle(&self, answer: &Result<T>) {
        let mut progress = locked(&self.0);
        *progress = match (&*progress, answer) {
            (Progress::Open { has_failed: false }, Err(_)) => Progress::Open { has_failed: true },
            _ => Progress::Done(answer.clone()),
        };
    }
}

/// Every change is complete before anything can panic, so a poisoned lock is as good as another.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

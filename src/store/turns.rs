//! Calls for one key that are under way at the same time, in turns: one is in flight, and whoever comes meanwhile waits for
//! the next, which one of them makes for all.
//!
//! Nothing is shared that was asked for before the sharer's own call began. So an answer is never older than the call
//! that gets it, and whatever is true of a call that goes alone is true of one that shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::task::yield_now;

use crate::error::{ErrorKind, Result};
use crate::locked::locked;
use crate::table::{Call, Table, shared};

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
    /// What `work` failed with here, or twice elsewhere (but for `Timeout`); `Timeout` when the turn did not come within the call's time.
    pub(super) async fn share<F>(&self, table: &Table, call: Call<'_>, work: impl FnOnce() -> F) -> Result<By<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let caller = self.enter(call.key.partition());
        let turn = caller.key.join();
        let _in_flight = table.in_time(call, call.deadline, WAITING, caller.key.in_flight.lock()).await?;
        if let Some(answer) = turn.answer() {
            shared();
            return answer.map(By::Another);
        }
        gather(&turn).await;
        caller.key.seal(&turn);
        let answer = work().await;
        turn.settle(&answer);
        answer.map(By::This)
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

/// Lets whoever calls at the same time join, as long as the worker finds more of them.
async fn gather<T>(turn: &Arc<Turn<T>>) {
    for _ in 0..LONGEST_GATHERING {
        let joined = Arc::strong_count(turn);
        // Twice: the first time a look at the network may come before the next task, and this one first after it.
        yield_now().await;
        yield_now().await;
        if Arc::strong_count(turn) == joined {
            return;
        }
    }
}

/// In looks at the network, between which the worker takes up some sixty tasks.
const LONGEST_GATHERING: usize = 1_000;

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
            // Whose time was up says nothing about the others' time.
            (_, Err(error)) if error.kind() == ErrorKind::Timeout => return,
            (Progress::Open { has_failed: false }, Err(_)) => Progress::Open { has_failed: true },
            _ => Progress::Done(answer.clone()),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::config::{Config, TableName};
    use crate::error::Error;
    use crate::model::{CacheKey, EntryKey};

    const WORK: Duration = Duration::from_millis(100);

    /// A table that is never asked, the turns before it, how often they came, and how they fail at first.
    struct Bench {
        table: Table,
        key: EntryKey,
        turns: Turns<u32>,
        sent: Cell<u32>,
        failures: u32,
        kind: ErrorKind,
    }

    impl Bench {
        fn new(failures: u32) -> Self {
            let table = Table::new(Config::new(TableName::new("isr").expect("a name")));
            let key = EntryKey::prefixed("", CacheKey::new("cacheKey", "k".to_owned()).expect("not empty"));
            Self { table, key, turns: Turns::default(), sent: Cell::new(0), failures, kind: ErrorKind::Unavailable }
        }

        /// Answers with the number of the request.
        async fn work(&self) -> Result<u32> {
            let number = self.sent.get() + 1;
            self.sent.set(number);
            sleep(WORK).await;
            if number <= self.failures {
                return Err(Error::new(self.kind, number.to_string()));
            }
            Ok(number)
        }

        async fn share(&self, after: Duration) -> Result<By<u32>> {
            sleep(after).await;
            let call = Call { operation: "get", key: &self.key, deadline: self.table.deadline() };
            self.turns.share(&self.table, call, || self.work()).await
        }

        fn is_idle(&self) -> bool {
            locked(&self.turns.keys).is_empty()
        }
    }

    const NOW: Duration = Duration::ZERO;

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_while_one_is_in_flight_shares_the_next_and_not_that_one() {
        let (bench, start) = (Bench::new(0), Instant::now());
        let (soon, late) = (WORK / 2, WORK * 3 / 2);
        let calls =
            tokio::join!(bench.share(NOW), bench.share(NOW), bench.share(soon), bench.share(soon), bench.share(late));
        let [at_once, others, then, joined, last] = <[_; 5]>::from(calls).map(|answer| answer.expect("answered"));
        for (one, other, number) in [(at_once, others, 1), (then, joined, 2)] {
            let shares = [(&one, &other), (&other, &one)].contains(&(&By::This(number), &By::Another(number)));
            assert!(shares, "they came at the same time: {one:?} {other:?}");
        }
        assert_eq!(last, By::This(3), "the second was in flight already");
        assert_eq!(start.elapsed(), WORK * 3, "one after the other");
        assert!(bench.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_its_callers_own_and_the_second_one_everybodys() {
        for (failures, expected) in [(1, ["1", "2", "2", "2"]), (2, ["1", "2", "2", "2"])] {
            let bench = Bench::new(failures);
            let calls = tokio::join!(bench.share(NOW), bench.share(NOW), bench.share(NOW), bench.share(NOW));
            let said = <[_; 4]>::from(calls).map(|answer| match answer {
                Ok(By::This(number) | By::Another(number)) => number.to_string(),
                Err(error) => error.to_string(),
            });
            assert_eq!(said, expected, "{failures} failures");
            assert_eq!(bench.sent.get(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whose_time_was_up_fails_nobody_else() {
        let bench = Bench { kind: ErrorKind::Timeout, ..Bench::new(3) };
        let calls = tokio::join!(bench.share(NOW), bench.share(NOW), bench.share(NOW), bench.share(NOW));
        let outcomes = <[_; 4]>::from(calls).map(Result::ok);
        assert_eq!(outcomes, [None, None, None, Some(By::This(4))]);
    }

    #[tokio::test(start_paused = true)]
    async fn whose_time_is_up_leaves_the_others_alone() {
        let bench = Bench::new(0);
        let held = bench.turns.enter(bench.key.partition());
        let in_flight = held.key.in_flight.lock().await;
        let error = bench.share(NOW).await.expect_err("too late");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(
            error
                .to_string()
                .ends_with("operationTimeoutMs (3000 ms) passed while other calls for the same key were under way"),
            "{error}"
        );
        drop(in_flight);
        drop(held);
        assert_eq!(bench.share(NOW).await.expect("answered"), By::This(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_gone_is_replaced_and_leaves_nothing_behind() {
        let bench = Bench::new(0);
        let (gone, stays) = tokio::join!(timeout(WORK / 2, bench.share(NOW)), bench.share(NOW));
        assert!(gone.is_err());
        assert_eq!(stays.expect("answered"), By::This(2));
        assert!(bench.is_idle());
    }
}

//! Request coalescing (single-flight): concurrent calls for one key share one request.
//!
//! A call joins when it is made, and only a group that has not been sent. So a shared answer is never older than the call
//! that gets it, and each promise to a call that goes alone holds for one that shares.
//!
//! No call waits for a silent one longer than [`SLOW`]: a follower then sends a request of its own, and so does the next
//! group of the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::call::before;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;

/// The time after which a request counts as silent: half of the usual limit for one.
const SLOW: Duration = Duration::from_millis(500);

type Keys<T> = Mutex<HashMap<Arc<str>, Queue<T>>>;

/// Shares requests of one kind, by key.
pub(super) struct Coalescer<T> {
    keys: Arc<Keys<T>>,
}

/// The groups of a key.
struct Queue<T> {
    /// The one that calls can still join.
    open: Option<Arc<Group<T>>>,
    /// The one that was sent last.
    sent: Option<Arc<Group<T>>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { open: None, sent: None }
    }
}

/// One request for all calls that joined before it was sent.
struct Group<T> {
    progress: Mutex<Progress<T>>,
    changed: Notify,
}

struct Progress<T> {
    /// Calls that wait for it.
    calls: usize,
    /// Calls whose request is in flight for it.
    leaders: usize,
    /// When the first request was sent.
    first_sent_at: Option<Instant>,
    /// When the last request was sent.
    sent_at: Option<Instant>,
    /// The first failure belongs to its caller alone: the next call sends a request of its own.
    has_failed: bool,
    answer: Option<Result<T>>,
}

/// An answer, and the call whose request brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shared<T> {
    /// This call's own request.
    Leader(T),
    /// The request of another call, sent after this one began.
    Follower(T),
}

#[cfg(test)]
impl<T> Shared<T> {
    pub(super) fn into_inner(self) -> T {
        match self {
            Self::Leader(answer) | Self::Follower(answer) => answer,
        }
    }
}

impl<T> Default for Coalescer<T> {
    fn default() -> Self {
        Self { keys: Arc::default() }
    }
}

impl<T> Coalescer<T> {
    /// Joins the calls for `key` whose request has not been sent.
    pub(super) fn join(&self, key: Arc<str>) -> Ticket<T> {
        let mut keys = lock(&self.keys);
        let queue = keys.entry(Arc::clone(&key)).or_default();
        let group = Arc::clone(queue.open.get_or_insert_with(|| Arc::new(Group::new())));
        lock(&group.progress).calls += 1;
        Ticket { keys: Arc::clone(&self.keys), key, group }
    }

    #[cfg(test)]
    fn is_idle(&self) -> bool {
        lock(&self.keys).is_empty()
    }
}

impl<T> Group<T> {
    fn new() -> Self {
        let progress =
            Progress { calls: 0, leaders: 0, first_sent_at: None, sent_at: None, has_failed: false, answer: None };
        Self { progress: Mutex::new(progress), changed: Notify::new() }
    }

    /// Waits until the group is answered, abandoned or silent for too long.
    async fn is_over_or_slow(&self) {
        loop {
            let changed = self.changed.notified();
            let slow_at = {
                let progress = lock(&self.progress);
                let is_over = progress.answer.is_some() || progress.calls == 0;
                match progress.first_sent_at.map(|sent_at| sent_at + SLOW) {
                    Some(slow_at) if !is_over && slow_at > Instant::now() => slow_at,
                    _ => return,
                }
            };
            tokio::select! {
                () = changed => {}
                () = sleep_until(slow_at) => {}
            }
        }
    }
}

/// A call that takes part in a group.
pub(super) struct Ticket<T> {
    keys: Arc<Keys<T>>,
    key: Arc<str>,
    group: Arc<Group<T>>,
}

/// The next thing that a call of a group does.
enum Step<T> {
    Follow(Result<T>),
    Lead,
    WaitUntil(Instant),
}

impl<T: Clone> Ticket<T> {
    /// The answer of `work`, or of another call's that was sent after this one began. Before a request is sent, and while
    /// calls can still join, `pace` is waited for.
    ///
    /// # Errors
    /// The error of this call's own `work`, or the second error of the group; a timeout concerns only its own call.
    /// `expired` when `deadline` passes before another call's request is answered.
    pub(super) async fn share<F>(
        self,
        deadline: Instant,
        expired: impl FnOnce() -> Error,
        pace: impl AsyncFnOnce(),
        work: impl FnOnce() -> F,
    ) -> Result<Shared<T>>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            let changed = self.group.changed.notified();
            match self.step() {
                Step::Follow(answer) => return answer.map(Shared::Follower),
                Step::Lead => break,
                Step::WaitUntil(_) if deadline <= Instant::now() => return Err(expired()),
                // After a freeze, the leader's answer can be here although its task has not run.
                Step::WaitUntil(time) => drop(before(time.min(deadline), changed).await),
            }
        }
        let leader = Leader(&self.group);
        if let Some(previous) = self.previous() {
            previous.is_over_or_slow().await;
        }
        pace().await;
        self.seal();
        let answer = work().await;
        leader.land(&answer);
        answer.map(Shared::Leader)
    }

    fn step(&self) -> Step<T> {
        let mut progress = lock(&self.group.progress);
        if let Some(answer) = &progress.answer {
            return Step::Follow(answer.clone());
        }
        let now = Instant::now();
        match progress.sent_at.filter(|_| progress.leaders > 0).map(|sent_at| sent_at + SLOW) {
            Some(slow_at) if slow_at > now => Step::WaitUntil(slow_at),
            // Its leader has not sent it yet.
            None if progress.leaders > 0 => Step::WaitUntil(now + SLOW),
            _ => {
                progress.leaders += 1;
                progress.sent_at = progress.sent_at.map(|_| now);
                Step::Lead
            }
        }
    }
}

impl<T> Ticket<T> {
    /// The group before this one, unless this one has been sent.
    fn previous(&self) -> Option<Arc<Group<T>>> {
        let keys = lock(&self.keys);
        let queue = keys.get(&self.key)?;
        let is_open = queue.open.as_ref().is_some_and(|open| Arc::ptr_eq(open, &self.group));
        queue.sent.clone().filter(|_| is_open)
    }

    /// From now on no call joins the group.
    fn seal(&self) {
        let mut keys = lock(&self.keys);
        if let Some(queue) = keys.get_mut(&self.key)
            && queue.open.take_if(|open| Arc::ptr_eq(open, &self.group)).is_some()
        {
            queue.sent = Some(Arc::clone(&self.group));
        }
        let mut progress = lock(&self.group.progress);
        progress.sent_at = Some(Instant::now());
        progress.first_sent_at = progress.first_sent_at.or(progress.sent_at);
    }
}

impl<T> Drop for Ticket<T> {
    /// A group without calls leaves nothing behind.
    fn drop(&mut self) {
        let mut keys = lock(&self.keys);
        let is_abandoned = {
            let mut progress = lock(&self.group.progress);
            progress.calls -= 1;
            progress.calls == 0
        };
        if !is_abandoned {
            return;
        }
        if let Some(queue) = keys.get_mut(&self.key) {
            queue.open.take_if(|open| Arc::ptr_eq(open, &self.group));
            queue.sent.take_if(|sent| Arc::ptr_eq(sent, &self.group));
            if queue.open.is_none() && queue.sent.is_none() {
                keys.remove(&self.key);
            }
        }
        drop(keys);
        self.group.changed.notify_waiters();
    }
}

/// A call whose request is in flight. Dropped without an answer, another call takes its place.
struct Leader<'f, T>(&'f Group<T>);

impl<T: Clone> Leader<'_, T> {
    fn land(self, answer: &Result<T>) {
        let mut progress = lock(&self.0.progress);
        match answer {
            Err(error) if error.kind() == ErrorKind::Timeout => {}
            Err(_) if !progress.has_failed => progress.has_failed = true,
            _ => {
                progress.answer.get_or_insert_with(|| answer.clone());
            }
        }
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        lock(&self.0.progress).leaders -= 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::{sleep, timeout};

    use super::*;

    const WORK: Duration = Duration::from_millis(100);

    fn far() -> Instant {
        Instant::now() + Duration::from_mins(5)
    }

    /// A coalescer, and requests that answer with their number after failing `failures` times.
    struct Bench {
        coalescer: Coalescer<u32>,
        sent: Cell<u32>,
        failures: u32,
        kind: ErrorKind,
        latency: Duration,
    }

    impl Bench {
        fn new(failures: u32) -> Self {
            let kind = ErrorKind::Unavailable;
            Self { coalescer: Coalescer::default(), sent: Cell::new(0), failures, kind, latency: WORK }
        }

        async fn work(&self) -> Result<u32> {
            let number = self.sent.get() + 1;
            self.sent.set(number);
            sleep(self.latency).await;
            if number <= self.failures { Err(Error::new(self.kind, number.to_string())) } else { Ok(number) }
        }

        /// A call that is made now.
        fn call(&self) -> impl Future<Output = Result<Shared<u32>>> {
            let ticket = self.coalescer.join("k".into());
            ticket.share(far(), || panic!("in time"), async || {}, || self.work())
        }

        async fn call_after(&self, time: Duration) -> Result<Shared<u32>> {
            sleep(time).await;
            self.call().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_shares_the_next_request_and_not_the_one_in_flight() {
        let (bench, start) = (Bench::new(0), Instant::now());
        let (soon, late) = (WORK / 2, WORK * 3 / 2);
        let calls = tokio::join!(
            bench.call(),
            bench.call(),
            bench.call_after(soon),
            bench.call_after(soon),
            bench.call_after(late)
        );
        let answers = <[_; 5]>::from(calls).map(|answer| answer.expect("answered"));
        let (leader, follower) = (Shared::Leader, Shared::Follower);
        assert_eq!(answers, [leader(1), follower(1), leader(2), follower(2), leader(3)]);
        assert_eq!(start.elapsed(), WORK * 3, "one after the other");
        assert!(bench.coalescer.is_idle());
    }

    #[tokio::test]
    async fn a_follower_takes_an_answer_that_came_in_during_a_freeze() {
        let coalescer = Coalescer::<u32>::default();
        let [leader, follower] = ["k"; 2].map(|key| coalescer.join(key.into()));
        let (send, receive) = tokio::sync::oneshot::channel();
        let work = async || {
            let answer = receive.await.expect("sent");
            // The socket's task runs after the timer's.
            sleep(Duration::from_millis(5)).await;
            Ok(answer)
        };
        let first = leader.share(far(), || panic!("in time"), async || {}, work);
        let soon = Instant::now() + Duration::from_millis(20);
        let second = follower.share(soon, || Error::new(ErrorKind::Timeout, "late"), async || {}, async || Ok(8));
        let frozen = async {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(200));
            send.send(7).expect("waited for");
        };
        let (first, second, ()) = tokio::join!(first, second, frozen);
        assert_eq!([first, second].map(|answer| answer.expect("answered")), [Shared::Leader(7), Shared::Follower(7)]);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_made_before_the_first_is_polled_share_one_request() {
        let bench = Bench::new(0);
        let calls: Vec<_> = (0..500).map(|_| Box::pin(bench.call())).collect();
        for (number, call) in calls.into_iter().enumerate() {
            let answer = call.await.expect("answered");
            assert_eq!(answer, if number == 0 { Shared::Leader(1) } else { Shared::Follower(1) });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_failure_is_its_callers_own_and_the_second_is_shared() {
        for failures in [1, 2] {
            let bench = Bench::new(failures);
            let calls = tokio::join!(bench.call(), bench.call(), bench.call(), bench.call());
            let said = <[_; 4]>::from(calls).map(|answer| match answer {
                Ok(answer) => answer.into_inner().to_string(),
                Err(error) => error.to_string(),
            });
            assert_eq!(said, ["1", "2", "2", "2"], "{failures} failures");
            assert_eq!(bench.sent.get(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_leaders_timeout_is_not_shared() {
        let bench = Bench { kind: ErrorKind::Timeout, ..Bench::new(3) };
        let calls = tokio::join!(bench.call(), bench.call(), bench.call(), bench.call());
        let outcomes = <[_; 4]>::from(calls).map(Result::ok);
        assert_eq!(outcomes, [None, None, None, Some(Shared::Leader(4))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_waits_no_longer_than_its_own_deadline() {
        let bench = Bench { latency: Duration::from_secs(3), ..Bench::new(0) };
        let start = Instant::now();
        let leader = bench.call();
        let ticket = bench.coalescer.join("k".into());
        let expired = || Error::new(ErrorKind::Timeout, "too late");
        let follower = ticket.share(Instant::now() + WORK, expired, async || {}, || async { panic!("sent") });
        let (_, follower) = tokio::join!(leader, async { (follower.await, start.elapsed()) });
        assert_eq!((follower.0.expect_err("late").kind(), follower.1), (ErrorKind::Timeout, WORK));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_is_replaced_and_leaves_nothing_behind() {
        let bench = Bench::new(0);
        let (gone, stays) = tokio::join!(timeout(WORK / 2, bench.call()), bench.call());
        assert!(gone.is_err());
        assert_eq!(stays.expect("answered"), Shared::Leader(2));
        drop(bench.call());
        assert!(bench.coalescer.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_waits_for_a_silent_leader_longer_than_a_slow_request_takes() {
        let bench = Bench { latency: Duration::from_secs(3), ..Bench::new(0) };
        let start = Instant::now();
        let (leader, follower) = (bench.call(), bench.call());
        let follower = async { (follower.await, start.elapsed()) };
        let next = async {
            sleep(WORK).await;
            let answer = bench.call().await;
            (answer, start.elapsed())
        };
        let (_, (_, follower), (_, next)) = tokio::join!(leader, follower, next);
        assert_eq!(bench.sent.get(), 3);
        assert_eq!(follower, SLOW + Duration::from_secs(3), "a call that sends a request waits for its answer");
        assert_eq!(next, SLOW + Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn followers_of_a_silent_leader_send_one_request_at_a_time() {
        let silent = Cell::new(true);
        let bench = Bench::new(0);
        let work = || async {
            if silent.replace(false) {
                std::future::pending::<()>().await;
            }
            bench.work().await
        };
        let calls = (0..10).map(|_| {
            let ticket = bench.coalescer.join("k".into());
            Box::pin(ticket.share(far(), || panic!("in time"), async || {}, work))
        });
        let mut calls: Vec<_> = calls.collect();
        let leader = calls.remove(0);
        let leader = timeout(Duration::from_secs(1), leader);
        let followers = async {
            let mut answers = vec![];
            for call in calls {
                answers.push(call.await.expect("answered").into_inner());
            }
            answers
        };
        let (leader, answers) = tokio::join!(leader, followers);
        assert!(leader.is_err());
        assert_eq!(answers, [1; 9]);
    }
}

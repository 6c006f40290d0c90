//! Work that runs in a task of its own, once at a time. A caller that gives up does not end it: later callers use its
//! result.

use tokio::sync::watch;

use crate::error::Result;

type Receiver = watch::Receiver<Option<Result<()>>>;

/// The task in flight, if there is one.
#[derive(Debug, Default)]
pub(crate) struct SharedTask(Option<Receiver>);

/// The result of a task, for a caller that waits.
#[must_use]
pub(crate) struct Outcome(Receiver);

impl SharedTask {
    /// Joins the task in flight, or begins one with the future of `work`.
    pub(crate) fn join_or_begin<W>(&mut self, work: impl FnOnce() -> W) -> Outcome
    where
        W: Future<Output = Result<()>> + Send + 'static,
    {
        // A sender that is gone has panicked, or its task has ended.
        let in_flight = |task: &&Receiver| task.has_changed().is_ok() && task.borrow().is_none();
        if let Some(task) = self.0.as_ref().filter(in_flight) {
            return Outcome(task.clone());
        }
        let (done, task) = watch::channel(None);
        self.0 = Some(task.clone());
        let work = work();
        tokio::spawn(async move { done.send_replace(Some(work.await)) });
        Outcome(task)
    }
}

impl Outcome {
    /// The result; nothing where the task has panicked.
    pub(crate) async fn wait(mut self) -> Option<Result<()>> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

//! When a call was made and what it took: counted where requests are sent and shared, for whoever asks.

use std::cell::Cell;

use tokio::time::Instant;

tokio::task_local! {
    static CALL: (Instant, Cell<Tally>);
}

/// What a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many requests it sent, repeated ones too.
    pub requests: u32,
    /// Whether another call's request has answered it.
    pub is_shared: bool,
}

/// The result of a call of a [`Store`](crate::Store) that was made at `begun`, from when its time counts, and what it took.
pub async fn tallied<T>(begun: Instant, call: impl Future<Output = T>) -> (T, Tally) {
    let call = async {
        let result = call.await;
        (result, CALL.with(|(_, tally)| tally.get()))
    };
    CALL.scope((begun, Cell::default()), call).await
}

/// When the present call was made: now, unless its caller has said.
pub(super) fn begun() -> Instant {
    CALL.try_with(|(begun, _)| *begun).unwrap_or_else(|_| Instant::now())
}

pub(super) fn sent() {
    update(|tally| Tally { requests: tally.requests + 1, ..tally });
}

pub(crate) fn shared() {
    update(|tally| Tally { is_shared: true, ..tally });
}

fn update(change: impl Fn(Tally) -> Tally) {
    // Mostly nobody has asked.
    let _ = CALL.try_with(|(_, tally)| tally.set(change(tally.get())));
}

//! What a call took: counted where requests are sent and shared, for whoever asks.

use std::cell::Cell;

tokio::task_local! {
    static TALLY: Cell<Tally>;
}

/// What a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many requests it sent, repeated ones too.
    pub requests: u32,
    /// Whether another call's request has answered it.
    pub is_shared: bool,
}

/// The result of a call of a [`Store`](crate::Store), and what it took.
pub async fn tallied<T>(call: impl Future<Output = T>) -> (T, Tally) {
    TALLY
        .scope(Cell::default(), async {
            let result = call.await;
            (result, TALLY.get().get())
        })
        .await
}

pub(super) fn sent() {
    update(|tally| Tally { requests: tally.requests + 1, ..tally });
}

pub(crate) fn shared() {
    update(|tally| Tally { is_shared: true, ..tally });
}

fn update(change: impl Fn(Tally) -> Tally) {
    // Mostly nobody has asked.
    let _ = TALLY.try_with(|tally| tally.set(change(tally.get())));
}

//! Connections that wait for the next request to their target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::target::Target;
use crate::sync::lock;

/// After an idle time (a frozen Lambda) the other end may have forgotten a connection without a word, and finding out
/// costs time. A new one costs less than that.
const LONGEST_IDLE: Duration = Duration::from_secs(15);

/// Idle connections by their target.
#[derive(Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// The one used last stands last.
    connections: HashMap<Target, Vec<Connection>>,
    is_swept: bool,
}

impl Pool {
    /// The connection that was used last, if it is still open.
    pub(super) fn take(&self, target: &Target) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.0).connections.get_mut(target)?.pop()?;
            if connection.used.is_older_than(LONGEST_IDLE) {
                // So are all that stand before it.
                let old = lock(&self.0).connections.remove(target);
                drop(old);
                return None;
            }
            if connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose answer was read, if another request can be sent over it.
    pub(super) fn keep(self: &Arc<Self>, target: &Target, mut connection: Connection) {
        if !connection.is_usable() {
            return;
        }
        let mut idle = lock(&self.0);
        match idle.connections.get_mut(target) {
            Some(connections) => connections.push(connection),
            None => drop(idle.connections.insert(target.clone(), vec![connection])),
        }
        if !idle.is_swept {
            idle.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Gives up all idle connections that were used last before `instant`, or then.
    pub(super) fn discard(&self, target: &Target, instant: Instant) {
        let mut suspect = Vec::new();
        if let Some(connections) = lock(&self.0).connections.get_mut(target) {
            suspect.extend(connections.extract_if(.., |connection| connection.used.instant <= instant));
        }
        drop(suspect);
    }

    /// Closes those that have been idle for too long. Whether any are left.
    fn close_old(&self) -> bool {
        let mut old = Vec::new();
        let mut idle = lock(&self.0);
        for connections in idle.connections.values_mut() {
            old.extend(connections.extract_if(.., |connection| connection.used.is_older_than(LONGEST_IDLE)));
        }
        idle.connections.retain(|_, connections| !connections.is_empty());
        idle.is_swept = !idle.connections.is_empty();
        let are_left = idle.is_swept;
        drop(idle);
        drop(old);
        are_left
    }

    #[cfg(test)]
    pub(super) fn idle(&self, target: &Target) -> usize {
        lock(&self.0).connections.get(target).map_or(0, Vec::len)
    }
}

/// Runs while there are idle connections.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(LONGEST_IDLE / 3).await;
        if !pool.upgrade().is_some_and(|pool| pool.close_old()) {
            return;
        }
    }
}

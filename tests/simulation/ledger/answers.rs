//! Whether the clients were told the truth.

use std::fmt::Debug;

use tabletheory_isr::{Error, ErrorKind, LeaseAttempt, LeaseRequest, Record};

use super::history::token_in;
use super::{Call, CallId, Ledger, Version};
use crate::network::Fault;

impl Ledger {
    /// A read shows what the rows were at one moment of the call, or a page without a lease from as long before it as
    /// its store may remember one.
    pub(crate) fn answered_get(&mut self, id: CallId, result: &Result<Option<Record>, Error>) {
        match result {
            Ok(record) => {
                let shown = record.as_ref().map_or_else(Version::default, |record| {
                    Version::of_record(record.page.as_ref(), record.lease.as_ref())
                });
                let Call { first_version, remembered, .. } = self.calls[id];
                if shown.page.is_some() && shown.lock.is_none() {
                    let is_outdated = !self.was_there(id, first_version, |version| *version == shown);
                    self.counts.outdated += u64::from(is_outdated);
                    self.require_since(id, remembered, &shown, |version| *version == shown);
                } else {
                    self.require_seen(id, &shown, |version| *version == shown);
                }
            }
            Err(error) => self.failed(id, error),
        }
    }

    /// A granted lease was in the row; a refused one was somebody else's and had not run out.
    pub(crate) fn answered_acquire(
        &mut self,
        id: CallId,
        request: &LeaseRequest,
        result: &Result<LeaseAttempt, Error>,
    ) {
        let (owner, now) = (request.claim.owner.as_str(), request.now.get());
        let record = match result {
            Ok(LeaseAttempt::Acquired(record) | LeaseAttempt::Held(record)) => record,
            Err(error) => return self.failed(id, error),
        };
        let shown = Version::of_record(record.page.as_ref(), record.lease.as_ref());
        self.require_seen(id, &shown.page, |version| version.page == shown.page);
        if let Some(lock) = &shown.lock {
            self.require_seen(id, lock, |version| version.lock.as_ref() == Some(lock));
        }
        let token = request.claim.token.as_str();
        if matches!(result, Ok(LeaseAttempt::Acquired(_))) {
            let is_ours = shown.is_held_with(token);
            self.require(is_ours, "truthful", || format!("call {id} acquired with {shown:?}"));
        } else if let Some(lock) = shown.lock {
            self.require(!lock.is_free(owner, now), "truthful", || format!("call {id} is held by {lock:?}"));
        } else {
            self.require_met(id, &[Fault::Conflicting], "held by nobody");
            self.never.insert(token.to_owned());
            let was_granted = self.history(request.claim.key.partition()).seen.contains(token);
            self.require(!was_granted, "truthful", || format!("call {id} is held by nobody but itself"));
        }
    }

    /// A publish that succeeded took effect, once, before it was told; a lost lease never publishes.
    pub(crate) fn answered_commit(&mut self, id: CallId, pointer: &str, result: &Result<(), Error>) {
        let pk = self.calls[id].pk.clone();
        let first = self.calls[id].first_version;
        let history = self.history(&pk);
        let version = history.published.get(pointer).copied();
        let is_ghost = history.ghosts.contains(token_in(pointer));
        match result {
            Ok(()) => {
                let took_effect = version.is_some_and(|version| version > first);
                self.require(took_effect, "truthful", || format!("call {id} did not publish"));
            }
            Err(error) if error.kind() == ErrorKind::LeaseNotOwned => {
                self.never.insert(pointer.to_owned());
                let untouched = version.is_none() || is_ghost;
                self.require(untouched, "truthful", || format!("call {id} published, and says that it did not"));
            }
            Err(error) => self.failed(id, error),
        }
    }

    /// An invalidation that succeeded took effect before it was told.
    pub(crate) fn answered_invalidate(&mut self, id: CallId, result: &Result<(), Error>) {
        match result {
            Ok(()) => self.require_seen(id, &"no rows", |version| *version == Version::default()),
            Err(error) => self.failed(id, error),
        }
    }

    /// A release that met no fault has left no lease of that token.
    pub(crate) fn answered_release(&mut self, id: CallId, token: &str) {
        let Call { pk, faults, .. } = &self.calls[id];
        let (pk, is_undisturbed) = (pk.clone(), faults.is_empty());
        let history = self.history(&pk);
        let is_left = history.now().is_held_with(token) && !history.ghosts.contains(token);
        self.require(!(is_undisturbed && is_left), "released", || format!("{token} is left"));
    }

    /// An error is of the kind that was met, and says no more than is known.
    fn failed(&mut self, id: CallId, error: &Error) {
        use Fault::{Conflicting, Delayed, Duplicated, LostAfter, LostBefore, ServerError, Throttled, Truncated};
        self.counts.unknown_outcomes += 1;
        let causes: &[Fault] = match error.kind() {
            ErrorKind::Throttled => &[Throttled],
            ErrorKind::Conflict => &[Conflicting],
            ErrorKind::Unavailable => &[LostBefore, LostAfter, ServerError, Truncated],
            ErrorKind::Timeout => {
                &[LostBefore, LostAfter, Delayed, Duplicated, Throttled, Conflicting, ServerError, Truncated]
            }
            _ => &[],
        };
        self.require_met(id, causes, &error.to_string());
    }

    fn require_met(&mut self, id: CallId, causes: &[Fault], said: &str) {
        let met = self.calls[id].faults.clone();
        let is_true = met.iter().any(|fault| causes.contains(fault));
        self.require(is_true, "truthful", || format!("call {id} says {said:?} and met {met:?}"));
    }

    fn require_seen(&mut self, id: CallId, shown: &impl Debug, is_shown: impl Fn(&Version) -> bool) {
        self.require_since(id, self.calls[id].first_version, shown, is_shown);
    }

    fn require_since(&mut self, id: CallId, first: usize, shown: &impl Debug, is_shown: impl Fn(&Version) -> bool) {
        let was_there = self.was_there(id, first, is_shown);
        self.require(was_there, "truthful", || format!("call {id} shows what was not there: {shown:?}"));
    }

    fn was_there(&mut self, id: CallId, first: usize, is_shown: impl Fn(&Version) -> bool) -> bool {
        let pk = self.calls[id].pk.clone();
        self.history(&pk).since(first).any(|version| is_shown(&version))
    }
}

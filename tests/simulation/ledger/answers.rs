//! Whether the clients were told the truth.

use std::fmt::Debug;

use tabletheory_isr::{Error, ErrorKind, LeaseAttempt, Record};

use super::history::{Published, token_in};
use super::{Call, CallId, Ledger, Version};
use crate::network::Fault;
use crate::process::Claim;
use crate::replay::{Acquired, CommitReport};

impl Ledger {
    /// A read shows the rows at one moment of the call, or a page without a lease from as long before it as its page
    /// cache may keep one.
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

    /// A granted lease was in the row. A refused one was another's and had not run out. It was in the row during the
    /// call, or at most 100 ms before it, if the store has not changed the key since.
    pub(crate) fn answered_acquire(
        &mut self,
        id: CallId,
        claim: &Claim,
        now: f64,
        result: &Result<LeaseAttempt, Error>,
    ) {
        let Claim { key, owner, token } = claim;
        let shown = match result {
            Ok(LeaseAttempt::Acquired(record) | LeaseAttempt::Held(record)) => {
                Some(Version::of_record(record.page.as_ref(), record.lease.as_ref()))
            }
            Err(_) => None,
        };
        let told = match (result, &shown) {
            (Ok(LeaseAttempt::Acquired(_)), _) => Acquired::Yes,
            (_, Some(Version { lock: Some(_), .. })) => Acquired::Held,
            (_, Some(_)) => Acquired::HeldByNobody,
            (_, None) => Acquired::Failed,
        };
        let (client, started) = (self.calls[id].client, self.calls[id].started);
        self.step(key.partition(), |replay| replay.acquire_ended((owner, token, now), client, started, told));
        let (Some(shown), Ok(_)) = (shown, result) else {
            if let Err(error) = result {
                self.failed(id, error);
            }
            return;
        };
        let Call { first_version, remembered, .. } = self.calls[id];
        let first = if told == Acquired::Held { remembered } else { first_version };
        self.require_since(id, first, &shown.page, |version| version.page == shown.page);
        if let Some(lock) = &shown.lock {
            self.require_since(id, first, lock, |version| version.lock.as_ref() == Some(lock));
        }
        if told == Acquired::Yes {
            let is_ours = shown.is_held_with(token);
            self.require(is_ours, "truthful", || format!("call {id} acquired with {shown:?}"));
        } else if let Some(lock) = shown.lock {
            self.require(!lock.is_free(owner, now), "truthful", || format!("call {id} is held by {lock:?}"));
        } else if !shown.page.is_some_and(|page| page.is_fresh(now + 1_000.0)) {
            self.require_met(id, &[Fault::Conflicting], "held without a holder");
            self.never.insert(token.clone());
            let was_granted = self.history(key.partition()).seen.contains(token);
            self.require(!was_granted, "truthful", || format!("call {id} is held by itself only"));
        }
    }

    /// A publish that succeeded took effect, once, before it was told; a lost lease never publishes.
    pub(crate) fn answered_commit(&mut self, id: CallId, pointer: &str, result: &Result<(), Error>) {
        let pk = self.calls[id].pk.clone();
        let first = self.calls[id].first_version;
        let history = self.history(&pk);
        let version = history.published.get(pointer).copied();
        let is_revived = history.revived.contains(token_in(pointer));
        let report = match result {
            Ok(()) => CommitReport::Committed,
            Err(error) if error.kind() == ErrorKind::LeaseNotOwned => CommitReport::LeaseLost,
            Err(_) => CommitReport::Unknown,
        };
        self.step(&pk, |replay| replay.commit_ended(token_in(pointer), id, report));
        match result {
            Ok(()) => {
                let took_effect = version.is_some_and(|version| version > first);
                self.require(took_effect, "truthful", || format!("call {id} did not publish"));
            }
            Err(error) if error.kind() == ErrorKind::LeaseNotOwned => {
                self.never.insert(pointer.to_owned());
                let untouched = version.is_none() || is_revived;
                self.require(untouched, "truthful", || format!("call {id} published, and says that it did not"));
            }
            Err(error) => self.failed(id, error),
        }
    }

    /// An invalidation that succeeded took effect before it was told.
    pub(crate) fn answered_invalidate(&mut self, id: CallId, result: &Result<(), Error>) {
        match result {
            Ok(()) => {
                let Call { pk, client, started, .. } = &self.calls[id];
                let (pk, client, started) = (pk.clone(), *client, *started);
                self.step(&pk, |replay| replay.invalidation_succeeded(client, started));
                self.require_seen(id, &"no page but an outdated one", |version| {
                    version.lock.is_none() && version.page.as_ref().is_none_or(Published::is_outdated)
                });
            }
            Err(error) => self.failed(id, error),
        }
    }

    /// A release that met no fault, and could sign, has left no lease of that token.
    pub(crate) fn answered_release(&mut self, id: CallId, token: &str) {
        let Call { pk, faults, .. } = &self.calls[id];
        let (pk, is_undisturbed) = (pk.clone(), faults.is_empty() && self.had_credentials(id));
        let history = self.history(&pk);
        let is_left = history.now().is_held_with(token) && !history.revived.contains(token);
        self.require(!(is_undisturbed && is_left), "released", || format!("{token} is left"));
    }

    /// An error is of the kind that was met, and says no more than is known.
    fn failed(&mut self, id: CallId, error: &Error) {
        use Fault::{
            Conflicting, Delayed, Duplicated, Frozen, LostAfter, LostBefore, ResetOnUse, Revoked, ServerError,
            Throttled, Truncated,
        };
        // An open circuit refuses a call before it sends a request.
        if error.kind() == ErrorKind::Unavailable && error.to_string().contains("circuit open") {
            let sent_nothing = self.calls[id].faults.is_empty();
            self.require(sent_nothing, "truthful", || format!("call {id} says that nothing was sent"));
            return;
        }
        // A call without valid credentials waits for the source, and fails by it.
        if matches!(error.kind(), ErrorKind::Credentials | ErrorKind::Timeout) && !self.had_credentials(id) {
            return;
        }
        self.counts.unknown_outcomes += 1;
        let causes: &[Fault] = match error.kind() {
            ErrorKind::Credentials => &[Revoked],
            ErrorKind::Throttled => &[Throttled],
            ErrorKind::Conflict => &[Conflicting],
            ErrorKind::Unavailable => &[LostBefore, LostAfter, ServerError, Truncated, ResetOnUse],
            // An answer that came in during a freeze counts before the limit that passed.
            ErrorKind::Timeout
                if self.calls[id].answers_wait
                    && self.calls[id].faults == [Frozen]
                    && !error.to_string().contains("before anything was sent") =>
            {
                &[]
            }
            ErrorKind::Timeout => &[
                LostBefore,
                LostAfter,
                Delayed,
                Duplicated,
                Throttled,
                Conflicting,
                ServerError,
                Truncated,
                ResetOnUse,
                Revoked,
                Frozen,
            ],
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
        self.require(was_there, "truthful", || format!("call {id} shows a state that was not there: {shown:?}"));
    }

    fn was_there(&mut self, id: CallId, first: usize, is_shown: impl Fn(&Version) -> bool) -> bool {
        let pk = self.calls[id].pk.clone();
        self.history(&pk).since(first).any(|version| is_shown(&version))
    }
}

//! `tryAcquireLease`: the lease, or its holder, usually in one round trip.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::changes::Change;
use super::circuit_breaker::Admission;
use super::coalesce::{Shared, Ticket};
use super::double_check::RELEASE_LIMIT;
use super::{Store, record};
use crate::aws::{RequestErrorKind, RetryError, ThrottleBackoff};
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Lease, LeaseAttempt, LeaseClaim, LeaseRequest, Page};
use crate::table::{LockPut, LockRow, LockRowItem, Session};

/// The answer to an acquire, before the caller's part is added.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    outcome: Outcome,
    page: Option<Page>,
}

#[derive(Debug, Clone)]
enum Outcome {
    /// The row held the caller's token.
    Acquired(Lease),
    /// Another owner's lease; none where each put met a conflict.
    Held(Option<Lease>),
    /// The double check found a newer page: no lease is needed.
    Needless,
}

/// How an acquire begins, on the caller's thread.
enum Start {
    /// A lease that this store has just read is the answer.
    Seen(Answer),
    /// A request is needed, perhaps that of another call.
    Joined { call: Call, ticket: Ticket<Answer>, row: LockRowItem, admission: Admission, change: Change },
}

/// An acquire without an answer.
struct Failed {
    error: Error,
    /// Whether LOCK may have the caller's token.
    may_be_there: bool,
}

/// A put, and the read beside it, without an answer.
enum PutError {
    Throttled(RetryError),
    Failed(Failed),
}

impl Store {
    /// Acquires the lease if it is free for the caller at `request.now`: there is none, it has expired, or its owner is
    /// the caller (whose former token stops working).
    ///
    /// The conditional put and the read of the page go out together. If the put may have succeeded and the call fails,
    /// the lease is released (best effort).
    ///
    /// Concurrent calls for a key share one acquire, sent after each of them began. A call that its answer does not
    /// cover sends its own: the lease may be free for its caller.
    ///
    /// # Errors
    /// `OutOfRange` for strings that make too large a row, and every kind that the network can cause.
    pub fn try_acquire_lease(
        self: &Arc<Self>,
        call: &Call,
        request: LeaseRequest,
    ) -> impl Future<Output = Result<LeaseAttempt>> + Send + use<> {
        let store = Arc::clone(self);
        let start = self.start_acquire(call, &request);
        let call = call.clone();
        async move {
            match start? {
                Start::Seen(answer) => Ok(store.told(&call, &request, answer)),
                Start::Joined { call, ticket, row, admission: _admission, change: _change } => {
                    let answer = store.coalesced(&call, &request, &row, ticket).await;
                    store.page_cache.forget(call.key().partition());
                    Ok(store.told(&call, &request, answer?))
                }
            }
        }
    }

    fn start_acquire(&self, call: &Call, request: &LeaseRequest) -> Result<Start> {
        let key = call.key().shared_partition();
        // A row that is too large fails this caller alone: such a call never joins another.
        let row = LockRowItem::new(self.config(), call.key(), request)?;
        if let Some(answer) = self.recently_seen(&key, request) {
            // This acquire counts as a change too: the next one does not trust the same read.
            drop(self.changes.begin(key));
            return Ok(Start::Seen(answer));
        }
        let (call, admission) = self.admit(call.clone())?;
        let change = self.changes.begin(Arc::clone(&key));
        Ok(Start::Joined { call, ticket: self.acquires.join(key), row, admission, change })
    }

    fn recently_seen(&self, key: &str, request: &LeaseRequest) -> Option<Answer> {
        if !self.config().fleet_rules.recently_seen_lease {
            return None;
        }
        let (lease, page) = self.recent_leases.held_for(&self.clock, &self.changes, key, request)?;
        Some(Answer { outcome: Outcome::Held(Some(lease)), page })
    }

    /// The answer to this call's acquire, or the leader's if it covers this call.
    async fn coalesced(
        self: &Arc<Self>,
        call: &Call,
        request: &LeaseRequest,
        row: &LockRowItem,
        ticket: Ticket<Answer>,
    ) -> Result<Answer> {
        let shared = ticket.share(
            call.deadline().at(),
            || self.waited_in_vain(call),
            async || (),
            || self.acquire(call, request, row),
        );
        let other = match shared.await? {
            Shared::Leader(answer) => return Ok(answer),
            Shared::Follower(other) => other,
        };
        let outcome = match other.outcome {
            Outcome::Acquired(lease) | Outcome::Held(Some(lease)) => {
                (!request.is_free(&lease)).then_some(Outcome::Held(Some(lease)))
            }
            Outcome::Held(None) => Some(Outcome::Held(None)),
            Outcome::Needless => self.is_needless(call, request, other.page.as_ref()).then_some(Outcome::Needless),
        };
        match outcome {
            Some(outcome) => {
                call.stats().set_shared();
                Ok(Answer { outcome, page: other.page })
            }
            // The leader has the same owner, or this caller's clock says that the lease has expired.
            None => self.acquire(call, request, row).await,
        }
    }

    /// The answer as the caller is told.
    fn told(&self, call: &Call, request: &LeaseRequest, Answer { outcome, page }: Answer) -> LeaseAttempt {
        let revalidate = page.as_ref().map(|page| page.revalidate).filter(|stored| stored.get() > 0.0);
        let revalidate = revalidate.unwrap_or(request.fallback_revalidate);
        match outcome {
            Outcome::Acquired(lease) => {
                self.paced_polling.end(call.key().partition());
                LeaseAttempt::Acquired(record(call.key(), page, revalidate, Some(lease)))
            }
            Outcome::Held(lease) => {
                if let Some(lease) = &lease {
                    self.paced_polling.begin(&self.clock, &call.key().shared_partition(), lease, request.now);
                }
                LeaseAttempt::Held(record(call.key(), page, revalidate, lease))
            }
            Outcome::Needless => {
                self.paced_polling.end(call.key().partition());
                LeaseAttempt::Held(record(call.key(), page, revalidate, None))
            }
        }
    }

    /// One acquire, which ends with the double check, or with a release where it fails.
    async fn acquire(self: &Arc<Self>, call: &Call, request: &LeaseRequest, row: &LockRowItem) -> Result<Answer> {
        let (sent_at, epoch) = (self.clock.now(), self.page_changes.epoch());
        let observer = self.observer(call);
        let session = self.table.connect(call, &observer).await?;
        // The requests give up a little earlier, so that there is time to release.
        let early = session.with_deadline(call.deadline().with_reserve());
        match self.put_until_answered(&early, request, row).await {
            Ok(answer) => {
                if let Outcome::Acquired(_) = answer.outcome {
                    self.committed_tokens.forget(call.key(), &request.claim);
                }
                self.remember(&call.key().shared_partition(), answer.page.as_ref(), sent_at, epoch);
                Ok(self.after_double_check(call, request, answer).await)
            }
            Err(Failed { error, may_be_there }) => {
                if may_be_there {
                    self.release_with(&session, &request.claim).await;
                }
                Err(error)
            }
        }
    }

    /// The put and the read beside it. A throttled put is repeated, if a read of both rows does not answer the call.
    async fn put_until_answered(
        &self,
        session: &Session<'_>,
        request: &LeaseRequest,
        row: &LockRowItem,
    ) -> Result<Answer, Failed> {
        let mut throttles = ThrottleBackoff::default();
        let mut may_be_there = false;
        loop {
            let error = match self.put_and_read(session, request, row, &mut may_be_there).await {
                Ok(answer) => return Ok(answer),
                Err(PutError::Failed(failed)) => return Err(failed),
                Err(PutError::Throttled(error)) => error,
            };
            let wait = throttles.next(session.call.deadline());
            let (true, Some(wait)) = (self.config().fleet_rules.patient_retries, wait) else {
                let error = session.explain(RetryError { attempts: throttles.count(), ..error });
                return Err(Failed { error, may_be_there });
            };
            sleep(wait).await;
            if session.call.deadline().has_passed() {
                return Err(Failed { error: session.explain(error), may_be_there });
            }
            if !self.config().fleet_rules.read_after_throttled_put {
                continue;
            }
            match self.read_after_throttle(session, request).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(error) => return Err(Failed { error: session.explain(error), may_be_there }),
            }
        }
    }

    /// The put of LOCK and the read of META, together.
    async fn put_and_read(
        &self,
        session: &Session<'_>,
        request: &LeaseRequest,
        row: &LockRowItem,
        may_be_there: &mut bool,
    ) -> Result<Answer, PutError> {
        let failed = |error, may_be_there| Err(PutError::Failed(Failed { error, may_be_there }));
        let throttled = session.failing_when_throttled();
        let put = async { throttled.put_lock(request, row).await };
        // A failed read waits for the end of the put, which decides whether there is a lease to release.
        let read = async { Ok::<_, RetryError>(session.read_page().await) };
        match tokio::try_join!(put, read) {
            Ok((LockPut::Written, Ok(page))) => {
                let lease = Lease {
                    owner: Some(request.claim.owner.as_str().to_owned()),
                    token: request.claim.token.clone(),
                    expires_at: request.expires_at(),
                };
                Ok(Answer { outcome: Outcome::Acquired(lease), page })
            }
            Ok((LockPut::Refused(holder), Ok(page))) => {
                Ok(Answer { outcome: Outcome::Held(holder.map(|holder| holder.lease)), page })
            }
            Ok((LockPut::Contended, Ok(page))) if !*may_be_there => Ok(Answer { outcome: Outcome::Held(None), page }),
            Ok((LockPut::Contended, Ok(_))) => {
                let (call, table) = (&session.call, session.table_name());
                let message = format!("{call} on table \"{table}\": another transaction held the row");
                failed(Error::new(ErrorKind::Conflict, message), true)
            }
            Ok((put, Err(error))) => failed(error, matches!(put, LockPut::Written) || *may_be_there),
            Err(error) => {
                *may_be_there |= error.may_have_been_applied;
                if error.last.kind == RequestErrorKind::Throttled {
                    return Err(PutError::Throttled(error));
                }
                failed(session.explain(error), *may_be_there)
            }
        }
    }

    /// Reads both rows after a throttled put. Nothing, where the put has to be repeated.
    async fn read_after_throttle(
        &self,
        session: &Session<'_>,
        request: &LeaseRequest,
    ) -> Result<Option<Answer>, RetryError> {
        let entry = session.read_entry(true).await?;
        if let Some(LockRow { lease, .. }) = entry.lock {
            let is_own_owner = lease.owner.as_deref() == Some(request.claim.owner.as_str());
            // A fixed token can also be that of another owner, or of an earlier lease.
            if lease.token == request.claim.token && is_own_owner && lease.expires_at == request.expires_at() {
                return Ok(Some(Answer { outcome: Outcome::Acquired(lease), page: entry.page }));
            }
            if !request.is_free(&lease) {
                return Ok(Some(Answer { outcome: Outcome::Held(Some(lease)), page: entry.page }));
            }
        }
        let is_needless = self.is_needless(&session.call, request, entry.page.as_ref());
        Ok(is_needless.then_some(Answer { outcome: Outcome::Needless, page: entry.page }))
    }

    fn is_needless(&self, call: &Call, request: &LeaseRequest, page: Option<&Page>) -> bool {
        self.config().fleet_rules.double_check
            && page.is_some_and(|page| {
                self.double_check.makes_needless(&self.clock, call.key().partition(), page, request.now)
            })
    }

    /// Releases a lease that a newer page makes needless.
    async fn after_double_check(self: &Arc<Self>, call: &Call, request: &LeaseRequest, answer: Answer) -> Answer {
        let is_acquired = matches!(answer.outcome, Outcome::Acquired(_));
        if !is_acquired || !self.is_needless(call, request, answer.page.as_ref()) {
            return answer;
        }
        // A throttled release goes on after the call.
        let release = self.release_lease(call, request.claim.clone());
        let _ = timeout(RELEASE_LIMIT, tokio::spawn(release)).await;
        Answer { outcome: Outcome::Needless, page: answer.page }
    }

    /// Best effort: the lease expires by itself.
    async fn release_with(&self, session: &Session<'_>, claim: &LeaseClaim) {
        let _ = session.delete_lock(claim).await;
    }
}

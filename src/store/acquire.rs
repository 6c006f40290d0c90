//! `tryAcquireLease`: the right to regenerate, or its holder, in one round trip.

use std::sync::Arc;

use tokio::time::sleep;

use super::circuit_breaker::Admission;
use super::coalesce::Shared;
use super::double_check::RELEASE_LIMIT;
use super::{Store, record};
use crate::aws::{RequestErrorKind, RetryError, ThrottleBackoff};
use crate::call::Call;
use crate::error::Result;
use crate::model::{Lease, LeaseAttempt, LeaseClaim, LeaseRequest, Page};
use crate::table::{LockPut, LockRow, LockRowItem, NotWritten, Session};

/// The result of an attempt.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    outcome: Outcome,
    page: Option<Page>,
}

#[derive(Debug, Clone)]
enum Outcome {
    /// The row held the caller's token.
    Acquired(Lease),
    /// The row held this lease; none where other transactions held the row all the time.
    Held(Option<Lease>),
    /// The double check found a newer page: no lease is needed.
    Needless,
}

impl Store {
    /// Takes the lease if there is none, if it has expired by `request.now`, or if its owner is the caller (whose
    /// former token stops working).
    ///
    /// The conditional put and the read of the page go out together. If the put may have succeeded and the call fails,
    /// the lease is released (best effort).
    ///
    /// Concurrent calls for a key share one attempt, sent after each of them began, if another owner holds the lease. A
    /// caller that may acquire the lease makes an attempt of its own.
    ///
    /// # Errors
    /// `OutOfRange` for strings that make too large a row, and every kind that the network can cause.
    pub fn try_acquire_lease(
        self: &Arc<Self>,
        call: &Call,
        request: LeaseRequest,
    ) -> impl Future<Output = Result<LeaseAttempt>> + Send + use<> {
        let store = Arc::clone(self);
        let key = call.key().shared_partition();
        // A row that is too large fails this caller alone: it never joins the attempt of another.
        let row = LockRowItem::new(self.config(), call.key(), &request);
        let seen = self.recently_seen(&key, &request).filter(|_| row.is_ok());
        let joined = match (&seen, row) {
            (Some(_), _) => {
                // An acquire too: the next one does not believe the same read.
                drop(self.changes.begin(Arc::clone(&key)));
                None
            }
            (None, Err(error)) => Some(Err(error)),
            (None, Ok(row)) => Some(self.admit(call.clone()).map(|(call, admission)| {
                let change = self.changes.begin(Arc::clone(&key));
                (call, self.attempts.join(key), row, admission, change)
            })),
        };
        let call = call.clone();
        async move {
            let (call, attempt) = match (seen, joined) {
                (Some(attempt), _) => (call, attempt),
                (None, Some(joined)) => {
                    let (call, ticket, row, admission, _change) = joined?;
                    let attempt = store.coalesced(&call, &request, &row, ticket, admission).await;
                    store.page_cache.forget(call.key().partition());
                    (call, attempt?)
                }
                (None, None) => return Err(store.waited_in_vain(&call)),
            };
            Ok(store.attempt_answer(&call, &request, attempt))
        }
    }

    fn recently_seen(&self, key: &str, request: &LeaseRequest) -> Option<Attempt> {
        if !self.config().fleet_rules.recently_seen_lease {
            return None;
        }
        let (lease, page) = self.recent_leases.held_for(&self.clock, &self.changes, key, request)?;
        Some(Attempt { outcome: Outcome::Held(Some(lease)), page })
    }

    /// An attempt of this call, or another's as far as that answers this one.
    async fn coalesced(
        &self,
        call: &Call,
        request: &LeaseRequest,
        row: &LockRowItem,
        ticket: super::coalesce::Ticket<Attempt>,
        _admission: Admission,
    ) -> Result<Attempt> {
        let shared = ticket.share(
            call.deadline().at(),
            || self.waited_in_vain(call),
            async || (),
            || self.attempt(call, request, row),
        );
        let other = match shared.await? {
            Shared::Leader(attempt) => return Ok(attempt),
            Shared::Follower(other) => other,
        };
        let answer = match other.outcome {
            Outcome::Acquired(lease) | Outcome::Held(Some(lease)) => {
                (!request.is_free(&lease)).then_some(Outcome::Held(Some(lease)))
            }
            Outcome::Held(None) => Some(Outcome::Held(None)),
            Outcome::Needless => self.is_needless(call, request, other.page.as_ref()).then_some(Outcome::Needless),
        };
        match answer {
            Some(outcome) => {
                call.stats().set_shared();
                Ok(Attempt { outcome, page: other.page })
            }
            // Its owner has several calls in flight, or its clock differs from the others'.
            None => self.attempt(call, request, row).await,
        }
    }

    fn attempt_answer(&self, call: &Call, request: &LeaseRequest, attempt: Attempt) -> LeaseAttempt {
        let Attempt { outcome, page } = attempt;
        let revalidate = page.as_ref().map(|page| page.revalidate).filter(|stored| stored.get() > 0.0);
        let revalidate = revalidate.unwrap_or(request.fallback_revalidate);
        match outcome {
            Outcome::Acquired(lease) => LeaseAttempt::Acquired(record(call.key(), page, revalidate, Some(lease))),
            Outcome::Held(lease) => {
                if let Some(lease) = &lease {
                    self.paced_polling.begin(&self.clock, &call.key().shared_partition(), lease, request.now);
                }
                LeaseAttempt::Held(record(call.key(), page, revalidate, lease))
            }
            Outcome::Needless => LeaseAttempt::Held(record(call.key(), page, revalidate, None)),
        }
    }

    /// One attempt, which is repeated after throttles.
    async fn attempt(&self, call: &Call, request: &LeaseRequest, row: &LockRowItem) -> Result<Attempt> {
        let claim = &request.claim;
        let observer = self.observer(call);
        let session = self.table.connect(call, &observer).await?;
        // The requests give up a little earlier, so that there is time to release.
        let early = session.with_deadline(call.deadline().with_reserve());
        let mut throttles = ThrottleBackoff::default();
        let mut may_be_there = false;
        let attempt = loop {
            let error = match self.put_and_read(&early, call, request, row, &mut may_be_there).await {
                Ok(attempt) => break attempt,
                Err(PutError::Failed(NotWritten { error, may_be_there })) => {
                    if may_be_there {
                        self.release_with(&session, claim).await;
                    }
                    return Err(error);
                }
                Err(PutError::Throttled(error)) => error,
            };
            let wait = throttles.next(early.call.deadline());
            let (true, Some(wait)) = (self.config().fleet_rules.patient_retries, wait) else {
                if may_be_there {
                    self.release_with(&session, claim).await;
                }
                return Err(session.explain(RetryError { attempts: throttles.count(), ..error }));
            };
            sleep(wait).await;
            if self.config().fleet_rules.read_after_throttled_put {
                match self.read_after_throttle(&early, call, request).await {
                    Ok(Some(attempt)) => break attempt,
                    Ok(None) => {}
                    Err(error) => {
                        if may_be_there {
                            self.release_with(&session, claim).await;
                        }
                        return Err(session.explain(error));
                    }
                }
            }
        };
        if let Outcome::Acquired(_) = attempt.outcome {
            self.committed_tokens.forget(call.key(), claim);
        }
        self.after_double_check(&session, call, request, attempt).await
    }

    /// The put and the read of META, together.
    async fn put_and_read(
        &self,
        session: &Session<'_>,
        call: &Call,
        request: &LeaseRequest,
        row: &LockRowItem,
        may_be_there: &mut bool,
    ) -> Result<Attempt, PutError> {
        let throttled = session.failing_when_throttled();
        let put = async { throttled.put_lock(request, row).await };
        // The read ends the attempt only if the put has succeeded.
        let read = async { Ok::<_, RetryError>(session.read_page().await) };
        match tokio::try_join!(put, read) {
            Ok((LockPut::Written, Ok(page))) => {
                let lease = Lease {
                    owner: Some(request.claim.owner.as_str().to_owned()),
                    token: request.claim.token.clone(),
                    expires_at: request.expires_at(),
                };
                Ok(Attempt { outcome: Outcome::Acquired(lease), page })
            }
            Ok((LockPut::Refused(holder), Ok(page))) => {
                Ok(Attempt { outcome: Outcome::Held(holder.map(|holder| holder.lease)), page })
            }
            Ok((LockPut::Contended, Ok(page))) if !*may_be_there => Ok(Attempt { outcome: Outcome::Held(None), page }),
            Ok((LockPut::Contended, Ok(page))) => {
                let _ = page;
                let error = crate::Error::new(
                    crate::ErrorKind::Conflict,
                    format!("{call} on table \"{}\": another transaction held the row", session.table_name()),
                );
                Err(PutError::Failed(NotWritten { error, may_be_there: true }))
            }
            Ok((put, Err(error))) => {
                let is_written = matches!(put, LockPut::Written);
                Err(PutError::Failed(NotWritten { error, may_be_there: is_written || *may_be_there }))
            }
            Err(error) => {
                *may_be_there |= error.may_have_been_applied;
                if error.last.kind == RequestErrorKind::Throttled {
                    return Err(PutError::Throttled(error));
                }
                Err(PutError::Failed(NotWritten { error: session.explain(error), may_be_there: *may_be_there }))
            }
        }
    }

    /// The answer that both rows give to a caller whose put was throttled, if they give one.
    async fn read_after_throttle(
        &self,
        session: &Session<'_>,
        call: &Call,
        request: &LeaseRequest,
    ) -> Result<Option<Attempt>, RetryError> {
        let entry = session.read_entry(true).await?;
        if let Some(LockRow { lease, .. }) = entry.lock {
            if lease.token == request.claim.token {
                return Ok(Some(Attempt { outcome: Outcome::Acquired(lease), page: entry.page }));
            }
            if !request.is_free(&lease) {
                return Ok(Some(Attempt { outcome: Outcome::Held(Some(lease)), page: entry.page }));
            }
        }
        let is_needless = self.is_needless(call, request, entry.page.as_ref());
        Ok(is_needless.then_some(Attempt { outcome: Outcome::Needless, page: entry.page }))
    }

    fn is_needless(&self, call: &Call, request: &LeaseRequest, page: Option<&Page>) -> bool {
        self.config().fleet_rules.double_check
            && page.is_some_and(|page| {
                self.double_check.makes_needless(&self.clock, call.key().partition(), page, request.now)
            })
    }

    /// Gives a lease back that a newer page has made needless.
    async fn after_double_check(
        &self,
        session: &Session<'_>,
        call: &Call,
        request: &LeaseRequest,
        attempt: Attempt,
    ) -> Result<Attempt> {
        let is_acquired = matches!(attempt.outcome, Outcome::Acquired(_));
        if !is_acquired || !self.is_needless(call, request, attempt.page.as_ref()) {
            return Ok(attempt);
        }
        let release = session.with_deadline(session.call.deadline().at_most(RELEASE_LIMIT));
        self.release_with(&release, &request.claim).await;
        Ok(Attempt { outcome: Outcome::Needless, page: attempt.page })
    }

    /// Best effort: the lease expires by itself.
    async fn release_with(&self, session: &Session<'_>, claim: &LeaseClaim) {
        let _ = session.delete_lock(claim).await;
    }
}

/// An attempt to write LOCK that did not end in an answer.
enum PutError {
    Throttled(RetryError),
    Failed(NotWritten),
}

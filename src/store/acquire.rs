//! `tryAcquireLease`: the right to regenerate, or who has it, in one round trip.

use super::turns::By;
use super::{Store, record};
use crate::error::Result;
use crate::model::{Lease, LeaseAttempt, LeaseRequest, Page};
use crate::table::{Call, LockWrite, NewLock, Unwritten};

/// What an attempt has found out.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    acquired: bool,
    /// Whose lease it is; nothing where other transactions held the row all the time.
    lease: Option<Lease>,
    page: Option<Page>,
}

impl Store {
    /// Takes the lease if there is none, if it has expired by `request.now`, or if its owner is the caller's (which
    /// makes the former token worthless).
    ///
    /// The conditional write and the read of the page go out together. If the write may have succeeded and the call
    /// fails, the lease is released (best effort).
    ///
    /// Calls for the same key that wait at the same time are answered by one attempt, sent after each of them began, as far
    /// as it tells who holds the lease; for whom it does not, tries again and then alone.
    ///
    /// # Errors
    /// `OutOfRange` for strings that make too large a row, and every kind that the network can cause.
    pub async fn try_acquire_lease(&self, request: &LeaseRequest) -> Result<LeaseAttempt> {
        let call = self.call("tryAcquireLease", &request.claim.key);
        let _changes = self.fresh.changes(call.key.partition());
        // Too large a row is this caller's own fault, whoever makes the attempt.
        let row = self.table.lock_row(request)?;
        let attempt = match self.shared_attempt(call, request, &row).await? {
            Some(attempt) => attempt,
            None => match self.shared_attempt(call, request, &row).await? {
                Some(attempt) => attempt,
                // Its owner has many calls under way, or its clock is like nobody else's.
                None => self.attempt(call, request, row).await?,
            },
        };
        let revalidate = attempt.page.as_ref().map(|page| page.revalidate).filter(|stored| stored.get() > 0.0);
        let revalidate = revalidate.unwrap_or(request.fallback_revalidate);
        let record = record(&request.claim.key, attempt.page, revalidate, attempt.lease);
        Ok(if attempt.acquired { LeaseAttempt::Acquired(record) } else { LeaseAttempt::Held(record) })
    }

    /// An attempt of this call, or another's as far as that tells who holds the lease.
    async fn shared_attempt(&self, call: Call<'_>, request: &LeaseRequest, row: &NewLock) -> Result<Option<Attempt>> {
        Ok(match self.attempts.share(&self.table, call, || self.attempt(call, request, row.clone())).await? {
            By::This(attempt) => Some(attempt),
            By::Another(other) if other.lease.as_ref().is_none_or(|lease| !request.is_free(lease)) => {
                Some(Attempt { acquired: false, ..other })
            }
            By::Another(_) => None,
        })
    }

    async fn attempt(&self, call: Call<'_>, request: &LeaseRequest, row: NewLock) -> Result<Attempt> {
        let claim = &request.claim;
        // They give up a little earlier, so that there is time to release; the read does at once when the write has failed.
        let both = Call { deadline: call.deadline.with_reserve(), ..call };
        let write = self.table.write_lock(both, request, row);
        let read = async { Ok(self.table.read_page(both, true).await) };
        let (written, page) = match tokio::try_join!(write, read) {
            Ok((written, Ok(page))) => (written, page),
            Ok((LockWrite::Written, Err(error))) | Err(Unwritten { error, may_be_there: true }) => {
                self.release_at(call, claim).await;
                return Err(error);
            }
            Ok((_, Err(error))) | Err(Unwritten { error, may_be_there: false }) => return Err(error),
        };
        let (acquired, lease) = match written {
            LockWrite::Written => {
                self.consumed.forget(claim);
                let (owner, token) = (claim.owner.as_str().to_owned(), claim.token.as_str().to_owned());
                (true, Some(Lease { owner: Some(owner), token, expires_at: request.ends().get() }))
            }
            LockWrite::Refused(holder) => (false, holder.map(|holder| holder.lease)),
            LockWrite::Contended => (false, None),
        };
        Ok(Attempt { acquired, lease, page })
    }
}

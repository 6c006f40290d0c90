//! `tryAcquireLease`: the right to regenerate, or who has it, in one round trip.

use super::{Store, record};
use crate::error::Result;
use crate::model::{Lease, LeaseAttempt, LeaseRequest, Page};
use crate::table::{Call, LockWrite};

impl Store {
    /// Takes the lease if there is none, if it has expired by `request.now`, or if its owner is the caller's (which
    /// makes the former token worthless).
    ///
    /// The conditional write and the read of the page go out together. If the write succeeds and the read fails, the
    /// lease is released (best effort) and the read's error returned.
    ///
    /// # Errors
    /// `OutOfRange` for strings that make too large a row, and every kind that the network can cause.
    pub async fn try_acquire_lease(&self, request: &LeaseRequest) -> Result<LeaseAttempt> {
        let claim = &request.claim;
        let call = self.call("tryAcquireLease", &claim.key);
        let row = self.table.lock_row(request)?;
        // The read gives up a little earlier, so that there is time to release.
        let read = Call { deadline: call.deadline.with_reserve(), ..call };
        let (written, page) = tokio::join!(self.table.write_lock(call, request, row), self.table.read_page(read, true));
        let (acquired, lease) = match written? {
            LockWrite::Written => {
                self.consumed.forget(claim);
                let (owner, token) = (claim.owner.as_str().to_owned(), claim.token.as_str().to_owned());
                (true, Some(Lease { owner: Some(owner), token, expires_at: request.ends().get() }))
            }
            LockWrite::Refused(holder) => (false, holder.map(|holder| holder.lease)),
            LockWrite::Contended => (false, None),
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                if acquired {
                    self.release_at(call, claim).await;
                }
                return Err(error);
            }
        };
        let revalidate = page.as_ref().map(|page: &Page| page.revalidate).filter(|stored| stored.get() > 0.0);
        let record = record(&claim.key, page, revalidate.unwrap_or(request.fallback_revalidate), lease);
        Ok(if acquired { LeaseAttempt::Acquired(record) } else { LeaseAttempt::Held(record) })
    }
}

//! The right to publish one page once.

use super::{EntryKey, EpochMillis, LeaseMillis, LeaseOwner, LeaseToken, Record, RevalidateSeconds};

/// What a caller shows to commit or release: who it is and the token of its lease.
#[derive(Debug, Clone)]
pub struct LeaseClaim {
    /// Which page.
    pub key: EntryKey,
    /// Who acquired.
    pub owner: LeaseOwner,
    /// What the acquire returned.
    pub token: LeaseToken,
}

/// A wish to regenerate a page.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// What the lease will be, when it is granted; the token is new.
    pub claim: LeaseClaim,
    /// The caller's clock, the only one that counts.
    pub now: EpochMillis,
    /// How long the lease lasts.
    pub duration: LeaseMillis,
    /// What a page has that says nothing about its freshness.
    pub fallback_revalidate: RevalidateSeconds,
}

/// A lease that ends later than this from now has no end: somebody took milliseconds for seconds.
pub(crate) const LONGEST_BELIEVABLE_LEASE_MS: f64 = 7.0 * 24.0 * 60.0 * 60.0 * 1_000.0;

impl LeaseRequest {
    /// Whether `lease` may be taken: it has expired, or is the caller's own, or has no end. The table's condition says the
    /// same.
    #[must_use]
    pub fn is_free(&self, lease: &Lease) -> bool {
        let now = self.now.get();
        let is_believable = lease.expires_at <= now + LONGEST_BELIEVABLE_LEASE_MS;
        lease.expires_at <= now || !is_believable || lease.owner.as_deref() == Some(self.claim.owner.as_str())
    }

    /// When the lease ends if it is granted.
    #[must_use]
    pub fn ends(&self) -> EpochMillis {
        self.now.after(self.duration)
    }
}

/// A lease as the table has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// Who holds it; rows of other writers do not say.
    pub owner: Option<String>,
    /// The token that fences the publish.
    pub token: String,
    /// When it ends, in epoch milliseconds.
    pub expires_at: f64,
}

/// How an acquire ended. Losing is an answer and not an error.
#[derive(Debug, Clone, PartialEq)]
pub enum LeaseAttempt {
    /// The row held the caller's token.
    Acquired(Record),
    /// Somebody else holds the lease.
    Held(Record),
}

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

impl LeaseRequest {
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

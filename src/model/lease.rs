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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CacheKey;

    #[test]
    fn a_lease_is_free_when_it_has_ended_or_is_ones_own_or_has_no_believable_end() {
        let key = EntryKey::prefixed("", CacheKey::new("cacheKey", "k".to_owned()).expect("not empty"));
        let request = LeaseRequest {
            claim: LeaseClaim {
                key,
                owner: LeaseOwner::new("leaseOwner", "me".to_owned()).expect("not empty"),
                token: LeaseToken::new("leaseToken", "t".to_owned()).expect("not empty"),
            },
            now: EpochMillis::new("nowMs", 1_000.5).expect("in range"),
            duration: LeaseMillis::new("leaseDurationMs", 500.0).expect("in range"),
            fallback_revalidate: RevalidateSeconds::DEFAULT,
        };
        let week = 7.0 * 86_400_000.0;
        for (owner, expires_at, is_free) in [
            (Some("other"), 1_000.5, true),
            (Some("other"), 1_000.75, false),
            (None, 1_000.75, false),
            (Some("me"), 1_000.75, true),
            (Some("other"), 1_000.5 + week, false),
            (Some("other"), 1_000.75 + week, true),
        ] {
            let lease = Lease { owner: owner.map(str::to_owned), token: "u".to_owned(), expires_at };
            assert_eq!(request.is_free(&lease), is_free, "{lease:?}");
        }
    }
}

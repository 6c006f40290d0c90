//! The right to publish one page once.

use super::{EpochMillis, LeaseExpiry, LeaseMillis, LeaseOwner, LeaseToken, Record, RevalidateSeconds};

/// The owner and the token that a caller shows to commit or release.
#[derive(Debug, Clone)]
pub struct LeaseClaim {
    /// The owner that acquired.
    pub owner: LeaseOwner,
    /// The token that the acquire returned.
    pub token: LeaseToken,
}

/// A request for the lease of a page.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// The lease, if it is granted; the token is new.
    pub claim: LeaseClaim,
    /// The caller's clock, the only one that counts.
    pub now: EpochMillis,
    /// How long the lease lasts.
    pub duration: LeaseMillis,
    /// The freshness lifetime of a page that says nothing about it.
    pub fallback_revalidate: RevalidateSeconds,
}

/// A lease ending further ahead than this is treated as corrupt (milliseconds stored as seconds).
pub(crate) const MAX_PLAUSIBLE_LEASE_MS: f64 = 7.0 * 24.0 * 60.0 * 60.0 * 1_000.0;

impl LeaseRequest {
    /// Whether the caller may take `lease`. The table's condition says the same.
    #[must_use]
    pub fn is_free(&self, lease: &Lease) -> bool {
        lease.owner.as_deref() == Some(self.claim.owner.as_str()) || lease.state_at(self.now) != LeaseState::Held
    }

    /// When the lease ends if it is granted.
    #[must_use]
    pub fn expires_at(&self) -> LeaseExpiry {
        self.now.after(self.duration)
    }
}

/// A lease as the table has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The holder; rows of other writers name none.
    pub owner: Option<String>,
    /// The token that fences the publish.
    pub token: LeaseToken,
    /// When it ends.
    pub expires_at: LeaseExpiry,
}

/// The state of a lease at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// It has not expired.
    Held,
    /// It has expired: any caller may take it over.
    Expired,
    /// It ends more than seven days ahead and so counts as corrupt: any caller may take it over.
    Implausible,
}

impl Lease {
    /// Its state at `now`.
    #[must_use]
    pub fn state_at(&self, now: EpochMillis) -> LeaseState {
        let (expires_at, now) = (self.expires_at.get(), now.get());
        if expires_at <= now {
            LeaseState::Expired
        } else if expires_at <= now + MAX_PLAUSIBLE_LEASE_MS {
            LeaseState::Held
        } else {
            LeaseState::Implausible
        }
    }
}

/// How an acquire ended. A lease that another owner holds is an answer and not an error.
#[derive(Debug, Clone, PartialEq)]
pub enum LeaseAttempt {
    /// The row held the caller's token.
    Acquired(Record),
    /// The lease was not granted; the record has the holder's lease, if one is known.
    Held(Record),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_free_when_it_has_expired_or_is_the_callers_or_is_implausible() {
        let request = LeaseRequest {
            claim: LeaseClaim {
                owner: LeaseOwner::new("me".to_owned()).expect("not empty"),
                token: LeaseToken::new("t".to_owned()).expect("not empty"),
            },
            now: EpochMillis::new(1_000.5).expect("in range"),
            duration: LeaseMillis::new(500.0).expect("in range"),
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
            let lease = Lease {
                owner: owner.map(str::to_owned),
                token: LeaseToken::new("u".to_owned()).expect("not empty"),
                expires_at: LeaseExpiry::stored(expires_at).expect("finite"),
            };
            assert_eq!(request.is_free(&lease), is_free, "{lease:?}");
        }
    }
}

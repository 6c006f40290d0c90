//! Messages: requests, each of them complete in itself, and answers.

use super::lease::{CommitCall, Lease, Owner, Token};
use super::scale::{INVALIDATIONS, REQUEST_TOKENS};
use super::set::{Member, Set};
use super::time::Millis;

/// The party that has a lease, or requests one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) lease: Lease,
    pub(crate) token: Token,
    pub(crate) owner: Owner,
}

/// A transaction is one request, except in the mutants that make two of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    Whole,
    First,
    Second,
}

/// All attempts of a call send the same, with `attempt` 0, except in the mutant that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Request {
    /// `PutItem`: LOCK, if the lease is free at `now`.
    Acquire { claim: Claim, now: Millis },
    /// `TransactWriteItems`: META put and LOCK deleted, if the lease is the claim's and has not expired by `now`.
    Commit { claim: Claim, nth: u8, now: Millis, attempt: u8, part: Part },
    /// `DeleteItem`: LOCK, if the lease is the claim's.
    Release { claim: Claim },
    /// `TransactWriteItems`: META and LOCK deleted; or, softly, META marked as outdated if it is there, and LOCK deleted.
    Invalidate { call: Invalidation, is_soft: bool, attempt: u8, part: Part },
}

impl Request {
    /// The lease that the request concerns.
    pub(crate) fn lease(self) -> Option<Lease> {
        match self {
            Self::Acquire { claim, .. } | Self::Commit { claim, .. } | Self::Release { claim } => Some(claim.lease),
            Self::Invalidate { .. } => None,
        }
    }

    /// The client request token, if it is a transaction.
    pub(crate) fn token(self) -> Option<RequestToken> {
        match self {
            Self::Commit { claim, nth, attempt, part: Part::Whole, .. } => {
                Some(RequestToken { transaction: Transaction::Commit(CommitCall { lease: claim.lease, nth }), attempt })
            }
            Self::Invalidate { call, attempt, part: Part::Whole, .. } => {
                Some(RequestToken { transaction: Transaction::Invalidation(call), attempt })
            }
            _ => None,
        }
    }
}

/// A client request token, under which a transaction is applied at most once. Here it never expires: no late duplicate
/// outlives its signature, and no signature its request token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestToken {
    transaction: Transaction,
    attempt: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Transaction {
    Commit(CommitCall),
    Invalidation(Invalidation),
}

/// One invalidation call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Invalidation(pub(crate) u8);

pub(crate) type Invalidations = Set<Invalidation>;
pub(crate) type RequestTokens = Set<RequestToken>;

impl RequestToken {
    pub(crate) fn all_of(call: CommitCall) -> impl Iterator<Item = Self> {
        (0..REQUEST_TOKENS).map(move |attempt| Self { transaction: Transaction::Commit(call), attempt })
    }
}

impl Member for RequestToken {
    fn bit(self) -> u32 {
        let transaction = match self.transaction {
            Transaction::Invalidation(call) => call.bit(),
            Transaction::Commit(call) => u32::from(INVALIDATIONS) + call.bit(),
        };
        transaction * u32::from(REQUEST_TOKENS) + u32::from(self.attempt)
    }
}

impl Member for Invalidation {
    fn bit(self) -> u32 {
        u32::from(self.0)
    }
}

/// The result of one attempt for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The table is as the request would have it; `again`, if it already was.
    Done { again: bool },
    /// The condition failed.
    Refused,
    /// Another transaction is in the way; nothing happened.
    Conflict,
    /// Too many requests; nothing happened.
    Throttled,
    /// The time limit passed; anything may have happened.
    Silence,
}

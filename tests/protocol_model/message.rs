//! What travels: requests, each of them whole in itself, and answers.

use crate::lease::{CommitCall, Lease, Owner, Token};
use crate::set::{Member, Set};
use crate::time::Millis;

/// Who has a lease, or would like to.
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
    /// `TransactWriteItems`: META and LOCK deleted.
    Invalidate { attempt: u8, part: Part },
}

impl Request {
    /// Whose lease it is about.
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
                Some(RequestToken { call: Some(CommitCall { lease: claim.lease, nth }), attempt })
            }
            Self::Invalidate { attempt, part: Part::Whole } => Some(RequestToken { call: None, attempt }),
            _ => None,
        }
    }
}

/// A client request token, under which a transaction is applied at most once. Here it never runs out: no stray copy
/// outlives its signature, and no signature its request token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestToken {
    /// None for the invalidation.
    call: Option<CommitCall>,
    attempt: u8,
}

pub(crate) type RequestTokens = Set<RequestToken>;

impl RequestToken {
    /// The most attempts with a token of their own.
    const ATTEMPTS: u8 = 4;

    pub(crate) fn all_of(call: CommitCall) -> impl Iterator<Item = Self> {
        (0..Self::ATTEMPTS).map(move |attempt| Self { call: Some(call), attempt })
    }
}

impl Member for RequestToken {
    fn bit(self) -> u32 {
        self.call.map_or(0, |call| 1 + call.bit()) * u32::from(Self::ATTEMPTS) + u32::from(self.attempt)
    }
}

/// What a caller learns of one attempt.
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

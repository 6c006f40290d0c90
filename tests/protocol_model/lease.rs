//! Names of writers, leases and calls.
//!
//! A [`Lease`] is the request of one acquire call. The protocol knows it by its [`Token`] only; the model knows both,
//! and so notices when one token stands for two leases.

use std::fmt::{Display, Formatter, Result};

use super::scale::{COMMITS, ROUNDS, WRITERS};
use super::set::{Member, Set};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WriterId(pub(crate) u8);

impl WriterId {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..WRITERS).filter_map(|number| u8::try_from(number).ok()).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) u8);

/// The lease of one round of one writer, after any outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Lease {
    pub(crate) writer: WriterId,
    pub(crate) round: u8,
}

/// A fresh token is never the same twice, so it may as well be the lease that it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Token(pub(crate) Lease);

/// One commit call. A caller makes one for each lease or, where the bounds say so, two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CommitCall {
    pub(crate) lease: Lease,
    pub(crate) nth: u8,
}

pub(crate) type Leases = Set<Lease>;
pub(crate) type CommitCalls = Set<CommitCall>;

impl Lease {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        WriterId::all().flat_map(|writer| (0..ROUNDS).map(move |round| Self { writer, round }))
    }

    pub(crate) fn commits(self) -> impl Iterator<Item = CommitCall> {
        (0..COMMITS).map(move |nth| CommitCall { lease: self, nth })
    }
}

impl Member for Lease {
    fn bit(self) -> u32 {
        u32::from(self.writer.0) * u32::from(ROUNDS) + u32::from(self.round)
    }
}

impl Member for CommitCall {
    fn bit(self) -> u32 {
        self.lease.bit() * u32::from(COMMITS) + u32::from(self.nth)
    }
}

impl Display for WriterId {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", char::from(b'A' + self.0))
    }
}

impl Display for Lease {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}", self.writer, self.round + 1)
    }
}

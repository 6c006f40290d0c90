//! The numbers of a simulated run, for one key.

pub(crate) type Number = u64;

pub(crate) const MILLIS_PER_SECOND: Number = 1_000;
pub(crate) const LEASE_MILLIS: Number = 2_000;

/// Each acquire is a writer of its own, with one lease.
pub(crate) const WRITERS: usize = 256;
pub(crate) const ROUNDS: u8 = 1;
pub(crate) const COMMITS: u8 = 16;
pub(crate) const INVALIDATIONS: u8 = 255;
pub(crate) const REQUEST_TOKENS: u8 = 1;
pub(crate) const SET_WORDS: usize = 69;

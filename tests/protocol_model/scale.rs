//! The numbers of the model's world, as small as they can be. The simulation has others, and shares the rest.

/// The unit of times.
pub(crate) type Number = u8;

/// So few that every fraction of a second occurs.
pub(crate) const MILLIS_PER_SECOND: Number = 2;
/// How long a lease lasts. Not a whole number of seconds, so that some leases end within one.
pub(crate) const LEASE_MILLIS: Number = 3;

pub(crate) const WRITERS: usize = 3;
/// The most regenerations of one writer.
pub(crate) const ROUNDS: u8 = 2;
/// The most commit calls for one lease.
pub(crate) const COMMITS: u8 = 2;
/// The most invalidations.
pub(crate) const INVALIDATIONS: u8 = 1;
/// The most request tokens of one transaction, which a mutant has.
pub(crate) const REQUEST_TOKENS: u8 = 4;
/// How many numbers a set has for its members.
pub(crate) const SET_WORDS: usize = 1;

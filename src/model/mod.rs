//! Keys, times, leases, pages and records, without a word of `DynamoDB`.
//!
//! A value of these types can only be made from values that the contract allows, so no other module checks again.

mod key;
mod lease;
mod number;
mod page;
mod text;

use std::borrow::Cow;

pub use key::EntryKey;
pub(crate) use lease::MAX_PLAUSIBLE_LEASE_MS;
pub use lease::{Lease, LeaseAttempt, LeaseClaim, LeaseRequest, LeaseState};
pub use number::{EpochMillis, LeaseExpiry, LeaseMillis, RevalidateSeconds};
pub use page::{ContentType, Generation, Page, Record, Status, StrictCspPolicy};
pub(crate) use text::LARGEST_ITEM;
pub use text::{CacheKey, HtmlPointer, LeaseOwner, LeaseToken};

use crate::error::Error;

/// A value that the contract does not allow, and the rule that it breaks. Its name is known to the caller alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(Cow<'static, str>);

impl InvalidValue {
    /// `rule` continues a sentence that begins with the value's name: "must not be empty".
    pub fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        Self(rule.into())
    }

    /// The error for the value at `path`, such as `credentials.accessKeyId`.
    #[must_use]
    pub fn at(&self, path: &str) -> Error {
        Error::out_of_range(format!("{path} {}", self.0))
    }
}

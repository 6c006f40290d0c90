//! What the store is about, without a word of `DynamoDB`: keys, times, leases, pages and records.
//!
//! Every type here can only be made from values that the contract allows, so nothing below has to check again.

mod key;
mod lease;
mod number;
mod page;
mod text;

pub use key::EntryKey;
pub(crate) use lease::LONGEST_BELIEVABLE_LEASE_MS;
pub use lease::{Lease, LeaseAttempt, LeaseClaim, LeaseRequest};
pub use number::{EpochMillis, LeaseMillis, RevalidateSeconds};
pub use page::{
    DEFAULT_CONTENT_TYPE, DEFAULT_STATUS, Generation, Page, Record, StrictCspPolicy, content_type_or_default,
    status_or_default,
};
pub(crate) use text::LARGEST_ITEM;
#[cfg(all(feature = "node", not(test)))]
pub(crate) use text::not_empty;
pub use text::{CacheKey, HtmlPointer, LeaseOwner, LeaseToken};

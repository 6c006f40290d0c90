//! ISR metadata and regeneration leases in one `DynamoDB` table.
//!
//! A page that is regenerated incrementally has, per cache key, at most two rows in the table: **META**, what was
//! published, and **LOCK**, who may publish next. [`Store`] has the five operations on them. This is the protocol; all of
//! it is in the table's conditions, none in the processes' memory (but for one ghost, below), and no process's clock is compared with another's
//! except where that is said.
//!
//! # Limits
//!
//! One table in one region: its conditions order all writers. Global tables with writers in two regions have no such
//! order. A lease is not a mutex on rendering: when it runs out, a second renderer may begin while the first still
//! works. It is a fence on publishing: of those two, at most one publishes.
//!
//! # Schema
//!
//! The rows are TableTheory's (`docs/facetheory/isr-cache-schema.md` there), with additions that its readers ignore;
//! `table/schema.rs` lists them all. Times in the shared attributes are whole epoch seconds: births are rounded down, ends
//! of leases up, so that a reader of whole seconds never takes a lease early. The exact value stands beside each, and
//! counts only while it agrees. `ttl` is garbage collection, and is never read.
//!
//! # Steps
//!
//! 1. **get** reads both rows with one Query.
//! 2. **acquire** ([`Store::try_acquire_lease`]) puts LOCK with a new token, on the condition that the lease is free: there
//!    is no LOCK, or it has expired by the caller's clock, or its owner is the caller, or it is broken. At the same time it
//!    reads META. A refused put returns the row that refused it: that is the holder.
//! 3. The winner renders and stores the HTML. The others poll **get**, or serve what is stale.
//! 4. **commit** ([`Store::commit_generation`]) puts META and deletes LOCK in one transaction, on the condition that LOCK
//!    still has the caller's token and owner and has not expired by the caller's clock, in whole seconds. Whoever took the
//!    lease over, or invalidated, has removed the token: the commit is refused, and will be for ever.
//! 5. **release** ([`Store::release_lease`]) deletes LOCK on the condition that it has the caller's token and owner.
//! 6. **invalidate** ([`Store::invalidate`]) deletes both rows in one transaction, without a condition, and with LOCK the
//!    token of any regeneration in flight.
//!
//! # Retries
//!
//! A request whose answer was lost may have taken effect. Each step can be sent again:
//!
//! * The acquire's condition lets the same owner in again, so a second put that meets the row of the first succeeds, with
//!   the same token and the same end.
//! * A transaction is sent again under one client request token, under which `DynamoDB` applies it at most once, and
//!   answers as it answered first.
//! * A release that meets no row of ours has nothing to do.
//!
//! What a retry cannot close: a duplicate of an acquire, delivered by the network after its lease was given back, brings
//! LOCK back with the old token. Until it expires it blocks others (a *ghost*). A store refuses a token that it has committed
//! (it remembers the last 1,024); but a regeneration that is still in flight, across an invalidation or after its lease was
//! taken over, finds its token again. Only a counter read before every acquire would close that.
//!
//! # Sharing
//!
//! Within one store, reads of one key that are under way at the same time share a request, and so do acquires. A call only
//! shares what is sent after it began, so all of the above is true of it too. A store with `max_staleness` answers some reads
//! from memory, which may be outdated by that much, but not by its own changes.
//!
//! `docs/protocol.md` has the promises by name, and how each is checked.
//!
//! # Example
//!
//! ```no_run
//! use tabletheory_isr::{CacheKey, Config, Environment, Store, TableName};
//!
//! # async fn example() -> tabletheory_isr::Result<()> {
//! let mut config = Config::new(TableName::new("isr")?);
//! config.environment = Environment::from_iter(std::env::vars());
//! let store = Store::new(config);
//! let key = store.key(CacheKey::new("cacheKey", "default::/?".to_owned())?);
//! let record = store.get(&key).await?;
//! # Ok(())
//! # }
//! ```

#[cfg(all(feature = "node", not(test)))]
#[doc(hidden)]
pub mod binding;
mod config;
mod error;
mod locked;
mod model;
mod store;
mod table;

pub use config::{
    Config, DEFAULT_PK_PREFIX, ENDPOINT_VARIABLES, Endpoint, Environment, TABLE_NAME_VARIABLES, TableName, UniqueIds,
};
pub use error::{Error, ErrorKind, Result};
pub use model::{
    CacheKey, DEFAULT_CONTENT_TYPE, DEFAULT_STATUS, EntryKey, EpochMillis, Generation, HtmlPointer, Lease,
    LeaseAttempt, LeaseClaim, LeaseMillis, LeaseOwner, LeaseRequest, LeaseToken, Page, Record, RevalidateSeconds,
    StrictCspPolicy, content_type_or_default, status_or_default,
};
pub use store::Store;
pub use table::{Description, Inspection, Listed, Listing, Position, Probe, ProbeRequest, Tally, tallied};

//! ISR metadata and regeneration leases in one `DynamoDB` table.
//!
//! A page that is regenerated incrementally has at most two rows in the table per cache key. **META** describes the
//! published page. **LOCK** holds the lease of the caller that may publish next. [`Store`] has the five operations on
//! them. The protocol is in the table's conditions, not in the processes' memory (with one exception, see "Retries").
//! No process's clock is compared with another's, except where this page says so.
//!
//! Terms are those of the [glossary](https://github.com/theory-cloud/tabletheory-isr/blob/main/docs/glossary.md).
//! `docs/protocol.md` has the promises by name, and how each is checked.
//!
//! # Layout
//!
//! The arrow is `binding` to `store` and `admin`, to `table`, to `aws`; they use `model`, `config` and `call`.
//!
//! | module | content |
//! |---|---|
//! | `model` | keys, times, leases, pages: values that the contract allows |
//! | `config` | the settings of a store, and the table of options |
//! | `call` | a call's operation, key, deadline and statistics, handed down to each request |
//! | `store` | the five operations, and the rules for crowds and fleets: a file each |
//! | `admin` | the operator's side: describe, probe, inspect, list, survey, create the table |
//! | `table` | the DynamoDB dialect: schema, conditions, rows, reads and writes |
//! | `aws` | client, credentials, connections, TLS, retries, errors of requests |
//! | `binding` | the JavaScript class; the only place that names napi |
//!
//! # Limits
//!
//! One table in one region: its conditions order all writers. Global tables with writers in two regions have no such
//! order. A lease is not a mutex on rendering: when it expires, a second renderer may begin while the first still works.
//! It is a fence on publishing: at most one of the two publishes.
//!
//! # Schema
//!
//! The rows are TableTheory's (`docs/facetheory/isr-cache-schema.md` there), with additions that its readers ignore;
//! `table/schema.rs` lists them all. Times in the shared attributes are whole epoch seconds. Generation times are rounded
//! down and expiries up, so that a reader of whole seconds never takes a lease early. The exact value stands beside each,
//! and counts only while it agrees. `ttl` is garbage collection, and is never read.
//!
//! # Steps
//!
//! 1. **get** reads both rows with one Query.
//! 2. **acquire** ([`Store::try_acquire_lease`]) puts LOCK with a new token, on the condition that the lease is free.
//!    A lease is free if LOCK is absent or broken, has expired by the caller's clock, or has the caller as its owner.
//!    At the same time it reads META. A refused put returns the row that refused it: that is the holder.
//! 3. The winner renders and stores the HTML. The others poll **get**, or serve a stale page.
//! 4. **commit** ([`Store::commit_generation`]) puts META and deletes LOCK in one transaction. Its condition: LOCK
//!    still has the caller's token and owner, and has not expired by the caller's clock, in whole seconds. A takeover
//!    or an invalidation has removed the token: then the commit is refused, and will be for ever.
//! 5. **release** ([`Store::release_lease`]) deletes LOCK on the condition that it has the caller's token and owner.
//! 6. **invalidate** ([`Store::invalidate`]) deletes both rows in one transaction, without a condition. With LOCK goes the
//!    token of any regeneration in flight. Soft invalidation keeps META and marks it as stale.
//!
//! # Retries
//!
//! A request whose answer was lost may have been applied. Each step can be sent again:
//!
//! * The acquire's condition admits the same owner again, so a second put that meets the row of the first succeeds, with
//!   the same token and the same expiry.
//! * A transaction is sent again under one client request token, under which `DynamoDB` applies it at most once, and
//!   answers as it answered first.
//! * A release that finds no row of its caller has nothing to do.
//!
//! One case stays open: a late duplicate of an acquire, delivered by the network after its lease was removed, brings LOCK
//! back with the old token. Until it expires it blocks other callers. A store refuses a token that it has committed (it
//! keeps the last 1,024). A regeneration that is still in flight, across an invalidation or after a takeover, finds
//! its token again. Only a counter read before every acquire would close that.
//!
//! # Crowds and fleets
//!
//! * **Request coalescing.** Concurrent reads of a key share a request, and so do concurrent acquires. A call shares only
//!   a request that is sent after it began, so each promise to a call that goes alone holds for one that shares.
//! * **Recently seen lease.** An acquire is answered from a consistent read of the same store that began at most 100 ms
//!   before it. So `Held` means: the lease was in the row during the call, or at most 100 ms before it.
//! * **Double check.** A lease is not granted for a page that was published after the caller looked. A page that is
//!   published between the read of META and the put is still rendered once more.
//! * **Paced polling, patient retries, circuit breaker.** They delay or refuse requests, and change no answer.
//! * **`maxStalenessMs`, `staleIfErrorMs`, `earlyRefresh`** trade freshness for requests or availability, and are off by
//!   default.
//!
//! # Example
//!
//! ```no_run
//! use tabletheory_isr::{CacheKey, Config, Environment, Operation, Store, TableName};
//!
//! # async fn example() -> tabletheory_isr::Result<()> {
//! let mut config = Config::new(TableName::new("isr")?);
//! config.environment = Environment::from_iter(std::env::vars());
//! let store = Store::new(config);
//! let key = CacheKey::new("default::/?".to_owned()).map_err(|error| error.at("cacheKey"))?;
//! let call = store.call(Operation::Get, store.key(key));
//! let record = store.get(&call).await?;
//! # Ok(())
//! # }
//! ```

mod admin;
mod aws;
#[cfg(all(feature = "node", not(test)))]
#[doc(hidden)]
pub mod binding;
mod call;
mod clock;
mod config;
mod error;
mod model;
mod store;
mod sync;
mod table;

pub use admin::{Inspection, Listed, Listing, Position, PrefixCount, Probe, ProbeRequest, Survey, TableInfo};
#[doc(hidden)]
pub use aws::http_client;
pub use call::{Call, CallStats, Operation};
pub use config::{
    BooleanOption, Config, CredentialsSource, DEFAULT_PK_PREFIX, ENDPOINT_VARIABLES, Endpoint, Environment, FleetRules,
    NumberOption, OnWarning, OptionKind, OptionSpec, Range, TABLE_NAME_VARIABLES, TableName, UniqueIds, options,
};
pub use error::{Error, ErrorKind, Result};
pub use model::{
    CacheKey, ContentType, EntryKey, EpochMillis, Generation, HtmlPointer, InvalidValue, Lease, LeaseAttempt,
    LeaseClaim, LeaseExpiry, LeaseMillis, LeaseOwner, LeaseRequest, LeaseState, LeaseToken, Page, Record,
    RevalidateSeconds, Status, StrictCspPolicy,
};
pub use store::Store;

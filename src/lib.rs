//! ISR metadata and regeneration leases in one `DynamoDB` table.
//!
//! The page of a cache key has at most two rows in the table. **META** describes the published page. **LOCK** holds the
//! lease: the permission of one caller to publish the next page. [`Store`] has the five operations on these rows.
//!
//! The protocol depends on the table's conditions, and not on the memory of processes. The list of committed tokens is
//! the only exception (see "Retries"). A condition compares the `now` of one caller with the expiry that another caller
//! has written. No condition contains the time of this machine.
//!
//! The [glossary](https://github.com/theory-cloud/tabletheory-isr/blob/main/docs/glossary.md) defines the terms.
//! `docs/protocol.md` has the whole protocol, with its promises, limits and checks. The text here repeats the steps in
//! short, beside the code. If the two differ, `docs/protocol.md` counts.
//!
//! # Layout
//!
//! A module uses only modules in later rows of this table. Every module can use those of the last row.
//!
//! | module | content |
//! |---|---|
//! | `binding` | the JavaScript class; the only place that names napi |
//! | `admin` | the operator's side: describe, probe, inspect, list, survey, create the table |
//! | `store` | the five operations, a file each, and most of the rules for a fleet |
//! | `table` | the DynamoDB dialect: schema, conditions, rows, reads and writes |
//! | `aws` | client, credentials, connections, TLS, retries, errors of requests |
//! | `config` | the settings of a store, and the table of options |
//! | `model` | keys, times, leases, pages: values that the contract allows |
//! | `call`, `clock`, `error`, `shared_task`, `sync` | a call's deadline and statistics; two clocks; the error type; one task that many callers await; one way to lock |
//!
//! # Limits
//!
//! The store works with one table in one region, whose conditions order all writers. Global tables with writers in two
//! regions have no such order. A lease does not exclude other renders: after it expires, a second renderer may begin
//! while the first still works. A lease is a fence on publishing: of these two renderers, at most one publishes. Late
//! duplicates are the exception (see "Retries").
//!
//! # Schema
//!
//! The rows are TableTheory's (`docs/facetheory/isr-cache-schema.md` there), with additions that its readers ignore;
//! `table/schema.rs` lists them all. Times in the shared attributes are whole epoch seconds. Generation times are
//! rounded down and expiries up, so that a reader of whole seconds never takes a lease early. Beside each of them,
//! another attribute has the exact time. It counts only if it rounds to the shared attribute. If not, another writer
//! has changed the shared attribute since. `ttl` is for the deletion by DynamoDB, and no operation reads it.
//!
//! # Steps
//!
//! 1. **get** reads both rows with one Query.
//! 2. **acquire** ([`Store::try_acquire_lease`]) puts LOCK with a new token, on the condition that the lease is free.
//!    It is free if LOCK is absent or unusable, has expired by the caller's clock, or has the caller as its owner. An
//!    owner's first token ends when the owner acquires again. At the same time, acquire reads META. If the put is
//!    refused, its answer has the LOCK row, and so the holder's lease.
//! 3. The caller that has acquired the lease renders and stores the HTML. The others poll **get**, or serve a stale
//!    page.
//! 4. **commit** ([`Store::commit_generation`]) puts META and deletes LOCK in one transaction. Its condition: LOCK
//!    still has the caller's token and owner, and has not expired by the caller's clock, in whole seconds. A take-over
//!    or an invalidation removes the token. Then the commit is refused, and never takes effect later, except by late
//!    duplicates (see "Retries").
//! 5. **release** ([`Store::release_lease`]) deletes LOCK on the condition that it has the caller's token and owner.
//! 6. **invalidate** ([`Store::invalidate`]) deletes both rows in one transaction, without a condition. With LOCK goes
//!    the token of any regeneration in flight. Soft invalidation keeps META and marks it as stale.
//!
//! # Retries
//!
//! If the answer to a request is lost, the request may have taken effect. It can be sent again without harm:
//!
//! * The acquire's condition admits the same owner again. So a second put that meets the row of the first succeeds. It
//!   has the same token and the same expiry.
//! * All attempts at a transaction carry one client request token. Within ten minutes, `DynamoDB` applies it at most
//!   once, and repeats its first answer. A call lasts at most five minutes.
//! * A release that finds no row of its caller has nothing to do.
//!
//! One case stays open: the network delivers a late duplicate of an acquire after its lease was removed. The duplicate
//! brings LOCK back with the old token, and blocks other callers until that LOCK expires. A regeneration with that token
//! can still be in flight, after an invalidation or a take-over. Then it can commit: it publishes a page that the
//! invalidation was to prevent, or replaces a newer page. A store refuses a token that it has committed (it keeps the
//! last 1,024). Only a counter that each acquire reads first would close the case.
//!
//! # Rules for a fleet
//!
//! `docs/protocol.md` lists all rules, and the effect of each on the promises. These rules matter to a caller of
//! [`Store`]:
//!
//! * **Request coalescing.** Concurrent reads of a key share a request, and so do concurrent acquires. A call shares
//!   only a request that is sent after the call began. So the promises of a call do not depend on whether it shares.
//! * **Recently seen lease.** A consistent read of the same store can answer an acquire that is made at most 100 ms
//!   later. So a lease in [`LeaseAttempt::Held`] was in the row during the call, or at most 100 ms before it.
//! * **Double check.** A lease is not granted if META has a page that is newer than the one from this store's last
//!   `get`. The page must stay fresh for at least a second. A lease that was acquired already is released. A page that
//!   is published between the read of META and the put is still rendered once more.
//! * **Paced polling** delays reads while another owner holds the lease. **Patient retries** repeat a throttled request
//!   until the call's deadline. The **circuit breaker** refuses calls while the table does not answer. These rules do not
//!   change the content of an answer.
//! * The **page cache**, **stale if error** and **early refresh** trade freshness for fewer requests or for
//!   availability. Each has an option, and is off by default.
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
mod shared_task;
mod store;
mod sync;
mod table;

pub use admin::{Inspection, Listed, Listing, Position, PrefixCount, Probe, ProbeRequest, Survey, TableInfo};
#[doc(hidden)]
pub use aws::http_client;
pub use call::{Call, CallStats, Operation};
pub use config::{
    BooleanOption, Config, CredentialsSource, DEFAULT_PK_PREFIX, ENDPOINT_VARIABLES, Endpoint, Environment, FleetRules,
    FunctionOption, NumberOption, OnWarning, OptionKind, OptionSpec, Range, TABLE_NAME_VARIABLES, TableName,
    TextOption, UniqueIds, options,
};
pub use error::{Error, ErrorKind, Result};
pub use model::{
    CacheKey, ContentType, EntryKey, EpochMillis, Generation, HtmlPointer, InvalidValue, Lease, LeaseAttempt,
    LeaseClaim, LeaseExpiry, LeaseMillis, LeaseOwner, LeaseRequest, LeaseState, LeaseToken, Page, Record,
    RevalidateSeconds, Status, StrictCspPolicy,
};
pub use store::Store;

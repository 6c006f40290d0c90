//! The JavaScript face: one class. This folder is the only place that names napi.
//!
//! A call comes in through the class, which checks and reads its input (`input`), and runs on the store. It settles its
//! promise with an object (`output`) or an error (`error`) that is made on the JavaScript thread.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "the reference's lifetime bounds the engine's handles")]
#![expect(unreachable_pub, reason = "what napi exports to JavaScript must be pub, and is not exported to Rust")]

mod admin;
mod credential_provider;
mod error;
mod input;
mod on_operation;
mod options;
mod output;
mod runtime;
mod shared_cores;
mod trusted_certificates;

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Object, PromiseRaw, This, ToNapiValue, Undefined, Unknown};
use napi_derive::napi;

use self::error::throw;
use self::input::InputReader;
use self::on_operation::{OperationSpan, Outcome};
use self::options::Callbacks;
use self::output::{IsrMetaRecord, TryAcquireIsrLeaseResult};
use self::runtime::js_thread::{JsThread, Task};
use self::runtime::promise::{promise, rejected};
use self::runtime::receiver;
use self::runtime::value::ArgResult;
use crate::{Call, Config, EntryKey, Error, Operation, Result, Store};

/// Done when the addon is loaded.
pub fn loaded(exports: &mut Object<'_>, env: &Env) -> napi::Result<()> {
    // Not at the first call, whose asynchronous context (AsyncLocalStorage) would then be kept for ever.
    JsThread::of(env)?;
    receiver::reject_foreign_receivers(exports, env)?;
    admin::hide(exports)
}

/// ISR metadata and regeneration leases in one DynamoDB table, as FaceTheory's `isr.metaStore`.
///
/// Construct one store at module scope and keep it, because it holds the connections. A method never throws: it
/// returns a promise, which settles within `operationTimeoutMs` (`ensureTable`: 60 seconds). If the call fails, the
/// promise rejects with an `IsrStoreFailure`.
#[napi]
pub struct FaceTheoryIsrMetaStore {
    store: Arc<Store>,
    callbacks: Callbacks,
}

#[napi]
impl FaceTheoryIsrMetaStore {
    /// Constructs a store for the table. The constructor sends no request and needs no credentials. The first call
    /// resolves region and credentials, and rejects with `ErrConfig` if the region is missing.
    ///
    /// @param tableName The table's name or ARN, or an object with `tableName` and the options. Default: the first
    /// non-blank of `FACETHEORY_CACHE_TABLE_NAME`, `APPTHEORY_CACHE_TABLE_NAME`, `CACHE_TABLE_NAME` and `CACHE_TABLE`.
    /// @param options The options, if `tableName` is not an object. `FaceTheoryIsrMetaStoreOptions` lists the
    /// defaults.
    /// @throws `ErrConfig` if no table name is given or found, or if `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is
    /// malformed. `ErrInvalidArgument` for an impossible table name, an unknown option, or two objects of options. The
    /// same code for an option of the wrong type (`TypeError`) or out of range (`RangeError`).
    #[napi(
        constructor,
        catch_unwind,
        ts_args_type = "tableName?: string | FaceTheoryIsrMetaStoreConfig | undefined, options?: FaceTheoryIsrMetaStoreOptions | undefined"
    )]
    pub fn new(env: &Env, this: This<'_>, table_name: Unknown<'_>, options: Unknown<'_>) -> napi::Result<Self> {
        // The engine does not tell natives whether they were called with `new`.
        if !receiver::is_new(env, &this) {
            let error = Error::wrong_type(format!("{} must be called with new", receiver::CLASS));
            return Err(throw(env, &error.into()));
        }
        Self::made(env, options::read(env, table_name, Some(options)))
    }

    fn made(env: &Env, options: ArgResult<'_, (Config, Callbacks)>) -> napi::Result<Self> {
        let (config, callbacks) = options.map_err(|refusal| throw(env, &refusal))?;
        Ok(Self { store: shared_cores::core(config, &callbacks), callbacks })
    }

    /// Returns the record of a cache key, by one strongly consistent read. The options `consistentRead`,
    /// `maxStalenessMs`, `staleIfErrorMs` and `earlyRefresh` change this.
    ///
    /// Concurrent calls for one key share one request. It is sent after each of these calls began, so no answer is
    /// older than its call. Calls made in one tick of the event loop are sent at the end of the tick. While another
    /// owner holds the page's lease, the store can delay a call, so that polls do not overload the table.
    ///
    /// @returns The record, or `null` if neither a page nor a lease exists. The lease fields are those of the LOCK
    /// row, even if the lease has expired. Without a lease they are `null`, `null` and 0.
    /// @throws `ErrInvalidArgument` if the cache key is not a non-empty string of valid Unicode. `ErrThrottled`,
    /// `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and
    /// `ErrUnexpected` as `IsrStoreErrorCode` says.
    #[napi(catch_unwind, ts_args_type = "cacheKey: string", ts_return_type = "Promise<IsrMetaRecord | null>")]
    pub fn get<'e>(&'e self, env: &'e Env, cache_key: Unknown<'e>) -> Promised<'e, Option<IsrMetaRecord>> {
        let key = match self.reader(env).entry_key(cache_key) {
            Ok(key) => key,
            Err(refusal) => return rejected(env, &refusal),
        };
        if self.callbacks.listener.is_none()
            && let Some(record) = self.store.cached(&key)
        {
            return PromiseRaw::resolve(env, Some(record.into()));
        }
        let call = self.store.call(Operation::Get, key);
        let work = self.store.get(&call);
        self.promise(env, &call, async move { Ok(work.await?.map(IsrMetaRecord::from)) }, |_| Outcome::Success)
    }

    /// Deletes a page and its lease in one transaction. A regeneration that has begun can then no longer commit
    /// (docs/protocol.md has one exception). With `softInvalidation`, the page is marked as stale instead.
    ///
    /// The call also resolves for a key that does not exist. The HTML itself stays in the object store. The memory of
    /// other processes stays too: with `maxStalenessMs` or `staleIfErrorMs`, they can still return the page for that
    /// time.
    ///
    /// @throws `ErrInvalidArgument` if the cache key is not a non-empty string of valid Unicode. `ErrConflict` if
    /// another transaction conflicted with each attempt. `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`,
    /// `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
    #[napi(catch_unwind, ts_args_type = "cacheKey: string", ts_return_type = "Promise<void>")]
    pub fn invalidate<'e>(&'e self, env: &'e Env, cache_key: Unknown<'e>) -> Promised<'e, Undefined> {
        match self.reader(env).entry_key(cache_key) {
            Ok(key) => {
                let call = self.store.call(Operation::Invalidate, key);
                self.promise(env, &call, self.store.invalidate(&call), |()| Outcome::Success)
            }
            Err(refusal) => rejected(env, &refusal),
        }
    }

    /// Acquires the lease if it is free at `nowMs`: it does not exist, has expired, is unusable, or belongs to
    /// `leaseOwner`. In the last case, only the new token is valid. The call usually takes one round trip.
    ///
    /// @returns `acquired: true` with a token and the record. Otherwise `acquired: false`, with the holder's lease in
    /// the record. The record has no lease if another caller has just published a newer page, or if conflicts with
    /// other transactions refused each attempt.
    /// @throws `ErrInvalidArgument` for invalid input, and for strings that make a row above DynamoDB's 400 KB.
    /// `ErrConflict` if the last attempt met a conflict, and an earlier attempt may have acquired the lease.
    /// `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
    /// `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
    #[napi(
        catch_unwind,
        ts_args_type = "input: TryAcquireIsrLeaseInput",
        ts_return_type = "Promise<TryAcquireIsrLeaseResult>"
    )]
    pub fn try_acquire_lease<'e>(&'e self, env: &'e Env, input: Unknown<'e>) -> Promised<'e, TryAcquireIsrLeaseResult> {
        match self.reader(env).lease_request(input) {
            Ok((key, request)) => {
                let call = self.store.call(Operation::TryAcquireLease, key);
                let work = self.store.try_acquire_lease(&call, request);
                self.promise(env, &call, async move { Ok(work.await?.into()) }, |result: &TryAcquireIsrLeaseResult| {
                    if result.acquired { Outcome::Success } else { Outcome::Held }
                })
            }
            Err(refusal) => rejected(env, &refusal),
        }
    }

    /// Publishes a page and removes its lease in one transaction, if the LOCK row still has the caller's token and
    /// owner.
    ///
    /// The lease must not have expired by `nowMs` (default: `generatedAt`). Whole seconds are compared: the expiry
    /// rounded up, `nowMs` rounded down. FaceTheory takes `generatedAt` before it renders. So a slow render can commit
    /// after the expiry, unless another caller has taken the lease over. A token can commit once.
    ///
    /// @throws `ErrLeaseNotOwned` (`IsrLeaseConflictError`) if the lease was lost: this commit published nothing.
    /// `ErrInvalidArgument` for invalid input. `ErrConflict` if another transaction conflicted with each attempt.
    /// After `ErrTimeout` and `ErrUnavailable`, the page may or may not have been published. If it was, a repeated
    /// commit rejects with `ErrLeaseNotOwned`. `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`,
    /// `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
    #[napi(catch_unwind, ts_args_type = "input: CommitIsrGenerationInput", ts_return_type = "Promise<void>")]
    pub fn commit_generation<'e>(&'e self, env: &'e Env, input: Unknown<'e>) -> Promised<'e, Undefined> {
        match self.reader(env).generation(input) {
            Ok((key, generation)) => {
                let call = self.store.call(Operation::CommitGeneration, key);
                self.promise(env, &call, self.store.commit_generation(&call, generation), |()| Outcome::Success)
            }
            Err(refusal) => rejected(env, &refusal),
        }
    }

    /// Removes a lease without publishing a page, if the LOCK row still has the caller's token and owner. Otherwise
    /// the call does nothing.
    ///
    /// The call sends nothing after this store's own commit. It also resolves if DynamoDB cannot be reached or denies
    /// access. A lease that was not deleted ends at its expiry.
    ///
    /// @throws `ErrInvalidArgument` for invalid input.
    #[napi(catch_unwind, ts_args_type = "input: ReleaseIsrLeaseInput", ts_return_type = "Promise<void>")]
    pub fn release_lease<'e>(&'e self, env: &'e Env, input: Unknown<'e>) -> Promised<'e, Undefined> {
        match self.reader(env).lease_claim(input) {
            Ok((key, claim)) => {
                let call = self.store.call(Operation::ReleaseLease, key);
                let work = self.store.release_lease(&call, claim);
                let work = async move {
                    work.await;
                    Ok(())
                };
                self.promise(env, &call, work, |()| Outcome::Success)
            }
            Err(refusal) => rejected(env, &refusal),
        }
    }

    /// Creates the table if it does not exist (on-demand billing), and turns on TTL for the attribute `ttl`. The call
    /// waits until the table is usable, for at most 60 seconds. The method is for local development and tests.
    ///
    /// @throws `ErrConfig` if a table of that name has other keys, or its TTL on another attribute. The other codes
    /// are `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and
    /// `ErrUnexpected`, as `IsrStoreErrorCode` says.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn ensure_table<'e>(&'e self, env: &'e Env) -> Promised<'e, Undefined> {
        let call = self.store.call(Operation::EnsureTable, ());
        let (store, work) = (Arc::clone(&self.store), call.clone());
        let span = self.span(&call, None);
        promise(env, settled(span, async move { store.ensure_table(&work).await }, |()| Outcome::Success))
    }

    /// The promise of a call's work.
    fn promise<'e, T: ToNapiValue + Send + 'static>(
        &'e self,
        env: &'e Env,
        call: &Call,
        work: impl Future<Output = Result<T>> + Send + 'static,
        outcome: fn(&T) -> Outcome,
    ) -> Promised<'e, T> {
        promise(env, settled(self.span(call, Some(call.key())), work, outcome))
    }

    fn span<K>(&self, call: &Call<K>, key: Option<&EntryKey>) -> Option<OperationSpan> {
        OperationSpan::begin(self.callbacks.listener.as_ref(), call.operation(), key, call.stats())
    }

    fn reader<'e>(&'e self, env: &'e Env) -> InputReader<'e> {
        InputReader { env, store: &self.store, callbacks: &self.callbacks }
    }
}

/// The result of `work`, and the report to the listener.
async fn settled<T>(
    span: Option<OperationSpan>,
    work: impl Future<Output = Result<T>>,
    outcome: fn(&T) -> Outcome,
) -> (Result<T>, Option<Task>) {
    let result = work.await;
    let outcome = result.as_ref().map_or_else(|error| Outcome::Failure(error.kind()), outcome);
    let report = span.map(|span| Box::new(move |env: &Env| span.report(env, outcome)) as Task);
    (result, report)
}

type Promised<'e, T> = napi::Result<PromiseRaw<'e, T>>;

/// Constructs a store, as `new FaceTheoryIsrMetaStore(options)` does. TableTheory's factory has the same name.
///
/// @throws The errors of the constructor.
#[napi(catch_unwind, ts_args_type = "options?: FaceTheoryIsrMetaStoreConfig | undefined")]
pub fn create_face_theory_isr_meta_store(env: &Env, options: Unknown<'_>) -> napi::Result<FaceTheoryIsrMetaStore> {
    FaceTheoryIsrMetaStore::made(env, options::read_object(env, options))
}

/// Whether `error` is an error of a store: an `Error` with `retryable` and one of the store's codes.
#[napi(catch_unwind, ts_args_type = "error: unknown", ts_return_type = "error is IsrStoreFailure")]
#[must_use]
pub fn is_isr_store_error(env: &Env, error: Unknown<'_>) -> bool {
    error::is_ours(env, error)
}

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
/// Make one at module scope and keep it: it holds the connections. Its methods never throw. Each returns a promise that
/// settles within `operationTimeoutMs` (`ensureTable`: 60 seconds) and rejects with an `IsrStoreFailure`.
#[napi]
pub struct FaceTheoryIsrMetaStore {
    store: Arc<Store>,
    callbacks: Callbacks,
}

#[napi]
impl FaceTheoryIsrMetaStore {
    /// Makes a store for the table. It sends no request and needs no credentials: those are resolved at the first call.
    ///
    /// @param tableName The table's name or ARN, or an object with `tableName` and the options. Default: the first
    /// non-blank of `FACETHEORY_CACHE_TABLE_NAME`, `APPTHEORY_CACHE_TABLE_NAME`, `CACHE_TABLE_NAME` and `CACHE_TABLE`.
    /// @param options Omitted options take the defaults that `FaceTheoryIsrMetaStoreOptions` lists.
    /// @throws `ErrConfig` when no table name is given or found.
    /// @throws `ErrInvalidArgument` for an impossible table name, an unknown option, and an option of the wrong type
    /// (`TypeError`) or out of range (`RangeError`).
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

    /// Returns the record of a cache key, with one strongly consistent request (unless `consistentRead` is `false`).
    ///
    /// Concurrent calls for the same key share one request, which is sent after each of them began. Calls of one tick of
    /// the event loop leave together at its end.
    ///
    /// @returns The record, or `null` when there is neither a page nor a lease. The lease fields are as stored, also
    /// when the lease has expired; `null`, `null` and 0 without a lease.
    /// @throws `ErrInvalidArgument` when the cache key is not a non-empty string.
    /// @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
    /// `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
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

    /// Deletes a page and its lease in one transaction, so that a regeneration that has begun cannot commit (docs/protocol.md
    /// has one exception). With `softInvalidation` the page is marked as stale instead of deleted.
    ///
    /// Resolves for a key that does not exist. The HTML itself stays in the object store.
    ///
    /// @throws `ErrInvalidArgument` when the cache key is not a non-empty string; `ErrConflict` when another transaction
    /// conflicted with every attempt.
    /// @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
    /// `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
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

    /// Acquires the lease if it is free at `nowMs`: it does not exist, has expired, or belongs to `leaseOwner` (then the
    /// previous token stops working). Usually one round trip.
    ///
    /// @returns `acquired: true` with a token and the record; or `acquired: false` with the holder's lease in the record.
    /// The record has no lease if another caller has just published a newer page, or if other transactions blocked every
    /// attempt.
    /// @throws `ErrInvalidArgument` for bad input, also when its strings make a row above DynamoDB's 400 KB.
    /// `ErrConflict` when the last attempt met a conflict and an earlier attempt may have taken effect.
    /// @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
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

    /// Publishes a page and removes its lease, both or neither, if the lease is still the caller's.
    ///
    /// The lease must not have expired by `nowMs` (`generatedAt` when that is absent), rounded down to whole seconds. So the
    /// commit of a slow render can succeed after the lease has expired. A token can commit once.
    ///
    /// @throws `ErrLeaseNotOwned` (`IsrLeaseConflictError`) when the lease was lost: this render was not published, and its
    /// token cannot publish it. `ErrInvalidArgument` for bad input. `ErrConflict` when another transaction conflicted with every attempt.
    /// After `ErrTimeout` and `ErrUnavailable` the page may or may not have been published.
    /// @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
    /// `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
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

    /// Removes a lease without publishing a page, if it is still the caller's; else does nothing.
    ///
    /// Sends nothing after this store's own commit. Never rejects because of the network or DynamoDB: a lease that could
    /// not be deleted expires by itself.
    ///
    /// @throws `ErrInvalidArgument` for bad input.
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

    /// Creates the table when it is missing (on-demand billing), turns TTL on for `ttl`, and waits until it is usable,
    /// at most 60 seconds. For local development and tests.
    ///
    /// @throws `ErrConfig` when a table of that name has other keys, or its TTL on another attribute.
    /// @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
    /// `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
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

/// Makes a store: `new FaceTheoryIsrMetaStore(options)`, named as TableTheory names its factory.
///
/// @throws The errors of the constructor.
#[napi(catch_unwind, ts_args_type = "options?: FaceTheoryIsrMetaStoreConfig | undefined")]
pub fn create_face_theory_isr_meta_store(env: &Env, options: Unknown<'_>) -> napi::Result<FaceTheoryIsrMetaStore> {
    FaceTheoryIsrMetaStore::made(env, options::read_object(env, options))
}

/// Whether `error` is an error of a store: an `Error` with one of its codes and `retryable`.
#[napi(catch_unwind, ts_args_type = "error: unknown", ts_return_type = "error is IsrStoreFailure")]
#[must_use]
pub fn is_isr_store_error(env: &Env, error: Unknown<'_>) -> bool {
    error::is_ours(env, error)
}

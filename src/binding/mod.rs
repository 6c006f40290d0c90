//! The JavaScript face: one class. This folder is the only place that names napi.
//!
//! A call comes in through the class, has its input checked and read (`input`), runs on the store, and settles its
//! promise with an object (`output`) or an error (`failure`) that is made on the JavaScript thread.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "the reference's lifetime is what bounds the engine's handles")]
#![expect(unreachable_pub, reason = "what napi exports to JavaScript must be pub, and is not exported to Rust")]

mod bridge;
mod callback;
mod failure;
mod input;
mod js;
mod observer;
mod operator;
mod options;
mod output;
mod promise;
mod receiver;
mod worker;

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{JsObjectValue, Object, PromiseRaw, This, Undefined, Unknown};
use napi_derive::napi;

use self::bridge::Bridge;
use self::callback::Callbacks;
use self::failure::throw;
use self::input::{Input, Reader};
use self::js::Checked;
use self::observer::Observer;
use self::output::{Answer, IsrMetaRecord, TryAcquireIsrLeaseResult};
use self::promise::{promise, rejected};
use crate::{Config, Error, Result, Store};

/// Done when the addon is loaded.
pub fn loaded(exports: &mut Object<'_>, env: &Env) -> napi::Result<()> {
    // Not at the first call, whose asynchronous context (AsyncLocalStorage) would then be kept for ever.
    Bridge::of(env)?;
    receiver::reject_foreign_receivers(exports, env)?;
    operator::hide(exports)
}

/// ISR metadata and regeneration leases in one DynamoDB table, as FaceTheory's `isr.metaStore`.
///
/// Make one at module scope and keep it: it holds the connections. Its methods never throw; each returns a promise
/// that settles within `operationTimeoutMs` (`ensureTable`'s: 60 seconds) and rejects with an error that has `code`, `name`, `retryable` and,
/// where there is one, `cause` (see `IsrStoreErrorCode`).
#[napi]
pub struct FaceTheoryIsrMetaStore {
    store: Arc<Store>,
    callbacks: Callbacks,
}

#[napi]
impl FaceTheoryIsrMetaStore {
    /// Makes a store for the table, without a request and without credentials: those are resolved at the first call.
    ///
    /// @param tableName The table's name or ARN, or an object with `tableName` and the options. When it is absent, the
    /// first non-blank of `FACETHEORY_CACHE_TABLE_NAME`, `APPTHEORY_CACHE_TABLE_NAME`, `CACHE_TABLE_NAME` and
    /// `CACHE_TABLE`.
    /// @param options What is not given has the default that `FaceTheoryIsrMetaStoreOptions` says.
    /// @throws `ErrConfig` when no table name is to be found.
    /// @throws `ErrInvalidArgument` for an impossible table name, an unknown option, and an option of the wrong type
    /// (`TypeError`) or out of range (`RangeError`).
    #[napi(
        constructor,
        catch_unwind,
        ts_args_type = "tableName?: string | FaceTheoryIsrMetaStoreConfig | undefined, options?: FaceTheoryIsrMetaStoreOptions | undefined"
    )]
    pub fn new(env: &Env, this: This<'_>, table_name: Unknown<'_>, options: Unknown<'_>) -> napi::Result<Self> {
        // Without `new`, `this` is whatever the function was called on; the engine has no better sign for natives.
        if !this.has_named_property("tryAcquireLease").unwrap_or(false) {
            let error = Error::wrong_type(format!("{} must be called with new", receiver::CLASS));
            return Err(throw(env, &error.into()));
        }
        Self::made(env, options::read(env, table_name, Some(options)))
    }

    fn made(env: &Env, options: Checked<'_, (Config, Callbacks)>) -> napi::Result<Self> {
        let (config, callbacks) = options.map_err(|refusal| throw(env, &refusal))?;
        Ok(Self { store: Arc::new(Store::new(config)), callbacks })
    }

    /// Reads what the table knows of a page, with one request. Calls for the same key that wait at the same time share
    /// one, which is sent after each of them began.
    ///
    /// @returns The record, or `null` where there is neither a page nor a lease. The lease fields are as stored, also
    /// when the lease has expired; `null`, `null` and 0 without one.
    /// @throws `ErrInvalidArgument` for a cache key that is no non-empty string.
    #[napi(catch_unwind, ts_args_type = "cacheKey: string", ts_return_type = "Promise<IsrMetaRecord | null>")]
    pub fn get<'e>(&'e self, env: &'e Env, cache_key: Unknown<'e>) -> Promised<'e, Option<IsrMetaRecord>> {
        let key = self.reader(env).entry_key(cache_key);
        let remembered = key.as_ref().ok().filter(|_| self.callbacks.observer.is_none());
        if let Some(record) = remembered.and_then(|key| self.store.remembered(key)) {
            return PromiseRaw::resolve(env, Some(IsrMetaRecord(record)));
        }
        self.call(env, "get", key, |store, key| async move { Ok(store.get(&key).await?.map(IsrMetaRecord)) })
    }

    /// Deletes a page and its lease in one transaction; a regeneration in flight cannot publish any more.
    ///
    /// Resolves for a key that does not exist. The HTML itself stays in the object store.
    ///
    /// @throws `ErrInvalidArgument` for a cache key that is no non-empty string; `ErrConflict` when another transaction
    /// was in the way of the last attempt too.
    #[napi(catch_unwind, ts_args_type = "cacheKey: string", ts_return_type = "Promise<void>")]
    pub fn invalidate<'e>(&'e self, env: &'e Env, cache_key: Unknown<'e>) -> Promised<'e, Undefined> {
        let key = self.reader(env).entry_key(cache_key);
        self.call(env, "invalidate", key, |store, key| async move { store.invalidate(&key).await })
    }

    /// Takes the regeneration lease if it is free at `nowMs`: there is none, it has expired, or `leaseOwner` holds it
    /// already (its former token stops working). One round trip.
    ///
    /// @returns `acquired: true` with a token and the record, or `acquired: false` with the holder's lease in the record.
    /// @throws `ErrInvalidArgument` for bad input, also when its strings make a row above DynamoDB's 400 KB.
    #[napi(
        catch_unwind,
        ts_args_type = "input: TryAcquireIsrLeaseInput",
        ts_return_type = "Promise<TryAcquireIsrLeaseResult>"
    )]
    pub fn try_acquire_lease<'e>(&'e self, env: &'e Env, input: Unknown<'e>) -> Promised<'e, TryAcquireIsrLeaseResult> {
        let request = self.reader(env).lease_request(input);
        self.call(env, "tryAcquireLease", request, |store, request| async move {
            Ok(TryAcquireIsrLeaseResult(store.try_acquire_lease(&request).await?))
        })
    }

    /// Publishes a page and gives its lease back, both or neither, if the lease is still the caller's.
    ///
    /// The lease must not have expired by `nowMs` (`generatedAt` when that is absent), in whole seconds.
    ///
    /// @throws `ErrLeaseNotOwned` (`IsrLeaseConflictError`) when the lease was lost: this publish did not happen and
    /// never will. `ErrInvalidArgument` for bad input. `ErrTimeout` and `ErrUnavailable` leave open whether it happened.
    #[napi(catch_unwind, ts_args_type = "input: CommitIsrGenerationInput", ts_return_type = "Promise<void>")]
    pub fn commit_generation<'e>(&'e self, env: &'e Env, input: Unknown<'e>) -> Promised<'e, Undefined> {
        let generation = self.reader(env).generation(input);
        self.call(env, "commitGeneration", generation, |store, generation| async move {
            store.commit_generation(&generation).await
        })
    }

    /// Gives a lease back without a page, if it is still the caller's; else does nothing.
    ///
    /// Sends nothing after this store's own commit. Never rejects for anything that the network or DynamoDB does: a
    /// lease that could not be deleted runs out by itself.
    ///
    /// @throws `ErrInvalidArgument` for bad input.
    #[napi(catch_unwind, ts_args_type = "input: ReleaseIsrLeaseInput", ts_return_type = "Promise<void>")]
    pub fn release_lease<'e>(&'e self, env: &'e Env, input: Unknown<'e>) -> Promised<'e, Undefined> {
        let claim = self.reader(env).lease_claim(input);
        self.call(env, "releaseLease", claim, |store, claim| async move {
            store.release_lease(&claim).await;
            Ok(())
        })
    }

    /// Creates the table when it is missing (on-demand billing), turns TTL on for `ttl`, and waits until it is usable,
    /// at most 60 seconds. For local development and tests.
    ///
    /// @throws `ErrConfig` when a table of that name has other keys, or its TTL on another attribute.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn ensure_table<'e>(&'e self, env: &'e Env) -> Promised<'e, Undefined> {
        self.call(env, "ensureTable", Ok(()), |store, ()| async move { store.ensure_table().await })
    }

    fn call<'e, I, T, F>(
        &'e self,
        env: &'e Env,
        operation: &'static str,
        input: Checked<'e, I>,
        run: impl FnOnce(Arc<Store>, I) -> F,
    ) -> Promised<'e, T>
    where
        I: Input,
        T: Answer,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        match input {
            Ok(input) => {
                let observed = Observer::of(self.callbacks.observer.as_ref(), operation, input.key());
                promise(env, observed, run(Arc::clone(&self.store), input))
            }
            Err(refusal) => rejected(env, &refusal),
        }
    }

    fn reader<'e>(&'e self, env: &'e Env) -> Reader<'e> {
        Reader { env, store: &self.store, callbacks: &self.callbacks }
    }
}

type Promised<'e, T> = napi::Result<PromiseRaw<'e, T>>;

/// Makes a store: `new FaceTheoryIsrMetaStore(options)`, named as TableTheory names its factory.
///
/// @throws As the constructor does.
#[napi(catch_unwind, ts_args_type = "options?: FaceTheoryIsrMetaStoreConfig | undefined")]
pub fn create_face_theory_isr_meta_store(env: &Env, options: Unknown<'_>) -> napi::Result<FaceTheoryIsrMetaStore> {
    FaceTheoryIsrMetaStore::made(env, options::read_object(env, options))
}

//! `onOperation`: reports the duration, requests and outcome of each call to the app.

use std::sync::Arc;
use std::time::Instant;

use napi::Env;
use napi::bindgen_prelude::{FromNapiValue, JsValue, PromiseRaw, ToNapiValue, Unknown};
use napi_derive::napi;

use super::runtime::callback::Callback;
use super::runtime::value::take_exception;
use crate::{CallStats, EntryKey, ErrorKind, Operation};

/// The app's listener.
pub(super) struct OperationListener {
    pub(super) callback: Callback,
    pub(super) includes_keys: bool,
}

/// A call that the listener will be told of.
pub(super) struct OperationSpan {
    listener: Arc<OperationListener>,
    operation: Operation,
    cache_key: Option<String>,
    begun: Instant,
    stats: Arc<CallStats>,
}

/// How a call ended, in a word.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Success,
    Held,
    Failure(ErrorKind),
}

impl OperationSpan {
    /// A call has begun.
    pub(super) fn begin(
        listener: Option<&Arc<OperationListener>>,
        operation: Operation,
        key: Option<&EntryKey>,
        stats: &Arc<CallStats>,
    ) -> Option<Self> {
        let listener = Arc::clone(listener?);
        let cache_key = key.filter(|_| listener.includes_keys).map(|key| key.cache_key().to_owned());
        Some(Self { listener, operation, cache_key, begun: Instant::now(), stats: Arc::clone(stats) })
    }

    /// Tells the app, on the JavaScript thread. Errors it throws are ignored: they must not hurt the call.
    pub(super) fn report(self, env: &Env, outcome: Outcome) {
        let Self { listener, operation, cache_key, begun, stats } = self;
        let (outcome, code) = match outcome {
            Outcome::Success if stats.is_stale() => ("stale", None),
            Outcome::Success => ("success", None),
            Outcome::Held => ("held", None),
            Outcome::Failure(kind) => ("failure", Some(kind.code())),
        };
        let event = IsrStoreOperation {
            operation: operation.name().to_owned(),
            duration_ms: begun.elapsed().as_secs_f64() * 1_000.0,
            requests: stats.requests(),
            shared: stats.is_shared(),
            outcome: outcome.to_owned(),
            code: code.map(str::to_owned),
            cache_key,
            throttles: stats.throttles(),
            paced_ms: stats.paced().as_secs_f64() * 1_000.0,
        };
        // SAFETY: a live environment, on its own thread.
        let event = unsafe {
            IsrStoreOperation::to_napi_value(env.raw(), event)
                .map(|event| Unknown::from_raw_unchecked(env.raw(), event))
        };
        if let Ok(event) = event
            && let Ok(returned) = listener.callback.invoke(env, &[event])
        {
            ignore_rejection(env, returned);
        }
    }
}

/// An `async` listener throws by rejecting, which would end the process.
fn ignore_rejection(env: &Env, returned: Unknown<'_>) {
    if returned.is_promise().unwrap_or(false) {
        // SAFETY: a live handle of a promise.
        let promise = unsafe { PromiseRaw::<Unknown<'_>>::from_napi_value(env.raw(), returned.raw()) };
        let _ =
            promise.and_then(|promise| promise.catch(|_: napi::bindgen_prelude::CallbackContext<Unknown<'_>>| Ok(())));
        // A promise can have a `catch` of its own, which throws.
        take_exception(env);
    }
}

/// A call that has settled, as `onOperation` receives it.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct IsrStoreOperation {
    /// The operation that was called.
    #[napi(ts_type = "'get' | 'invalidate' | 'tryAcquireLease' | 'commitGeneration' | 'releaseLease' | 'ensureTable'")]
    pub operation: String,
    /// Milliseconds from the call until its promise settled.
    pub duration_ms: f64,
    /// Attempts that this call sent, retries included; 0 if memory or another call's request answered it.
    pub requests: u32,
    /// Whether another call's request answered this call (request coalescing).
    pub shared: bool,
    /// `held`: `tryAcquireLease` did not acquire the lease. `stale`: `get` returned the last known page, because the
    /// table could not be read. `failure`: the call rejected. `success`: any other result.
    #[napi(ts_type = "'success' | 'held' | 'stale' | 'failure'")]
    pub outcome: String,
    /// The code of the error; `null` if the call resolved.
    #[napi(ts_type = "IsrStoreErrorCode")]
    pub code: Option<String>,
    /// The cache key if `onOperationKeys` is `true`, otherwise `null`. Always `null` for `ensureTable`.
    pub cache_key: Option<String>,
    /// Attempts that DynamoDB throttled.
    pub throttles: u32,
    /// Milliseconds for which the store delayed this `get`, because another owner held the lease.
    pub paced_ms: f64,
}

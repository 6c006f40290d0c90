//! `onOperation`: what each call took, told to the app.

use std::sync::Arc;
use std::time::Instant;

use napi::Env;
use napi::bindgen_prelude::{FromNapiValue, JsValue, PromiseRaw, ToNapiValue, Unknown};

use super::callback::Callback;
use super::output::{field, object};
use crate::{EntryKey, ErrorKind, Tally};

/// Who wants to know.
pub(super) struct Observer {
    pub(super) callback: Callback,
    pub(super) tells_keys: bool,
}

impl Observer {
    /// A call has begun.
    pub(super) fn of(this: Option<&Arc<Self>>, operation: &'static str, key: Option<&EntryKey>) -> Option<Observed> {
        let observer = Arc::clone(this?);
        let cache_key = key.filter(|_| observer.tells_keys).map(|key| key.cache_key().to_owned());
        Some(Observed { observer, operation, cache_key, begun: Instant::now() })
    }
}

/// A call that somebody wants to know about.
pub(super) struct Observed {
    observer: Arc<Observer>,
    operation: &'static str,
    cache_key: Option<String>,
    begun: Instant,
}

/// How a call ended, in a word.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Success,
    Held,
    Failure(ErrorKind),
}

impl Observed {
    /// Tells the app, on the JavaScript thread. What it throws is lost: it is about a call, and must not hurt it.
    pub(super) fn report(self, env: &Env, outcome: Outcome, tally: Tally) {
        let Self { observer, operation, cache_key, begun } = self;
        let event =
            Event { operation, milliseconds: begun.elapsed().as_secs_f64() * 1_000.0, outcome, tally, cache_key };
        // SAFETY: a live environment, on its own thread.
        let event = unsafe {
            Event::to_napi_value(env.raw(), event).map(|event| Unknown::from_raw_unchecked(env.raw(), event))
        };
        if let Ok(event) = event
            && let Ok(returned) = observer.callback.invoke(env, &[event])
        {
            lose_rejection(env, returned);
        }
    }
}

/// An `async` callback throws by rejecting, which would end the process.
fn lose_rejection(env: &Env, returned: Unknown<'_>) {
    if returned.is_promise().unwrap_or(false) {
        // SAFETY: a live handle of a promise.
        let promise = unsafe { PromiseRaw::<Unknown<'_>>::from_napi_value(env.raw(), returned.raw()) };
        let _ =
            promise.and_then(|promise| promise.catch(|_: napi::bindgen_prelude::CallbackContext<Unknown<'_>>| Ok(())));
    }
}

/// `IsrStoreOperation`
struct Event {
    operation: &'static str,
    milliseconds: f64,
    outcome: Outcome,
    tally: Tally,
    cache_key: Option<String>,
}

impl ToNapiValue for Event {
    unsafe fn to_napi_value(env: napi::sys::napi_env, event: Self) -> napi::Result<napi::sys::napi_value> {
        let (outcome, code) = match event.outcome {
            Outcome::Success => ("success", None),
            Outcome::Held => ("held", None),
            Outcome::Failure(kind) => ("failure", Some(kind.code())),
        };
        let fields = [
            field(env, c"operation", event.operation)?,
            field(env, c"durationMs", event.milliseconds)?,
            field(env, c"requests", event.tally.requests)?,
            field(env, c"shared", event.tally.is_shared)?,
            field(env, c"outcome", outcome)?,
            field(env, c"code", code)?,
            field(env, c"cacheKey", event.cache_key)?,
        ];
        object(env, &fields)
    }
}

//! Promises for futures: every call settles, also when its input is refused or its future panics.

use std::ptr;
use std::sync::Arc;

use napi::bindgen_prelude::{JsValue, PromiseRaw};
use napi::{Env, JsError, sys};

use tokio::time::Instant;

use super::bridge::{Bridge, Results};
use super::failure::to_js;
use super::js::{Refusal, take_exception};
use super::observer::{Observed, Outcome};
use super::output::Answer;
use super::worker::worker;
use crate::{Error, ErrorKind, Result, Tally, tallied};

/// The promise of `call`, of which somebody may want to know.
pub(super) fn promise<T: Answer>(
    env: &Env,
    observed: Option<Observed>,
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'_, T>> {
    if let Err(error) = worker() {
        return rejected(env, &error.into());
    }
    let begun = Instant::now();
    let bridge = Bridge::of(env)?;
    let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: both are written before they are read.
    napi::check_status!(unsafe { sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise) })?;
    let settle = Settle { deferred: Some(Deferred(deferred)), results: bridge.results() };
    let work = Box::pin(async move {
        let (result, tally) = tallied(begun, call).await;
        settle.with(result, observed.map(|observed| (observed, tally)));
    });
    bridge.begin(env, work);
    Ok(PromiseRaw::new(env.raw(), promise))
}

/// A promise that is rejected already.
pub(super) fn rejected<'e, T>(env: &'e Env, refusal: &Refusal<'e>) -> napi::Result<PromiseRaw<'e, T>> {
    let promise = PromiseRaw::<()>::reject(env, to_js(env, &refusal.error, refusal.thrown)?)?;
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

struct Deferred(sys::napi_deferred);

// SAFETY: it is only carried, and used again on the thread where it was made.
unsafe impl Send for Deferred {}

impl Deferred {
    fn settle<T: Answer>(self, env: &Env, result: Result<T>, observed: Option<(Observed, Tally)>) {
        let outcome = result.as_ref().map_or_else(|error| Outcome::Failure(error.kind()), Answer::outcome);
        // SAFETY: a live environment, on its own thread.
        let (settle, value) = match result.map(|answer| unsafe { T::to_napi_value(env.raw(), answer) }) {
            Ok(Ok(value)) => (sys::napi_resolve_deferred as Settling, value),
            Ok(Err(failure)) => (sys::napi_reject_deferred as Settling, unforeseen(env, failure)),
            Err(error) => {
                let error = to_js(env, &error, None).map(|object| object.raw());
                (sys::napi_reject_deferred as Settling, error.unwrap_or_else(|failure| unforeseen(env, failure)))
            }
        };
        // SAFETY: the deferred is used once. It fails only where the environment is ending.
        let _ = unsafe { settle(env.raw(), self.0, value) };
        if let Some((observed, tally)) = observed {
            observed.report(env, outcome, tally);
        }
    }
}

type Settling = unsafe fn(sys::napi_env, sys::napi_deferred, sys::napi_value) -> sys::napi_status;

fn unforeseen(env: &Env, failure: napi::Error) -> sys::napi_value {
    take_exception(env);
    // SAFETY: a live environment, on its own thread.
    unsafe { JsError::from(failure).into_value(env.raw()) }
}

/// Settles exactly once; dropped without a result (its future panicked), it rejects.
struct Settle {
    deferred: Option<Deferred>,
    results: Arc<Results>,
}

impl Settle {
    fn with<T: Answer>(mut self, result: Result<T>, observed: Option<(Observed, Tally)>) {
        self.settle(result, observed);
    }

    fn settle<T: Answer>(&mut self, result: Result<T>, observed: Option<(Observed, Tally)>) {
        if let Some(deferred) = self.deferred.take() {
            self.results.push(Box::new(move |env| deferred.settle(env, result, observed)));
        }
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        let message = "the call ended without a result, which is a bug in tabletheory-isr";
        self.settle::<()>(Err(Error::new(ErrorKind::Unexpected, message)), None);
    }
}

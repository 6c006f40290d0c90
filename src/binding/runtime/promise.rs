//! Promises for futures: every call settles, also when its input is refused or its future panics.

use std::ptr;
use std::sync::Arc;

use napi::bindgen_prelude::{JsValue, PromiseRaw, ToNapiValue};
use napi::{Env, JsError, sys};

use super::js_thread::{JsThread, Mailbox, Task};
use super::value::{ArgError, take_exception};
use super::worker::worker;
use crate::binding::error::to_js;
use crate::{Error, ErrorKind, Result};

/// The promise of `work`, whose second output runs on the JavaScript thread after the promise has been settled.
pub(in crate::binding) fn promise<T: ToNapiValue + Send + 'static>(
    env: &Env,
    work: impl Future<Output = (Result<T>, Option<Task>)> + Send + 'static,
) -> napi::Result<PromiseRaw<'_, T>> {
    if let Err(error) = worker() {
        return rejected(env, &error.into());
    }
    let thread = JsThread::of(env)?;
    let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: both are written before they are read.
    napi::check_status!(unsafe { sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise) })?;
    let guard = PromiseGuard { deferred: Some(Deferred(deferred)), mailbox: thread.mailbox() };
    let work = Box::pin(async move {
        let (result, after) = work.await;
        guard.complete(result, after);
    });
    thread.begin(env, work);
    Ok(PromiseRaw::new(env.raw(), promise))
}

/// A promise that is rejected already.
pub(in crate::binding) fn rejected<'e, T>(env: &'e Env, refusal: &ArgError<'e>) -> napi::Result<PromiseRaw<'e, T>> {
    let promise = PromiseRaw::<()>::reject(env, to_js(env, &refusal.error, refusal.thrown)?)?;
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

struct Deferred(sys::napi_deferred);

// SAFETY: it is only carried, and used again on the thread where it was made.
unsafe impl Send for Deferred {}

type SettleFn = unsafe fn(sys::napi_env, sys::napi_deferred, sys::napi_value) -> sys::napi_status;

impl Deferred {
    fn settle<T: ToNapiValue>(self, env: &Env, result: Result<T>) {
        // SAFETY: a live environment, on its own thread.
        let (settle, value) = match result.map(|answer| unsafe { T::to_napi_value(env.raw(), answer) }) {
            Ok(Ok(value)) => (sys::napi_resolve_deferred as SettleFn, value),
            Ok(Err(failure)) => (sys::napi_reject_deferred as SettleFn, unforeseen(env, failure)),
            Err(error) => {
                let error = to_js(env, &error, None).map(|object| object.raw());
                (sys::napi_reject_deferred as SettleFn, error.unwrap_or_else(|failure| unforeseen(env, failure)))
            }
        };
        // SAFETY: the deferred is used once. It fails only where the environment is ending.
        let _ = unsafe { settle(env.raw(), self.0, value) };
    }
}

fn unforeseen(env: &Env, failure: napi::Error) -> sys::napi_value {
    take_exception(env);
    // SAFETY: a live environment, on its own thread.
    unsafe { JsError::from(failure).into_value(env.raw()) }
}

/// Settles exactly once; dropped without a result (its future panicked), it rejects.
struct PromiseGuard {
    deferred: Option<Deferred>,
    mailbox: Arc<Mailbox>,
}

impl PromiseGuard {
    fn complete<T: ToNapiValue + Send + 'static>(mut self, result: Result<T>, after: Option<Task>) {
        self.hand_over(result, after);
    }

    fn hand_over<T: ToNapiValue + Send + 'static>(&mut self, result: Result<T>, after: Option<Task>) {
        if let Some(deferred) = self.deferred.take() {
            self.mailbox.complete(Box::new(move |env| {
                deferred.settle(env, result);
                if let Some(after) = after {
                    after(env);
                }
            }));
        }
    }
}

impl Drop for PromiseGuard {
    fn drop(&mut self) {
        let message = "the call ended without a result, which is a bug in tabletheory-isr";
        self.hand_over::<()>(Err(Error::new(ErrorKind::Unexpected, message)), None);
    }
}

//! Promises for futures: every call settles, also when its input is refused or its future panics.

use std::sync::OnceLock;

use napi::bindgen_prelude::{JsValue, PromiseRaw, ToNapiValue};
use napi::{Env, JsDeferred};
use tokio::runtime::{Builder, Runtime};

use super::failure::to_js;
use super::js::{Checked, Refusal};
use crate::{Error, ErrorKind, Result};

type Resolver<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// One worker: requests wait for the network and not for a processor, and a second worker only adds hand-overs. Its
/// thread never keeps the process alive, and lives as long as the process, as the addon's code does.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let built = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("tabletheory-isr")
            .enable_all()
            .build();
        // Without threads there is no answering any call; the caller's `catch_unwind` reports it.
        #[expect(clippy::expect_used, reason = "the operating system is out of threads, and nobody can be told later")]
        built.expect("the operating system gives a thread")
    })
}

/// The promise of `start(input)`, or of a rejection where the input was refused.
pub(super) fn promise<'e, I, T, F>(
    env: &'e Env,
    input: Checked<'e, I>,
    start: impl FnOnce(I) -> F,
) -> napi::Result<PromiseRaw<'e, T>>
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let input = match input {
        Ok(input) => input,
        Err(refusal) => return rejected(env, &refusal),
    };
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    let settle = Settle(Some(deferred));
    let future = start(input);
    runtime().spawn(async move { settle.with(future.await) });
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

/// A promise that is rejected already.
pub(super) fn rejected<'e, T>(env: &'e Env, refusal: &Refusal<'e>) -> napi::Result<PromiseRaw<'e, T>> {
    let promise = PromiseRaw::<()>::reject(env, to_js(env, &refusal.error, refusal.thrown)?)?;
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

/// Settles exactly once; dropped without a result (its future panicked), it rejects.
struct Settle<T: ToNapiValue + Send + 'static>(Option<JsDeferred<T, Resolver<T>>>);

impl<T: ToNapiValue + Send + 'static> Settle<T> {
    fn with(mut self, result: Result<T>) {
        self.settle(result);
    }

    fn settle(&mut self, result: Result<T>) {
        if let Some(deferred) = self.0.take() {
            deferred.resolve(Box::new(move |env| {
                result.map_err(|error| to_js(&env, &error, None).map_or_else(|failure| failure, napi::Error::from))
            }));
        }
    }
}

impl<T: ToNapiValue + Send + 'static> Drop for Settle<T> {
    fn drop(&mut self) {
        let message = "the call ended without a result, which is a bug in tabletheory-isr";
        self.settle(Err(Error::new(ErrorKind::Unexpected, message)));
    }
}

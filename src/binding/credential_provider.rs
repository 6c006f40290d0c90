//! `options.credentials` as a function: asked on the JavaScript thread, answered with a promise.

use std::fmt;
use std::ptr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as ProviderResult, future};
use napi::bindgen_prelude::{CallbackContext, FromNapiValue, JsValue, PromiseRaw, Unknown};
use napi::{Env, ValueType, sys};
use tokio::sync::oneshot;

use super::options::static_credentials;
use super::runtime::callback::Callback;
use super::runtime::js_thread::{JsThread, Mailbox};
use super::runtime::value::{Arg, ArgError, ArgResult};
use crate::sync::lock;
use crate::{Error, ErrorKind};

/// The app's function. It is called and dropped on its own JavaScript thread only.
pub(super) struct CredentialProvider {
    mailbox: Arc<Mailbox>,
    callback: Arc<JsOnly<Callback>>,
}

/// A value of the JavaScript thread that the worker thread may carry.
struct JsOnly<T: Release> {
    value: Option<T>,
    mailbox: Arc<Mailbox>,
}

/// A value that is given up on its own JavaScript thread.
trait Release: 'static {
    fn release(self, env: &Env);
}

/// Carries a value to its JavaScript thread.
struct Carried<T>(T);

// SAFETY: the value is used and given up in tasks of the mailbox, which run on its own JavaScript thread, and by errors that
// are read there.
unsafe impl<T: Release> Send for JsOnly<T> {}
// SAFETY: as above.
unsafe impl<T: Release> Sync for JsOnly<T> {}
// SAFETY: as above.
unsafe impl<T: Release> Send for Carried<T> {}

impl<T: Release> Carried<T> {
    fn release(self, env: &Env) {
        self.0.release(env);
    }
}

impl<T: Release> Drop for JsOnly<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            let carried = Carried(value);
            self.mailbox.post(Box::new(move |env| carried.release(env)));
        }
    }
}

/// The answer of a question, sent once.
type Reply = Arc<Mutex<Option<oneshot::Sender<ProviderResult>>>>;

impl fmt::Debug for CredentialProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialProvider")
    }
}

impl CredentialProvider {
    pub(super) fn new<'e>(env: &'e Env, function: &Arg<'static, 'e>) -> ArgResult<'e, Self> {
        let callback = Callback::new(function)?;
        let thread =
            JsThread::of(env).map_err(|_| ArgError::from(Error::wrong_type("credentials could not be kept")))?;
        let mailbox = thread.mailbox();
        let callback = Arc::new(JsOnly { value: Some(callback), mailbox: Arc::clone(&mailbox) });
        Ok(Self { mailbox, callback })
    }
}

impl ProvideCredentials for CredentialProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let (send, receive) = oneshot::channel();
        let reply: Reply = Arc::new(Mutex::new(Some(send)));
        let (callback, mailbox) = (Arc::clone(&self.callback), Arc::clone(&self.mailbox));
        self.mailbox.post(Box::new(move |env| {
            if let Some(callback) = &callback.value {
                ask(env, &mailbox, callback, &reply);
            }
        }));
        future::ProvideCredentials::new(async move {
            receive.await.unwrap_or_else(|_| Err(failure("the JavaScript environment of the provider has ended", None)))
        })
    }
}

/// Calls the function, and has its promise answer.
fn ask(env: &Env, mailbox: &Arc<Mailbox>, callback: &Callback, reply: &Reply) {
    let returned = match callback.invoke(env, &[]) {
        Ok(returned) => returned,
        Err(refusal) => {
            let thrown = refusal.thrown.map(|thrown| Thrown::new(env, mailbox, thrown));
            return answer(reply, Err(failure("the provider threw", thrown)));
        }
    };
    if !returned.is_promise().unwrap_or(false) {
        return answer(reply, read(env, returned));
    }
    let (fulfilled, rejected, mailbox) = (Arc::clone(reply), Arc::clone(reply), Arc::clone(mailbox));
    // SAFETY: a live handle of a promise.
    let promise = unsafe { PromiseRaw::<Unknown<'_>>::from_napi_value(env.raw(), returned.raw()) };
    let chained = promise
        .and_then(|promise| {
            promise.then(move |context: CallbackContext<Unknown<'_>>| {
                answer(&fulfilled, read(&context.env, context.value));
                Ok(())
            })
        })
        .and_then(|promise| {
            promise.catch(move |context: CallbackContext<Unknown<'_>>| {
                let thrown = Thrown::new(&context.env, &mailbox, context.value);
                answer(&rejected, Err(failure("the provider rejected", Some(thrown))));
                Ok(())
            })
        });
    drop(chained);
}

fn answer(reply: &Reply, result: ProviderResult) {
    if let Some(send) = lock(reply).take() {
        // The question may have been given up.
        let _ = send.send(result);
    }
}

fn read(env: &Env, value: Unknown<'_>) -> ProviderResult {
    static_credentials(Arg::new(env, "credentials", value))
        .map_err(|refusal| failure(&format!("the provider returned unusable credentials: {}", refusal.error), None))
}

/// The time of a `Date`.
pub(super) fn date<'e>(value: &Arg<'_, 'e>) -> ArgResult<'e, SystemTime> {
    let time = value
        .date_millis()
        .filter(|millis| *millis >= 0.0)
        .and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok())
        .and_then(|since| UNIX_EPOCH.checked_add(since));
    time.ok_or_else(|| value.wrong_type("a valid Date"))
}

fn failure(what: &str, thrown: Option<Thrown>) -> CredentialsError {
    let error = Error::new(ErrorKind::Credentials, format!("options.credentials: {what}"));
    CredentialsError::provider_error(match thrown {
        Some(thrown) => error.caused_by(thrown),
        None => error,
    })
}

/// A value that the app's function threw. It becomes the `cause` of the error that JavaScript sees.
pub(super) struct Thrown {
    message: String,
    value: JsOnly<sys::napi_ref>,
    env: usize,
}

impl Thrown {
    fn new(env: &Env, mailbox: &Arc<Mailbox>, value: Unknown<'_>) -> Self {
        let message = describe(env, value);
        let mut reference = ptr::null_mut();
        // SAFETY: a live handle; only objects, functions and symbols can be kept, and the status says so.
        let status = unsafe { sys::napi_create_reference(env.raw(), value.raw(), 1, &raw mut reference) };
        let reference = (status == sys::Status::napi_ok).then_some(reference);
        let value = JsOnly { value: reference, mailbox: Arc::clone(mailbox) };
        Self { message, value, env: env.raw() as usize }
    }

    /// The value itself, in the environment where it was thrown.
    pub(super) fn value<'e>(&self, env: &'e Env) -> Option<Unknown<'e>> {
        let reference = self.value.value.filter(|_| self.env == env.raw() as usize)?;
        let mut value = ptr::null_mut();
        // SAFETY: the reference is of this environment, on its own thread.
        unsafe {
            let status = sys::napi_get_reference_value(env.raw(), reference, &raw mut value);
            (status == sys::Status::napi_ok && !value.is_null()).then(|| Unknown::from_raw_unchecked(env.raw(), value))
        }
    }
}

impl fmt::Debug for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thrown")
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Thrown {}

impl Release for sys::napi_ref {
    fn release(self, env: &Env) {
        // SAFETY: it was made in this environment and is deleted once.
        let _ = unsafe { sys::napi_delete_reference(env.raw(), self) };
    }
}

impl Release for Callback {
    fn release(self, _: &Env) {}
}

/// The message of a thrown error, or a thrown string.
fn describe(env: &Env, thrown: Unknown<'_>) -> String {
    let thrown = Arg::new(env, "thrown", thrown);
    let text = match thrown.value_type() {
        ValueType::Object => thrown.property("message").and_then(|message| message.string()),
        _ => thrown.string(),
    };
    text.unwrap_or_else(|_| "a value without a message".to_owned())
}

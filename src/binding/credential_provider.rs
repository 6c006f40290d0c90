//! `options.credentials` as a function: asked on the JavaScript thread, answered with a promise.

use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as ProviderResult, future};
use napi::bindgen_prelude::{CallbackContext, JsObjectValue, JsValue, Object, PromiseRaw, Unknown};
use napi::{Env, ValueType, sys};
use tokio::sync::oneshot;

use super::options::{Origin, credentials};
use super::runtime::callback::Callback;
use super::runtime::js_thread::{JsThread, Mailbox};
use super::runtime::value::{Arg, ArgError, ArgResult};
use crate::sync::lock;
use crate::{Error, ErrorKind};

/// The app's function. It is called and dropped on its own JavaScript thread only.
pub(super) struct CredentialProvider {
    mailbox: Arc<Mailbox>,
    callback: Arc<JsOnly<Callback>>,
    /// A provider that keeps its last answer would give it again, unless it is told to ask anew.
    has_answered: Arc<AtomicBool>,
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
        Ok(Self { mailbox, callback, has_answered: Arc::default() })
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
        let has_answered = Arc::clone(&self.has_answered);
        let is_repeated = has_answered.load(Ordering::Relaxed);
        self.mailbox.post(Box::new(move |env| {
            if let Some(callback) = &callback.value {
                ask(env, &mailbox, callback, is_repeated, &reply);
            }
        }));
        future::ProvideCredentials::new(async move {
            let gone = || Err(failure("the JavaScript environment of the provider has ended", None));
            let answer = receive.await.unwrap_or_else(|_| gone());
            has_answered.fetch_or(answer.is_ok(), Ordering::Relaxed);
            answer
        })
    }
}

/// Calls the function, and has its promise answer.
fn ask(env: &Env, mailbox: &Arc<Mailbox>, callback: &Callback, is_repeated: bool, reply: &Reply) {
    let arguments = if is_repeated { force_refresh(env) } else { None };
    let returned = match callback.invoke(env, arguments.as_slice()) {
        Ok(returned) => returned,
        Err(refusal) => {
            let thrown = refusal.thrown.map(|thrown| Thrown::new(env, mailbox, thrown));
            return answer(reply, Err(failure("the provider threw", thrown)));
        }
    };
    let (fulfilled, rejected, mailbox) = (Arc::clone(reply), Arc::clone(reply), Arc::clone(mailbox));
    // As `await` does it, for a promise, another object with a `then`, or the credentials themselves.
    let chained = PromiseRaw::resolve(env, returned)
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
    if chained.is_err() {
        answer(reply, Err(failure("the provider's promise could not be awaited", None)));
    }
}

/// `{ forceRefresh: true }`, as the AWS SDK's own clients ask a provider again.
fn force_refresh(env: &Env) -> Option<Unknown<'_>> {
    let mut options = Object::new(env).ok()?;
    options.set_named_property("forceRefresh", true).ok()?;
    Some(options.to_unknown())
}

fn answer(reply: &Reply, result: ProviderResult) {
    if let Some(send) = lock(reply).take() {
        // The question may have been given up.
        let _ = send.send(result);
    }
}

fn read(env: &Env, value: Unknown<'_>) -> ProviderResult {
    credentials(Arg::new(env, "credentials", value), Origin::Provider)
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
    /// An object whose member `value` it is: a string or a number cannot be kept by itself.
    holder: JsOnly<sys::napi_ref>,
    env: usize,
}

impl Thrown {
    fn new(env: &Env, mailbox: &Arc<Mailbox>, value: Unknown<'_>) -> Self {
        let message = describe(env, value);
        let mut reference = ptr::null_mut();
        let kept = Object::new(env).and_then(|mut holder| {
            holder.set_named_property(VALUE, value)?;
            // SAFETY: a live handle of an object.
            let status = unsafe { sys::napi_create_reference(env.raw(), holder.raw(), 1, &raw mut reference) };
            if status == sys::Status::napi_ok { Ok(reference) } else { Err(napi::Error::from_status(status.into())) }
        });
        let holder = JsOnly { value: kept.ok(), mailbox: Arc::clone(mailbox) };
        Self { message, holder, env: env.raw() as usize }
    }

    /// The value itself, in the environment where it was thrown.
    pub(super) fn value<'e>(&self, env: &'e Env) -> Option<Unknown<'e>> {
        let reference = self.holder.value.filter(|_| self.env == env.raw() as usize)?;
        let mut holder = ptr::null_mut();
        // SAFETY: the reference is of this environment, on its own thread.
        let status = unsafe { sys::napi_get_reference_value(env.raw(), reference, &raw mut holder) };
        if status != sys::Status::napi_ok || holder.is_null() {
            return None;
        }
        Object::from_raw(env.raw(), holder).get_named_property(VALUE).ok()
    }
}

const VALUE: &str = "value";

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

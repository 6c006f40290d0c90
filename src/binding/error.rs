//! JavaScript errors from ours: `name`, `code`, `retryable` and `cause`, made on the JavaScript thread.

use std::error::Error as StdError;
use std::ptr;

use napi::bindgen_prelude::{JsValue, ToNapiValue, Unknown};
use napi::{Env, Status, sys};

use super::credential_provider::Thrown;
use super::runtime::value::{Arg, ArgError, take_exception};
use crate::{Error, ErrorKind};

/// The error object for `error`. Its cause is the value that user code threw, or else the error's own cause.
pub(super) fn to_js<'e>(env: &'e Env, error: &Error, thrown: Option<Unknown<'e>>) -> napi::Result<Unknown<'e>> {
    let kind = error.kind();
    let object = create(env, kind, &error.to_string())?;
    set(env, object, "code", kind.code(), SHOWN)?;
    set(env, object, "retryable", kind.is_retryable(), SHOWN)?;
    if !matches!(kind, ErrorKind::WrongType | ErrorKind::OutOfRange) {
        set(env, object, "name", kind.name(), 0)?;
    }
    match (thrown, error.source()) {
        (Some(thrown), _) => set(env, object, "cause", thrown, 0)?,
        (None, Some(source)) => {
            let cause = match thrown_by_provider(env, source) {
                Some(thrown) => thrown,
                None => cause(env, source)?,
            };
            set(env, object, "cause", cause, 0)?;
        }
        (None, None) => {}
    }
    Ok(object)
}

/// Throws the object of [`to_js`]; the calling function must return the error that this returns.
pub(super) fn throw(env: &Env, refusal: &ArgError<'_>) -> napi::Error {
    let thrown = to_js(env, &refusal.error, refusal.thrown).map(|object| {
        // SAFETY: the object is live in the current scope. (Going through `napi::Error::from` would run the `toString` of
        // the value that user code threw.)
        unsafe { sys::napi_throw(env.raw(), object.raw()) };
        napi::Error::new(Status::PendingException, "")
    });
    thrown.unwrap_or_else(|failure| failure)
}

/// Whether `value` is an error that [`to_js`] made, or one that looks the same.
pub(super) fn is_ours<'e>(env: &'e Env, value: Unknown<'e>) -> bool {
    if !value.is_error().unwrap_or(false) {
        return false;
    }
    let error = Arg::new(env, "error", value);
    let code = error.property("code").and_then(|code| code.string());
    let retryable = error.property("retryable").and_then(|retryable| retryable.boolean());
    retryable.is_ok() && code.is_ok_and(|code| ErrorKind::ALL.iter().any(|kind| kind.code() == code))
}

/// The value that a credential provider threw, at any depth.
fn thrown_by_provider<'e>(env: &'e Env, source: &(dyn StdError + 'static)) -> Option<Unknown<'e>> {
    let mut next = Some(source);
    while let Some(source) = next {
        if let Some(thrown) = source.downcast_ref::<Thrown>() {
            return thrown.value(env);
        }
        next = source.source();
    }
    None
}

/// A chain of plain errors with the messages of ours.
fn cause<'e>(env: &'e Env, source: &(dyn StdError + 'static)) -> napi::Result<Unknown<'e>> {
    let object = create(env, ErrorKind::Unexpected, &source.to_string())?;
    if let Some(source) = source.source() {
        set(env, object, "cause", cause(env, source)?, 0)?;
    }
    Ok(object)
}

fn create<'e>(env: &'e Env, kind: ErrorKind, message: &str) -> napi::Result<Unknown<'e>> {
    let message = env.create_string(message)?;
    let constructor = match kind {
        ErrorKind::WrongType => sys::napi_create_type_error,
        ErrorKind::OutOfRange => sys::napi_create_range_error,
        _ => sys::napi_create_error,
    };
    let mut object = ptr::null_mut();
    // SAFETY: the message is a live string; a null code leaves `code` to us.
    let status = unsafe { constructor(env.raw(), ptr::null_mut(), message.raw(), &raw mut object) };
    if status != sys::Status::napi_ok {
        take_exception(env);
        return Err(napi::Error::new(status.into(), "the error could not be created"));
    }
    // SAFETY: the engine has just made it in the current scope.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), object) })
}

/// Properties that logs show beside the stack, as they do for the `code` of Node's own errors.
const SHOWN: sys::napi_property_attributes = sys::PropertyAttributes::enumerable;

/// Defines an own property, so that no setter on a prototype runs.
fn set(
    env: &Env,
    object: Unknown<'_>,
    name: &str,
    value: impl ToNapiValue,
    is_shown: sys::napi_property_attributes,
) -> napi::Result<()> {
    let name = env.create_string(name)?;
    // SAFETY: all handles are live in the current scope; the descriptor outlives the call.
    unsafe {
        let property = sys::napi_property_descriptor {
            utf8name: ptr::null(),
            name: name.raw(),
            method: None,
            getter: None,
            setter: None,
            value: ToNapiValue::to_napi_value(env.raw(), value)?,
            attributes: sys::PropertyAttributes::writable | sys::PropertyAttributes::configurable | is_shown,
            data: ptr::null_mut(),
        };
        let status = sys::napi_define_properties(env.raw(), object.raw(), 1, &raw const property);
        if status != sys::Status::napi_ok {
            take_exception(env);
            return Err(napi::Error::new(status.into(), "the error could not be described"));
        }
    }
    Ok(())
}

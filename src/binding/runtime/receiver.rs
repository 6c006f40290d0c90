//! Methods that are called on something else than a store: a rejected promise, as from a JavaScript `async` method.
//!
//! napi checks the receiver before any of our code runs, and throws. So each method is put behind a function that turns
//! any exception into a rejection; with it goes a panic, which `catch_unwind` has made an exception.
//!
//! A worker that is terminated can go on running JavaScript: where the termination interrupts a call into the engine, the
//! engine takes it for an exception that was caught. No promise can be made or settled then. A method that returned
//! `undefined` would let a loop of awaited calls run for ever, so it returns a promise that never settles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ptr;

use napi::bindgen_prelude::{Function, FunctionCallContext, JsObjectValue, JsValue, Object, ToNapiValue, Unknown};
use napi::{Env, Property, PropertyAttributes, sys};

use super::promise::rejected;
use super::value::{ArgError, take_exception};
use crate::Error;

pub(in crate::binding) const CLASS: &str = "FaceTheoryIsrMetaStore";
const METHODS: [&str; 6] = ["get", "invalidate", "tryAcquireLease", "commitGeneration", "releaseLease", "ensureTable"];

/// Values that are held as long as the environment.
#[derive(Clone, Copy)]
struct Kept {
    class: sys::napi_ref,
    /// A promise that never settles.
    never: sys::napi_ref,
}

thread_local! {
    static KEPT: RefCell<HashMap<sys::napi_env, Kept>> = RefCell::default();
}

fn kept(env: &Env) -> Option<Kept> {
    KEPT.with_borrow(|kept| kept.get(&env.raw()).copied())
}

/// Whether `this` is an object that `new` has just made: of the class, and not a store yet.
pub(in crate::binding) fn is_new(env: &Env, this: &Object<'_>) -> bool {
    let Some(Kept { class, .. }) = kept(env) else { return false };
    let (mut constructor, mut native) = (ptr::null_mut(), ptr::null_mut());
    let mut is_instance = false;
    // SAFETY: on the environment's thread; the reference is held as long as the environment, and each handle is written
    // before it is read.
    let is_new = unsafe {
        sys::napi_get_reference_value(env.raw(), class, &raw mut constructor) == sys::Status::napi_ok
            && sys::napi_instanceof(env.raw(), this.raw(), constructor, &raw mut is_instance) == sys::Status::napi_ok
            && is_instance
            && sys::napi_unwrap(env.raw(), this.raw(), &raw mut native) != sys::Status::napi_ok
    };
    take_exception(env);
    is_new
}

/// A handle of the current scope.
struct Handle(sys::napi_value);

impl ToNapiValue for Handle {
    unsafe fn to_napi_value(_: sys::napi_env, handle: Self) -> napi::Result<sys::napi_value> {
        Ok(handle.0)
    }
}

/// Done when the addon is loaded, after the class is defined.
pub(in crate::binding) fn reject_foreign_receivers(exports: &Object<'_>, env: &Env) -> napi::Result<()> {
    let class: Object<'_> = exports.get_named_property_unchecked(CLASS)?;
    let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: both are written before they are read. The deferred is never used.
    napi::check_status!(unsafe { sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise) })?;
    let references = Kept { class: reference(env, class.raw())?, never: reference(env, promise)? };
    KEPT.with_borrow_mut(|kept| kept.insert(env.raw(), references));
    let mut prototype: Object<'_> = class.get_named_property("prototype")?;
    for name in METHODS {
        let method = prototype.get_named_property::<Function<'_, (), ()>>(name)?.create_ref()?;
        let function =
            env.create_function_from_closure::<(), Handle, _>(name, move |context: FunctionCallContext<'_>| {
                let receiver = context.this::<Unknown<'_>>()?;
                let arguments = context.arguments::<Unknown<'_>>()?;
                let env = *context.env;
                call(&env, method.borrow_back(&env)?.raw(), receiver, &arguments)
            })?;
        let attributes = PropertyAttributes::Writable | PropertyAttributes::Configurable;
        let property = Property::new().with_utf8_name(name)?.with_value(&function).with_property_attributes(attributes);
        prototype.define_properties(&[property])?;
    }
    Ok(())
}

fn reference(env: &Env, object: sys::napi_value) -> napi::Result<sys::napi_ref> {
    let mut reference = ptr::null_mut();
    // SAFETY: a live handle of an object.
    napi::check_status!(unsafe { sys::napi_create_reference(env.raw(), object, 1, &raw mut reference) })?;
    Ok(reference)
}

fn call(env: &Env, method: sys::napi_value, receiver: Unknown<'_>, arguments: &[Unknown<'_>]) -> napi::Result<Handle> {
    let arguments: Vec<_> = arguments.iter().map(JsValue::raw).collect();
    let mut promise = ptr::null_mut();
    // SAFETY: all handles are live in the current scope.
    let status = unsafe {
        let (count, first) = (arguments.len(), arguments.as_ptr());
        sys::napi_call_function(env.raw(), receiver.raw(), method, count, first, &raw mut promise)
    };
    if status == sys::Status::napi_ok {
        return Ok(Handle(promise));
    }
    let error = Error::wrong_type(format!("the method was not called on a {CLASS}"));
    match rejected::<()>(env, &ArgError { error, thrown: take_exception(env) }) {
        Ok(rejection) => Ok(Handle(rejection.raw())),
        Err(failure) => never(env).ok_or(failure),
    }
}

/// The promise that never settles.
fn never(env: &Env) -> Option<Handle> {
    let Kept { never, .. } = kept(env)?;
    let mut promise = ptr::null_mut();
    // SAFETY: the reference is held as long as the environment; the handle is written before it is read.
    let status = unsafe { sys::napi_get_reference_value(env.raw(), never, &raw mut promise) };
    (status == sys::Status::napi_ok).then_some(Handle(promise))
}

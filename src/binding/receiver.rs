//! Methods that are called on something else than a store: a rejected promise, as from a JavaScript `async` method.
//!
//! napi checks the receiver before any of our code runs, and throws. So each method is put behind a function that turns
//! whatever is thrown into a rejection; with it goes a panic, which `catch_unwind` has made an exception.

use std::ptr;

use napi::bindgen_prelude::{Function, FunctionCallContext, JsObjectValue, JsValue, Object, ToNapiValue, Unknown};
use napi::{Env, Property, PropertyAttributes, sys};

use super::js::{Refusal, take_exception};
use super::promise::rejected;
use crate::Error;

pub(super) const CLASS: &str = "FaceTheoryIsrMetaStore";
const METHODS: [&str; 6] = ["get", "invalidate", "tryAcquireLease", "commitGeneration", "releaseLease", "ensureTable"];

/// A handle of the current scope.
struct Handle(sys::napi_value);

impl ToNapiValue for Handle {
    unsafe fn to_napi_value(_: sys::napi_env, handle: Self) -> napi::Result<sys::napi_value> {
        Ok(handle.0)
    }
}

/// Done when the addon is loaded, after the class is defined.
pub(super) fn reject_foreign_receivers(exports: &Object<'_>, env: &Env) -> napi::Result<()> {
    let class: Object<'_> = exports.get_named_property_unchecked(CLASS)?;
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
    let rejection = rejected::<()>(env, &Refusal { error, thrown: take_exception(env) })?;
    Ok(Handle(rejection.raw()))
}

//! The end of a tick of the event loop: `setImmediate`, as it was when the addon was loaded.
//!
//! It comes in the same pass of the event loop as the calls, and needs no wake-up by the operating system.

use std::ptr;

use napi::{Env, JsValue, sys};

use super::value::{Arg, take_exception};

/// Calls a function when the tick ends.
pub(super) struct TickEnd(Option<References>);

struct References {
    set_immediate: sys::napi_ref,
    callback: sys::napi_ref,
}

impl TickEnd {
    /// Without a genuine `setImmediate` (fake timers replace it by one that has a `clock`) nothing can be scheduled.
    pub(super) fn new(
        env: &Env,
        callback: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
    ) -> Self {
        let references = references(env, callback);
        take_exception(env);
        Self(references)
    }

    /// Says whether the callback will be called.
    pub(super) fn schedule(&self, env: &Env) -> bool {
        let Some(References { set_immediate, callback }) = &self.0 else { return false };
        let (mut function, mut argument, mut receiver, mut result) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: on the JavaScript thread; the references are held until the environment ends, and each handle is written
        // before it is read.
        let is_scheduled = unsafe {
            sys::napi_get_reference_value(env.raw(), *set_immediate, &raw mut function) == sys::Status::napi_ok
                && sys::napi_get_reference_value(env.raw(), *callback, &raw mut argument) == sys::Status::napi_ok
                && sys::napi_get_undefined(env.raw(), &raw mut receiver) == sys::Status::napi_ok
                && sys::napi_call_function(env.raw(), receiver, function, 1, &raw const argument, &raw mut result)
                    == sys::Status::napi_ok
        };
        if !is_scheduled {
            take_exception(env);
        }
        is_scheduled
    }
}

fn references(
    env: &Env,
    callback: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
) -> Option<References> {
    let global = Arg::global(env).ok()?;
    let set_immediate = global.property("setImmediate").ok()?;
    if set_immediate.value_type() != napi::ValueType::Function
        || set_immediate.property("clock").ok()?.defined().is_some()
    {
        return None;
    }
    let (mut function, mut kept, mut kept_callback) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: all handles are live in the current scope, and each is written before it is read.
    let is_kept = unsafe {
        let name = c"tabletheory-isr";
        sys::napi_create_function(env.raw(), name.as_ptr(), 15, Some(callback), ptr::null_mut(), &raw mut function)
            == sys::Status::napi_ok
            && sys::napi_create_reference(env.raw(), function, 1, &raw mut kept_callback) == sys::Status::napi_ok
            && sys::napi_create_reference(env.raw(), set_immediate.value.raw(), 1, &raw mut kept)
                == sys::Status::napi_ok
    };
    is_kept.then_some(References { set_immediate: kept, callback: kept_callback })
}

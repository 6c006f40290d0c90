//! Reading JavaScript values that may be anything at all: wrong types, throwing getters, revoked proxies.
//!
//! Every call into the engine that can run user code goes through [`caught`], so that no exception stays pending and
//! whatever was thrown becomes the `cause` of a [`Refusal`].

use std::ptr;

use napi::bindgen_prelude::{JsValue, Unknown};
use napi::{Env, ValueType, sys};

use crate::Error;

/// Why an argument was refused, with what user code threw meanwhile.
pub(super) struct Refusal<'e> {
    pub(super) error: Error,
    pub(super) thrown: Option<Unknown<'e>>,
}

impl From<Error> for Refusal<'_> {
    fn from(error: Error) -> Self {
        Self { error, thrown: None }
    }
}

pub(super) type Checked<'e, T> = Result<T, Refusal<'e>>;

/// A value and its name in messages, such as `input.nowMs`.
#[derive(Clone, Copy)]
pub(super) struct Named<'n, 'e> {
    pub(super) name: &'n str,
    pub(super) value: Unknown<'e>,
    env: &'e Env,
}

impl<'n, 'e> Named<'n, 'e> {
    pub(super) fn new(env: &'e Env, name: &'n str, value: Unknown<'e>) -> Self {
        Self { name, value, env }
    }

    pub(super) fn renamed(self, name: &'n str) -> Self {
        Self { name, ..self }
    }

    pub(super) fn value_type(&self) -> ValueType {
        self.value.get_type().unwrap_or(ValueType::Unknown)
    }

    /// The value, unless it is `undefined`.
    pub(super) fn defined(self) -> Option<Self> {
        (self.value_type() != ValueType::Undefined).then_some(self)
    }

    /// The value, unless it is `undefined` or `null`.
    pub(super) fn present(self) -> Option<Self> {
        (!matches!(self.value_type(), ValueType::Undefined | ValueType::Null)).then_some(self)
    }

    pub(super) fn wrong_type(&self, expected: &str) -> Refusal<'e> {
        let actual = match self.value_type() {
            ValueType::Object if is_array(self.env, self.value) => "an array".to_owned(),
            ValueType::Object => "an object".to_owned(),
            other => other.to_string().to_lowercase(),
        };
        Error::wrong_type(format!("{} must be {expected}, not {actual}", self.name)).into()
    }

    /// A string without lone surrogates, possibly empty.
    pub(super) fn string(&self) -> Checked<'e, String> {
        if self.value_type() != ValueType::String {
            return Err(self.wrong_type("a string"));
        }
        let units = utf16(self.env, self.value).ok_or_else(|| self.wrong_type("a string"))?;
        String::from_utf16(&units)
            .map_err(|_| Error::out_of_range(format!("{} must not have lone surrogates", self.name)).into())
    }

    /// What `make` makes of a string without lone surrogates.
    pub(super) fn text<T>(&self, make: impl FnOnce(&str, String) -> crate::Result<T>) -> Checked<'e, T> {
        let text = self.string()?;
        Ok(make(self.name, text)?)
    }

    pub(super) fn number(&self) -> Checked<'e, f64> {
        if self.value_type() != ValueType::Number {
            return Err(self.wrong_type("a number"));
        }
        let mut number = 0.0;
        caught(self.env, self.name, unsafe {
            // SAFETY: the handle is live for 'e, and the type was checked.
            sys::napi_get_value_double(self.env.raw(), self.value.raw(), &raw mut number)
        })?;
        Ok(number)
    }

    pub(super) fn boolean(&self) -> Checked<'e, bool> {
        if self.value_type() != ValueType::Boolean {
            return Err(self.wrong_type("a boolean"));
        }
        let mut boolean = false;
        caught(self.env, self.name, unsafe {
            // SAFETY: the handle is live for 'e, and the type was checked.
            sys::napi_get_value_bool(self.env.raw(), self.value.raw(), &raw mut boolean)
        })?;
        Ok(boolean)
    }

    /// An object that is neither an array nor a function.
    pub(super) fn object(self) -> Checked<'e, Self> {
        if self.value_type() != ValueType::Object || is_array(self.env, self.value) {
            return Err(self.wrong_type("an object"));
        }
        Ok(self)
    }

    /// An object that was made by a literal or the like, and not by a class.
    pub(super) fn plain_object(self) -> Checked<'e, Self> {
        let object = self.object()?;
        let mut prototype = object.prototype()?;
        // One more: `Object.prototype`, be it this realm's or another's, is the end of every chain.
        if prototype.value_type() == ValueType::Object {
            prototype = prototype.prototype()?;
        }
        if prototype.value_type() == ValueType::Null { Ok(object) } else { Err(object.wrong_type("a plain object")) }
    }

    fn prototype(&self) -> Checked<'e, Self> {
        let env = self.env.raw();
        let mut prototype = ptr::null_mut();
        // SAFETY: the handle is live for 'e.
        unsafe {
            caught(self.env, self.name, sys::napi_get_prototype(env, self.value.raw(), &raw mut prototype))?;
            Ok(Self { value: Unknown::from_raw_unchecked(env, prototype), ..*self })
        }
    }

    /// An own property, read once; `undefined` where there is none.
    pub(super) fn property(&self, name: &'n str) -> Checked<'e, Named<'n, 'e>> {
        let env = self.env.raw();
        let mut key = ptr::null_mut();
        let mut value = ptr::null_mut();
        let mut is_own = false;
        // SAFETY: the handles are live for 'e, and `name` outlives the call that copies it.
        unsafe {
            let length = name.len().cast_signed();
            caught(self.env, name, sys::napi_create_string_utf8(env, name.as_ptr().cast(), length, &raw mut key))?;
            caught(self.env, name, sys::napi_has_own_property(env, self.value.raw(), key, &raw mut is_own))?;
            if is_own {
                caught(self.env, name, sys::napi_get_property(env, self.value.raw(), key, &raw mut value))?;
            } else {
                caught(self.env, name, sys::napi_get_undefined(env, &raw mut value))?;
            }
            Ok(Named { name, value: Unknown::from_raw_unchecked(env, value), env: self.env })
        }
    }

    /// The names of the own enumerable properties, symbols left out.
    pub(super) fn property_names(&self) -> Checked<'e, Vec<String>> {
        let env = self.env.raw();
        let mut names = ptr::null_mut();
        // SAFETY: the handle is live for 'e.
        unsafe {
            caught(
                self.env,
                self.name,
                sys::napi_get_all_property_names(
                    env,
                    self.value.raw(),
                    sys::KeyCollectionMode::own_only,
                    sys::KeyFilter::enumerable | sys::KeyFilter::skip_symbols,
                    sys::KeyConversion::numbers_to_strings,
                    &raw mut names,
                ),
            )?;
            let mut length = 0;
            caught(self.env, self.name, sys::napi_get_array_length(env, names, &raw mut length))?;
            (0..length)
                .map(|index| {
                    let mut name = ptr::null_mut();
                    caught(self.env, self.name, sys::napi_get_element(env, names, index, &raw mut name))?;
                    let units = utf16(self.env, Unknown::from_raw_unchecked(env, name)).unwrap_or_default();
                    Ok(String::from_utf16_lossy(&units))
                })
                .collect()
        }
    }

    /// Calls the value, which must be a function, without a receiver.
    pub(super) fn call(&self, arguments: &[Unknown<'e>]) -> Checked<'e, Unknown<'e>> {
        let env = self.env.raw();
        let arguments: Vec<_> = arguments.iter().map(JsValue::raw).collect();
        let mut receiver = ptr::null_mut();
        let mut result = ptr::null_mut();
        // SAFETY: the handles are live for 'e.
        unsafe {
            caught(self.env, self.name, sys::napi_get_undefined(env, &raw mut receiver))?;
            caught(
                self.env,
                self.name,
                sys::napi_call_function(
                    env,
                    receiver,
                    self.value.raw(),
                    arguments.len(),
                    arguments.as_ptr(),
                    &raw mut result,
                ),
            )?;
            Ok(Unknown::from_raw_unchecked(env, result))
        }
    }
}

/// Turns a failed engine call into a refusal, and takes the pending exception along as its cause.
pub(super) fn caught<'e>(env: &'e Env, name: &str, status: sys::napi_status) -> Checked<'e, ()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    let thrown = take_exception(env);
    let what = if thrown.is_some() { "threw" } else { "could not be read" };
    Err(Refusal { error: Error::wrong_type(format!("{name} {what}")), thrown })
}

/// Takes the pending exception, if there is one.
pub(super) fn take_exception(env: &Env) -> Option<Unknown<'_>> {
    let mut pending = false;
    let mut exception = ptr::null_mut();
    // SAFETY: these two may be called at any time on the engine's thread, also while an exception is pending.
    unsafe {
        sys::napi_is_exception_pending(env.raw(), &raw mut pending);
        let taken =
            pending && sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception) == sys::Status::napi_ok;
        taken.then(|| Unknown::from_raw_unchecked(env.raw(), exception))
    }
}

fn is_array(env: &Env, value: Unknown<'_>) -> bool {
    let mut is_array = false;
    // SAFETY: the handle is live; the call runs no user code.
    let status = unsafe { sys::napi_is_array(env.raw(), value.raw(), &raw mut is_array) };
    if status != sys::Status::napi_ok {
        take_exception(env);
    }
    is_array
}

/// The code units of a string; `None` for anything else.
fn utf16(env: &Env, value: Unknown<'_>) -> Option<Vec<u16>> {
    let mut length = 0;
    // SAFETY: the first call only measures; the second writes at most `length + 1` units, the last one a zero.
    unsafe {
        let status = sys::napi_get_value_string_utf16(env.raw(), value.raw(), ptr::null_mut(), 0, &raw mut length);
        if status != sys::Status::napi_ok {
            return None;
        }
        let mut units = vec![0_u16; length + 1];
        sys::napi_get_value_string_utf16(env.raw(), value.raw(), units.as_mut_ptr(), length + 1, &raw mut length);
        units.truncate(length);
        Some(units)
    }
}

/// `process.env` as JavaScript sees it, which in a worker is not the process's: the variables that start with a prefix.
pub(super) fn process_env(env: &Env, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    read_process_env(env, is_wanted).unwrap_or_else(|_| Vec::new())
}

fn read_process_env(env: &Env, is_wanted: impl Fn(&str) -> bool) -> Checked<'_, Vec<(String, String)>> {
    let mut global = ptr::null_mut();
    // SAFETY: the handle that is returned lives as long as the current scope, which 'e stands for.
    let global = unsafe {
        caught(env, "globalThis", sys::napi_get_global(env.raw(), &raw mut global))?;
        Named::new(env, "globalThis", Unknown::from_raw_unchecked(env.raw(), global))
    };
    let variables = global.property("process")?.property("env")?;
    let names = variables.property_names()?;
    let read = |name: String| {
        let value = variables.property(&name).ok()?.string().ok()?;
        Some((name, value))
    };
    Ok(names.into_iter().filter(|name| is_wanted(name)).filter_map(read).collect())
}

//! Reading JavaScript values that may be anything at all: wrong types, throwing getters, revoked proxies.
//!
//! Every call into the engine that can run user code goes through [`caught`], so that no exception stays pending and
//! the thrown value becomes the `cause` of an [`ArgError`].

use std::ptr;

use napi::bindgen_prelude::{JsValue, Unknown};
use napi::{Env, ValueType, sys};

use crate::{Error, InvalidValue};

/// The refusal of an argument, with the value that user code threw meanwhile.
pub(in crate::binding) struct ArgError<'e> {
    pub(in crate::binding) error: Error,
    pub(in crate::binding) thrown: Option<Unknown<'e>>,
}

impl From<Error> for ArgError<'_> {
    fn from(error: Error) -> Self {
        Self { error, thrown: None }
    }
}

pub(in crate::binding) type ArgResult<'e, T> = Result<T, ArgError<'e>>;

/// A value and its name in messages, such as `input.nowMs`.
#[derive(Clone, Copy)]
pub(in crate::binding) struct Arg<'n, 'e> {
    pub(in crate::binding) name: &'n str,
    pub(in crate::binding) value: Unknown<'e>,
    env: &'e Env,
}

impl<'n, 'e> Arg<'n, 'e> {
    pub(in crate::binding) fn new(env: &'e Env, name: &'n str, value: Unknown<'e>) -> Self {
        Self { name, value, env }
    }

    /// The global object.
    pub(in crate::binding) fn global(env: &'e Env) -> ArgResult<'e, Self>
    where
        'static: 'n,
    {
        let mut global = ptr::null_mut();
        // SAFETY: the handle that is returned lives as long as the current scope, which 'e stands for.
        unsafe {
            caught(env, "globalThis", sys::napi_get_global(env.raw(), &raw mut global))?;
            Ok(Arg::new(env, "globalThis", Unknown::from_raw_unchecked(env.raw(), global)))
        }
    }

    pub(in crate::binding) fn renamed(self, name: &'n str) -> Self {
        Self { name, ..self }
    }

    pub(in crate::binding) fn value_type(&self) -> ValueType {
        self.value.get_type().unwrap_or(ValueType::Unknown)
    }

    /// The value, unless it is `undefined`.
    pub(in crate::binding) fn defined(self) -> Option<Self> {
        (self.value_type() != ValueType::Undefined).then_some(self)
    }

    /// The value, unless it is `undefined` or `null`.
    pub(in crate::binding) fn present(self) -> Option<Self> {
        (!matches!(self.value_type(), ValueType::Undefined | ValueType::Null)).then_some(self)
    }

    pub(in crate::binding) fn wrong_type(&self, expected: &str) -> ArgError<'e> {
        let actual = match self.value_type() {
            ValueType::Object if is_array(self.env, self.value) => "an array".to_owned(),
            ValueType::Object => "an object".to_owned(),
            other => other.to_string().to_lowercase(),
        };
        Error::wrong_type(format!("{} must be {expected}, not {actual}", self.name)).into()
    }

    /// A string without lone surrogates, possibly empty.
    pub(in crate::binding) fn string(&self) -> ArgResult<'e, String> {
        if self.value_type() != ValueType::String {
            return Err(self.wrong_type("a string"));
        }
        let units = utf16(self.env, self.value).ok_or_else(|| self.wrong_type("a string"))?;
        String::from_utf16(&units)
            .map_err(|_| Error::out_of_range(format!("{} must not have lone surrogates", self.name)).into())
    }

    /// The output of `make` for a string without lone surrogates.
    pub(in crate::binding) fn text<T>(&self, make: impl FnOnce(String) -> Result<T, InvalidValue>) -> ArgResult<'e, T> {
        let text = self.string()?;
        self.checked(make(text))
    }

    /// The output of `make` for a number.
    pub(in crate::binding) fn checked_number<T>(
        &self,
        make: impl FnOnce(f64) -> Result<T, InvalidValue>,
    ) -> ArgResult<'e, T> {
        let number = self.number()?;
        self.checked(make(number))
    }

    /// The value, or the error that names this argument.
    pub(in crate::binding) fn checked<T>(&self, value: Result<T, InvalidValue>) -> ArgResult<'e, T> {
        value.map_err(|invalid| invalid.at(self.name).into())
    }

    pub(in crate::binding) fn number(&self) -> ArgResult<'e, f64> {
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

    pub(in crate::binding) fn boolean(&self) -> ArgResult<'e, bool> {
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

    /// The epoch milliseconds of a `Date` object.
    pub(in crate::binding) fn date_millis(&self) -> Option<f64> {
        let mut millis = f64::NAN;
        // SAFETY: the handle is live for 'e; for anything but a Date the status says so.
        let status = unsafe { sys::napi_get_date_value(self.env.raw(), self.value.raw(), &raw mut millis) };
        if status != sys::Status::napi_ok {
            take_exception(self.env);
            return None;
        }
        Some(millis)
    }

    /// An object that is neither an array nor a function.
    pub(in crate::binding) fn object(self) -> ArgResult<'e, Self> {
        if self.value_type() != ValueType::Object || is_array(self.env, self.value) {
            return Err(self.wrong_type("an object"));
        }
        Ok(self)
    }

    /// An object that was made by a literal or the like, and not by a class.
    pub(in crate::binding) fn plain_object(self) -> ArgResult<'e, Self> {
        let object = self.object()?;
        let mut prototype = object.prototype()?;
        // One more: `Object.prototype`, be it this realm's or another's, is the end of every chain.
        if prototype.value_type() == ValueType::Object {
            prototype = prototype.prototype()?;
        }
        if prototype.value_type() == ValueType::Null { Ok(object) } else { Err(object.wrong_type("a plain object")) }
    }

    fn prototype(&self) -> ArgResult<'e, Self> {
        let env = self.env.raw();
        let mut prototype = ptr::null_mut();
        // SAFETY: the handle is live for 'e.
        unsafe {
            caught(self.env, self.name, sys::napi_get_prototype(env, self.value.raw(), &raw mut prototype))?;
            Ok(Self { value: Unknown::from_raw_unchecked(env, prototype), ..*self })
        }
    }

    /// An own property, read once; `undefined` where there is none. Its path in messages is its name.
    pub(in crate::binding) fn property(&self, name: &'n str) -> ArgResult<'e, Arg<'n, 'e>> {
        self.property_at(name, name)
    }

    /// An own property, read once, that messages call `path`.
    pub(in crate::binding) fn property_at(&self, path: &'n str, name: &str) -> ArgResult<'e, Arg<'n, 'e>> {
        let env = self.env.raw();
        let mut key = ptr::null_mut();
        let mut value = ptr::null_mut();
        let mut is_own = false;
        // SAFETY: the handles are live for 'e, and `name` outlives the call that copies it.
        unsafe {
            let length = name.len().cast_signed();
            caught(self.env, path, sys::napi_create_string_utf8(env, name.as_ptr().cast(), length, &raw mut key))?;
            caught(self.env, path, sys::napi_has_own_property(env, self.value.raw(), key, &raw mut is_own))?;
            if is_own {
                caught(self.env, path, sys::napi_get_property(env, self.value.raw(), key, &raw mut value))?;
            } else {
                caught(self.env, path, sys::napi_get_undefined(env, &raw mut value))?;
            }
            Ok(Arg { name: path, value: Unknown::from_raw_unchecked(env, value), env: self.env })
        }
    }

    /// A property of the object or of its prototypes.
    pub(in crate::binding) fn property_or_inherited(&self, name: &'n str) -> ArgResult<'e, Self> {
        let mut key = ptr::null_mut();
        let mut value = ptr::null_mut();
        // SAFETY: the handles are live for 'e, and `name` outlives the call that copies it.
        unsafe {
            let (env, length) = (self.env.raw(), name.len().cast_signed());
            caught(self.env, name, sys::napi_create_string_utf8(env, name.as_ptr().cast(), length, &raw mut key))?;
            caught(self.env, name, sys::napi_get_property(env, self.value.raw(), key, &raw mut value))?;
            Ok(Self { name, value: Unknown::from_raw_unchecked(env, value), env: self.env })
        }
    }

    /// Whether the object itself has a property of this name.
    pub(in crate::binding) fn has_own_property(&self, name: &str) -> ArgResult<'e, bool> {
        self.has(name, sys::napi_has_own_property)
    }

    /// Whether the object or its prototypes have a property of this name.
    pub(in crate::binding) fn has_property(&self, name: &str) -> ArgResult<'e, bool> {
        self.has(name, sys::napi_has_property)
    }

    fn has(&self, name: &str, look: HasProperty) -> ArgResult<'e, bool> {
        let env = self.env.raw();
        let mut key = ptr::null_mut();
        let mut has = false;
        // SAFETY: the handles are live for 'e, and `name` outlives the call that copies it.
        unsafe {
            let length = name.len().cast_signed();
            caught(self.env, name, sys::napi_create_string_utf8(env, name.as_ptr().cast(), length, &raw mut key))?;
            caught(self.env, self.name, look(env, self.value.raw(), key, &raw mut has))?;
        }
        Ok(has)
    }

    /// The names of the own enumerable properties, symbols left out.
    pub(in crate::binding) fn property_names(&self) -> ArgResult<'e, Vec<String>> {
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
    pub(in crate::binding) fn call(&self, arguments: &[Unknown<'e>]) -> ArgResult<'e, Unknown<'e>> {
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

type HasProperty = unsafe fn(sys::napi_env, sys::napi_value, sys::napi_value, *mut bool) -> sys::napi_status;

/// Turns a failed engine call into a refusal, and takes the pending exception along as its cause.
pub(in crate::binding) fn caught<'e>(env: &'e Env, name: &str, status: sys::napi_status) -> ArgResult<'e, ()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    let thrown = take_exception(env);
    let what = if thrown.is_some() { "threw" } else { "could not be read" };
    Err(ArgError { error: Error::wrong_type(format!("{name} {what}")), thrown })
}

/// Takes the pending exception, if there is one.
pub(in crate::binding) fn take_exception(env: &Env) -> Option<Unknown<'_>> {
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

/// `process.emitWarning`, whose failure is not reported: a warning must not hurt a call.
pub(in crate::binding) fn emit_warning(env: &Env, message: &str) {
    let emitted = Arg::global(env).and_then(|global| {
        let emit = global.property("process")?.property_or_inherited("emitWarning")?;
        let message = env.create_string(message).map_err(|_| Error::wrong_type("the warning could not be made"))?;
        emit.call(&[message.to_unknown()])
    });
    drop(emitted);
}

/// `process.env` as JavaScript sees it, which in a worker is not the process's: the variables that start with a prefix.
pub(in crate::binding) fn process_env(env: &Env, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    read_process_env(env, is_wanted).unwrap_or_else(|_| Vec::new())
}

fn read_process_env(env: &Env, is_wanted: impl Fn(&str) -> bool) -> ArgResult<'_, Vec<(String, String)>> {
    let global = Arg::global(env)?;
    let variables = global.property("process")?.property("env")?;
    let names = variables.property_names()?;
    let read = |name: String| {
        let value = variables.property(&name).ok()?.string().ok()?;
        Some((name, value))
    };
    Ok(names.into_iter().filter(|name| is_wanted(name)).filter_map(read).collect())
}

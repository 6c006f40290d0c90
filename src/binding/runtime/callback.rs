//! The app's own functions, called on the JavaScript thread.

use napi::bindgen_prelude::{FromNapiValue, Function, FunctionRef, JsValue, Unknown};
use napi::{Env, ValueType};

use super::value::{Arg, ArgError, ArgResult};
use crate::Error;

/// A function among the options.
pub(in crate::binding) struct Callback {
    name: &'static str,
    function: FunctionRef<(), ()>,
}

impl Callback {
    pub(in crate::binding) fn new<'e>(value: &Arg<'static, 'e>) -> ArgResult<'e, Self> {
        if value.value_type() != ValueType::Function {
            return Err(value.wrong_type("a function"));
        }
        let kept = Function::<(), ()>::from_unknown(value.value).and_then(|function| function.create_ref());
        match kept {
            Ok(function) => Ok(Self { name: value.name, function }),
            Err(_) => Err(value.wrong_type("a function")),
        }
    }

    /// The value that the function returns.
    pub(in crate::binding) fn invoke<'e>(&self, env: &'e Env, arguments: &[Unknown<'e>]) -> ArgResult<'e, Unknown<'e>> {
        let function = self
            .function
            .borrow_back(env)
            .map_err(|_| ArgError::from(Error::wrong_type(format!("{} is gone", self.name))))?;
        Arg::new(env, self.name, function.to_unknown()).call(arguments)
    }

    /// The string that the function returns, which must not have lone surrogates.
    pub(in crate::binding) fn call<'e>(&self, env: &'e Env, arguments: &[Unknown<'e>]) -> ArgResult<'e, String> {
        let result = self.invoke(env, arguments)?;
        Arg::new(env, self.name, result).string().map_err(|refusal| ArgError {
            error: Error::wrong_type(format!("{}: the returned value is unusable: {}", self.name, refusal.error)),
            ..refusal
        })
    }
}

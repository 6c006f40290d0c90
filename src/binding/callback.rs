//! The app's own functions, called on the JavaScript thread during the call that needs them.

use std::sync::Arc;

use napi::bindgen_prelude::{FromNapiValue, Function, FunctionRef, JsValue, Unknown};
use napi::{Env, ValueType};

use super::js::{Checked, Named, Refusal};
use super::observer::Observer;
use crate::Error;

/// The callbacks that a store was made with.
#[derive(Default)]
pub(super) struct Callbacks {
    pub(super) pk_from_cache_key: Option<Callback>,
    pub(super) lease_token: Option<Callback>,
    pub(super) observer: Option<Arc<Observer>>,
}

/// A function that returns a string.
pub(super) struct Callback {
    name: &'static str,
    function: FunctionRef<(), ()>,
}

impl Callback {
    pub(super) fn new<'e>(value: &Named<'static, 'e>) -> Checked<'e, Self> {
        if value.value_type() != ValueType::Function {
            return Err(value.wrong_type("a function"));
        }
        let kept = Function::<(), ()>::from_unknown(value.value).and_then(|function| function.create_ref());
        match kept {
            Ok(function) => Ok(Self { name: value.name, function }),
            Err(_) => Err(value.wrong_type("a function")),
        }
    }

    /// What the function returns.
    pub(super) fn invoke<'e>(&self, env: &'e Env, arguments: &[Unknown<'e>]) -> Checked<'e, Unknown<'e>> {
        let function = self
            .function
            .borrow_back(env)
            .map_err(|_| Refusal::from(Error::wrong_type(format!("{} is gone", self.name))))?;
        Named::new(env, self.name, function.to_unknown()).call(arguments)
    }

    /// What the function returns, which must be a string without lone surrogates.
    pub(super) fn call<'e>(&self, env: &'e Env, arguments: &[Unknown<'e>]) -> Checked<'e, String> {
        let result = self.invoke(env, arguments)?;
        Named::new(env, self.name, result).string().map_err(|refusal| Refusal {
            error: Error::wrong_type(format!("{}: the returned value is unusable: {}", self.name, refusal.error)),
            ..refusal
        })
    }
}

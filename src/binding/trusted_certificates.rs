//! The certificates that Node.js trusts, where one of its switches changes them. Asking takes milliseconds, so nothing is
//! asked without a switch.

use std::sync::Arc;

use napi::bindgen_prelude::JsValue;
use napi::{Env, ValueType};

use super::runtime::value::{Arg, ArgResult};
use crate::{Environment, Error};

const OPENSSL: &str = "--use-openssl-ca";
const SWITCHES: [&str; 2] = ["--use-system-ca", OPENSSL];

/// The list in PEM form, where it differs from the built-in one.
pub(super) fn trusted_by_node(env: &Env, environment: &Environment, warn: impl FnOnce(String)) -> Option<Arc<str>> {
    let switch = used_switch(env, environment)?;
    match list(env, switch) {
        Ok(list) if !list.is_empty() => Some(list.into()),
        _ => {
            warn(format!(
                "{switch} is not honoured: this version of Node.js does not tell which certificates it trusts; name the authority's file in NODE_EXTRA_CA_CERTS"
            ));
            None
        }
    }
}

/// The switch by which Node.js has been told to trust another list.
fn used_switch(env: &Env, environment: &Environment) -> Option<&'static str> {
    const VARIABLE: &str = "NODE_USE_SYSTEM_CA";
    if environment.get(VARIABLE) == Some("1") {
        return Some(VARIABLE);
    }
    let in_options = environment.get("NODE_OPTIONS").unwrap_or_default().split_whitespace().map(str::to_owned);
    let arguments = exec_argv(env).unwrap_or_default();
    in_options.chain(arguments).find_map(|given| SWITCHES.into_iter().find(|switch| *switch == given))
}

fn exec_argv(env: &Env) -> ArgResult<'_, Vec<String>> {
    strings(&Arg::global(env)?.property("process")?.property_at("process.execArgv", "execArgv")?)
}

/// The list that Node.js uses. It does not tell the one that OpenSSL reads, which on Linux is the system's.
fn list<'e>(env: &'e Env, switch: &str) -> ArgResult<'e, String> {
    match switch {
        OPENSSL if cfg!(target_os = "linux") => Ok(certificates(env, "default")? + &certificates(env, "system")?),
        OPENSSL => Ok(String::new()),
        _ => certificates(env, "default"),
    }
}

/// The output of `tls.getCACertificates(kind)`.
fn certificates<'e>(env: &'e Env, kind: &str) -> ArgResult<'e, String> {
    let text = |text| env.create_string(text).map_err(|_| Error::wrong_type("no string"));
    let load = Arg::global(env)?.property("process")?.property_or_inherited("getBuiltinModule")?;
    let tls = Arg::new(env, "tls", load.call(&[text("node:tls")?.to_unknown()])?);
    let list = tls.property("getCACertificates")?.call(&[text(kind)?.to_unknown()])?;
    Ok(strings(&Arg::new(env, "certificates", list))?.iter().fold(String::new(), |all, one| all + one + "\n"))
}

/// The strings of an array.
fn strings<'e>(list: &Arg<'_, 'e>) -> ArgResult<'e, Vec<String>> {
    if list.value_type() != ValueType::Object {
        return Err(list.wrong_type("a list"));
    }
    list.property_names()?.iter().map(|index| list.property_at(list.name, index)?.string()).collect()
}

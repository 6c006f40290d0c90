//! The constructor's arguments: three forms, each option checked, and the environment as JavaScript sees it.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use http::HeaderValue;
use napi::bindgen_prelude::Unknown;
use napi::{Env, ValueType};

use super::callback::{Callback, Callbacks};
use super::js::{Checked, Named, process_env};
use super::observer::Observer;
use crate::config::{REGION_RULE, is_region, is_used};
use crate::model::not_empty;
use crate::{Config, Endpoint, Environment, Error, TableName};

/// Nobody waits five minutes for a page; and within ten, DynamoDB recognises a repeated transaction.
const LONGEST_TIMEOUT_MS: f64 = 300_000.0;
/// Whoever can wait longer for an invalidation needs no store to ask.
const LONGEST_STALENESS_MS: f64 = 3_600_000.0;
const LONGEST_TTL_SECONDS: f64 = 1e10;
const LONGEST_PREFIX_BYTES: usize = 1_024;

const TABLE_NAME: &str = "tableName";
const OPTIONS: [&str; 16] = [
    "region",
    "endpoint",
    "credentials",
    "maxAttempts",
    "connectTimeoutMs",
    "requestTimeoutMs",
    "operationTimeoutMs",
    "pkPrefix",
    "pkFromCacheKey",
    "leaseToken",
    "leaseTtlBufferSeconds",
    "metaTtlSeconds",
    "consistentRead",
    "maxStalenessMs",
    "onOperation",
    "onOperationKeys",
];

/// Reads the factory's `(options?)`.
pub(super) fn read_object<'e>(env: &'e Env, options: Unknown<'e>) -> Checked<'e, (Config, Callbacks)> {
    if let Some(options) = Named::new(env, "options", options).defined() {
        options.object()?;
    }
    read(env, options, None)
}

/// Reads `(tableName?, options?)` or `({ tableName?, ...options })`.
pub(super) fn read<'e>(
    env: &'e Env,
    first: Unknown<'e>,
    second: Option<Unknown<'e>>,
) -> Checked<'e, (Config, Callbacks)> {
    let first = Named::new(env, TABLE_NAME, first);
    let second = second.and_then(|options| Named::new(env, "options", options).defined());
    let is_object = first.value_type() == ValueType::Object;
    if is_object && second.is_some() {
        return Err(Error::wrong_type("options must not follow an object of options").into());
    }
    let options = if is_object { Some(first.renamed("options")) } else { second };
    let options = options.map(Named::object).transpose()?;
    if let Some(options) = &options {
        refuse_unknown(options, is_object)?;
    }
    let environment = environment(env);
    let table_name = match &options {
        Some(options) if is_object => options.property(TABLE_NAME)?.defined(),
        _ => first.defined(),
    };
    let table_name = match table_name {
        Some(name) => TableName::new(name.string()?)?,
        None => TableName::from_environment(&environment)?,
    };
    let mut config = Config::new(table_name);
    let mut callbacks = Callbacks::default();
    if let Some(options) = &options {
        apply(options, &mut config, &mut callbacks)?;
    }
    if config.endpoint.is_none() {
        config.endpoint = Endpoint::from_environment(&environment)?;
    }
    config.environment = environment;
    Ok((config, callbacks))
}

fn environment(env: &Env) -> Environment {
    process_env(env, is_used).into_iter().collect()
}

/// A misspelt option must not become a default.
fn refuse_unknown<'e>(options: &Named<'static, 'e>, has_table_name: bool) -> Checked<'e, ()> {
    for name in options.property_names()? {
        let message = match name.as_str() {
            TABLE_NAME if has_table_name => continue,
            TABLE_NAME => "tableName is given twice".to_owned(),
            "ddb" | "client" => format!(
                "options.{name} is not taken: this store has a DynamoDB client of its own; pass region, endpoint and credentials instead"
            ),
            known if OPTIONS.contains(&known) => continue,
            unknown => format!("options.{unknown} is no option; there are {TABLE_NAME}, {}", OPTIONS.join(", ")),
        };
        return Err(Error::wrong_type(message).into());
    }
    Ok(())
}

fn apply<'e>(options: &Named<'static, 'e>, config: &mut Config, callbacks: &mut Callbacks) -> Checked<'e, ()> {
    let get = |name| options.property(name).map(Named::defined);
    if let Some(region) = get("region")? {
        config.region = Some(region.text(region_name)?);
    }
    if let Some(endpoint) = get("endpoint")? {
        config.endpoint = Some(Endpoint::new(endpoint.name, &endpoint.string()?)?);
    }
    if let Some(credentials) = get("credentials")? {
        config.credentials = Some(read_credentials(credentials)?);
    }
    if let Some(attempts) = get("maxAttempts")? {
        config.max_attempts = max_attempts(&attempts)?;
    }
    for (name, timeout) in [
        ("connectTimeoutMs", &mut config.connect_timeout),
        ("requestTimeoutMs", &mut config.request_timeout),
        ("operationTimeoutMs", &mut config.operation_timeout),
    ] {
        if let Some(value) = get(name)? {
            let is_allowed = |millis| (1.0..=LONGEST_TIMEOUT_MS).contains(&millis);
            let millis = number_within(&value, is_allowed, "at least 1 and at most 300000 (milliseconds)")?;
            *timeout = Duration::from_secs_f64(millis / 1_000.0);
        }
    }
    if let Some(prefix) = get("pkPrefix")? {
        config.pk_prefix = prefix.string()?;
        if config.pk_prefix.len() > LONGEST_PREFIX_BYTES {
            let message = format!("pkPrefix must be at most {LONGEST_PREFIX_BYTES} bytes (UTF-8)");
            return Err(Error::out_of_range(message).into());
        }
    }
    if let Some(seconds) = get("leaseTtlBufferSeconds")? {
        config.lease_ttl_buffer_seconds = number_within(
            &seconds,
            |seconds| (0.0..=LONGEST_TTL_SECONDS).contains(&seconds),
            "at least 0 and at most 10^10 (seconds)",
        )?;
    }
    if let Some(seconds) = get("metaTtlSeconds")? {
        config.meta_ttl_seconds = Some(number_within(
            &seconds,
            |seconds| seconds > 0.0 && seconds <= LONGEST_TTL_SECONDS,
            "above 0 and at most 10^10 (seconds)",
        )?);
    }
    if let Some(consistent) = get("consistentRead")? {
        config.consistent_read = consistent.boolean()?;
    }
    if let Some(value) = get("maxStalenessMs")? {
        let is_allowed = |millis| (0.0..=LONGEST_STALENESS_MS).contains(&millis);
        let millis = number_within(&value, is_allowed, "at least 0 and at most 3600000 (milliseconds)")?;
        config.max_staleness = Duration::from_secs_f64(millis / 1_000.0);
    }
    callbacks.pk_from_cache_key = get("pkFromCacheKey")?.map(|value| Callback::new(&value)).transpose()?;
    let tells_keys = get("onOperationKeys")?.map(|value| value.boolean()).transpose()?.unwrap_or(false);
    let observer = get("onOperation")?.map(|value| Callback::new(&value)).transpose()?;
    callbacks.observer = observer.map(|callback| Arc::new(Observer { callback, tells_keys }));
    callbacks.lease_token = get("leaseToken")?.map(|value| Callback::new(&value)).transpose()?;
    Ok(())
}

/// No message says what they are.
fn read_credentials<'e>(value: Named<'static, 'e>) -> Checked<'e, Credentials> {
    let credentials = value.object()?;
    let access_key_id = credentials.property("accessKeyId")?.text(sendable)?;
    let secret = credentials.property("secretAccessKey")?.text(sendable)?;
    let session_token =
        credentials.property("sessionToken")?.defined().map(|token| token.text(sendable)).transpose()?;
    Ok(Credentials::new(access_key_id, secret, session_token, None, "options"))
}

/// Credentials go into headers.
fn sendable(field: &str, value: String) -> crate::Result<String> {
    if HeaderValue::from_str(&value).is_err() {
        return Err(Error::out_of_range(format!("{field} must not have control characters")));
    }
    not_empty(field, value)
}

fn region_name(field: &str, value: String) -> crate::Result<String> {
    if is_region(&value) { Ok(value) } else { Err(Error::out_of_range(format!("{field} must be {REGION_RULE}"))) }
}

fn max_attempts<'e>(value: &Named<'static, 'e>) -> Checked<'e, u32> {
    let is_allowed = |number: f64| (1.0..=10.0).contains(&number) && number.fract() == 0.0;
    let number = number_within(value, is_allowed, "a whole number from 1 to 10")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 10")]
    Ok(number as u32)
}

fn number_within<'e>(value: &Named<'static, 'e>, is_allowed: impl Fn(f64) -> bool, rule: &str) -> Checked<'e, f64> {
    let number = value.number()?;
    if is_allowed(number) {
        return Ok(number);
    }
    Err(Error::out_of_range(format!("{} must be {rule}", value.name)).into())
}

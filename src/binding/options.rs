//! The constructor's arguments: three forms, each option checked by the table of options, and the environment as
//! JavaScript sees it.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use http::HeaderValue;
use napi::bindgen_prelude::Unknown;
use napi::{Env, ValueType};

use super::credential_provider::{CredentialProvider, date};
use super::on_operation::OperationListener;
use super::runtime::callback::Callback;
use super::runtime::js_thread::JsThread;
use super::runtime::value::{Arg, ArgResult, emit_warning, process_env};
use super::trusted_certificates::trusted_by_node;
use crate::{
    BooleanOption, Config, CredentialsSource, Endpoint, Environment, Error, FunctionOption, InvalidValue, OnWarning,
    OptionKind, TableName, TextOption, options,
};

const TABLE_NAME: &str = "tableName";

/// The functions among the options.
#[derive(Default)]
pub(super) struct Callbacks {
    pub(super) pk_from_cache_key: Option<Callback>,
    pub(super) lease_token: Option<Callback>,
    pub(super) listener: Option<Arc<OperationListener>>,
}

/// Reads the factory's `(options?)`.
pub(super) fn read_object<'e>(env: &'e Env, options: Unknown<'e>) -> ArgResult<'e, (Config, Callbacks)> {
    if let Some(options) = Arg::new(env, "options", options).defined() {
        options.object()?;
    }
    read(env, options, None)
}

/// Reads `(tableName?, options?)` or `({ tableName?, ...options })`.
pub(super) fn read<'e>(
    env: &'e Env,
    first: Unknown<'e>,
    second: Option<Unknown<'e>>,
) -> ArgResult<'e, (Config, Callbacks)> {
    let first = Arg::new(env, TABLE_NAME, first);
    let second = second.and_then(|options| Arg::new(env, "options", options).defined());
    let is_object = first.value_type() == ValueType::Object;
    if is_object && second.is_some() {
        return Err(Error::wrong_type("options must not follow an object of options").into());
    }
    let given = if is_object { Some(first.renamed("options")) } else { second };
    let given = given.map(Arg::object).transpose()?;
    if let Some(given) = &given {
        refuse_unknown(given, is_object)?;
        refuse_inherited(given)?;
    }
    let environment: Environment = process_env(env, |_| true).into_iter().collect();
    let table_name = match &given {
        Some(given) if is_object => given.property(TABLE_NAME)?.defined(),
        _ => first.defined(),
    };
    let table_name = match table_name {
        Some(name) => TableName::new(name.string()?)?,
        None => TableName::from_environment(&environment)?,
    };
    let mut config = Config::new(table_name);
    config.on_warning = warnings(env);
    config.trusted_certificates = trusted_by_node(env, &environment, |message| emit_warning(env, &message));
    let mut callbacks = Callbacks::default();
    if let Some(given) = &given {
        apply(env, given, &mut config, &mut callbacks)?;
    }
    if config.endpoint.is_none() {
        // It counts at the first call, when the profile is known; but its faults can be reported now.
        Endpoint::from_environment(&environment)?;
    }
    config.environment = environment;
    Ok((config, callbacks))
}

/// Warnings of the worker thread become process warnings, as those of Node.js do.
fn warnings(env: &Env) -> Option<OnWarning> {
    let mailbox = JsThread::of(env).ok()?.mailbox();
    Some(Arc::new(move |message| mailbox.post(Box::new(move |env| emit_warning(env, &message)))))
}

/// A misspelt option must not become a default.
fn refuse_unknown<'e>(given: &Arg<'static, 'e>, has_table_name: bool) -> ArgResult<'e, ()> {
    for name in given.property_names()? {
        let message = match name.as_str() {
            TABLE_NAME if has_table_name => continue,
            TABLE_NAME => "tableName is given twice".to_owned(),
            "ddb" | "client" => format!(
                "option \"{name}\" is not supported: the store creates its own client; pass region, endpoint and credentials instead"
            ),
            known if options().any(|spec| spec.name == known) => continue,
            unknown => {
                let names: Vec<_> = options().map(|spec| spec.name).collect();
                format!("unknown option \"{unknown}\"; valid options: {TABLE_NAME}, {}", names.join(", "))
            }
        };
        return Err(Error::wrong_type(message).into());
    }
    Ok(())
}

/// Options are read as own properties, so an inherited one would become a default.
fn refuse_inherited<'e>(given: &Arg<'static, 'e>) -> ArgResult<'e, ()> {
    for name in options().map(|spec| spec.name).chain([TABLE_NAME]) {
        if given.has_property(name)? && !given.has_own_property(name)? {
            let message = format!("option \"{name}\" is inherited; options must be own properties of the object");
            return Err(Error::wrong_type(message).into());
        }
    }
    Ok(())
}

fn apply<'e>(
    env: &'e Env,
    given: &Arg<'static, 'e>,
    config: &mut Config,
    callbacks: &mut Callbacks,
) -> ArgResult<'e, ()> {
    let mut listener = None;
    for spec in options() {
        let Some(value) = given.property(spec.name)?.defined() else { continue };
        match spec.kind {
            OptionKind::Number(option, _) => value.checked_number(|number| config.set_number(option, number))?,
            OptionKind::Boolean(option) => config.set_boolean(option, value.boolean()?),
            OptionKind::Credentials if value.value_type() == ValueType::Function => {
                let provider = CredentialProvider::new(env, &value)?;
                config.credentials = Some(CredentialsSource::Provider(SharedCredentialsProvider::new(provider)));
            }
            OptionKind::Credentials => {
                config.credentials = Some(CredentialsSource::Static(credentials(value, Origin::App)?));
            }
            OptionKind::Text(option) => match option {
                TextOption::Region => value.text(|region| config.set_region(region))?,
                TextOption::PkPrefix => value.text(|prefix| config.set_pk_prefix(prefix))?,
                TextOption::Endpoint => config.endpoint = Some(Endpoint::new(value.name, &value.string()?)?),
            },
            OptionKind::Function(option) => {
                let callback = Some(Callback::new(&value)?);
                match option {
                    FunctionOption::PkFromCacheKey => callbacks.pk_from_cache_key = callback,
                    FunctionOption::LeaseToken => callbacks.lease_token = callback,
                    FunctionOption::OnOperation => listener = callback,
                }
            }
        }
    }
    let includes_keys = config.boolean(BooleanOption::OnOperationKeys);
    callbacks.listener = listener.map(|callback| Arc::new(OperationListener { callback, includes_keys }));
    Ok(())
}

/// The members of credentials: path in messages, name.
const ACCESS_KEY_ID: (&str, &str) = ("credentials.accessKeyId", "accessKeyId");
const SECRET_ACCESS_KEY: (&str, &str) = ("credentials.secretAccessKey", "secretAccessKey");
const SESSION_TOKEN: (&str, &str) = ("credentials.sessionToken", "sessionToken");
const EXPIRATION: (&str, &str) = ("credentials.expiration", "expiration");
const ACCOUNT_ID: (&str, &str) = ("credentials.accountId", "accountId");
const MEMBERS: [(&str, &str); 5] = [ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, EXPIRATION, ACCOUNT_ID];
/// The AWS SDK for JavaScript adds these to the credentials that it resolves. The store has no use for them.
const MEMBERS_OF_SDK: [&str; 2] = ["$source", "credentialScope"];

/// Where credentials come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The app has written them: an unknown member is misspelt, and `null` is a mistake.
    App,
    /// A provider's answer, which may have other members, and `null` for a missing one. A member that differs from a known
    /// one in case only is misspelt.
    Provider,
}

/// Credentials as the AWS SDK for JavaScript has them. No message shows their values.
pub(super) fn credentials<'e>(value: Arg<'static, 'e>, origin: Origin) -> ArgResult<'e, Credentials> {
    let credentials = value.object()?;
    let is_misspelt = |name: &str| match origin {
        Origin::App => !MEMBERS_OF_SDK.contains(&name),
        Origin::Provider => MEMBERS.iter().any(|(_, known)| known.eq_ignore_ascii_case(name)),
    };
    let is_known = |name: &str| MEMBERS.iter().any(|(_, known)| *known == name);
    if let Some(unknown) = credentials.property_names()?.iter().find(|name| !is_known(name) && is_misspelt(name)) {
        let valid = MEMBERS.map(|(_, name)| name).join(", ");
        let message = format!("unknown property credentials.{unknown}; valid properties: {valid}");
        return Err(Error::wrong_type(message).into());
    }
    let member = |(path, name)| credentials.property_at(path, name);
    let mut builder = Credentials::builder()
        .access_key_id(member(ACCESS_KEY_ID)?.text(header_text)?)
        .secret_access_key(member(SECRET_ACCESS_KEY)?.text(header_text)?)
        .provider_name("options");
    let optional =
        |name| member(name).map(|value| if origin == Origin::App { value.defined() } else { value.present() });
    builder.set_session_token(optional(SESSION_TOKEN)?.map(|token| token.text(header_text)).transpose()?);
    builder.set_expiry(member(EXPIRATION)?.present().map(|expiration| date(&expiration)).transpose()?);
    let account_id = optional(ACCOUNT_ID)?.map(|account| account.text(account_id)).transpose()?;
    builder.set_account_id(account_id.map(Into::into));
    Ok(builder.build())
}

/// It becomes a part of the endpoint's hostname.
fn account_id(value: String) -> Result<String, InvalidValue> {
    if value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value);
    }
    Err(InvalidValue::new("must have 12 digits"))
}

/// Credentials go into HTTP headers.
fn header_text(value: String) -> Result<String, InvalidValue> {
    if value.is_empty() {
        return Err(InvalidValue::new("must not be empty"));
    }
    if HeaderValue::from_str(&value).is_err() {
        return Err(InvalidValue::new("must not have control characters"));
    }
    Ok(value)
}

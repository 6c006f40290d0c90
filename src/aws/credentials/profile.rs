//! The credentials of a profile: keys, a role, a web identity, a program, or a sign-in.

use aws_credential_types::Credentials;
use aws_runtime::env_config::section::Profile;

use super::sts::{self, Role};
use super::{Chain, container, from_environment, process, sso};
use crate::aws::profile::SharedFiles;
use crate::error::{Error, ErrorKind, Result};

/// Nothing where the profile that counts has no credentials, or does not exist.
pub(super) async fn load(chain: &Chain, files: &SharedFiles) -> Result<Option<Credentials>> {
    let mut name = files.profile_name();
    // From the profile that counts down to the one that needs no other.
    let mut roles = Vec::new();
    let mut seen = vec![name];
    let base = loop {
        let Some(profile) = files.profile(name) else {
            if roles.is_empty() {
                return Ok(None);
            }
            return Err(refuse(files.does_not_exist(name)));
        };
        // A source's own keys come before its role.
        if !roles.is_empty()
            && let Some(keys) = keys(profile)
        {
            break Some(keys);
        }
        let Some(role) = Role::of_profile(profile) else { break own(chain, files, profile).await? };
        let role = role?;
        if role.token_file.is_some() {
            break Some(sts::assume_role_with_web_identity(chain, files, &role).await?);
        }
        roles.push(role);
        match (get(profile, "source_profile"), get(profile, "credential_source")) {
            (Some(source), None) if source == name => break keys(profile),
            (Some(source), None) if seen.contains(&source) => {
                return Err(refuse(format!("profile \"{source}\" is a source_profile of itself")));
            }
            (Some(source), None) => {
                seen.push(source);
                name = source;
            }
            (None, Some(source)) => break Some(of_credential_source(chain, files, source, name).await?),
            _ => {
                let message = format!("profile \"{name}\" needs source_profile or credential_source beside role_arn");
                return Err(refuse(message));
            }
        }
    };
    let Some(mut credentials) = base else {
        if roles.is_empty() {
            return Ok(None);
        }
        return Err(refuse(format!("profile \"{name}\" has no credentials")));
    };
    for role in roles.iter().rev() {
        credentials = sts::assume_role(chain, files, role, credentials).await?;
    }
    Ok(Some(credentials))
}

fn refuse(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Credentials, format!("no AWS credentials: {what}"))
}

pub(super) fn get<'p>(profile: &'p Profile, key: &str) -> Option<&'p str> {
    profile.get(key).map(str::trim).filter(|value| !value.is_empty())
}

fn keys(profile: &Profile) -> Option<Credentials> {
    let mut credentials = Credentials::builder()
        .access_key_id(get(profile, "aws_access_key_id")?)
        .secret_access_key(get(profile, "aws_secret_access_key")?)
        .provider_name("profile");
    credentials.set_session_token(get(profile, "aws_session_token").map(str::to_owned));
    credentials.set_account_id(get(profile, "aws_account_id").map(Into::into));
    Some(credentials.build())
}

/// The credentials of a profile without a role.
async fn own(chain: &Chain, files: &SharedFiles, profile: &Profile) -> Result<Option<Credentials>> {
    if let Some(keys) = keys(profile) {
        return Ok(Some(keys));
    }
    if let Some(command) = get(profile, "credential_process") {
        let mut credentials = process::load(command, profile.name(), &chain.environment).await?;
        if credentials.account_id().is_none()
            && let Some(account) = get(profile, "aws_account_id")
        {
            credentials = with_account(&credentials, account);
        }
        return Ok(Some(credentials));
    }
    if let Some(sign_in) = sso::SignIn::of_profile(profile, files) {
        return sso::load(chain, files, &sign_in?).await.map(Some);
    }
    if get(profile, "login_session").is_some() {
        return Err(refuse(format!(
            "profile \"{}\" is one of `aws login`, which this package does not read; pass credentials: fromNodeProviderChain() of the package @aws-sdk/credential-providers as an option",
            profile.name()
        )));
    }
    Ok(None)
}

fn with_account(credentials: &Credentials, account: &str) -> Credentials {
    let mut copy = Credentials::builder()
        .access_key_id(credentials.access_key_id())
        .secret_access_key(credentials.secret_access_key())
        .account_id(account)
        .provider_name("process");
    copy.set_session_token(credentials.session_token().map(str::to_owned));
    copy.set_expiry(credentials.expiry());
    copy.build()
}

async fn of_credential_source(chain: &Chain, files: &SharedFiles, source: &str, name: &str) -> Result<Credentials> {
    let found = match source {
        "Environment" => from_environment(&chain.environment),
        "EcsContainer" => container::load(chain).await?,
        "Ec2InstanceMetadata" => chain.metadata.load(chain, files).await?,
        other => {
            let message = format!(
                "credential_source of profile \"{name}\" must be Environment, EcsContainer or Ec2InstanceMetadata, and is {other:?}"
            );
            return Err(refuse(message));
        }
    };
    found.ok_or_else(|| refuse(format!("credential_source {source} of profile \"{name}\" has none")))
}

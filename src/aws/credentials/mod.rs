//! Credentials: of the options, then of the environment as JavaScript sees it, then of AWS's chain.
//!
//! The sources are written here, since the providers of aws-config read the process's environment, which ends the process
//! when JavaScript changes it meanwhile. Every value comes from the environment that the store was made with.

mod answer;
mod container;
mod http;
mod metadata;
mod process;
mod profile;
mod renewal;
mod sso;
mod sts;

use std::error::Error as _;
use std::sync::Mutex;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_async::time::TimeSource;

use self::answer::time;
use self::http::Http;
use self::metadata::MetadataService;
use self::sts::Role;
use super::endpoint::Settings;
use super::profile::SharedFiles;
use super::signing_clock::SigningClock;
use crate::config::{Config, CredentialsSource, Environment};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;
use aws_sdk_dynamodb::config::SharedHttpClient;

pub(crate) use self::metadata::ENDPOINT_KEY as METADATA_ENDPOINT_KEY;
pub(crate) use self::renewal::{CurrentCredentials, Generation};

/// Where credentials come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// They never change.
    Fixed(Credentials),
    /// The application's own.
    Provider(SharedCredentialsProvider),
    /// AWS's.
    Chain(Box<Chain>),
}

impl Source {
    /// The first that the configuration has. Its files have just been read.
    pub(crate) fn of(
        config: &Config,
        settings: &Settings,
        files: SharedFiles,
        clock: &SigningClock,
        http_client: SharedHttpClient,
    ) -> Self {
        let environment = &config.environment;
        match (&config.credentials, from_environment(environment)) {
            (Some(CredentialsSource::Static(credentials)), _) => Self::Fixed(credentials.clone()),
            (Some(CredentialsSource::Provider(provider)), _) => Self::Provider(provider.clone()),
            (None, Some(credentials)) => Self::Fixed(credentials),
            (None, None) => Self::Chain(Box::new(Chain {
                environment: environment.clone(),
                settings: settings.clone(),
                clock: clock.clone(),
                http: Http::new(http_client),
                metadata: MetadataService::default(),
                just_read: Mutex::new(Some(files)),
            })),
        }
    }

    fn can_change(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    async fn load(&self) -> Result<Credentials> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Provider(provider) => provider.provide_credentials().await.map_err(provider_failed),
            Self::Chain(chain) => chain.load().await,
        }
    }
}

fn provider_failed(failure: CredentialsError) -> Error {
    if let Some(error) = failure.source().and_then(|source| source.downcast_ref::<Error>()) {
        return error.clone();
    }
    let (kind, how) = match failure {
        CredentialsError::ProviderTimedOut(_) => (ErrorKind::Timeout, "did not answer in time"),
        _ => (ErrorKind::Credentials, "failed"),
    };
    Error::new(kind, format!("no AWS credentials: the credentials provider {how}")).caused_by(failure)
}

pub(crate) fn from_environment(environment: &Environment) -> Option<Credentials> {
    let key_id = environment.get("AWS_ACCESS_KEY_ID")?;
    let secret = environment.get("AWS_SECRET_ACCESS_KEY")?;
    let mut credentials =
        Credentials::builder().access_key_id(key_id).secret_access_key(secret).provider_name("environment");
    credentials.set_session_token(environment.get("AWS_SESSION_TOKEN").map(str::to_owned));
    credentials.set_expiry(environment.get("AWS_CREDENTIAL_EXPIRATION").and_then(time));
    credentials.set_account_id(environment.get("AWS_ACCOUNT_ID").map(Into::into));
    Some(credentials.build())
}

/// AWS's order of sources: the profile, a web identity, the container, the instance.
#[derive(Debug)]
pub(crate) struct Chain {
    environment: Environment,
    settings: Settings,
    clock: SigningClock,
    http: Http,
    metadata: MetadataService,
    /// The first load needs no second look at the files.
    just_read: Mutex<Option<SharedFiles>>,
}

/// How long dummies stand in for a profile that has failed, at a loopback endpoint.
const STAND_IN: Duration = Duration::from_mins(5);

impl Chain {
    async fn load(&self) -> Result<Credentials> {
        let just_read = lock(&self.just_read).take();
        let files = match just_read {
            Some(files) => files,
            None => SharedFiles::read(&self.environment).await?,
        };
        if let Some(missing) = files.missing_profile() {
            let message = format!("{missing}; correct AWS_PROFILE, or add the profile");
            return Err(Error::new(ErrorKind::Credentials, message));
        }
        match profile::load(self, &files).await {
            Ok(None) => {}
            Ok(Some(credentials)) => return Ok(credentials),
            // A profile that the environment names is meant; the default one need not be meant for DynamoDB Local.
            Err(_) if self.settings.is_loopback() && !files.is_named() => {
                let expiry = self.clock.now() + STAND_IN;
                return Ok(Credentials::new("local", "local", None, Some(expiry), "loopback"));
            }
            Err(error) => return Err(error),
        }
        if let Some(role) = Role::of_web_identity(&self.environment) {
            return sts::assume_role_with_web_identity(self, &files, &role?).await;
        }
        if self.settings.is_loopback() {
            return Ok(Credentials::new("local", "local", None, None, "loopback"));
        }
        if let Some(credentials) = container::load(self).await? {
            return Ok(credentials);
        }
        self.metadata.load(self, &files).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::Credentials,
                "no AWS credentials: pass options.credentials, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure a profile or role",
            )
        })
    }
}

#[cfg(test)]
pub(super) mod tests;

//! Who we are: options, then the environment as the caller sees it, then AWS's chain.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_dynamodb::config::Region;
use aws_smithy_async::time::SharedTimeSource;
use http::HeaderValue;

use super::tls::https_clients;
use crate::config::{Config, Endpoint, Environment};
use crate::error::{Error, ErrorKind, Result};
use crate::locked::locked;

/// The metadata service answers in milliseconds or, off EC2, never.
const METADATA_SERVICE_TIMEOUT: Duration = Duration::from_millis(500);

const HOME_VARIABLES: [&str; 2] = ["HOME", "USERPROFILE"];
const CONTAINER_VARIABLES: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

/// The shared config and credentials files that the environment points to, and the profile in them.
#[derive(Debug)]
pub(super) struct AwsFiles {
    files: EnvConfigFiles,
    profile: String,
}

impl AwsFiles {
    /// Reads the files, since aws-config would look for them in the process's environment, and stop at one that is missing.
    pub(super) fn read(environment: &Environment) -> Self {
        let home = environment.first(&HOME_VARIABLES).map(|(_, home)| Path::new(home).join(".aws"));
        let contents = |variable, name| {
            let path = match environment.get(variable) {
                Some(path) => Some(PathBuf::from(path)),
                None => home.as_ref().map(|home| home.join(name)),
            };
            path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
        };
        let files = EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, contents("AWS_CONFIG_FILE", "config"))
            .with_contents(EnvConfigFileKind::Credentials, contents("AWS_SHARED_CREDENTIALS_FILE", "credentials"))
            .build();
        Self { files, profile: environment.get("AWS_PROFILE").unwrap_or("default").to_owned() }
    }

    pub(super) async fn region(&self) -> Option<Region> {
        let provider =
            ProfileFileRegionProvider::builder().profile_files(self.files.clone()).profile_name(&self.profile);
        provider.build().region().await
    }
}

/// The first source that the configuration names.
pub(super) fn provider(config: &Config, region: &Region, files: &AwsFiles) -> Result<SharedCredentialsProvider> {
    let environment = &config.environment;
    let known = config.credentials.clone().or_else(|| from_environment(environment)).or_else(|| {
        let is_loopback = config.endpoint.as_ref().is_some_and(Endpoint::is_loopback);
        is_loopback.then(|| Credentials::new("local", "local", None, None, "loopback"))
    });
    Ok(match known {
        Some(credentials) => SharedCredentialsProvider::new(credentials),
        None => SharedCredentialsProvider::new(chain(environment, region, files)?),
    })
}

fn from_environment(environment: &Environment) -> Option<Credentials> {
    let session_token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    let key_id = environment.get("AWS_ACCESS_KEY_ID")?;
    let secret = environment.get("AWS_SECRET_ACCESS_KEY")?;
    Some(Credentials::new(key_id, secret, session_token, None, "environment"))
}

/// Whether a request can carry them: they go into its headers.
fn can_be_sent(credentials: &Credentials) -> bool {
    let in_headers = [Some(credentials.access_key_id()), credentials.session_token()];
    in_headers.into_iter().flatten().all(|text| HeaderValue::from_str(text).is_ok())
}

/// AWS's order. The chain of aws-config cannot be given an environment, and would look at the process's own.
fn chain(environment: &Environment, region: &Region, files: &AwsFiles) -> Result<CredentialsProviderChain> {
    let http_client = https_clients(environment)?();
    let config = ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(http_client);
    let profile = ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .profile_files(files.files.clone())
        .profile_name(&files.profile);
    let mut chain = CredentialsProviderChain::first_try("Profile", profile.build());
    if let (Some(file), Some(role)) = (environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.get("AWS_ROLE_ARN"))
    {
        let session = environment.get("AWS_ROLE_SESSION_NAME").unwrap_or("tabletheory-isr");
        let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(&config).static_configuration(
            StaticConfiguration {
                web_identity_token_file: file.into(),
                role_arn: role.to_owned(),
                session_name: session.to_owned(),
            },
        );
        chain = chain.or_else("WebIdentityToken", web_identity.build());
    }
    // Reads these variables from the process itself: aws-config has no other way.
    if environment.first(&CONTAINER_VARIABLES).is_some() {
        chain = chain.or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&config).build());
    }
    if environment.get("AWS_EC2_METADATA_DISABLED").is_none_or(|value| !value.eq_ignore_ascii_case("true")) {
        let service = metadata_service(environment, &config)?;
        let provider = ImdsCredentialsProvider::builder().configure(&config).imds_client(service).build();
        chain = chain.or_else("Ec2InstanceMetadata", provider);
    }
    Ok(chain)
}

fn metadata_service(environment: &Environment, config: &ProviderConfig) -> Result<aws_config::imds::Client> {
    const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    let is_v6 =
        environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
    let usual = if is_v6 { "http://[fd00:ec2::254]" } else { "http://169.254.169.254" };
    // Always given, or aws-config would look for it in the process's environment.
    let service = aws_config::imds::Client::builder().endpoint(environment.get(ENDPOINT).unwrap_or(usual));
    let unusable = |cause| Error::new(ErrorKind::Config, format!("{ENDPOINT} is no address")).caused_by(cause);
    Ok(service
        .map_err(unusable)?
        .configure(config)
        .max_attempts(1)
        .connect_timeout(METADATA_SERVICE_TIMEOUT)
        .read_timeout(METADATA_SERVICE_TIMEOUT)
        .build())
}

/// The credentials that requests are signed with. They are loaded before a request begins, within the time of its call:
/// a source that is slow is then called slow, and not `DynamoDB`.
#[derive(Debug)]
pub(super) struct CurrentCredentials {
    provider: SharedCredentialsProvider,
    current: Mutex<Credentials>,
    time_source: SharedTimeSource,
    /// One call loads for all.
    loading: tokio::sync::Mutex<()>,
}

impl CurrentCredentials {
    pub(super) async fn load(provider: SharedCredentialsProvider, time_source: SharedTimeSource) -> Result<Self> {
        let current = Mutex::new(load(&provider).await?);
        Ok(Self { provider, current, time_source, loading: tokio::sync::Mutex::default() })
    }

    /// Loads new ones when these are about to expire. When that fails, these serve as long as they can.
    pub(super) async fn renew(&self) -> Result<()> {
        if !self.expire_within(RENEWED_AHEAD) {
            return Ok(());
        }
        let _loading = self.loading.lock().await;
        if !self.expire_within(RENEWED_AHEAD) {
            return Ok(());
        }
        match load(&self.provider).await {
            Ok(credentials) => *locked(&self.current) = credentials,
            Err(error) if self.expire_within(Duration::ZERO) => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    fn current(&self) -> Credentials {
        locked(&self.current).clone()
    }

    fn expire_within(&self, time: Duration) -> bool {
        self.current().expiry().is_some_and(|expiry| expiry <= self.time_source.now() + time)
    }
}

/// Longer than any call that is not extraordinarily patient.
const RENEWED_AHEAD: Duration = Duration::from_secs(10);

async fn load(provider: &SharedCredentialsProvider) -> Result<Credentials> {
    let credentials = provider.provide_credentials().await.map_err(|cause| {
        Error::new(ErrorKind::Credentials, "no AWS credentials: pass options.credentials, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure a profile or role")
            .caused_by(cause)
    })?;
    if !can_be_sent(&credentials) {
        let message = "the AWS credentials hold characters that no request can carry, such as line breaks";
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    Ok(credentials)
}

impl ProvideCredentials for CurrentCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Ok(self.current()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::SystemTime;

    use aws_credential_types::provider::error::CredentialsError;
    use aws_smithy_async::time::TimeSource;

    use super::*;

    /// Hands out credentials that live for a minute, named by the time of day; or fails.
    #[derive(Debug)]
    struct Minutely {
        seconds: Arc<AtomicU64>,
        fails: Arc<Mutex<bool>>,
    }

    impl ProvideCredentials for Minutely {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let now = self.seconds.load(Ordering::Relaxed);
            let expiry = SystemTime::UNIX_EPOCH + Duration::from_mins(1) + Duration::from_secs(now);
            future::ProvideCredentials::ready(if *self.fails.lock().expect("unbroken") {
                Err(CredentialsError::not_loaded("out of order"))
            } else {
                Ok(Credentials::new(now.to_string(), "secret", None, Some(expiry), "test"))
            })
        }
    }

    #[derive(Debug)]
    struct Clock(Arc<AtomicU64>);

    impl TimeSource for Clock {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    #[tokio::test]
    async fn credentials_are_renewed_before_they_expire_and_serve_until_then() {
        let (seconds, fails) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(false)));
        let provider = Minutely { seconds: Arc::clone(&seconds), fails: Arc::clone(&fails) };
        let clock = SharedTimeSource::new(Clock(Arc::clone(&seconds)));
        let credentials = CurrentCredentials::load(SharedCredentialsProvider::new(provider), clock).await;
        let credentials = credentials.expect("loaded");
        for (now, is_broken, serves) in [
            (49, false, Some("0")),
            (50, true, Some("0")),
            (59, true, Some("0")),
            (60, true, None),
            (61, false, Some("61")),
        ] {
            seconds.store(now, Ordering::Relaxed);
            *fails.lock().expect("unbroken") = is_broken;
            let renewed = credentials.renew().await;
            assert_eq!(renewed.is_ok(), serves.is_some(), "at {now} s");
            if let Some(serves) = serves {
                assert_eq!(credentials.current().access_key_id(), serves, "at {now} s");
            }
        }
    }
}

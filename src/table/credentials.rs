//! Who we are: options, then the environment as the caller sees it, then AWS's chain.

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
use http::HeaderValue;

use super::client::https_client;
use crate::config::{Config, Endpoint, Environment};

/// The metadata service answers in milliseconds or, off EC2, never.
const METADATA_SERVICE_TIMEOUT: Duration = Duration::from_millis(500);

const CONTAINER_VARIABLES: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

/// The shared config and credentials files that the environment points to, and the profile in them.
#[derive(Debug)]
pub(super) struct AwsFiles {
    files: EnvConfigFiles,
    profile: Option<String>,
}

impl AwsFiles {
    pub(super) fn from_environment(environment: &Environment) -> Self {
        let mut files = EnvConfigFiles::builder();
        files = match environment.get("AWS_CONFIG_FILE") {
            Some(path) => files.with_file(EnvConfigFileKind::Config, path),
            None => files.include_default_config_file(true),
        };
        files = match environment.get("AWS_SHARED_CREDENTIALS_FILE") {
            Some(path) => files.with_file(EnvConfigFileKind::Credentials, path),
            None => files.include_default_credentials_file(true),
        };
        Self { files: files.build(), profile: environment.get("AWS_PROFILE").map(str::to_owned) }
    }

    pub(super) async fn region(&self) -> Option<Region> {
        let mut provider = ProfileFileRegionProvider::builder().profile_files(self.files.clone());
        if let Some(profile) = &self.profile {
            provider = provider.profile_name(profile);
        }
        provider.build().region().await
    }
}

/// The first source that the configuration names.
pub(super) fn provider(config: &Config, region: &Region, files: &AwsFiles) -> SharedCredentialsProvider {
    let environment = &config.environment;
    let known = config.credentials.clone().or_else(|| from_environment(environment)).or_else(|| {
        let is_loopback = config.endpoint.as_ref().is_some_and(Endpoint::is_loopback);
        is_loopback.then(|| Credentials::new("local", "local", None, None, "loopback"))
    });
    match known {
        Some(credentials) => SharedCredentialsProvider::new(credentials),
        None => SharedCredentialsProvider::new(chain(environment, region, files)),
    }
}

fn from_environment(environment: &Environment) -> Option<Credentials> {
    let session_token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    let key_id = environment.get("AWS_ACCESS_KEY_ID")?;
    let secret = environment.get("AWS_SECRET_ACCESS_KEY")?;
    Some(Credentials::new(key_id, secret, session_token, None, "environment"))
}

/// Whether a request can carry them: they go into its headers.
pub(crate) fn can_be_sent(credentials: &Credentials) -> bool {
    let in_headers = [Some(credentials.access_key_id()), credentials.session_token()];
    in_headers.into_iter().flatten().all(|text| HeaderValue::from_str(text).is_ok())
}

/// AWS's order. The chain of aws-config cannot be given an environment, and would look at the process's own.
fn chain(environment: &Environment, region: &Region, files: &AwsFiles) -> CredentialsProviderChain {
    let config = ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(https_client());
    let mut profile = ProfileFileCredentialsProvider::builder().configure(&config).profile_files(files.files.clone());
    if let Some(name) = &files.profile {
        profile = profile.profile_name(name);
    }
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
    let metadata_service = aws_config::imds::Client::builder()
        .configure(&config)
        .max_attempts(1)
        .connect_timeout(METADATA_SERVICE_TIMEOUT)
        .read_timeout(METADATA_SERVICE_TIMEOUT)
        .build();
    // Reads these variables from the process itself: aws-config has no other way.
    if environment.first(&CONTAINER_VARIABLES).is_some() {
        chain = chain.or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&config).build());
    }
    chain.or_else(
        "Ec2InstanceMetadata",
        ImdsCredentialsProvider::builder().configure(&config).imds_client(metadata_service).build(),
    )
}

/// Hands out credentials that were loaded ahead, once, so that the first request does not load them again.
#[derive(Debug)]
pub(super) struct PreloadedCredentials {
    first: Mutex<Option<Credentials>>,
    rest: SharedCredentialsProvider,
}

impl PreloadedCredentials {
    pub(super) fn new(first: Credentials, rest: SharedCredentialsProvider) -> Self {
        Self { first: Mutex::new(Some(first)), rest }
    }
}

impl ProvideCredentials for PreloadedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        match self.first.lock().ok().and_then(|mut first| first.take()) {
            Some(credentials) => future::ProvideCredentials::ready(Ok(credentials)),
            None => self.rest.provide_credentials(),
        }
    }
}

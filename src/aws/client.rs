//! The connection: region, endpoint, credentials and TLS, resolved at the first call and never before.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, SharedCredentialsProvider, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_smithy_async::time::SharedTimeSource;
use aws_types::endpoint_config::AccountIdEndpointMode;

use super::answer::RejectEmptyBody;
use super::connections::Connections;
use super::credentials::{CurrentCredentials, METADATA_ENDPOINT_KEY, Source, from_environment};
use super::endpoint::Settings;
use super::http::Http;
use super::profile::SharedFiles;
use super::sdk_environment::NoTraceHeader;
use super::signing::Signing;
use super::signing_clock::SigningClock;
use super::user_agent::UserAgent;
use crate::config::{Config, Endpoint, NumberOption};
use crate::error::{Error, ErrorKind, Result};

/// A client that can sign, and where its requests go, for messages.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) client: Client,
    pub(crate) location: String,
    pub(crate) signing: Signing,
    pub(crate) connections: Connections,
    /// Attempts for one request.
    pub(crate) max_attempts: u32,
    /// Whether the endpoint has the account in its name, and the table's name does not say which.
    needs_account_id: bool,
}

impl Connected {
    /// Waits until requests can be signed.
    ///
    /// # Errors
    /// The source's error while valid credentials are missing; `Config` while they lack an account ID that the endpoint
    /// needs.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.signing.credentials.ready().await?;
        let lacks_account = |credentials: Credentials| credentials.account_id().is_none();
        if self.needs_account_id && self.signing.credentials.current().is_none_or(lacks_account) {
            let message = "the account ID endpoint mode is required, and the AWS credentials have no account ID; pass credentials.accountId, set AWS_ACCOUNT_ID beside keys in the environment or aws_account_id beside keys in a profile, or pass the ARN of the table";
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(())
    }
}

/// Resolves everything that a request needs but its credentials. Reads files; sends nothing.
pub(crate) async fn connect(config: &Config) -> Result<Connected> {
    // Also where options and environment have region, endpoint and credentials: a profile has other settings too.
    let files = SharedFiles::read(&config.environment).await?;
    warn_of_missing_profile(config, &files);
    let settings = Settings::resolve(config, &files).await?;
    let http_client = http_client(config, &settings, &files).await?;
    let clock = SigningClock::new(config.time_source.clone().unwrap_or_default());
    let credentials =
        CurrentCredentials::new(Source::of(config, &settings, files, &clock, http_client.clone()), clock.clone());
    let mut builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
        // They are kept, and renewed, before a request begins: see `CurrentCredentials`.
        .identity_cache(IdentityCache::no_cache())
        .interceptor(RejectEmptyBody)
        .interceptor(UserAgent)
        .interceptor(NoTraceHeader)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(config.millis(NumberOption::ConnectTimeoutMs)).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .account_id_endpoint_mode(settings.account_id_mode.clone())
        .use_fips(settings.use_fips)
        // See `SigningClock`.
        .disable_clock_skew_correction(true);
    builder.set_use_dual_stack(Some(settings.use_dual_stack));
    builder.set_endpoint_url(settings.endpoint.as_ref().map(|endpoint| endpoint.url().to_owned()));
    builder.set_time_source(Some(SharedTimeSource::new(clock.clone())));
    builder.set_http_client(Some(http_client));
    Ok(Connected {
        client: Client::from_conf(builder.build()),
        location: settings.location(),
        connections: Connections::new(),
        max_attempts: settings.max_attempts,
        needs_account_id: settings.endpoint.is_none()
            && settings.account_id_mode == AccountIdEndpointMode::Required
            && !config.table_name.is_arn(),
        signing: Signing { credentials, clock },
    })
}

/// With other credentials, a profile that does not exist is not an error. Its settings would be missed without a word.
fn warn_of_missing_profile(config: &Config, files: &SharedFiles) {
    let has_credentials = config.credentials.is_some() || from_environment(&config.environment).is_some();
    if has_credentials && let (Some(missing), Some(warn)) = (files.missing_profile(), &config.on_warning) {
        warn(format!("{missing}; correct AWS_PROFILE, or remove it"));
    }
}

/// One set of connections, for `DynamoDB` and for the sources of credentials. A file of certificates that cannot be used
/// is an error here where the endpoint is encrypted, and else when a source needs it.
async fn http_client(config: &Config, settings: &Settings, files: &SharedFiles) -> Result<SharedHttpClient> {
    if let Some(client) = &config.http_client {
        return Ok(client.clone());
    }
    let http = Http::new(config, files.get(METADATA_ENDPOINT_KEY));
    http.check_proxy(&settings.uri)?;
    if settings.endpoint.as_ref().is_none_or(Endpoint::is_https) {
        http.read_trusted_certificates().await?;
    }
    Ok(SharedHttpClient::new(http))
}

//! The connection: region, credentials, endpoint and TLS, resolved at the first call and never before.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, IdentityCache, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Builder as HttpClientBuilder;

use super::answer::EmptyIsNoAnswer;
use super::connections::{Connections, Pool};
use super::credentials::{AwsFiles, CurrentCredentials, provider};
use super::telemetry::NameOnly;
use super::tls::https_clients;
use crate::config::{Config, Endpoint, REGION_RULE, is_region};
use crate::error::{Error, ErrorKind, Result};

const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
/// DynamoDB Local takes any.
const LOOPBACK_REGION: &str = "us-east-1";
/// After a pause (a frozen Lambda) the other end may have forgotten a connection without a word, and finding out costs an
/// attempt. A new one costs less than that.
const LONGEST_IDLE: Duration = Duration::from_secs(15);

/// A client that can sign, and where its requests go, for messages.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) place: String,
    pub(super) credentials: Arc<CurrentCredentials>,
    pub(super) connections: Connections,
}

/// Resolves everything that a request needs. Reads files and asks credential services; sends nothing to `DynamoDB`.
pub(super) async fn connect(config: &Config) -> Result<Connected> {
    let files = AwsFiles::read(&config.environment);
    let region = resolve_region(config, &files).await?;
    let pool = if config.http_client.is_some() { None } else { Some(pool(config)?) };
    let time_source = config.time_source.clone().unwrap_or_default();
    let provider = provider(config, &region, &files)?;
    let credentials = Arc::new(CurrentCredentials::load(provider, time_source.clone()).await?);
    let place = match &config.endpoint {
        Some(endpoint) => format!("endpoint {}", endpoint.url()),
        None => format!("region {region}"),
    };
    let mut builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::from(Arc::clone(&credentials) as Arc<_>))
        // They are kept, and renewed, before a request begins: see `CurrentCredentials`.
        .identity_cache(IdentityCache::no_cache())
        .interceptor(EmptyIsNoAnswer)
        .interceptor(NameOnly)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(config.connect_timeout).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    builder.set_endpoint_url(config.endpoint.as_ref().map(|endpoint| endpoint.url().to_owned()));
    builder.set_time_source(Some(time_source));
    builder.set_http_client(config.http_client.clone().or_else(|| pool.clone().map(SharedHttpClient::new)));
    let connections = Connections::new(pool);
    Ok(Connected { client: Client::from_conf(builder.build()), place, credentials, connections })
}

async fn resolve_region(config: &Config, files: &AwsFiles) -> Result<Region> {
    let configured =
        config.region.as_deref().or_else(|| config.table_name.region()).or_else(|| from_environment(config));
    let region = match configured {
        Some(name) => Some(Region::new(name.to_owned())),
        None => files.region().await,
    };
    match region {
        Some(region) if is_region(region.as_ref()) => Ok(region),
        Some(region) => {
            Err(Error::new(ErrorKind::Config, format!("AWS region {:?} is not {REGION_RULE}", region.as_ref())))
        }
        None if config.endpoint.as_ref().is_some_and(Endpoint::is_loopback) => Ok(Region::from_static(LOOPBACK_REGION)),
        None => Err(Error::new(
            ErrorKind::Config,
            "no AWS region: pass options.region, or set AWS_REGION, AWS_DEFAULT_REGION or the region of a profile",
        )),
    }
}

fn from_environment(config: &Config) -> Option<&str> {
    config.environment.first(&REGION_VARIABLES).map(|(_, name)| name)
}

/// A plain endpoint needs no TLS, and TLS is what takes time to set up.
fn pool(config: &Config) -> Result<Pool> {
    match &config.endpoint {
        Some(endpoint) if !endpoint.is_https() => Ok(Pool::new(|| http_builder().build_http())),
        _ => Ok(Pool::new(https_clients(&config.environment)?)),
    }
}

pub(super) fn http_builder() -> HttpClientBuilder {
    HttpClientBuilder::new().pool_idle_timeout(LONGEST_IDLE)
}

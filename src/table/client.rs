//! The connection: region, credentials, endpoint and TLS, resolved at the first call and never before.

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};

use super::credentials::{AwsFiles, PreloadedCredentials, can_be_sent, provider};
use crate::config::{Config, Endpoint, REGION_RULE, is_region};
use crate::error::{Error, ErrorKind, Result};

const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
/// DynamoDB Local takes any.
const LOOPBACK_REGION: &str = "us-east-1";

/// A client that can sign, and where its requests go, for messages.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) place: String,
}

/// Resolves everything that a request needs. Reads files and asks credential services; sends nothing to `DynamoDB`.
pub(super) async fn connect(config: &Config) -> Result<Connected> {
    let files = AwsFiles::from_environment(&config.environment);
    let region = resolve_region(config, &files).await?;
    let http_client = config.http_client.clone().unwrap_or_else(|| http_client(config.endpoint.as_ref()));
    let credentials = provider(config, &region, &files);
    let first = credentials.provide_credentials().await.map_err(|cause| {
        Error::new(ErrorKind::Credentials, "no AWS credentials: pass options.credentials, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or configure a profile or role")
            .caused_by(cause)
    })?;
    if !can_be_sent(&first) {
        let message = "the AWS credentials hold characters that no request can carry, such as line breaks";
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    let place = match &config.endpoint {
        Some(endpoint) => format!("endpoint {}", endpoint.url()),
        None => format!("region {region}"),
    };
    let mut builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(PreloadedCredentials::new(first, credentials)))
        .http_client(http_client)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(config.connect_timeout).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    builder.set_endpoint_url(config.endpoint.as_ref().map(|endpoint| endpoint.url().to_owned()));
    builder.set_time_source(config.time_source.clone());
    Ok(Connected { client: Client::from_conf(builder.build()), place })
}

async fn resolve_region(config: &Config, files: &AwsFiles) -> Result<Region> {
    let configured =
        config.region.as_deref().or_else(|| config.environment.first(&REGION_VARIABLES).map(|(_, name)| name));
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

/// A plain endpoint needs no TLS, and TLS is what takes time to set up.
fn http_client(endpoint: Option<&Endpoint>) -> SharedHttpClient {
    match endpoint {
        Some(endpoint) if !endpoint.is_https() => HttpClientBuilder::new().build_http(),
        _ => https_client(),
    }
}

pub(super) fn https_client() -> SharedHttpClient {
    HttpClientBuilder::new().tls_provider(TlsProvider::Rustls(CryptoMode::Ring)).build_https()
}

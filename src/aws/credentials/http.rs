//! Requests to the services that hand out credentials.

use std::time::{Duration, SystemTime};

use ::http::Request;
use aws_runtime::auth::sigv4::SigV4AuthScheme;
use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, ResolveEndpoint};
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::config::retry::ShouldAttempt;
use aws_sdk_dynamodb::config::{
    ConfigBag, Credentials, HttpClient, IdentityCache, RuntimeComponents, RuntimeComponentsBuilder,
    SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::RetryStrategy;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::Format;
use tokio::time::{sleep, timeout};

use crate::error::{Error, ErrorKind, Result};

const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long a service is waited for and how often it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a connection, and once more for the answer.
    pub(super) limit: Duration,
    pub(super) attempts: u32,
}

/// For services of AWS.
pub(super) const USUAL_PATIENCE: Patience = Patience { limit: Duration::from_secs(3), attempts: 3 };

/// An answer of any status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) date: Option<SystemTime>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_passing_fault(&self) -> bool {
        self.status >= 500 || self.status == 429
    }
}

/// The reason for a missing answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The limit passed without a connection.
    NotConnected(Duration),
    /// The limit passed without an answer.
    Silent(Duration),
    /// A connection was refused, or it broke.
    Unreachable(String),
}

impl Fault {
    /// `service` is named with its article.
    pub(super) fn into_error(self, service: &str) -> Error {
        match self {
            Self::NotConnected(limit) | Self::Silent(limit) => {
                let millis = limit.as_millis();
                Error::new(
                    ErrorKind::Timeout,
                    format!("no AWS credentials: {service} did not answer within {millis} ms"),
                )
            }
            Self::Unreachable(cause) => Error::new(
                ErrorKind::Unavailable,
                format!("no AWS credentials: {service} could not be reached: {cause}"),
            ),
        }
    }
}

/// An answer that says that the service is out of order for the moment.
pub(super) fn unavailable(service: &str, status: u16) -> Error {
    Error::new(ErrorKind::Unavailable, format!("no AWS credentials: {service} answered with HTTP status {status}"))
}

/// The connections to credential services, which are those of the store.
#[derive(Debug)]
pub(super) struct Http {
    client: SharedHttpClient,
}

impl Http {
    pub(super) fn new(client: SharedHttpClient) -> Self {
        Self { client }
    }

    /// Asks until there is an answer that is not a passing fault, as often as `patience` allows.
    ///
    /// # Errors
    /// `Timeout` or `Unavailable`, which name the service.
    pub(super) async fn ask(&self, service: &str, patience: Patience, request: &Request<String>) -> Result<Answer> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..patience.attempts {
            if let Ok(answer) = self.send(patience.limit, request).await?
                && !answer.is_passing_fault()
            {
                return Ok(answer);
            }
            sleep(pause).await;
            pause *= 2;
        }
        let answer = self.send(patience.limit, request).await?.map_err(|fault| fault.into_error(service))?;
        if answer.is_passing_fault() { Err(unavailable(service, answer.status)) } else { Ok(answer) }
    }

    /// # Errors
    /// `Config` for certificates that cannot be used.
    pub(super) async fn send(&self, limit: Duration, request: &Request<String>) -> Result<Result<Answer, Fault>> {
        let settings = HttpConnectorSettings::builder().connect_timeout(limit).build();
        let connector = self.client.http_connector(&settings, &components()?);
        let request = request.clone().map(SdkBody::from);
        let request = HttpRequest::try_from(request).map_err(unusable)?;
        let exchange = async {
            let response = connector.call(request).await.map_err(|failure| {
                if failure.is_timeout() { Fault::NotConnected(limit) } else { Fault::Unreachable(innermost(&failure)) }
            })?;
            let date = response.headers().get("date");
            let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok()?.try_into().ok());
            let status = response.status().as_u16();
            let body = ByteStream::new(response.into_body()).collect().await;
            let body = body.map_err(|failure| Fault::Unreachable(innermost(&failure)))?;
            Ok(Answer { status, body: String::from_utf8_lossy(&body.into_bytes()).into_owned(), date })
        };
        Ok(timeout(2 * limit, exchange).await.unwrap_or(Err(Fault::Silent(limit))))
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}

fn unusable(cause: impl Into<BoxError>) -> Error {
    Error::new(ErrorKind::Unexpected, "the request for credentials could not be built").caused_by(cause)
}

/// A connector is made with the parts of an SDK's client, and looks at none of them here.
fn components() -> Result<RuntimeComponents> {
    let dummy = SharedCredentialsProvider::new(Credentials::new("none", "none", None, None, "none"));
    RuntimeComponentsBuilder::new("credentials")
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![])))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_identity_resolver(aws_runtime::auth::sigv4::SCHEME_ID, SharedIdentityResolver::new(dummy))
        .with_endpoint_resolver(Some(DefaultResolver::new().into_shared_resolver()))
        .with_retry_strategy(Some(Never))
        .with_sleep_impl(Some(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .with_time_source(Some(aws_smithy_async::time::SystemTimeSource::new()))
        .build()
        .map_err(unusable)
}

#[derive(Debug)]
struct Never;

impl RetryStrategy for Never {
    fn should_attempt_initial_request(&self, _: &RuntimeComponents, _: &ConfigBag) -> Result<ShouldAttempt, BoxError> {
        Ok(ShouldAttempt::No)
    }

    fn should_attempt_retry(
        &self,
        _: &InterceptorContext,
        _: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<ShouldAttempt, BoxError> {
        Ok(ShouldAttempt::No)
    }
}

//! The SDK's trait for HTTP clients, by this module.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::Uri;

use super::exchange::Exchange;
use super::failure::HttpFailure;
use super::phase::Progress;
use super::pool::Pool;
use super::proxy::Proxies;
use super::target::Target;
use super::trust::Trust;
use crate::config::{Config, NumberOption};
use crate::error::{Error, ErrorKind, Result};

/// This crate's HTTP client by itself, for tests that look at the requests of a store.
#[doc(hidden)]
#[must_use]
pub fn http_client(config: &Config) -> SharedHttpClient {
    SharedHttpClient::new(Http::new(config, None))
}

/// The connections of one store, to `DynamoDB` and to the sources of its credentials. Clones share them.
#[derive(Clone)]
pub(crate) struct Http(Arc<Shared>);

pub(super) struct Shared {
    pub(super) pool: Arc<Pool>,
    pub(super) trust: Trust,
    pub(super) proxies: Proxies,
    connect_timeout: Duration,
}

impl Http {
    /// Connects to nothing, and reads nothing. `near` is reached without a proxy, as metadata services are.
    pub(crate) fn new(config: &Config, near: Option<&str>) -> Self {
        let connect_timeout = config.millis(NumberOption::ConnectTimeoutMs);
        let trust = Trust::new(config, connect_timeout);
        let proxies = Proxies::new(&config.environment, near);
        Self(Arc::new(Shared { pool: Arc::default(), trust, proxies, connect_timeout }))
    }

    /// # Errors
    /// `Config` when the proxy for this address is configured and cannot be used.
    pub(crate) fn check_proxy(&self, uri: &Uri) -> Result<()> {
        let Some(target) = Target::of(uri) else { return Ok(()) };
        let unusable = |failure: HttpFailure| Error::new(ErrorKind::Config, failure.to_string());
        self.0.proxies.route(&target).map(drop).map_err(unusable)
    }

    /// Reads the trusted certificates before the first connection needs them.
    ///
    /// # Errors
    /// `Config` when a file of them cannot be used.
    pub(crate) async fn read_trusted_certificates(&self) -> Result<()> {
        self.0.trust.config().await.map(drop)
    }
}

impl Http {
    pub(super) fn connector(&self, settings: &HttpConnectorSettings) -> Connector {
        Connector {
            shared: Arc::clone(&self.0),
            connect_limit: settings.connect_timeout().unwrap_or(self.0.connect_timeout),
            answer_limit: settings.read_timeout(),
        }
    }

    #[cfg(test)]
    pub(super) fn idle(&self, target: &Target) -> usize {
        self.0.pool.idle(target)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl HttpClient for Http {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.connector(settings))
    }
}

/// The client with the limits of one request.
pub(super) struct Connector {
    shared: Arc<Shared>,
    connect_limit: Duration,
    answer_limit: Option<Duration>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let exchange = match self.exchange(request) {
            Ok(exchange) => exchange,
            Err(error) => return HttpConnectorFuture::ready(Err(error)),
        };
        let shared = Arc::clone(&self.shared);
        HttpConnectorFuture::new(async move {
            let answer = exchange.run(&shared).await?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl Connector {
    fn exchange(&self, request: HttpRequest) -> std::result::Result<Exchange, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let unusable = |what: &str| ConnectorError::user(what.into());
        let target = Target::of(request.uri()).ok_or_else(|| unusable("the address of the request is not absolute"))?;
        let (parts, body) = request.into_parts();
        let body = body.bytes().map(Bytes::copy_from_slice).ok_or_else(|| unusable("the body is a stream"))?;
        let (connect_limit, answer_limit) = (self.connect_limit, self.answer_limit);
        let request = http::Request::from_parts(parts, body);
        let progress = Progress::default();
        Ok(Exchange { target, request, progress, connect_limit, answer_limit })
    }
}

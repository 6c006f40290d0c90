//! Why a request got no answer, and whether it may have been applied all the same.

use std::error::Error as StdError;
use std::fmt::{self, Display};

use aws_sdk_dynamodb::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::phase::Phase;

/// A request without an answer. It is the source of the SDK's `ConnectorError`.
#[derive(Debug)]
pub(crate) struct HttpFailure {
    pub(crate) phase: Phase,
    /// Whether any byte of the request left, over this connection or over the one before.
    pub(crate) was_sent: bool,
    /// Whether a limit of the connector passed.
    pub(crate) is_timeout: bool,
    what: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl HttpFailure {
    /// `what` is a sentence without its end: the step that failed, and its object.
    pub(super) fn new(phase: Phase, what: impl Into<String>) -> Self {
        Self { phase, was_sent: false, is_timeout: false, what: what.into(), source: None }
    }

    pub(super) fn caused_by(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    pub(super) fn sent(self, was_sent: bool) -> Self {
        Self { was_sent, ..self }
    }

    pub(super) fn timed_out(phase: Phase, what: &str) -> Self {
        Self { is_timeout: true, ..Self::new(phase, format!("{what} took too long")) }
    }

    /// The connector's failure among the causes of an SDK error.
    pub(crate) fn find<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(failure) = error.downcast_ref() {
                return Some(failure);
            }
            next = error.source();
        }
        None
    }
}

impl Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl StdError for HttpFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<HttpFailure> for ConnectorError {
    fn from(failure: HttpFailure) -> Self {
        if failure.is_timeout { Self::timeout(failure.into()) } else { Self::io(failure.into()) }
    }
}

/// Marks an answer to a request that was sent twice, since the first connection was reset: it may have been applied
/// before this answer was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentTwice;

/// Whether the answer that became this error was given to a request that was sent twice.
pub(crate) fn was_sent_twice<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|answer| answer.extension::<SentTwice>().is_some())
}

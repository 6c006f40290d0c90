//! What can go wrong on the way to `DynamoDB` and back: every SDK error becomes one [`Fault`], here and nowhere else.

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::ErrorKind;

/// What kind of fault, which decides what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The row refused the write. Final: the row was there to say so.
    ConditionFailed,
    /// Another transaction holds the row, or our own is still in progress.
    Conflict,
    /// Too many requests.
    Throttled,
    /// A time limit passed without an answer.
    TimedOut(Limit),
    /// No connection, a broken one, a server error, or an answer that is none.
    Unavailable,
    /// No retry helps; the kind says why.
    Final(ErrorKind),
}

/// Which time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Connect,
    Request,
    Operation,
}

/// One failed attempt.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) class: Class,
    /// Whether the request may have taken effect although it failed.
    pub(super) may_have_been_applied: bool,
    /// What happened, as a phrase; with DynamoDB's own code where it gave one.
    pub(super) what: String,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Fault {
    pub(super) fn timed_out(limit: Limit, duration: Duration) -> Self {
        let name = match limit {
            Limit::Connect => "connectTimeoutMs",
            Limit::Request => "requestTimeoutMs",
            Limit::Operation => "operationTimeoutMs",
        };
        Self {
            class: Class::TimedOut(limit),
            may_have_been_applied: limit != Limit::Connect,
            what: format!("{name} ({} ms) passed without an answer", duration.as_millis()),
            source: None,
        }
    }

    /// `connect_timeout` is only for the message: the SDK says that it passed, and not how long it was.
    pub(super) fn from_sdk<E>(error: SdkError<E, HttpResponse>, connect_timeout: Duration) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if credentials_failed(&error) {
            return Self::from_source(
                Class::Final(ErrorKind::Credentials),
                false,
                "the credentials could not be loaded",
                error,
            );
        }
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                let class = class_of(code, service.raw().status().as_u16());
                let what = match (code, service.err().message()) {
                    ("", _) => format!("HTTP status {} without an error code", service.raw().status()),
                    (code, Some(message)) => format!("{code}: {message}"),
                    (code, None) => code.to_owned(),
                };
                Self { class, may_have_been_applied: class == Class::Unavailable, what, source: Some(error.into()) }
            }
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self { source: Some(error.into()), ..Self::timed_out(Limit::Connect, connect_timeout) }
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
                let what = format!("no connection: {}", innermost(&error));
                Self::from_source(Class::Unavailable, true, &what, error)
            }
            SdkError::ResponseError(_) => {
                let what = format!("the answer could not be read: {}", innermost(&error));
                Self::from_source(Class::Unavailable, true, &what, error)
            }
            _ => {
                let what = format!("the request could not be built: {}", DisplayErrorContext(&error));
                Self::from_source(Class::Final(ErrorKind::Unexpected), false, &what, error)
            }
        }
    }

    /// A cancelled transaction, by the reasons that `DynamoDB` gives for each of its items.
    pub(super) fn cancelled(reasons: &[CancellationReason], source: impl StdError + Send + Sync + 'static) -> Self {
        let codes: Vec<&str> =
            reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").collect();
        let first_in = |wanted: &[&str]| codes.iter().any(|code| wanted.contains(code));
        let class = if first_in(&["ConditionalCheckFailed"]) {
            Class::ConditionFailed
        } else if codes.is_empty() || !codes.iter().all(|code| TRANSIENT_REASONS.contains(code)) {
            Class::Final(if first_in(&["AccessDenied"]) { ErrorKind::AccessDenied } else { ErrorKind::Unexpected })
        } else if first_in(&["TransactionConflict"]) && !first_in(&THROTTLING_REASONS) {
            Class::Conflict
        } else {
            Class::Throttled
        };
        let what = format!("TransactionCanceledException: [{}]", codes.join(", "));
        Self::from_source(class, false, &what, source)
    }

    fn from_source(
        class: Class,
        may_have_been_applied: bool,
        what: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { class, may_have_been_applied, what: what.to_owned(), source: Some(Box::new(source)) }
    }
}

const THROTTLING_REASONS: [&str; 2] = ["ProvisionedThroughputExceeded", "ThrottlingError"];
const TRANSIENT_REASONS: [&str; 3] = ["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"];

/// The documented codes ("Error handling with `DynamoDB`", "Common errors"); others by their HTTP status.
fn class_of(code: &str, status: u16) -> Class {
    match code {
        "ConditionalCheckFailedException" => Class::ConditionFailed,
        "TransactionConflictException" | "TransactionInProgressException" => Class::Conflict,
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestLimitExceededException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "ThrottledException"
        | "Throttling"
        | "TooManyRequestsException"
        | "SlowDown" => Class::Throttled,
        "ResourceNotFoundException" | "TableNotFoundException" => Class::Final(ErrorKind::TableNotFound),
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => Class::Final(ErrorKind::AccessDenied),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "OptInRequired"
        | "RequestExpired" => Class::Final(ErrorKind::Credentials),
        _ if status == 429 => Class::Throttled,
        _ if status >= 500 || code.is_empty() => Class::Unavailable,
        _ => Class::Final(ErrorKind::Unexpected),
    }
}

fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source())
}

fn credentials_failed(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|error| error.is::<CredentialsError>())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

//! What can go wrong on the way to `DynamoDB` and back: every SDK error becomes one [`Fault`], here and nowhere else.

use std::error::Error as StdError;
use std::time::Duration;

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
    /// What is left for a release when the rest has passed is not counted.
    MostOfOperation,
    EnsureTable,
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
    /// `meanwhile` says what did not happen, or what did instead.
    pub(super) fn timed_out(limit: Limit, duration: Duration, meanwhile: &str) -> Self {
        let name = match limit {
            Limit::Connect => "connectTimeoutMs",
            Limit::Request => "requestTimeoutMs",
            Limit::Operation => "operationTimeoutMs",
            Limit::MostOfOperation => "nine tenths of operationTimeoutMs",
            Limit::EnsureTable => "ensureTable's limit",
        };
        Self {
            class: Class::TimedOut(limit),
            may_have_been_applied: limit != Limit::Connect,
            what: format!("{name} ({} ms) passed {meanwhile}", duration.as_millis()),
            source: None,
        }
    }

    /// `connect_timeout` is only for the message: the SDK says that it passed, and not how long it was.
    pub(super) fn from_sdk<E>(error: SdkError<E, HttpResponse>, connect_timeout: Duration) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                let class = class_of(code, service.raw().status().as_u16());
                let what = match (code, service.err().message()) {
                    ("", _) if service.raw().status().is_success() => {
                        format!("the answer could not be read: {}", innermost(&error))
                    }
                    ("", _) => format!("HTTP status {} without an error code", service.raw().status()),
                    (code, Some(message)) => format!("{code}: {message}"),
                    (code, None) => code.to_owned(),
                };
                Self { class, may_have_been_applied: class == Class::Unavailable, what, source: Some(error.into()) }
            }
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                let fault = Self::timed_out(Limit::Connect, connect_timeout, "without a connection");
                Self { source: Some(error.into()), ..fault }
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
                let what = format!("the connection failed: {}", innermost(&error));
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

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const CONNECT_TIMEOUT: Duration = Duration::from_millis(70);

    fn response(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty())
    }

    fn service(code: &str, status: u16) -> Fault {
        let metadata = ErrorMetadata::builder().code(code).message("because").build();
        Fault::from_sdk(SdkError::service_error(DeleteItemError::generic(metadata), response(status)), CONNECT_TIMEOUT)
    }

    #[test]
    fn each_documented_code_has_its_class_and_stays_in_the_message() {
        use Class::{ConditionFailed, Conflict, Final, Throttled, Unavailable};
        for (code, status, expected) in [
            ("ConditionalCheckFailedException", 400, ConditionFailed),
            ("TransactionConflictException", 400, Conflict),
            ("TransactionInProgressException", 400, Conflict),
            ("ProvisionedThroughputExceededException", 400, Throttled),
            ("RequestLimitExceeded", 400, Throttled),
            ("ThrottlingException", 400, Throttled),
            ("LimitExceededException", 400, Throttled),
            ("SomethingNew", 429, Throttled),
            ("ResourceNotFoundException", 400, Final(ErrorKind::TableNotFound)),
            ("AccessDeniedException", 400, Final(ErrorKind::AccessDenied)),
            ("UnrecognizedClientException", 400, Final(ErrorKind::Credentials)),
            ("InvalidSignatureException", 400, Final(ErrorKind::Credentials)),
            ("IncompleteSignatureException", 400, Final(ErrorKind::Credentials)),
            ("MissingAuthenticationTokenException", 400, Final(ErrorKind::Credentials)),
            ("ExpiredTokenException", 400, Final(ErrorKind::Credentials)),
            ("ValidationException", 400, Final(ErrorKind::Unexpected)),
            ("ItemCollectionSizeLimitExceededException", 400, Final(ErrorKind::Unexpected)),
            ("IdempotentParameterMismatchException", 400, Final(ErrorKind::Unexpected)),
            ("SomethingNew", 400, Final(ErrorKind::Unexpected)),
            ("InternalServerError", 500, Unavailable),
            ("ServiceUnavailable", 503, Unavailable),
            ("SomethingNew", 502, Unavailable),
            ("", 400, Unavailable),
        ] {
            let fault = service(code, status);
            assert_eq!(fault.class, expected, "{code} {status}");
            assert!(fault.what.contains(code), "{}", fault.what);
            assert_eq!(fault.may_have_been_applied, expected == Unavailable, "{code} {status}");
        }
    }

    #[test]
    fn a_connection_that_never_stood_took_nothing_along_and_a_broken_one_may_have() {
        type Broken = SdkError<DeleteItemError, HttpResponse>;
        let io = || Box::new(std::io::Error::other("reset by peer"));
        let never: Broken = SdkError::dispatch_failure(ConnectorError::timeout(io()));
        let never = Fault::from_sdk(never, CONNECT_TIMEOUT);
        assert_eq!((never.class, never.may_have_been_applied), (Class::TimedOut(Limit::Connect), false));
        assert!(never.what.contains("connectTimeoutMs (70 ms)"), "{}", never.what);
        assert!(never.source.is_some());
        let broken: Broken = SdkError::dispatch_failure(ConnectorError::io(io()));
        let garbled: Broken = SdkError::response_error(io(), response(200));
        for error in [broken, garbled] {
            let fault = Fault::from_sdk(error, CONNECT_TIMEOUT);
            assert_eq!((fault.class, fault.may_have_been_applied), (Class::Unavailable, true));
            assert!(fault.what.contains("reset by peer"), "{}", fault.what);
        }
    }

    #[test]
    fn an_answer_without_a_code_says_what_it_is() {
        for (status, said) in [(200, "the answer could not be read: "), (502, "HTTP status 502 ")] {
            let nothing = DeleteItemError::generic(ErrorMetadata::builder().build());
            let fault = Fault::from_sdk(SdkError::service_error(nothing, response(status)), CONNECT_TIMEOUT);
            assert!(fault.what.starts_with(said), "{}", fault.what);
        }
    }

    /// The reasons of "`TransactionCanceledException`" in the `DynamoDB` API reference.
    const REASONS: [&str; 7] = [
        "None",
        "ConditionalCheckFailed",
        "ItemCollectionSizeLimitExceeded",
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "ValidationError",
    ];

    #[test]
    fn only_a_failed_condition_is_a_lost_lease_and_only_what_passes_is_retried() {
        let is_fatal =
            |reason: &str| matches!(reason, "ItemCollectionSizeLimitExceeded" | "ValidationError" | "Brandnew");
        let is_throttle = |reason: &str| matches!(reason, "ProvisionedThroughputExceeded" | "ThrottlingError");
        for first in REASONS.into_iter().chain(["Brandnew"]) {
            for second in REASONS.into_iter().chain(["Brandnew"]) {
                let reasons = [first, second].map(|code| CancellationReason::builder().code(code).build());
                let fault = Fault::cancelled(&reasons, std::io::Error::other("cancelled"));
                let either = |is: &dyn Fn(&str) -> bool| is(first) || is(second);
                let expected = if either(&|reason| reason == "ConditionalCheckFailed") {
                    Class::ConditionFailed
                } else if either(&is_fatal) || (first, second) == ("None", "None") {
                    Class::Final(ErrorKind::Unexpected)
                } else if either(&is_throttle) {
                    Class::Throttled
                } else {
                    Class::Conflict
                };
                assert_eq!(fault.class, expected, "{first} {second}");
                assert!(!fault.may_have_been_applied);
            }
        }
        let empty = Fault::cancelled(&[], std::io::Error::other("cancelled"));
        assert_eq!(empty.class, Class::Final(ErrorKind::Unexpected));
    }
}

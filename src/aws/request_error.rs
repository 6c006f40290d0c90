//! Failures of a request to `DynamoDB`: every SDK error becomes one [`RequestError`], here and nowhere else.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::http::{HttpFailure, was_sent_twice};
use super::signing::Refusal;
use crate::call::{Deadline, TimeLimit};
use crate::error::ErrorKind;

/// The kind of a fault, which decides how it is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestErrorKind {
    /// The row refused the write. Final: the row was there to say so.
    ConditionFailed,
    /// Another transaction holds the row, or our own is still in progress.
    Conflict,
    /// Too many requests.
    Throttled,
    /// A time limit passed without an answer.
    TimedOut(TimeLimit),
    /// No connection, a broken connection, a server error, or an unusable answer.
    Unavailable,
    /// No retry helps; the kind says why.
    Final(ErrorKind),
}

/// One failed attempt.
#[derive(Debug)]
pub(crate) struct RequestError {
    pub(crate) kind: RequestErrorKind,
    /// Whether the request may have taken effect although it failed.
    pub(crate) may_have_been_applied: bool,
    /// Whether an HTTP status came back.
    pub(crate) is_answered: bool,
    /// The failure, as a phrase; with DynamoDB's own code where it gave one.
    pub(crate) message: String,
    pub(crate) source: Option<Box<dyn StdError + Send + Sync>>,
    /// Where the signature was refused.
    pub(crate) refusal: Option<Refusal>,
}

impl RequestError {
    /// A time limit passed; `meanwhile` names the step that the request waited for.
    pub(crate) fn timed_out(limit: TimeLimit, duration: Duration, meanwhile: &str) -> Self {
        Self {
            kind: RequestErrorKind::TimedOut(limit),
            may_have_been_applied: limit != TimeLimit::Connect,
            is_answered: false,
            message: format!("{} ({} ms) exceeded {meanwhile}", limit.name(), duration.as_millis()),
            source: None,
            refusal: None,
        }
    }

    /// The call's deadline passed; `meanwhile` names the step that the call waited for.
    pub(crate) fn deadline(deadline: Deadline, meanwhile: &str) -> Self {
        Self {
            kind: RequestErrorKind::TimedOut(deadline.kind()),
            may_have_been_applied: true,
            is_answered: false,
            message: format!("{} {meanwhile}", deadline.describe()),
            source: None,
            refusal: None,
        }
    }

    /// An HTTP success that is not an answer of `DynamoDB`.
    pub(crate) fn no_answer(received: &str) -> Self {
        Self {
            kind: RequestErrorKind::Unavailable,
            may_have_been_applied: false,
            is_answered: true,
            message: format!("the answer could not be read: received {received}"),
            source: None,
            refusal: None,
        }
    }

    /// The same error of a request that was not sent.
    pub(crate) fn before_sending(self) -> Self {
        Self { may_have_been_applied: false, ..self }
    }

    /// `connect_timeout` is only for the message: the SDK says that it passed, and not how long it was.
    pub(crate) fn from_sdk<E>(error: SdkError<E, HttpResponse>, connect_timeout: Duration) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let may_be_a_repetition = was_sent_twice(&error);
        let fault = Self::of_one_request(error, connect_timeout);
        Self { may_have_been_applied: fault.may_have_been_applied || may_be_a_repetition, ..fault }
    }

    fn of_one_request<E>(error: SdkError<E, HttpResponse>, connect_timeout: Duration) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                let kind = kind_of(code, service.raw().status().as_u16());
                let what = match (code, service.err().message()) {
                    ("", _) if service.raw().status().is_success() => {
                        format!("the answer could not be read: {}", innermost(&error))
                    }
                    ("", _) => format!("HTTP status {} without an error code", service.raw().status()),
                    (code, Some(message)) => format!("{code}: {message}"),
                    (code, None) => code.to_owned(),
                };
                Self {
                    kind,
                    may_have_been_applied: kind == RequestErrorKind::Unavailable,
                    is_answered: true,
                    message: what,
                    refusal: refusal(code, service.raw()),
                    source: Some(error.into()),
                }
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
                let failure = HttpFailure::find(&error);
                // Without a word of the connector, the worst is assumed.
                let was_sent = failure.is_none_or(|failure| failure.was_sent);
                let is_timeout = matches!(&error, SdkError::DispatchFailure(failure) if failure.is_timeout());
                let fault = match failure {
                    _ if is_timeout => {
                        let phase =
                            failure.map_or("without a connection".to_owned(), |failure| failure.phase.to_string());
                        Self::timed_out(TimeLimit::Connect, connect_timeout, &phase)
                    }
                    Some(failure) => Self::unavailable(failure.to_string(), &error),
                    None => Self::unavailable("the connection failed".to_owned(), &error),
                };
                let may_have_been_applied = was_sent && !(is_timeout && failure.is_none());
                // A status without its body is an answer.
                let is_answered = failure.is_some_and(|failure| failure.phase.has_status());
                Self { may_have_been_applied, is_answered, source: Some(error.into()), ..fault }
            }
            SdkError::ResponseError(_) => {
                let what = format!("the answer could not be read: {}", innermost(&error));
                Self { is_answered: true, ..Self::from_source(RequestErrorKind::Unavailable, true, &what, error) }
            }
            _ => {
                let what = format!("the request could not be built: {}", DisplayErrorContext(&error));
                Self::from_source(RequestErrorKind::Final(ErrorKind::Unexpected), false, &what, error)
            }
        }
    }

    /// Whether the call's deadline ended the attempt before anything was sent.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.kind == RequestErrorKind::TimedOut(TimeLimit::Operation) && !self.may_have_been_applied
    }

    /// A cancelled transaction, by the reasons that `DynamoDB` gives for each of its items.
    pub(crate) fn cancelled<E>(reasons: &[CancellationReason], source: SdkError<E, HttpResponse>) -> Self
    where
        E: StdError + Send + Sync + 'static,
    {
        let codes: Vec<&str> =
            reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").collect();
        let first_in = |wanted: &[&str]| codes.iter().any(|code| wanted.contains(code));
        let kind = if first_in(&["ConditionalCheckFailed"]) {
            RequestErrorKind::ConditionFailed
        } else if codes.is_empty() || !codes.iter().all(|code| TRANSIENT_REASONS.contains(code)) {
            RequestErrorKind::Final(if first_in(&["AccessDenied"]) {
                ErrorKind::AccessDenied
            } else {
                ErrorKind::Unexpected
            })
        } else if first_in(&["TransactionConflict"]) && !first_in(&THROTTLING_REASONS) {
            RequestErrorKind::Conflict
        } else {
            RequestErrorKind::Throttled
        };
        let what = format!("TransactionCanceledException: [{}]", codes.join(", "));
        let may_have_been_applied = was_sent_twice(&source);
        Self { is_answered: true, ..Self::from_source(kind, may_have_been_applied, &what, source) }
    }

    fn unavailable(what: String, error: &(dyn StdError + 'static)) -> Self {
        let cause = innermost(error);
        let message = if what == cause { what } else { format!("{what}: {cause}") };
        Self {
            kind: RequestErrorKind::Unavailable,
            may_have_been_applied: true,
            is_answered: false,
            message,
            source: None,
            refusal: None,
        }
    }

    fn from_source(
        kind: RequestErrorKind,
        may_have_been_applied: bool,
        what: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            may_have_been_applied,
            is_answered: false,
            message: what.to_owned(),
            source: Some(Box::new(source)),
            refusal: None,
        }
    }
}

const THROTTLING_REASONS: [&str; 2] = ["ProvisionedThroughputExceeded", "ThrottlingError"];
const TRANSIENT_REASONS: [&str; 3] = ["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"];

/// The documented codes ("Error handling with `DynamoDB`", "Common errors"); others by their HTTP status.
fn kind_of(code: &str, status: u16) -> RequestErrorKind {
    match code {
        "ConditionalCheckFailedException" => RequestErrorKind::ConditionFailed,
        "TransactionConflictException" | "TransactionInProgressException" => RequestErrorKind::Conflict,
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestLimitExceededException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "ThrottledException"
        | "Throttling"
        | "TooManyRequestsException"
        | "SlowDown" => RequestErrorKind::Throttled,
        "ResourceNotFoundException" | "TableNotFoundException" => RequestErrorKind::Final(ErrorKind::TableNotFound),
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => RequestErrorKind::Final(ErrorKind::AccessDenied),
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
        | "RequestExpired" => RequestErrorKind::Final(ErrorKind::Credentials),
        _ if status == 429 => RequestErrorKind::Throttled,
        _ if status >= 500 || code.is_empty() => RequestErrorKind::Unavailable,
        _ => RequestErrorKind::Final(ErrorKind::Unexpected),
    }
}

/// The clock's refusal is known by the date of the answer alone; no other answer says anything about the clock.
fn refusal(code: &str, answer: &HttpResponse) -> Option<Refusal> {
    match code {
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" | "RequestExpired" => {
            let date = DateTime::from_str(answer.headers().get("date")?, Format::HttpDate).ok()?;
            date.try_into().ok().map(Refusal::Clock)
        }
        "ExpiredTokenException" | "ExpiredToken" | "UnrecognizedClientException" | "InvalidClientTokenId" => {
            Some(Refusal::Credentials)
        }
        _ => None,
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

    fn service(code: &str, status: u16) -> RequestError {
        let metadata = ErrorMetadata::builder().code(code).message("because").build();
        RequestError::from_sdk(
            SdkError::service_error(DeleteItemError::generic(metadata), response(status)),
            CONNECT_TIMEOUT,
        )
    }

    #[test]
    fn each_documented_code_has_its_class_and_stays_in_the_message() {
        use RequestErrorKind::{ConditionFailed, Conflict, Final, Throttled, Unavailable};
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
            assert_eq!(fault.kind, expected, "{code} {status}");
            assert!(fault.message.contains(code), "{}", fault.message);
            assert_eq!(fault.may_have_been_applied, expected == Unavailable, "{code} {status}");
        }
    }

    #[test]
    fn only_a_refusal_of_the_signature_says_anything_about_the_clock_or_the_credentials() {
        let refused = |code: &str, date: &'static str| {
            let metadata = ErrorMetadata::builder().code(code).build();
            let mut answer = response(400);
            answer.headers_mut().insert("date", date);
            RequestError::from_sdk(SdkError::service_error(DeleteItemError::generic(metadata), answer), CONNECT_TIMEOUT)
                .refusal
        };
        let date = "Thu, 01 Jan 1970 01:00:00 GMT";
        let clock = Some(Refusal::Clock(std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(1)));
        for (code, date, expected) in [
            ("InvalidSignatureException", date, clock),
            ("RequestTimeTooSkewed", date, clock),
            ("InvalidSignatureException", "yesterday", None),
            ("ExpiredTokenException", date, Some(Refusal::Credentials)),
            ("UnrecognizedClientException", date, Some(Refusal::Credentials)),
            ("AccessDeniedException", date, None),
            ("ServiceUnavailable", date, None),
        ] {
            assert_eq!(refused(code, date), expected, "{code} {date}");
        }
    }

    #[test]
    fn a_connection_that_never_stood_took_nothing_along_and_a_broken_one_may_have() {
        type Broken = SdkError<DeleteItemError, HttpResponse>;
        let io = || Box::new(std::io::Error::other("reset by peer"));
        let never: Broken = SdkError::dispatch_failure(ConnectorError::timeout(io()));
        let never = RequestError::from_sdk(never, CONNECT_TIMEOUT);
        assert_eq!((never.kind, never.may_have_been_applied), (RequestErrorKind::TimedOut(TimeLimit::Connect), false));
        assert!(never.message.contains("connectTimeoutMs (70 ms)"), "{}", never.message);
        assert!(never.source.is_some());
        let broken: Broken = SdkError::dispatch_failure(ConnectorError::io(io()));
        let garbled: Broken = SdkError::response_error(io(), response(200));
        for error in [broken, garbled] {
            let fault = RequestError::from_sdk(error, CONNECT_TIMEOUT);
            assert_eq!((fault.kind, fault.may_have_been_applied), (RequestErrorKind::Unavailable, true));
            assert!(fault.message.contains("reset by peer"), "{}", fault.message);
        }
    }

    #[test]
    fn an_answer_without_a_code_has_a_message_of_its_own() {
        for (status, said) in [(200, "the answer could not be read: "), (502, "HTTP status 502 ")] {
            let nothing = DeleteItemError::generic(ErrorMetadata::builder().build());
            let fault = RequestError::from_sdk(SdkError::service_error(nothing, response(status)), CONNECT_TIMEOUT);
            assert!(fault.message.starts_with(said), "{}", fault.message);
        }
    }

    fn cancelled() -> SdkError<DeleteItemError, HttpResponse> {
        SdkError::service_error(DeleteItemError::generic(ErrorMetadata::builder().build()), response(400))
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
    fn only_a_failed_condition_is_a_lost_lease_and_only_passing_faults_are_retried() {
        let is_fatal =
            |reason: &str| matches!(reason, "ItemCollectionSizeLimitExceeded" | "ValidationError" | "Brandnew");
        let is_throttle = |reason: &str| matches!(reason, "ProvisionedThroughputExceeded" | "ThrottlingError");
        for first in REASONS.into_iter().chain(["Brandnew"]) {
            for second in REASONS.into_iter().chain(["Brandnew"]) {
                let reasons = [first, second].map(|code| CancellationReason::builder().code(code).build());
                let fault = RequestError::cancelled(&reasons, cancelled());
                let either = |is: &dyn Fn(&str) -> bool| is(first) || is(second);
                let expected = if either(&|reason| reason == "ConditionalCheckFailed") {
                    RequestErrorKind::ConditionFailed
                } else if either(&is_fatal) || (first, second) == ("None", "None") {
                    RequestErrorKind::Final(ErrorKind::Unexpected)
                } else if either(&is_throttle) {
                    RequestErrorKind::Throttled
                } else {
                    RequestErrorKind::Conflict
                };
                assert_eq!(fault.kind, expected, "{first} {second}");
                assert!(!fault.may_have_been_applied);
            }
        }
        let empty = RequestError::cancelled(&[], cancelled());
        assert_eq!(empty.kind, RequestErrorKind::Final(ErrorKind::Unexpected));
    }
}

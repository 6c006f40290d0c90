//! Few kinds of error, each of which tells the caller what to do.
//!
//! The kind fixes the JavaScript `code`, `name` and `retryable`; the message names the failure, the
//! table and the cache key. A message holds no credential and no lease token.

use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::sync::Arc;

/// The kind of an [`Error`], which tells the caller how to respond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The lease is gone: this publish did not happen and never will.
    LeaseNotOwned,
    /// An argument has the wrong type. Nothing was sent.
    WrongType,
    /// An argument has the right type and an impossible value. Nothing was sent.
    OutOfRange,
    /// No table name, no region, or a table of another shape.
    Config,
    /// The table does not exist.
    TableNotFound,
    /// No credentials were found, or those found are refused or expired.
    Credentials,
    /// The credentials lack an IAM permission.
    AccessDenied,
    /// `DynamoDB` throttled every attempt.
    Throttled,
    /// Another transaction was in the way of every attempt.
    Conflict,
    /// A time limit was hit; a write may or may not have happened.
    Timeout,
    /// `DynamoDB` could not be reached or did not give a usable answer; a write may or may not have happened.
    Unavailable,
    /// Anything else.
    Unexpected,
}

impl ErrorKind {
    /// Each kind.
    pub const ALL: [Self; 12] = [
        Self::LeaseNotOwned,
        Self::WrongType,
        Self::OutOfRange,
        Self::Config,
        Self::TableNotFound,
        Self::Credentials,
        Self::AccessDenied,
        Self::Throttled,
        Self::Conflict,
        Self::Timeout,
        Self::Unavailable,
        Self::Unexpected,
    ];

    /// The stable `code` that JavaScript sees.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LeaseNotOwned => "ErrLeaseNotOwned",
            Self::WrongType | Self::OutOfRange => "ErrInvalidArgument",
            Self::Config => "ErrConfig",
            Self::TableNotFound => "ErrTableNotFound",
            Self::Credentials => "ErrCredentials",
            Self::AccessDenied => "ErrAccessDenied",
            Self::Throttled => "ErrThrottled",
            Self::Conflict => "ErrConflict",
            Self::Timeout => "ErrTimeout",
            Self::Unavailable => "ErrUnavailable",
            Self::Unexpected => "ErrUnexpected",
        }
    }

    /// The stable `name` that JavaScript sees.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeaseNotOwned => "IsrLeaseConflictError",
            Self::WrongType => "TypeError",
            Self::OutOfRange => "RangeError",
            Self::Config | Self::TableNotFound | Self::Credentials | Self::AccessDenied => "IsrStoreConfigError",
            Self::Throttled | Self::Conflict | Self::Timeout | Self::Unavailable => "IsrStoreUnavailableError",
            Self::Unexpected => "IsrStoreError",
        }
    }

    /// Whether the same call may succeed later with nothing changed.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Conflict | Self::Timeout | Self::Unavailable)
    }
}

/// Why a call failed; or several calls that shared their work, and so can be cloned.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    /// The cause itself. (A derived one would be the `Arc` around it, of which no type can be asked.)
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// An argument of the wrong type.
    pub fn wrong_type(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::WrongType, message)
    }

    /// An argument whose value is impossible.
    pub fn out_of_range(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OutOfRange, message)
    }

    /// The same error with the call that it ended, and its place.
    #[must_use]
    pub(crate) fn about(self, call: impl Display) -> Self {
        Self { message: format!("{call}: {}", self.message), ..self }
    }

    /// The kind, which tells the caller how to respond.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_the_message_and_never_the_source() {
        let error = Error::new(ErrorKind::Unavailable, "no answer").caused_by("AKIA…");
        assert_eq!(error.to_string(), "no answer");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("AKIA…"));
    }

    #[test]
    fn the_source_is_the_cause_itself() {
        let error = Error::new(ErrorKind::Credentials, "failed").caused_by(fmt::Error).about("get");
        let source = error.source().expect("a cause");
        assert!(source.is::<fmt::Error>());
    }

    #[test]
    fn only_faults_that_may_pass_are_retryable() {
        use ErrorKind::{
            AccessDenied, Config, Conflict, Credentials, LeaseNotOwned, OutOfRange, TableNotFound, Throttled, Timeout,
            Unavailable, Unexpected, WrongType,
        };
        for kind in [Throttled, Conflict, Timeout, Unavailable] {
            assert_eq!((kind.is_retryable(), kind.name()), (true, "IsrStoreUnavailableError"), "{kind:?}");
        }
        for kind in [LeaseNotOwned, WrongType, OutOfRange, Config, TableNotFound, Credentials, AccessDenied, Unexpected]
        {
            assert!(!kind.is_retryable(), "{kind:?}");
        }
    }
}

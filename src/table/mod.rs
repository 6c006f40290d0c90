//! The DynamoDB dialect: each request of the store, with its key, its condition and its time limits.
//!
//! Modules above do not know attributes, expressions or the SDK. Here a refused condition is an answer; any other
//! failure becomes an [`Error`] that names the operation, the key, the table and its location.

mod connection;
mod number;
mod reads;
pub(crate) mod row;
pub(crate) mod schema;
mod writes;

use std::error::Error as StdError;
use std::fmt::Display;
use std::sync::Arc;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use self::connection::Connection;
pub(crate) use self::reads::{Entry, reads_consistently};
pub(crate) use self::row::LockRow;
pub(crate) use self::writes::{CommitOutcome, LockPut, LockRowItem};
use crate::aws::{Connected, RequestError, RequestErrorKind, RequestObserver, RetryError, RetryPolicy, retry};
use crate::call::{Call, Deadline, TimeLimit};
use crate::config::{Config, NumberOption};
use crate::error::{Error, ErrorKind, Result};
use crate::model::EntryKey;

/// Attempts against a conflicting transaction where giving up costs little: the next page view acquires again.
const FEW_CONFLICTS: u32 = 3;
/// Attempts against a conflicting transaction where giving up costs a rendered page or an invalidation.
const MANY_CONFLICTS: u32 = 8;

/// One table and the way to it.
pub(crate) struct Table {
    connection: Arc<Connection>,
}

/// The table during one call: connected, with the call's deadline and statistics.
#[derive(Clone)]
pub(crate) struct Session<'a, K = EntryKey> {
    pub(crate) config: &'a Config,
    pub(crate) connected: &'a Connected,
    pub(crate) call: Call<K>,
    observer: &'a dyn RequestObserver,
    retries_throttles: bool,
}

impl Table {
    pub(crate) fn new(config: Config) -> Self {
        Self { connection: Connection::new(config) }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.connection.config
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.config().millis(NumberOption::OperationTimeoutMs), TimeLimit::Operation)
    }

    /// Connects at the first call, and waits until requests can be signed.
    pub(crate) async fn connect<'a, K: Clone>(
        &'a self,
        call: &Call<K>,
        observer: &'a dyn RequestObserver,
    ) -> Result<Session<'a, K>>
    where
        Call<K>: Display,
    {
        let connect = async {
            let connected = self.connection.establish().await?;
            connected.ready().await?;
            Ok(connected)
        };
        let connected = self.in_time(call, "while waiting for AWS credentials", connect).await??;
        Ok(Session { config: self.config(), connected, call: call.clone(), observer, retries_throttles: true })
    }

    /// The call, the table and, once it is known, its location, for messages.
    pub(crate) fn describe(&self, call: impl Display) -> String {
        let table = self.config().table_name.as_str();
        match self.connection.established() {
            Some(connected) => format!("{call} on table \"{table}\" in {}", connected.location),
            None => format!("{call} on table \"{table}\""),
        }
    }

    /// The output of `future`; after the call's deadline an error that names the step that the call waited for.
    pub(crate) async fn in_time<K, T>(
        &self,
        call: &Call<K>,
        meanwhile: &str,
        future: impl Future<Output = T>,
    ) -> Result<T>
    where
        Call<K>: Display,
    {
        let deadline = call.deadline();
        deadline.limit(future).await.map_err(|_| {
            let message = format!("{} {meanwhile}; nothing was sent", deadline.describe());
            Error::new(ErrorKind::Timeout, message).about(self.describe(call))
        })
    }
}

impl<K: Clone> Session<'_, K>
where
    Call<K>: Display,
{
    /// The same with another deadline.
    pub(crate) fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { call: self.call.clone().with_deadline(deadline), ..self.clone() }
    }

    /// The same, but a throttled request is not repeated.
    pub(crate) fn failing_when_throttled(&self) -> Self {
        Self { retries_throttles: false, ..self.clone() }
    }

    pub(crate) fn table_name(&self) -> &str {
        self.config.table_name.as_str()
    }

    pub(crate) fn request_error<E>(&self, error: SdkError<E>) -> RequestError
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        RequestError::from_sdk(error, self.config.millis(NumberOption::ConnectTimeoutMs))
    }

    /// Sends a request in one or more attempts.
    async fn retry<T, F>(&self, max_conflicts: u32, send: impl FnMut() -> F) -> Result<T, RetryError>
    where
        F: Future<Output = Result<T, RequestError>>,
    {
        let policy = RetryPolicy {
            max_attempts: if self.call.is_probe() { 1 } else { self.connected.max_attempts },
            max_conflicts: if self.call.is_probe() { 1 } else { max_conflicts },
            retries_throttles: self.retries_throttles && self.config.fleet_rules.patient_retries,
            request_timeout: self.config.millis(NumberOption::RequestTimeoutMs),
            connections: &self.connected.connections,
            signing: Some(&self.connected.signing),
            stats: self.call.stats(),
            observer: self.observer,
        };
        retry(policy, self.call.deadline(), send).await
    }

    /// Sends a request, in one or more attempts, of which only the answer matters.
    pub(crate) async fn ask<T, F>(&self, send: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, RequestError>>,
    {
        self.retry(FEW_CONFLICTS, send).await.map_err(|error| self.explain(error))
    }

    /// The error of the call for a request that failed for good.
    pub(crate) fn explain(&self, error: RetryError) -> Error {
        let RetryError { last, was_sent, attempts, .. } = error;
        let (call, table, location) = (&self.call, self.table_name(), &self.connected.location);
        let kind = match last.kind {
            RequestErrorKind::Conflict => ErrorKind::Conflict,
            RequestErrorKind::Throttled => ErrorKind::Throttled,
            RequestErrorKind::TimedOut(_) => ErrorKind::Timeout,
            RequestErrorKind::Unavailable => ErrorKind::Unavailable,
            RequestErrorKind::Final(kind) => kind,
            // Writes under a condition handle its refusal; others cannot be refused.
            RequestErrorKind::ConditionFailed => ErrorKind::Unexpected,
        };
        let tries = if attempts < 2 { String::new() } else { format!(", after {attempts} attempts") };
        let message = if kind == ErrorKind::TableNotFound {
            format!("{call}: table \"{table}\" does not exist in {location} ({})", last.message)
        } else {
            // Before the first attempt the message says so itself.
            let is_unsent = attempts > 0 && !was_sent && matches!(kind, ErrorKind::Timeout | ErrorKind::Unavailable);
            let unsent = if is_unsent { "; nothing was sent" } else { "" };
            format!("{call} on table \"{table}\" in {location}: {}{unsent}{tries}", last.message)
        };
        let error = Error::new(kind, message);
        match last.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }

    /// The error for a table whose keys are not those of the rows.
    pub(crate) fn has_other_keys(&self) -> Error {
        let needed = "the store needs the partition key pk and the sort key sk, both strings";
        Error::new(
            ErrorKind::Config,
            format!("{}: table \"{}\" exists with other keys; {needed}", self.call, self.table_name()),
        )
    }
}

//! The DynamoDB dialect: every request that is ever sent, with its key, its condition and its time limits.
//!
//! Above this module nobody knows attributes, expressions or the SDK. Inside, a refused condition is an answer; what
//! is left over becomes an [`Error`] that says which operation, key and table, and where.

mod answer;
mod attempts;
mod client;
mod connections;
mod credentials;
mod fault;
mod number;
mod operator;
mod provision;
mod reads;
mod row;
mod schema;
mod tally;
mod telemetry;
mod tls;
mod writes;

pub(crate) use attempts::Deadline;
pub use operator::{Description, Inspection, Listed, Listing, Position, Probe, ProbeRequest};
pub(crate) use row::LockRow;
pub(crate) use tally::shared;
pub use tally::{Tally, tallied};
pub(crate) use writes::{LockWrite, NewLock, Published, Unwritten};

use std::error::Error as StdError;
use std::fmt::{self, Display};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

use self::attempts::{Failure, Policy, attempt};
use self::client::Connected;
use self::fault::{Class, Fault, Limit};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::model::EntryKey;

/// Tries against a conflicting transaction where giving up costs little: the next page view tries again.
const FEW_CONFLICTS: u32 = 3;
/// Tries against a conflicting transaction where giving up costs a rendered page or an invalidation.
const MANY_CONFLICTS: u32 = 8;

/// One table and the way to it.
pub(crate) struct Table {
    config: Config,
    connected: OnceCell<Connected>,
}

/// What a call is about, for messages and limits.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) key: &'a EntryKey,
    pub(crate) deadline: Deadline,
}

impl Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for cache key \"{}\"", self.operation, self.key.shown())
    }
}

impl Table {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, connected: OnceCell::new() }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The deadline of a call that begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.config.operation_timeout, Limit::Operation)
    }

    /// Connects at the first call; a failure is not kept, so that the next call tries again.
    async fn connected(&self, about: impl Display, deadline: Deadline) -> Result<&Connected> {
        let connect = async {
            let connected = self.connected.get_or_try_init(|| Box::pin(client::connect(&self.config))).await?;
            connected.credentials.renew().await?;
            Ok(connected)
        };
        self.in_time(about, deadline, "AWS credentials were loaded", connect).await?
    }

    /// What does not come by the deadline is an error that says what was waited for meanwhile.
    pub(crate) async fn in_time<T>(
        &self,
        about: impl Display,
        deadline: Deadline,
        meanwhile: &str,
        future: impl Future<Output = T>,
    ) -> Result<T> {
        deadline.limit(future).await.map_err(|_| {
            let fault = deadline.passed(&format!("while {meanwhile}"));
            let table = self.config.table_name.as_str();
            Error::new(ErrorKind::Timeout, format!("{about} on table \"{table}\": {}", fault.what))
        })
    }

    fn fault<E>(&self, error: SdkError<E>) -> Fault
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        Fault::from_sdk(error, self.config.connect_timeout)
    }

    fn policy<'c>(&self, connected: &'c Connected, max_conflicts: u32) -> Policy<'c> {
        Policy {
            max_attempts: self.config.max_attempts,
            max_conflicts,
            request_timeout: self.config.request_timeout,
            connections: &connected.connections,
        }
    }

    /// Tries a request of which nothing is to be known but its answer.
    async fn ask<T, F>(
        &self,
        about: impl Display,
        connected: &Connected,
        deadline: Deadline,
        send: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        attempt(self.policy(connected, FEW_CONFLICTS), deadline, send)
            .await
            .map_err(|failure| self.explain(failure, about, &connected.place))
    }

    fn explain(&self, failure: Failure, about: impl Display, place: &str) -> Error {
        let Failure { fault, attempts, .. } = failure;
        self.describe(fault, attempts, &about.to_string(), place)
    }

    fn describe(&self, fault: Fault, attempts: u32, about: &str, place: &str) -> Error {
        let table = self.config.table_name.as_str();
        let kind = match fault.class {
            Class::Conflict => ErrorKind::Conflict,
            Class::Throttled => ErrorKind::Throttled,
            Class::TimedOut(_) => ErrorKind::Timeout,
            Class::Unavailable => ErrorKind::Unavailable,
            Class::Final(kind) => kind,
            // Whoever writes under a condition handles its refusal; without one this cannot be.
            Class::ConditionFailed => ErrorKind::Unexpected,
        };
        let tries = if attempts < 2 { String::new() } else { format!(", after {attempts} attempts") };
        let message = match kind {
            ErrorKind::TableNotFound => format!("{about}: there is no table \"{table}\" in {place} ({})", fault.what),
            _ => format!("{about} on table \"{table}\" in {place}: {}{tries}", fault.what),
        };
        let error = Error::new(kind, message);
        match fault.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}

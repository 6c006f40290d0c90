//! Requests like the store's own, which show the IAM permissions, the latency and the server's clock.
//!
//! Invariant: a probe changes nothing. It reads one partition, or writes under a condition that never holds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::TransactWriteItem;
use tokio::time::Instant;

use crate::Store;
use crate::aws::{RequestError, RequestErrorKind, with_server_date};
use crate::call::Operation;
use crate::error::{ErrorKind, Result};
use crate::model::EntryKey;
use crate::table::{Session, row, schema};

/// A kind of request that the five operations send; `UpdateItem` only with soft invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are DynamoDB's own names")]
pub enum ProbeRequest {
    Query,
    GetItem,
    PutItem,
    DeleteItem,
    TransactWriteItems,
    UpdateItem,
}

impl ProbeRequest {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Query, Self::GetItem, Self::PutItem, Self::DeleteItem, Self::TransactWriteItems, Self::UpdateItem];

    /// `DynamoDB`'s name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::GetItem => "GetItem",
            Self::PutItem => "PutItem",
            Self::DeleteItem => "DeleteItem",
            Self::TransactWriteItems => "TransactWriteItems",
            Self::UpdateItem => "UpdateItem",
        }
    }
}

/// An allowed request. Times are since the epoch, by this machine's clock but for the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The table, and its region or endpoint.
    pub location: String,
    /// From sending until the answer.
    pub took: Duration,
    /// When it was sent.
    pub sent: Duration,
    /// When its answer came.
    pub received: Duration,
    /// The second in which the server answered.
    pub server: Option<Duration>,
}

impl Store {
    /// Sends a request that reads one partition or writes under a condition that never holds, to see whether it is
    /// permitted.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn probe(&self, key: &EntryKey, request: ProbeRequest) -> Result<Probe> {
        let call = self.call(Operation::Admin(request.name()), key.clone());
        let session = self.table.connect(&call, &()).await?;
        let put = session.put(row::primary_key(key, schema::META), Some(schema::NEVER))?;
        let transaction = [session.delete(schema::LOCK, Some((schema::NEVER, None)))?, put];
        let clock = self.config().time_source.clone().unwrap_or_default();
        let send = || async {
            let (sent, begun) = (clock.now(), Instant::now());
            let (answer, date) = with_server_date(Box::pin(session.send_probe(request, &transaction))).await;
            let (took, received) = (begun.elapsed(), clock.now());
            answer?;
            let server = date.map(since_epoch);
            let location = format!("table \"{}\" in {}", session.table_name(), session.connected.location);
            Ok(Probe { location, took, sent: since_epoch(sent), received: since_epoch(received), server })
        };
        session.ask(send).await
    }
}

impl Session<'_> {
    async fn send_probe(&self, request: ProbeRequest, transaction: &[TransactWriteItem]) -> Result<(), RequestError> {
        let (client, table, meta) =
            (&self.connected.client, self.table_name(), row::primary_key(self.call.key(), schema::META));
        match request {
            ProbeRequest::Query => {
                let query = client.query().table_name(table).key_condition_expression("pk = :pk").limit(1);
                let query = query.expression_attribute_values(":pk", row::string(self.call.key().partition()));
                query.send().await.map(drop).map_err(|error| self.request_error(error))
            }
            ProbeRequest::GetItem => {
                let get = client.get_item().table_name(table).set_key(Some(meta));
                get.send().await.map(drop).map_err(|error| self.request_error(error))
            }
            ProbeRequest::PutItem => {
                let put = client.put_item().table_name(table).set_item(Some(meta)).condition_expression(schema::NEVER);
                refused(put.send().await.map_err(|error| self.request_error(error)))
            }
            ProbeRequest::DeleteItem => {
                let delete = client.delete_item().table_name(table).set_key(Some(meta));
                let delete = delete.condition_expression(schema::NEVER);
                refused(delete.send().await.map_err(|error| self.request_error(error)))
            }
            ProbeRequest::UpdateItem => {
                let update = client.update_item().table_name(table).set_key(Some(meta));
                let update = update.condition_expression(schema::NEVER);
                refused(update.send().await.map_err(|error| self.request_error(error)))
            }
            ProbeRequest::TransactWriteItems => {
                let write = client.transact_write_items().set_transact_items(Some(transaction.to_vec()));
                refused(write.send().await.map_err(|error| self.transaction_error(error)))
            }
        }
    }
}

/// The condition was checked, so the write would be allowed.
fn refused<T>(answer: Result<T, RequestError>) -> Result<(), RequestError> {
    match answer {
        Err(fault) if fault.kind == RequestErrorKind::ConditionFailed => Ok(()),
        Err(fault) => Err(fault),
        Ok(_) => Err(unheeded()),
    }
}

fn unheeded() -> RequestError {
    RequestError {
        kind: RequestErrorKind::Final(ErrorKind::Unexpected),
        may_have_been_applied: true,
        is_answered: true,
        message: "a write was made under a condition that never holds, so leases are not safe there".to_owned(),
        source: None,
        refusal: None,
    }
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

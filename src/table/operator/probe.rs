//! Requests that change nothing, and show whether the store's own are let through, how long they take, and what the
//! server's clock says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::TransactWriteItem;
use tokio::time::Instant;

use super::super::answer::dated;
use super::super::client::Connected;
use super::super::fault::{Class, Fault};
use super::super::{Call, Table, row, schema};
use crate::error::{ErrorKind, Result};

/// A kind of request that the five operations send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are DynamoDB's own names")]
pub enum ProbeRequest {
    Query,
    GetItem,
    PutItem,
    DeleteItem,
    TransactWriteItems,
}

impl ProbeRequest {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::Query, Self::GetItem, Self::PutItem, Self::DeleteItem, Self::TransactWriteItems];

    /// `DynamoDB`'s name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::GetItem => "GetItem",
            Self::PutItem => "PutItem",
            Self::DeleteItem => "DeleteItem",
            Self::TransactWriteItems => "TransactWriteItems",
        }
    }
}

/// A request that was let through. Times are since the epoch, by this machine's clock but for the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Which table it was sent to, and where.
    pub place: String,
    /// From sending until the answer.
    pub took: Duration,
    /// When it was sent.
    pub sent: Duration,
    /// When its answer came.
    pub received: Duration,
    /// The second in which the server answered.
    pub server: Option<Duration>,
}

impl Table {
    /// Sends a request that reads one partition or writes under a condition that never holds.
    pub(crate) async fn probe(&self, call: Call<'_>, request: ProbeRequest) -> Result<Probe> {
        let connected = self.connected(call, call.deadline).await?;
        let put = self.put(call, row::primary_key(call.key, schema::META), Some(schema::NEVER))?;
        let transaction = [self.delete(call, schema::LOCK, Some((schema::NEVER, None)))?, put];
        let clock = self.config.time_source.clone().unwrap_or_default();
        let send = || async {
            let (sent, begun) = (clock.now(), Instant::now());
            let (answer, date) = dated(Box::pin(self.send_probe(connected, call, request, &transaction))).await;
            let (took, received) = (begun.elapsed(), clock.now());
            answer?;
            let server = date.map(since_epoch);
            let place = format!("table \"{}\" in {}", self.config.table_name.as_str(), connected.place);
            Ok(Probe { place, took, sent: since_epoch(sent), received: since_epoch(received), server })
        };
        self.ask(call, connected, call.deadline, send).await
    }

    async fn send_probe(
        &self,
        connected: &Connected,
        call: Call<'_>,
        request: ProbeRequest,
        transaction: &[TransactWriteItem],
    ) -> Result<(), Fault> {
        let (client, table, meta) =
            (&connected.client, self.config.table_name.as_str(), row::primary_key(call.key, schema::META));
        match request {
            ProbeRequest::Query => {
                let query = client.query().table_name(table).key_condition_expression("pk = :pk").limit(1);
                let query = query.expression_attribute_values(":pk", row::string(call.key.partition()));
                query.send().await.map(drop).map_err(|error| self.fault(error))
            }
            ProbeRequest::GetItem => {
                let get = client.get_item().table_name(table).set_key(Some(meta));
                get.send().await.map(drop).map_err(|error| self.fault(error))
            }
            ProbeRequest::PutItem => {
                let put = client.put_item().table_name(table).set_item(Some(meta)).condition_expression(schema::NEVER);
                refused(put.send().await.map_err(|error| self.fault(error)))
            }
            ProbeRequest::DeleteItem => {
                let delete = client.delete_item().table_name(table).set_key(Some(meta));
                let delete = delete.condition_expression(schema::NEVER);
                refused(delete.send().await.map_err(|error| self.fault(error)))
            }
            ProbeRequest::TransactWriteItems => {
                let write = client.transact_write_items().set_transact_items(Some(transaction.to_vec()));
                refused(write.send().await.map_err(|error| self.transaction_fault(error)))
            }
        }
    }
}

/// The condition was checked, so the write would be let through.
fn refused<T>(answer: Result<T, Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if fault.class == Class::ConditionFailed => Ok(()),
        Err(fault) => Err(fault),
        Ok(_) => Err(unheeded()),
    }
}

fn unheeded() -> Fault {
    Fault {
        class: Class::Final(ErrorKind::Unexpected),
        may_have_been_applied: true,
        what: "a write was made under a condition that never holds, so leases are not safe there".to_owned(),
        source: None,
    }
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

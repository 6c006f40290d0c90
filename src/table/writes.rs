//! The writes of the five operations, each under its condition.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::attempts::{Failure, attempt};
use super::client::Connected;
use super::fault::{Class, Fault};
use super::row::{self, Item, LockRow};
use super::{Call, FEW_CONFLICTS, MANY_CONFLICTS, Table, schema};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Generation, LONGEST_BELIEVABLE_LEASE_MS, LeaseClaim, LeaseRequest};

/// A LOCK row that has not been written yet.
#[derive(Clone)]
pub(crate) struct NewLock(Item);

/// How the conditional write of LOCK ended.
#[derive(Debug)]
pub(crate) enum LockWrite {
    /// The row held our token.
    Written,
    /// The row belongs to somebody else, whose lease this is.
    Refused(Option<LockRow>),
    /// Other transactions held the row all the time, and none of our attempts can have taken effect.
    Contended,
}

/// Why LOCK is not known to be written.
pub(crate) struct Unwritten {
    pub(crate) error: Error,
    /// Whether it may be there all the same.
    pub(crate) may_be_there: bool,
}

/// How a publish ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// META is ours and LOCK is gone.
    Yes,
    /// The lease was not ours any more; nothing was written, nor ever will be.
    LeaseLost,
}

impl Table {
    /// The LOCK row for `request`, if it is small enough to be written.
    pub(crate) fn lock_row(&self, request: &LeaseRequest) -> Result<NewLock> {
        row::lock_item(request, self.config.lease_ttl_buffer_seconds).map(NewLock)
    }

    /// Writes LOCK if the lease is free at `request.now`.
    ///
    /// The owner makes the condition re-entrant, so a second attempt that meets the row of our own first one succeeds.
    pub(crate) async fn write_lock(
        &self,
        call: Call<'_>,
        request: &LeaseRequest,
        NewLock(item): NewLock,
    ) -> Result<LockWrite, Unwritten> {
        let values = lease_is_free_values(request);
        let connected = self.connected(call, call.deadline).await;
        let connected = connected.map_err(|error| Unwritten { error, may_be_there: false })?;
        let send = || async {
            let answer = connected
                .client
                .put_item()
                .table_name(self.config.table_name.as_str())
                .set_item(Some(item.clone()))
                .condition_expression(schema::LEASE_IS_FREE)
                .set_expression_attribute_values(Some(values.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            match answer {
                Ok(_) => Ok(LockWrite::Written),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                        Ok(LockWrite::Refused(refusal.item().and_then(row::lock_from)))
                    }
                    _ => Err(self.fault(error)),
                },
            }
        };
        match attempt(self.policy(connected, FEW_CONFLICTS), call.deadline, send).await {
            Ok(outcome) => Ok(outcome),
            Err(failure) if failure.fault.class == Class::Conflict && !failure.may_have_been_applied => {
                Ok(LockWrite::Contended)
            }
            Err(failure) => Err(Unwritten {
                may_be_there: failure.may_have_been_applied,
                error: self.explain(failure, call, &connected.place),
            }),
        }
    }

    /// Writes META and deletes LOCK in one transaction, if the lease is ours (TableTheory's Recipe A, with its
    /// condition on the Delete: a transaction cannot have two actions on one item).
    pub(crate) async fn publish(&self, call: Call<'_>, generation: &Generation) -> Result<Published> {
        let meta = row::meta_item(call.key, &generation.page, self.config.meta_ttl_seconds)?;
        let mut values = lease_is_mine_values(&generation.claim);
        values.insert(":now_s".to_owned(), row::number(row::seconds_rounded_down(generation.now.get())));
        let condition = Some((schema::LEASE_IS_MINE_AND_HAS_NOT_EXPIRED, Some(values)));
        let put = self.put(call, meta, None)?;
        let connected = self.connected(call, call.deadline).await?;
        match self.transact(connected, call, [self.delete(call, schema::LOCK, condition)?, put]).await {
            Ok(()) => Ok(Published::Yes),
            Err(failure) if failure.fault.class == Class::ConditionFailed => Ok(Published::LeaseLost),
            Err(failure) => Err(self.explain(failure, call, &connected.place)),
        }
    }

    /// Deletes both rows in one transaction, whether they exist or not.
    pub(crate) async fn delete_entry(&self, call: Call<'_>) -> Result<()> {
        let rows = [self.delete(call, schema::META, None)?, self.delete(call, schema::LOCK, None)?];
        let connected = self.connected(call, call.deadline).await?;
        self.transact(connected, call, rows).await.map_err(|failure| self.explain(failure, call, &connected.place))
    }

    pub(super) fn put(&self, call: Call<'_>, item: Item, condition: Option<&str>) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(self.config.table_name.as_str())
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| unbuildable(call, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(super) fn delete(
        &self,
        call: Call<'_>,
        sort_key: &str,
        condition: Option<(&str, Option<Item>)>,
    ) -> Result<TransactWriteItem> {
        let (condition, values) = condition.unzip();
        let delete = Delete::builder()
            .table_name(self.config.table_name.as_str())
            .set_key(Some(row::primary_key(call.key, sort_key)))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_values(values.flatten())
            .build()
            .map_err(|error| unbuildable(call, error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Deletes LOCK if the lease is ours; else nothing.
    pub(crate) async fn delete_lock(&self, call: Call<'_>, claim: &LeaseClaim) -> Result<()> {
        let connected = self.connected(call, call.deadline).await?;
        let send = || async {
            let answer = connected
                .client
                .delete_item()
                .table_name(self.config.table_name.as_str())
                .set_key(Some(row::primary_key(call.key, schema::LOCK)))
                .condition_expression(schema::LEASE_IS_MINE)
                .set_expression_attribute_values(Some(lease_is_mine_values(claim)))
                .send()
                .await;
            match answer {
                Ok(_) => Ok(()),
                Err(error) => match error.as_service_error() {
                    Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                    _ => Err(self.fault(error)),
                },
            }
        };
        self.ask(call, connected, call.deadline, send).await
    }

    /// All attempts carry one client request token, under which `DynamoDB` applies the transaction at most once.
    async fn transact(
        &self,
        connected: &Connected,
        call: Call<'_>,
        items: [TransactWriteItem; 2],
    ) -> Result<(), Failure> {
        let request_token = (self.config.unique_ids)();
        let send = || async {
            let answer = connected
                .client
                .transact_write_items()
                .set_transact_items(Some(items.to_vec()))
                .client_request_token(&request_token)
                .send()
                .await;
            answer.map_err(|error| self.transaction_fault(error))
        };
        attempt(self.policy(connected, MANY_CONFLICTS), call.deadline, send).await.map(drop)
    }

    pub(super) fn transaction_fault(&self, error: SdkError<TransactWriteItemsError>) -> Fault {
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons().to_vec();
                Fault::cancelled(&reasons, error)
            }
            _ => self.fault(error),
        }
    }
}

fn unbuildable(call: Call<'_>, error: BuildError) -> Error {
    Error::new(ErrorKind::Unexpected, format!("{}: the request could not be built", call.operation)).caused_by(error)
}

fn lease_is_mine_values(claim: &LeaseClaim) -> Item {
    [
        (":token", row::string(claim.token.as_str())),
        (":owner", row::string(claim.owner.as_str())),
        (":string", row::string("S")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn lease_is_free_values(request: &LeaseRequest) -> Item {
    let mut values = Item::from([
        (":empty".to_owned(), row::string("")),
        (":owner".to_owned(), row::string(request.claim.owner.as_str())),
    ]);
    let now = request.now.get();
    for (name, millis) in [("now", now), ("horizon", now + LONGEST_BELIEVABLE_LEASE_MS)] {
        let second = row::seconds_rounded_down(millis);
        values.insert(format!(":{name}_s"), row::millis_as_seconds(millis));
        values.insert(format!(":{name}_next_s"), row::number(second + 1.0));
        values.insert(format!(":{name}_second_ms"), row::number(second * 1_000.0));
        values.insert(format!(":{name}_ms"), row::number(millis));
    }
    values
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::model::{CacheKey, EntryKey, EpochMillis, LeaseMillis, LeaseOwner, LeaseToken, RevalidateSeconds};

    #[test]
    fn a_lease_is_compared_with_now_and_with_seven_days_from_now() {
        let claim = LeaseClaim {
            key: EntryKey::prefixed("", CacheKey::new("cacheKey", "k".to_owned()).expect("not empty")),
            owner: LeaseOwner::new("leaseOwner", "me".to_owned()).expect("not empty"),
            token: LeaseToken::new("leaseToken", "t".to_owned()).expect("not empty"),
        };
        let now = EpochMillis::new("nowMs", 1_700_000_000_250.5).expect("a time");
        let duration = LeaseMillis::new("leaseDurationMs", 1.0).expect("in range");
        let request = LeaseRequest { claim, now, duration, fallback_revalidate: RevalidateSeconds::DEFAULT };
        let numbers = [
            (":now_s", "1700000000.2505"),
            (":now_next_s", "1700000001"),
            (":now_second_ms", "1700000000000"),
            (":now_ms", "1700000000250.5"),
            (":horizon_s", "1700604800.2505"),
            (":horizon_next_s", "1700604801"),
            (":horizon_second_ms", "1700604800000"),
            (":horizon_ms", "1700604800250.5"),
        ];
        let numbers = numbers.map(|(name, digits)| (name.to_owned(), AttributeValue::N(digits.to_owned())));
        let strings = [(":empty", ""), (":owner", "me")].map(|(name, text)| (name.to_owned(), row::string(text)));
        assert_eq!(lease_is_free_values(&request), numbers.into_iter().chain(strings).collect());
    }
}

//! The writes of the five operations, each under its condition.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};

use super::row::{self, Item, LockRow};
use super::{FEW_CONFLICTS, MANY_CONFLICTS, Session, schema};
use crate::aws::{RequestError, RequestErrorKind, RetryError};
use crate::call::Call;
use crate::config::{Config, NumberOption};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{EntryKey, Generation, LeaseClaim, LeaseRequest, MAX_PLAUSIBLE_LEASE_MS};

/// A LOCK row that has not been written yet.
#[derive(Clone)]
pub(crate) struct LockRowItem(Item);

/// How the conditional put of LOCK ended.
#[derive(Debug)]
pub(crate) enum LockPut {
    /// The row held our token.
    Written,
    /// Another caller holds this lease.
    Refused(Option<LockRow>),
    /// Other transactions held the row all the time, and none of our attempts can have taken effect.
    Contended,
}

/// How a commit ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CommitOutcome {
    /// META is ours and LOCK is gone.
    Committed,
    /// The lease was not ours any more; this commit has not written anything and never will.
    LeaseLost,
}

impl LockRowItem {
    /// The LOCK row for `request`, if it is small enough to be written.
    pub(crate) fn new(config: &Config, key: &EntryKey, request: &LeaseRequest) -> Result<Self> {
        row::lock_item(key, request, config.number(NumberOption::LeaseTtlBufferSeconds)).map(Self)
    }
}

impl Session<'_> {
    /// Writes LOCK if the lease is free at `request.now`.
    ///
    /// The owner makes the condition re-entrant, so a second attempt that meets the row of our own first one succeeds.
    pub(crate) async fn put_lock(
        &self,
        request: &LeaseRequest,
        LockRowItem(item): &LockRowItem,
    ) -> Result<LockPut, RetryError> {
        let values = lease_is_free_values(request);
        let send = || async {
            let answer = self
                .connected
                .client
                .put_item()
                .table_name(self.table_name())
                .set_item(Some(item.clone()))
                .condition_expression(schema::LEASE_IS_FREE)
                .set_expression_attribute_values(Some(values.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            match answer {
                Ok(_) => Ok(LockPut::Written),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                        Ok(LockPut::Refused(refusal.item().and_then(row::lock_from)))
                    }
                    _ => Err(self.request_error(error)),
                },
            }
        };
        match self.retry(FEW_CONFLICTS, send).await {
            Err(error) if error.last.kind == RequestErrorKind::Conflict && !error.may_have_been_applied => {
                Ok(LockPut::Contended)
            }
            outcome => outcome,
        }
    }

    /// Writes META and deletes LOCK in one transaction, if the lease is ours. This is TableTheory's Recipe A, with its
    /// condition on the Delete: a transaction cannot have two actions on one item.
    pub(crate) async fn commit(&self, generation: &Generation) -> Result<CommitOutcome> {
        let retention = self.config.number(NumberOption::MetaTtlSeconds);
        let meta = row::meta_item(self.call.key(), &generation.page, retention)?;
        let mut values = lease_is_mine_values(&generation.claim);
        values.insert(":now_s".to_owned(), row::number(row::seconds_rounded_down(generation.now.get())));
        let condition = Some((schema::LEASE_IS_MINE_AND_HAS_NOT_EXPIRED, Some(values)));
        let actions = [self.delete(schema::LOCK, condition)?, self.put(meta, None)?];
        match self.transact(actions).await {
            Ok(()) => Ok(CommitOutcome::Committed),
            Err(error) if error.last.kind == RequestErrorKind::ConditionFailed => Ok(CommitOutcome::LeaseLost),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Deletes both rows in one transaction, whether they exist or not.
    pub(crate) async fn delete_entry(&self) -> Result<()> {
        let actions = [self.delete(schema::META, None)?, self.delete(schema::LOCK, None)?];
        self.transact(actions).await.map_err(|error| self.explain(error))
    }

    /// Marks META as stale and deletes LOCK in one transaction. Says whether there was a META row.
    pub(crate) async fn mark_stale(&self) -> Result<bool> {
        let zero = Item::from([(":zero".to_owned(), row::number(0.0))]);
        let update = Update::builder()
            .table_name(self.table_name())
            .set_key(Some(row::primary_key(self.call.key(), schema::META)))
            .update_expression(schema::MARK_STALE)
            .condition_expression(schema::ROW_EXISTS)
            .set_expression_attribute_values(Some(zero))
            .build()
            .map_err(|error| unbuildable(&self.call, error))?;
        let actions = [TransactWriteItem::builder().update(update).build(), self.delete(schema::LOCK, None)?];
        match self.transact(actions).await {
            Ok(()) => Ok(true),
            Err(error) if error.last.kind == RequestErrorKind::ConditionFailed => Ok(false),
            Err(error) => Err(self.explain(error)),
        }
    }

    pub(crate) fn put(&self, item: Item, condition: Option<&str>) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(self.table_name())
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| unbuildable(&self.call, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(crate) fn delete(&self, sort_key: &str, condition: Option<(&str, Option<Item>)>) -> Result<TransactWriteItem> {
        let (condition, values) = condition.unzip();
        let delete = Delete::builder()
            .table_name(self.table_name())
            .set_key(Some(row::primary_key(self.call.key(), sort_key)))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_values(values.flatten())
            .build()
            .map_err(|error| unbuildable(&self.call, error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Deletes LOCK if the lease is ours; else does nothing.
    pub(crate) async fn delete_lock(&self, claim: &LeaseClaim) -> Result<()> {
        let send = || async {
            let answer = self
                .connected
                .client
                .delete_item()
                .table_name(self.table_name())
                .set_key(Some(row::primary_key(self.call.key(), schema::LOCK)))
                .condition_expression(schema::LEASE_IS_MINE)
                .set_expression_attribute_values(Some(lease_is_mine_values(claim)))
                .send()
                .await;
            match answer {
                Ok(_) => Ok(()),
                Err(error) => match error.as_service_error() {
                    Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                    _ => Err(self.request_error(error)),
                },
            }
        };
        self.ask(send).await
    }

    /// All attempts carry one client request token, under which `DynamoDB` applies the transaction at most once.
    async fn transact(&self, actions: [TransactWriteItem; 2]) -> Result<(), RetryError> {
        let request_token = (self.config.unique_ids)();
        let send = || async {
            let answer = self
                .connected
                .client
                .transact_write_items()
                .set_transact_items(Some(actions.to_vec()))
                .client_request_token(&request_token)
                .send()
                .await;
            answer.map(drop).map_err(|error| self.transaction_error(error))
        };
        self.retry(MANY_CONFLICTS, send).await
    }

    pub(crate) fn transaction_error(&self, error: SdkError<TransactWriteItemsError>) -> RequestError {
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons().to_vec();
                RequestError::cancelled(&reasons, error)
            }
            _ => self.request_error(error),
        }
    }
}

fn unbuildable(call: &Call, error: BuildError) -> Error {
    Error::new(ErrorKind::Unexpected, format!("{call}: the request could not be built")).caused_by(error)
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
    for (name, millis) in [("now", now), ("horizon", now + MAX_PLAUSIBLE_LEASE_MS)] {
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
    use crate::model::{EpochMillis, LeaseMillis, LeaseOwner, LeaseToken, RevalidateSeconds};

    #[test]
    fn a_lease_is_compared_with_now_and_with_seven_days_from_now() {
        let claim = LeaseClaim {
            owner: LeaseOwner::new("me".to_owned()).expect("not empty"),
            token: LeaseToken::new("t".to_owned()).expect("not empty"),
        };
        let now = EpochMillis::new(1_700_000_000_250.5).expect("a time");
        let duration = LeaseMillis::new(1.0).expect("in range");
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

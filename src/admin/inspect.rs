//! The two rows of a cache key as they are stored, with the page and the lease that the store reads in them.
//!
//! Invariant: one consistent read; the rows are shown exactly, numbers as their decimal strings. The state of a lease is
//! judged by this machine's clock and is only shown: the protocol follows the caller's clock.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::base64;
use serde_json::{Map, Value, json};

use crate::Store;
use crate::call::Operation;
use crate::error::Result;
use crate::model::{EntryKey, EpochMillis, Lease, LeaseState, Page};
use crate::table::LockRow;
use crate::table::row::{self, Item};

/// The two rows of a cache key, with the page and the lease that the store reads in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// META in `DynamoDB`'s JSON.
    pub meta: Option<Value>,
    /// LOCK in `DynamoDB`'s JSON.
    pub lock: Option<Value>,
    /// The page in META; `None` if a required attribute is missing or has the wrong type.
    pub page: Option<Page>,
    /// The lease in LOCK and its state now; `None` if a required attribute is missing or has the wrong type.
    pub lease: Option<(Lease, LeaseState)>,
}

impl Store {
    /// Both rows of `key`, read consistently.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn inspect(&self, key: &EntryKey) -> Result<Inspection> {
        let call = self.call(Operation::Admin("inspect"), key.clone());
        let rows = self.table.connect(&call, &()).await?.read_rows(true).await?;
        let now = EpochMillis::stored(self.clock.epoch_millis()).unwrap_or(EpochMillis::ZERO);
        let lease = rows.lock.as_ref().and_then(row::lock_from).map(|LockRow { lease, .. }| {
            let state = lease.state_at(now);
            (lease, state)
        });
        Ok(Inspection {
            page: rows.meta.as_ref().and_then(row::page_from),
            lease,
            meta: rows.meta.as_ref().map(item_json),
            lock: rows.lock.as_ref().map(item_json),
        })
    }
}

fn item_json(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), value_json(value))).collect())
}

fn value_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(decimal) => json!({ "N": decimal }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(decimals) => json!({ "NS": decimals }),
        AttributeValue::L(members) => json!({ "L": members.iter().map(value_json).collect::<Vec<_>>() }),
        AttributeValue::M(members) => {
            let members: Map<_, _> = members.iter().map(|(name, member)| (name.clone(), value_json(member))).collect();
            json!({ "M": members })
        }
        AttributeValue::B(bytes) => json!({ "B": base64::encode(bytes) }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(base64::encode).collect::<Vec<_>>() }),
        // A type that DynamoDB may add.
        _ => Value::Null,
    }
}

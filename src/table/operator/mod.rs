//! What an operator asks, who looks at the table and not at one page. Nothing here changes it.

mod list;
mod probe;

pub use list::{Listed, Listing, Position};
pub use probe::{Probe, ProbeRequest};

use aws_sdk_dynamodb::types::{AttributeValue, TableDescription, TimeToLiveStatus};
use aws_smithy_types::base64;
use serde_json::{Map, Value, json};

use super::row::{self, Item, LockRow};
use super::{Call, Table, schema};
use crate::error::Result;
use crate::model::{Lease, Page};

/// The table as `DynamoDB` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// Whether its keys are those that the rows need.
    pub has_our_keys: bool,
    /// Partition key and sort key, with types, for whom the keys surprise.
    pub keys: String,
    /// Attributes of our rows that an index has with another type: such rows are refused.
    pub misfits: Vec<String>,
    /// `PAY_PER_REQUEST` or `PROVISIONED`.
    pub billing: String,
    /// The other regions of a global table.
    pub replicas: Vec<String>,
}

/// The two rows of a cache key, and what the store makes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// META in DynamoDB's JSON.
    pub meta: Option<Value>,
    /// LOCK in DynamoDB's JSON.
    pub lock: Option<Value>,
    /// The page in META, unless it lacks what makes it one.
    pub page: Option<Page>,
    /// The lease in LOCK, unless it lacks what makes it one.
    pub lease: Option<Lease>,
}

impl Table {
    /// The table; nothing where there is none.
    pub(crate) async fn description(&self) -> Result<Option<Description>> {
        const ABOUT: &str = "DescribeTable";
        let deadline = self.deadline();
        let connected = self.connected(ABOUT, deadline).await?;
        let described = self.describe_table(ABOUT, connected, deadline).await?;
        Ok(described.map(|table| description(&table)))
    }

    /// The attribute that the table's TTL is on, or is about to be on.
    pub(crate) async fn ttl_attribute(&self) -> Result<Option<String>> {
        const ABOUT: &str = "DescribeTimeToLive";
        let deadline = self.deadline();
        let connected = self.connected(ABOUT, deadline).await?;
        let ttl = self.describe_ttl(ABOUT, connected, deadline).await?;
        Ok(ttl.and_then(|ttl| match ttl.time_to_live_status {
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => ttl.attribute_name,
            _ => None,
        }))
    }

    /// Both rows, read consistently.
    pub(crate) async fn inspect(&self, call: Call<'_>) -> Result<Inspection> {
        let rows = self.read_rows(call, true).await?;
        Ok(Inspection {
            page: rows.meta.as_ref().and_then(row::page_from),
            lease: rows.lock.as_ref().and_then(row::lock_from).map(|LockRow { lease, .. }| lease),
            meta: rows.meta.as_ref().map(item_json),
            lock: rows.lock.as_ref().map(item_json),
        })
    }
}

fn description(table: &TableDescription) -> Description {
    let type_of = |name: &str| {
        table
            .attribute_definitions()
            .iter()
            .find(|attribute| attribute.attribute_name() == name)
            .map_or_else(|| "?".to_owned(), |attribute| attribute.attribute_type().as_str().to_owned())
    };
    let keys: Vec<_> = table
        .key_schema()
        .iter()
        .map(|key| format!("{} {} ({})", key.key_type(), key.attribute_name(), type_of(key.attribute_name())))
        .collect();
    Description {
        status: table.table_status().map_or_else(String::new, |status| status.as_str().to_owned()),
        has_our_keys: schema::are_our_keys(table),
        keys: keys.join(", "),
        misfits: table
            .attribute_definitions()
            .iter()
            .filter(|attribute| {
                schema::scalar_type(attribute.attribute_name()).is_some_and(|ours| ours != *attribute.attribute_type())
            })
            .map(|attribute| format!("{} ({})", attribute.attribute_name(), attribute.attribute_type()))
            .collect(),
        // A table that never was on demand says nothing.
        billing: table
            .billing_mode_summary()
            .and_then(|summary| summary.billing_mode())
            .map_or_else(|| "PROVISIONED".to_owned(), |mode| mode.as_str().to_owned()),
        replicas: table.replicas().iter().filter_map(|replica| replica.region_name().map(str::to_owned)).collect(),
    }
}

fn item_json(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), value_json(value))).collect())
}

/// As `DynamoDB` writes it, exactly: numbers are strings.
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
        // Whatever DynamoDB may add.
        _ => Value::Null,
    }
}

//! The table as DynamoDB describes it.
//!
//! Invariant: the answers are DynamoDB's own words and a comparison with `table/schema.rs`; nothing is cached.

use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{TableDescription, TimeToLiveDescription, TimeToLiveStatus};

use crate::Store;
use crate::error::Result;
use crate::table::{Session, schema};

/// The table as `DynamoDB` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// Whether its keys are those that the rows need.
    pub keys_match: bool,
    /// Partition key and sort key with their types, for example `HASH pk (S), RANGE sk (S)`.
    pub keys: String,
    /// Attributes of the store's rows that an index declares with another type: `DynamoDB` refuses such rows.
    pub conflicting_attributes: Vec<String>,
    /// `PAY_PER_REQUEST` or `PROVISIONED`.
    pub billing: String,
    /// The other regions of a global table.
    pub replicas: Vec<String>,
}

impl Store {
    /// The table as `DynamoDB` describes it; `None` if it does not exist. Needs the permission `dynamodb:DescribeTable`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn describe_table(&self) -> Result<Option<TableInfo>> {
        let call = self.admin_call("DescribeTable");
        let described = self.table.connect(&call, &()).await?.describe_table().await?;
        Ok(described.map(|table| table_info(&table)))
    }

    /// The attribute that TTL is enabled for, or is being enabled for. Needs the permission
    /// `dynamodb:DescribeTimeToLive`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn ttl_attribute(&self) -> Result<Option<String>> {
        let call = self.admin_call("DescribeTimeToLive");
        let ttl = self.table.connect(&call, &()).await?.describe_ttl().await?;
        Ok(ttl.and_then(|ttl| match ttl.time_to_live_status {
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => ttl.attribute_name,
            _ => None,
        }))
    }
}

impl Session<'_, ()> {
    pub(super) async fn describe_table(&self) -> Result<Option<TableDescription>> {
        let send = || async {
            let answer = self.connected.client.describe_table().table_name(self.table_name()).send().await;
            match answer {
                Ok(answer) => Ok(answer.table),
                Err(error) => match error.as_service_error() {
                    Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
                    _ => Err(self.request_error(error)),
                },
            }
        };
        self.ask(send).await
    }

    pub(super) async fn describe_ttl(&self) -> Result<Option<TimeToLiveDescription>> {
        let send = || async {
            let request = self.connected.client.describe_time_to_live().table_name(self.table_name());
            let answer = request.send().await;
            answer.map(|answer| answer.time_to_live_description).map_err(|error| self.request_error(error))
        };
        self.ask(send).await
    }
}

fn table_info(table: &TableDescription) -> TableInfo {
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
    TableInfo {
        status: table.table_status().map_or_else(String::new, |status| status.as_str().to_owned()),
        keys_match: schema::keys_match(table),
        keys: keys.join(", "),
        conflicting_attributes: table
            .attribute_definitions()
            .iter()
            .filter(|attribute| {
                schema::scalar_type(attribute.attribute_name()).is_some_and(|ours| ours != *attribute.attribute_type())
            })
            .map(|attribute| format!("{} ({})", attribute.attribute_name(), attribute.attribute_type()))
            .collect(),
        // A table that was never on demand has no summary.
        billing: table
            .billing_mode_summary()
            .and_then(|summary| summary.billing_mode())
            .map_or_else(|| "PROVISIONED".to_owned(), |mode| mode.as_str().to_owned()),
        replicas: table.replicas().iter().filter_map(|replica| replica.region_name().map(str::to_owned)).collect(),
    }
}

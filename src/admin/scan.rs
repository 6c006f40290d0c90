//! One part of a scan: a filter for META rows, a position to continue from, and the capacity that it consumed.
//!
//! Invariant: a scan reads rows in no order and sees a row that changes meanwhile at most once; DynamoDB promises no more.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::Store;
use crate::error::Result;
use crate::table::row::{self, Item};
use crate::table::schema;

/// Where a scan continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The partition key of the last row that was read.
    pub pk: String,
    /// The sort key of that row.
    pub sk: String,
}

/// A request for one part of a scan.
#[derive(Debug, Default)]
pub(super) struct ScanRequest {
    /// The condition for the rows that are returned. Every row that is read is paid for.
    pub(super) filter: String,
    pub(super) values: Item,
    /// The attributes to return, or all; with the names that stand for reserved words.
    pub(super) attributes: Option<(&'static str, Vec<(&'static str, &'static str)>)>,
    pub(super) after: Option<Position>,
    /// At most that many rows are read; at most 1 MB in any case.
    pub(super) max_rows: Option<i32>,
}

pub(super) struct ScanPart {
    pub(super) items: Vec<Item>,
    /// How many rows were read.
    pub(super) rows: u32,
    /// Read units consumed; 0 where the server does not report them.
    pub(super) read_units: f64,
    /// Where to continue; `None` at the end of the table.
    pub(super) next: Option<Position>,
}

impl Store {
    pub(super) async fn scan(&self, request: &ScanRequest) -> Result<ScanPart> {
        let call = self.admin_call("Scan");
        let session = self.table.connect(&call, &()).await?;
        let start = request.after.as_ref().map(|Position { pk, sk }| {
            HashMap::from([(schema::PK.to_owned(), row::string(pk)), (schema::SK.to_owned(), row::string(sk))])
        });
        let send = || async {
            let mut scan = session
                .connected
                .client
                .scan()
                .table_name(session.table_name())
                .filter_expression(&request.filter)
                .set_expression_attribute_values(Some(request.values.clone()))
                .set_exclusive_start_key(start.clone())
                .set_limit(request.max_rows)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            if let Some((attributes, names)) = &request.attributes {
                scan = scan.projection_expression(*attributes);
                for (placeholder, name) in names {
                    scan = scan.expression_attribute_names(*placeholder, *name);
                }
            }
            scan.send().await.map_err(|error| session.request_error(error))
        };
        let answer = session.ask(send).await?;
        let next = match answer.last_evaluated_key() {
            None => None,
            Some(key) => Some(position(key).ok_or_else(|| session.has_other_keys())?),
        };
        let read_units = answer.consumed_capacity().and_then(|consumed| consumed.capacity_units).unwrap_or_default();
        let rows = u32::try_from(answer.scanned_count()).unwrap_or_default();
        Ok(ScanPart { items: answer.items.unwrap_or_default(), rows, read_units, next })
    }
}

fn position(key: &Item) -> Option<Position> {
    Some(Position { pk: row::read_string(key, schema::PK)?, sk: row::read_string(key, schema::SK)? })
}

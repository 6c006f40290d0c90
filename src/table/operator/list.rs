//! Which pages there are: a scan, a megabyte of the table at a time.

use std::collections::HashMap;

use super::super::row::{self, Item};
use super::super::{Table, schema};
use crate::error::Result;
use crate::model::{CacheKey, EntryKey, Page};

/// Where a scan goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The partition key of the last row that was read.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

/// A page that the scan has met.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The partition that it lies in.
    pub partition: String,
    /// Its cache key; nothing where the row holds only a digest of it.
    pub cache_key: Option<String>,
    /// The page.
    pub page: Page,
}

/// A part of the scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The pages in it.
    pub pages: Vec<Listed>,
    /// How many rows were read for it.
    pub rows: u32,
    /// Where to go on, unless that was all.
    pub next: Option<Position>,
}

impl Table {
    /// The pages in the next megabyte whose cache key starts with `prefix`. Where partitions start with something else
    /// than the configured prefix, `is_own_layout` says so, and only rows that hold their cache key are found by it.
    pub(crate) async fn list(&self, prefix: &str, is_own_layout: bool, after: Option<Position>) -> Result<Listing> {
        const ABOUT: &str = "Scan";
        let deadline = self.deadline();
        let connected = self.connected(ABOUT, deadline).await?;
        let partitions = (!is_own_layout).then_some(self.config.pk_prefix.as_str());
        let (filter, values) = filter(partitions, prefix);
        let start = after.map(|Position { pk, sk }| {
            HashMap::from([(schema::PK.to_owned(), row::string(pk)), (schema::SK.to_owned(), row::string(sk))])
        });
        let send = || async {
            let scan = connected.client.scan().table_name(self.config.table_name.as_str());
            let scan = scan.filter_expression(&filter).set_expression_attribute_values(Some(values.clone()));
            scan.set_exclusive_start_key(start.clone()).send().await.map_err(|error| self.fault(error))
        };
        let answer = self.ask(ABOUT, connected, deadline, send).await?;
        let pages = answer.items().iter().filter_map(|item| listed(item, partitions));
        let wanted = |page: &Listed| {
            prefix.is_empty() || page.cache_key.as_ref().is_some_and(|cache_key| cache_key.starts_with(prefix))
        };
        let next = match answer.last_evaluated_key() {
            None => None,
            Some(key) => Some(position(key).ok_or_else(|| self.has_other_keys(ABOUT))?),
        };
        let rows = u32::try_from(answer.scanned_count()).unwrap_or_default();
        Ok(Listing { pages: pages.filter(wanted).collect(), rows, next })
    }
}

/// The condition for META rows that may be of this store, with such a cache key. (`DynamoDB` takes no empty prefix.)
fn filter(partitions: Option<&str>, prefix: &str) -> (String, Item) {
    let mut values = Item::from([(":meta".to_owned(), row::string(schema::META))]);
    let mut conditions = vec!["sk = :meta".to_owned()];
    let mut starts_with = |attribute: &str, name: &str, start: &str| {
        values.insert(name.to_owned(), row::string(start));
        format!("begins_with({attribute}, {name})")
    };
    if let Some(start) = partitions.filter(|start| !start.is_empty()) {
        conditions.push(starts_with("pk", ":partitions", start));
    }
    if !prefix.is_empty() {
        let by_cache_key = starts_with("cache_key", ":prefix", prefix);
        conditions.push(match partitions {
            // Rows of other writers do not say their cache key.
            Some(start) => {
                let by_partition = starts_with("pk", ":partition", &format!("{start}{prefix}"));
                format!("({by_cache_key} OR {by_partition})")
            }
            None => by_cache_key,
        });
    }
    (conditions.join(" AND "), values)
}

/// The page, unless the row is another store's: its partition starts with our prefix, and goes on with the rest of its own.
fn listed(item: &Item, partitions: Option<&str>) -> Option<Listed> {
    let partition = row::read_string(item, schema::PK)?;
    let cache_key = match (row::read_string(item, schema::CACHE_KEY), partitions) {
        (Some(cache_key), Some(start)) => {
            let key = EntryKey::prefixed(start, CacheKey::new(schema::CACHE_KEY, cache_key).ok()?);
            Some((key.partition() == partition).then(|| key.cache_key().to_owned())?)
        }
        // Rows of other writers do not say their cache key.
        (None, Some(start)) => partition.strip_prefix(start).filter(|key| !is_digest(key)).map(str::to_owned),
        (said, None) => said,
    };
    Some(Listed { page: row::page_from(item)?, cache_key, partition })
}

fn is_digest(key: &str) -> bool {
    key.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn position(key: &Item) -> Option<Position> {
    Some(Position { pk: row::read_string(key, schema::PK)?, sk: row::read_string(key, schema::SK)? })
}

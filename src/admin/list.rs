//! The pages in the table, a part of it at a time.
//!
//! Invariant: a page is listed only if it belongs to the store: its partition is the store's prefix and the rest is made
//! of its cache key. With `pkFromCacheKey` only the caller can judge that.

use super::scan::{Position, ScanRequest};
use crate::Store;
use crate::error::Result;
use crate::model::{CacheKey, EntryKey, Page};
use crate::table::row::{self, Item};
use crate::table::schema;

/// A page that the scan has met.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its partition key.
    pub partition: String,
    /// Its cache key; `None` where the row holds only a digest of it.
    pub cache_key: Option<String>,
    /// The page.
    pub page: Page,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The pages in it.
    pub pages: Vec<Listed>,
    /// How many rows were read for it.
    pub rows: u32,
    /// Read units consumed; 0 where the server does not report them.
    pub read_units: f64,
    /// Where to continue; `None` at the end of the table.
    pub next: Option<Position>,
}

impl Store {
    /// The pages whose cache key starts with `prefix`, in the next `max_rows` rows or the next megabyte of the table.
    /// `has_own_layout`: partitions do not start with the configured prefix. Needs the permission `dynamodb:Scan`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn list(
        &self,
        prefix: &str,
        has_own_layout: bool,
        after: Option<Position>,
        max_rows: Option<i32>,
    ) -> Result<Listing> {
        let partitions = (!has_own_layout).then_some(self.config().pk_prefix());
        let (filter, values) = filter(partitions, prefix);
        let part = self.scan(&ScanRequest { filter, values, attributes: None, after, max_rows }).await?;
        let has_prefix = |page: &Listed| {
            prefix.is_empty() || page.cache_key.as_ref().is_some_and(|cache_key| cache_key.starts_with(prefix))
        };
        let pages = part.items.iter().filter_map(|item| listed(item, partitions)).filter(has_prefix).collect();
        Ok(Listing { pages, rows: part.rows, read_units: part.read_units, next: part.next })
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
            // Rows of other writers have no attribute for the cache key.
            Some(start) => {
                let by_partition = starts_with("pk", ":partition", &format!("{start}{prefix}"));
                format!("({by_cache_key} OR {by_partition})")
            }
            None => by_cache_key,
        });
    }
    (conditions.join(" AND "), values)
}

/// The page, unless it belongs to another store whose longer prefix begins with this store's.
fn listed(item: &Item, partitions: Option<&str>) -> Option<Listed> {
    let partition = row::read_string(item, schema::PK)?;
    let cache_key = match (row::read_string(item, schema::CACHE_KEY), partitions) {
        (Some(cache_key), Some(start)) => {
            let key = EntryKey::prefixed(start, CacheKey::new(cache_key).ok()?);
            Some((key.partition() == partition).then(|| key.cache_key().to_owned())?)
        }
        // Rows of other writers have no attribute for the cache key.
        (None, Some(start)) => partition.strip_prefix(start).filter(|key| !is_digest(key)).map(str::to_owned),
        (cache_key, None) => cache_key,
    };
    Some(Listed { page: row::page_from(item)?, cache_key, partition })
}

/// Whether a partition holds only the digest of its cache key.
pub(super) fn is_digest(key: &str) -> bool {
    key.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

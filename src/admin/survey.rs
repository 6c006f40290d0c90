//! A sample of the table: the prefixes in it, some cache keys, and how many pages carry no `ttl`.
//!
//! Invariant: one request. The numbers are about the rows that were read, and `is_complete` says whether those are all.

use std::collections::BTreeMap;

use super::list::is_digest;
use super::scan::ScanRequest;
use crate::Store;
use crate::error::Result;
use crate::table::row::{self, Item};
use crate::table::schema;

/// Enough to recognise a mistake.
const MAX_CACHE_KEYS: usize = 5;

/// A sample of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// How many rows were read.
    pub rows: u32,
    /// Whether those are all rows of the table.
    pub is_complete: bool,
    /// How many of them are pages of this store.
    pub pages: u32,
    /// How many of those carry no `ttl`.
    pub pages_without_ttl: u32,
    /// Cache keys of some of those pages.
    pub cache_keys: Vec<String>,
    /// The prefixes of all pages, of this store and others, the most frequent first.
    pub prefixes: Vec<PrefixCount>,
}

/// How many pages have a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixCount {
    /// The part of the partition key before the cache key.
    pub prefix: String,
    /// How many pages of the sample have it.
    pub pages: u32,
}

impl Store {
    /// The first `max_rows` rows or the first megabyte of the table. `has_own_layout`: partitions do not start with the
    /// configured prefix, so that all pages count as this store's. Needs the permission `dynamodb:Scan`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn survey(&self, has_own_layout: bool, max_rows: Option<i32>) -> Result<Survey> {
        let part = self
            .scan(&ScanRequest {
                filter: "sk = :meta".to_owned(),
                values: Item::from([(":meta".to_owned(), row::string(schema::META))]),
                attributes: Some(("pk, cache_key, #ttl", vec![("#ttl", schema::TTL)])),
                after: None,
                max_rows,
            })
            .await?;
        let mut survey = Survey {
            rows: part.rows,
            is_complete: part.next.is_none(),
            pages: 0,
            pages_without_ttl: 0,
            cache_keys: vec![],
            prefixes: vec![],
        };
        let mut prefixes = BTreeMap::<String, u32>::new();
        for item in &part.items {
            let Some((prefix, cache_key)) = split(item) else { continue };
            if has_own_layout || prefix.as_deref() == Some(self.config().pk_prefix()) {
                survey.pages += 1;
                survey.pages_without_ttl += u32::from(!item.contains_key(schema::TTL));
                survey.cache_keys.extend(cache_key.filter(|_| survey.cache_keys.len() < MAX_CACHE_KEYS));
            }
            if let Some(prefix) = prefix {
                *prefixes.entry(prefix).or_default() += 1;
            }
        }
        survey.prefixes = prefixes.into_iter().map(|(prefix, pages)| PrefixCount { prefix, pages }).collect();
        survey.prefixes.sort_by_key(|counted| std::cmp::Reverse(counted.pages));
        Ok(survey)
    }
}

/// The prefix, where the partition shows it, and the cache key, where the row shows it.
fn split(item: &Item) -> Option<(Option<String>, Option<String>)> {
    let partition = row::read_string(item, schema::PK)?;
    let cache_key = row::read_string(item, schema::CACHE_KEY);
    let digest = partition.rfind("sha256:").filter(|start| partition.get(*start..).is_some_and(is_digest));
    let prefix = match (&cache_key, digest) {
        (Some(cache_key), None) => partition.strip_suffix(cache_key.as_str()),
        (_, Some(start)) => partition.get(..start),
        // Rows of other writers have no attribute for the cache key; their prefix ends with the first "#".
        (None, None) => partition.split_once('#').and_then(|(start, _)| partition.get(..=start.len())),
    };
    Some((prefix.map(str::to_owned), cache_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_the_partition_without_its_cache_key() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for (partition, cache_key, prefix) in [
            ("CACHE#a", Some("a"), Some("CACHE#")),
            ("a", Some("a"), Some("")),
            ("tenant/a/page", Some("a"), None),
            (&format!("CACHE#v2#{digest}"), Some("long"), Some("CACHE#v2#")),
            (&digest, None, Some("")),
            ("CACHE#x#y", None, Some("CACHE#")),
            ("other", None, None),
        ] {
            let mut item = Item::from([("pk".to_owned(), row::string(partition))]);
            item.extend(cache_key.map(|key| ("cache_key".to_owned(), row::string(key))));
            assert_eq!(split(&item), Some((prefix.map(str::to_owned), cache_key.map(str::to_owned))), "{partition}");
        }
    }
}

//! The reads of the five operations.

use super::row::{self, Item, LockRow};
use super::{Session, schema};
use crate::aws::{RequestError, RetryError};
use crate::config::{BooleanOption, Config, NumberOption};
use crate::error::Result;
use crate::model::Page;

/// The two rows as they are.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) lock: Option<Item>,
    pub(crate) meta: Option<Item>,
}

/// The lease and the page that the two rows hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) lock: Option<LockRow>,
    pub(crate) page: Option<Page>,
}

/// Whether `get` reads consistently. A page that is kept in memory must not be older than the store's own last change.
pub(crate) fn reads_consistently(config: &Config) -> bool {
    config.boolean(BooleanOption::ConsistentRead) || config.number(NumberOption::MaxStalenessMs) > 0.0
}

impl Session<'_> {
    /// Both rows, as the store understands them.
    pub(crate) async fn read_entry(&self, consistently: bool) -> Result<Entry, RetryError> {
        let Rows { lock, meta } = self.try_read_rows(consistently).await?;
        Ok(Entry { lock: lock.as_ref().and_then(row::lock_from), page: meta.as_ref().and_then(row::page_from) })
    }

    /// Both rows as they are.
    pub(crate) async fn read_rows(&self, consistently: bool) -> Result<Rows> {
        self.try_read_rows(consistently).await.map_err(|error| self.explain(error))
    }

    /// Both rows with one request, which costs as much as reading one.
    async fn try_read_rows(&self, consistently: bool) -> Result<Rows, RetryError> {
        let partition = self.call.key().partition();
        let request = || async {
            let answer = self
                .connected
                .client
                .query()
                .table_name(self.table_name())
                .consistent_read(consistently)
                .key_condition_expression(schema::OUR_ROWS)
                .expression_attribute_values(":pk", row::string(partition))
                .expression_attribute_values(":lock", row::string(schema::LOCK))
                .expression_attribute_values(":meta", row::string(schema::META))
                .send()
                .await
                .map_err(|error| self.request_error(error))?;
            let is_cut_off = answer.last_evaluated_key.is_some();
            let items = answer.items.ok_or_else(|| RequestError::no_answer("a Query answer without Items"))?;
            Ok((items, is_cut_off))
        };
        let (items, is_cut_off) = self.retry(super::FEW_CONFLICTS, request).await?;
        let mut rows = Rows::default();
        for item in items {
            match item.get(schema::SK).and_then(|sort_key| sort_key.as_s().ok()).map(String::as_str) {
                Some(schema::LOCK) => rows.lock = Some(item),
                Some(schema::META) => rows.meta = Some(item),
                _ => {}
            }
        }
        // LOCK comes first. META comes last, and so is missing when a megabyte of other rows lies between them.
        if rows.meta.is_none() && is_cut_off {
            rows.meta = self.read_meta(consistently).await?;
        }
        Ok(rows)
    }

    /// The page that META holds, read consistently.
    pub(crate) async fn read_page(&self) -> Result<Option<Page>> {
        let meta = self.read_meta(true).await.map_err(|error| self.explain(error))?;
        Ok(meta.as_ref().and_then(row::page_from))
    }

    async fn read_meta(&self, consistently: bool) -> Result<Option<Item>, RetryError> {
        let request = || async {
            self.connected
                .client
                .get_item()
                .table_name(self.table_name())
                .set_key(Some(row::primary_key(self.call.key(), schema::META)))
                .consistent_read(consistently)
                .send()
                .await
                .map_err(|error| self.request_error(error))
        };
        Ok(self.retry(super::FEW_CONFLICTS, request).await?.item)
    }
}

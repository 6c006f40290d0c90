//! The reads of the five operations.

use super::row::{self, Item, LockRow};
use super::{Call, Table, schema};
use crate::error::Result;
use crate::model::Page;

/// The two rows as they are.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) lock: Option<Item>,
    pub(super) meta: Option<Item>,
}

impl Table {
    /// What both rows say.
    pub(crate) async fn read_entry(&self, call: Call<'_>) -> Result<(Option<LockRow>, Option<Page>)> {
        let Rows { lock, meta } = self.read_rows(call, self.reads_consistently()).await?;
        Ok((lock.as_ref().and_then(row::lock_from), meta.as_ref().and_then(row::page_from)))
    }

    /// Both rows with one request, which costs what reading one would.
    pub(super) async fn read_rows(&self, call: Call<'_>, consistently: bool) -> Result<Rows> {
        let connected = self.connected(call, call.deadline).await?;
        let request = || async {
            connected
                .client
                .query()
                .table_name(self.config.table_name.as_str())
                .consistent_read(consistently)
                .key_condition_expression(schema::OUR_ROWS)
                .expression_attribute_values(":pk", row::string(call.key.partition()))
                .expression_attribute_values(":lock", row::string(schema::LOCK))
                .expression_attribute_values(":meta", row::string(schema::META))
                .send()
                .await
                .map_err(|error| self.fault(error))
        };
        let answer = self.ask(call, connected, call.deadline, request).await?;
        let is_cut_off = answer.last_evaluated_key.is_some();
        let mut rows = Rows::default();
        for item in answer.items.unwrap_or_default() {
            match item.get(schema::SK).and_then(|sort_key| sort_key.as_s().ok()).map(String::as_str) {
                Some(schema::LOCK) => rows.lock = Some(item),
                Some(schema::META) => rows.meta = Some(item),
                _ => {}
            }
        }
        // LOCK comes first. META comes last, and so is missing when a megabyte of other rows lies between them.
        if rows.meta.is_none() && is_cut_off {
            rows.meta = self.read_meta(call, consistently).await?;
        }
        Ok(rows)
    }

    /// What is remembered must not be from before an own change.
    fn reads_consistently(&self) -> bool {
        self.config.consistent_read || !self.config.max_staleness.is_zero()
    }

    /// What META says.
    pub(crate) async fn read_page(&self, call: Call<'_>, consistently: bool) -> Result<Option<Page>> {
        Ok(self.read_meta(call, consistently).await?.as_ref().and_then(row::page_from))
    }

    async fn read_meta(&self, call: Call<'_>, consistently: bool) -> Result<Option<Item>> {
        let connected = self.connected(call, call.deadline).await?;
        let request = || async {
            connected
                .client
                .get_item()
                .table_name(self.config.table_name.as_str())
                .set_key(Some(row::primary_key(call.key, schema::META)))
                .consistent_read(consistently)
                .send()
                .await
                .map_err(|error| self.fault(error))
        };
        let answer = self.ask(call, connected, call.deadline, request).await?;
        Ok(answer.item)
    }
}

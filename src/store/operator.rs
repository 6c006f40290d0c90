//! What an operator asks, beside the five operations: is the table right, am I let in, what is there.

use super::Store;
use crate::error::Result;
use crate::model::EntryKey;
use crate::table::{Description, Inspection, Listing, Position, Probe, ProbeRequest};

impl Store {
    /// The table as `DynamoDB` describes it; nothing where there is none. Needs the right to `DescribeTable`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn describe_table(&self) -> Result<Option<Description>> {
        self.table.description().await
    }

    /// The attribute that TTL is on. Needs the right to `DescribeTimeToLive`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn ttl_attribute(&self) -> Result<Option<String>> {
        self.table.ttl_attribute().await
    }

    /// Sends a request that changes nothing, where the rows of `key` would be, to see whether it is let through.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn probe(&self, key: &EntryKey, request: ProbeRequest) -> Result<Probe> {
        self.table.probe(self.call(request.name(), key), request).await
    }

    /// Both rows of `key` as they are, read consistently.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn inspect(&self, key: &EntryKey) -> Result<Inspection> {
        self.table.inspect(self.call("inspect", key)).await
    }

    /// The pages whose cache key starts with `prefix`, as far as one `Scan` reads. `is_own_layout`: partitions do not start
    /// with the configured prefix. Needs the right to `Scan`.
    ///
    /// # Errors
    /// Every kind that the network can cause.
    pub async fn list(&self, prefix: &str, is_own_layout: bool, after: Option<Position>) -> Result<Listing> {
        self.table.list(prefix, is_own_layout, after).await
    }
}

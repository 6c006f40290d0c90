//! The five operations as use-cases over the table, a file each; and what an operator asks.

mod acquire;
mod commit;
mod consumed;
mod fresh;
mod get;
mod invalidate;
mod operator;
mod release;
mod turns;

use self::acquire::Attempt;
use self::consumed::ConsumedTokens;
use self::fresh::FreshPages;
use self::turns::Turns;
use crate::config::Config;
use crate::error::Result;
use crate::model::{CacheKey, EntryKey, Lease, Page, Record, RevalidateSeconds};
use crate::table::{Call, LockRow, Table};

/// ISR metadata and regeneration leases in one `DynamoDB` table. The crate's documentation has the protocol.
pub struct Store {
    table: Table,
    consumed: ConsumedTokens,
    fresh: FreshPages,
    reads: Turns<(Option<LockRow>, Option<Page>)>,
    attempts: Turns<Attempt>,
}

impl Store {
    /// A store that has sent nothing yet: region, credentials and connections are resolved at the first call.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            fresh: FreshPages::new(&config),
            table: Table::new(config),
            consumed: ConsumedTokens::default(),
            reads: Turns::default(),
            attempts: Turns::default(),
        }
    }

    /// What the store was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.table.config()
    }

    /// Where the rows of a cache key lie, unless the caller has a layout of its own.
    #[must_use]
    pub fn key(&self, cache_key: CacheKey) -> EntryKey {
        EntryKey::prefixed(&self.config().pk_prefix, cache_key)
    }

    /// Creates the table when it is missing (on-demand billing), turns TTL on for `ttl`, and waits until the table is
    /// usable, at most 60 s. For local development and tests.
    ///
    /// # Errors
    /// `Config` for a table of that name with other keys, and every kind that the network can cause.
    pub async fn ensure_table(&self) -> Result<()> {
        self.table.ensure().await
    }

    fn call<'a>(&self, operation: &'static str, key: &'a EntryKey) -> Call<'a> {
        Call { operation, key, deadline: self.table.deadline() }
    }
}

fn record(key: &EntryKey, page: Option<Page>, revalidate: RevalidateSeconds, lease: Option<Lease>) -> Record {
    Record { cache_key: key.cache_key().to_owned(), page, revalidate, lease }
}

//! The table: its attributes, its keys, and its conditions, which read as sentences.
//!
//! The names marked *shared* are TableTheory's schema (`docs/facetheory/isr-cache-schema.md`); the rest are additions
//! that its readers ignore.

use aws_sdk_dynamodb::types::{KeyType, ScalarAttributeType, TableDescription};

/// Shared: the partition key, an [`EntryKey`](crate::EntryKey)'s partition.
pub(crate) const PK: &str = "pk";
/// Shared: the sort key, [`META`] or [`LOCK`]. Rows with other sort keys are not ours.
pub(crate) const SK: &str = "sk";
/// Shared: the sort key of the row that holds the page.
pub(crate) const META: &str = "META";
/// Shared: the sort key of the row that holds the lease.
pub(crate) const LOCK: &str = "LOCK";
/// Shared: when `DynamoDB` may collect the row, in epoch seconds. Never read.
pub(crate) const TTL: &str = "ttl";

/// Shared, META.
pub(crate) const S3_KEY: &str = "s3_key";
/// Shared, META: whole epoch seconds.
pub(crate) const GENERATED_AT: &str = "generated_at";
/// Shared on META, where it is whole; an addition on LOCK.
pub(crate) const REVALIDATE_SECONDS: &str = "revalidate_seconds";
/// Shared, META.
pub(crate) const ETAG: &str = "etag";
/// Addition, META: the exact [`GENERATED_AT`].
pub(crate) const GENERATED_AT_MS: &str = "generated_at_ms";
/// Addition, META: the exact [`REVALIDATE_SECONDS`].
pub(crate) const REVALIDATE_MS: &str = "revalidate_ms";
/// Addition, META.
pub(crate) const STATUS: &str = "status";
/// Addition, META.
pub(crate) const CONTENT_TYPE: &str = "content_type";
/// Addition, META.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "content_security_policy";
/// Addition, META: a map with [`INLINE_SCRIPTS`] and [`INLINE_STYLES`].
pub(crate) const STRICT_CSP_POLICY: &str = "strict_csp_policy";
/// Inside [`STRICT_CSP_POLICY`]: `false` or absent.
pub(crate) const INLINE_SCRIPTS: &str = "inlineScripts";
/// Inside [`STRICT_CSP_POLICY`]: `false` or absent.
pub(crate) const INLINE_STYLES: &str = "inlineStyles";
/// Addition, both rows: the plain cache key.
pub(crate) const CACHE_KEY: &str = "cache_key";

/// Shared, LOCK.
pub(crate) const LEASE_TOKEN: &str = "lease_token";
/// Shared, LOCK: whole epoch seconds, rounded up.
pub(crate) const LEASE_EXPIRES_AT: &str = "lease_expires_at";
/// Addition, LOCK: the exact [`LEASE_EXPIRES_AT`].
pub(crate) const LEASE_EXPIRES_AT_MS: &str = "lease_expires_at_ms";
/// Addition, LOCK.
pub(crate) const LEASE_OWNER: &str = "lease_owner";

/// Whether the table has partition key and sort key as all writers need them.
pub(crate) fn keys_match(table: &TableDescription) -> bool {
    let has_key = |name: &str, kind: &KeyType| {
        table.key_schema().iter().any(|key| key.attribute_name() == name && key.key_type() == kind)
            && table.attribute_definitions().iter().any(|attribute| {
                attribute.attribute_name() == name && attribute.attribute_type() == &ScalarAttributeType::S
            })
    };
    has_key(PK, &KeyType::Hash) && has_key(SK, &KeyType::Range)
}

/// An attribute's scalar type, or `None` where it cannot be the key of an index.
pub(crate) fn scalar_type(attribute: &str) -> Option<ScalarAttributeType> {
    match attribute {
        S3_KEY | ETAG | CONTENT_TYPE | CONTENT_SECURITY_POLICY | CACHE_KEY | LEASE_TOKEN | LEASE_OWNER => {
            Some(ScalarAttributeType::S)
        }
        TTL | GENERATED_AT | REVALIDATE_SECONDS | GENERATED_AT_MS | REVALIDATE_MS | STATUS | LEASE_EXPIRES_AT
        | LEASE_EXPIRES_AT_MS => Some(ScalarAttributeType::N),
        _ => None,
    }
}

/// Selects LOCK and META with one request; rows that sort between them are read and left.
pub(crate) const OUR_ROWS: &str = "pk = :pk AND sk BETWEEN :lock AND :meta";

/// The lease ends at or before `:X_ms`. Its end is `lease_expires_at_ms` where that, rounded up, is
/// `lease_expires_at`, and else `lease_expires_at` × 1,000. No expression can round, but the two can only differ for a
/// row that ends within the second after `:X_second` (`:X_ms` rounded down):
///
/// * `lease_expires_at` <= `:X_s` (`:X_ms` in seconds, exactly): either way the end is not later than `:X_ms`.
/// * `lease_expires_at` is the next whole second: the end can only be at or before `:X_ms` by its milliseconds, and
///   those agree with it exactly when they are later than `:X_second`.
/// * Later still: the end is later either way.
macro_rules! ends_by {
    ($x:literal) => {
        concat!(
            "(lease_expires_at <= :",
            $x,
            "_s OR (lease_expires_at = :",
            $x,
            "_next_s",
            " AND lease_expires_at_ms > :",
            $x,
            "_second_ms AND lease_expires_at_ms <= :",
            $x,
            "_ms))"
        )
    };
}

/// May the caller take the lease? Yes, unless LOCK has a usable token, another owner, and an end that is still to come
/// and believable. A LOCK row that is absent or unusable fails one of these, and so never blocks a key.
pub(crate) const LEASE_IS_FREE: &str = concat!(
    "NOT (lease_token > :empty AND NOT lease_owner = :owner AND NOT ",
    ends_by!("now"),
    " AND ",
    ends_by!("horizon"),
    ")"
);

macro_rules! lease_is_mine {
    () => {
        "lease_token = :token AND (NOT attribute_type(lease_owner, :string) OR lease_owner = :owner)"
    };
}

/// May the caller remove the lease? The token fences; rows of other writers have no owner.
pub(crate) const LEASE_IS_MINE: &str = lease_is_mine!();

/// May the caller publish? In the shared schema's whole seconds, as every other language checks it.
pub(crate) const LEASE_IS_MINE_AND_HAS_NOT_EXPIRED: &str = concat!(lease_is_mine!(), " AND lease_expires_at > :now_s");

/// Never holds: a write under it is checked for IAM permission, and not applied.
pub(crate) const NEVER: &str = "attribute_exists(pk) AND attribute_not_exists(pk)";

/// Soft invalidation: a page that was never fresh. Its HTML can still be served when a regeneration fails.
pub(crate) const MARK_STALE: &str =
    "SET generated_at = :zero, generated_at_ms = :zero, revalidate_seconds = :zero, revalidate_ms = :zero";

/// The row is there.
pub(crate) const ROW_EXISTS: &str = "attribute_exists(pk)";

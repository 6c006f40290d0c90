//! The two rows, to and from `DynamoDB` items.
//!
//! Reading is total: for any row, the answer is a page or a lease or nothing, never an error. Writing keeps the whole
//! seconds that the shared schema needs, and the exact value beside them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::number::{from_decimal, number_size, to_decimal};
use super::schema;
use crate::error::{Error, Result};
use crate::model::{
    ContentType, EntryKey, EpochMillis, HtmlPointer, LARGEST_ITEM, Lease, LeaseExpiry, LeaseRequest, LeaseToken, Page,
    RevalidateSeconds, Status, StrictCspPolicy,
};

/// An item, as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

const MILLIS_TO_SECONDS: i32 = -3;
const SECONDS_TO_MILLIS: i32 = 3;

/// A LOCK row that can be used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LockRow {
    pub(crate) lease: Lease,
    /// The freshness lifetime that the holder intends for the page; rows of other writers do not have it.
    pub(crate) revalidate: Option<RevalidateSeconds>,
}

/// The end of the whole second that `millis` lies in (or is the end of), in epoch seconds.
pub(crate) fn seconds_rounded_up(millis: f64) -> f64 {
    // Rounding first to whole milliseconds keeps the division from rounding across a second.
    (millis.ceil() / 1_000.0).ceil()
}

/// The start of the whole second that `millis` lies in, in epoch seconds.
pub(crate) fn seconds_rounded_down(millis: f64) -> f64 {
    (millis.floor() / 1_000.0).floor()
}

pub(crate) fn number(value: f64) -> AttributeValue {
    AttributeValue::N(to_decimal(value, 0))
}

pub(crate) fn millis_as_seconds(millis: f64) -> AttributeValue {
    AttributeValue::N(to_decimal(millis, MILLIS_TO_SECONDS))
}

pub(crate) fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// The primary key of one of the two rows.
pub(crate) fn primary_key(key: &EntryKey, sort_key: &str) -> Item {
    HashMap::from([(schema::PK.to_owned(), string(key.partition())), (schema::SK.to_owned(), string(sort_key))])
}

/// META for `page`. With `retention_seconds` above 0 it may be deleted that long after its generation, but never while fresh.
pub(crate) fn meta_item(key: &EntryKey, page: &Page, retention_seconds: f64) -> Result<Item> {
    let mut item = primary_key(key, schema::META);
    let mut put = |name: &str, value| item.insert(name.to_owned(), value);
    let revalidate = page.revalidate.get();
    put(schema::S3_KEY, string(page.html_pointer.as_str()));
    put(schema::GENERATED_AT, number(seconds_rounded_down(page.generated_at.get())));
    put(schema::GENERATED_AT_MS, number(page.generated_at.get()));
    put(schema::REVALIDATE_SECONDS, number(revalidate.ceil()));
    put(schema::REVALIDATE_MS, AttributeValue::N(to_decimal(revalidate, SECONDS_TO_MILLIS)));
    put(schema::STATUS, number(f64::from(page.status.get())));
    put(schema::CONTENT_TYPE, string(page.content_type.as_str()));
    put(schema::CACHE_KEY, string(key.cache_key()));
    if let Some(policy) = &page.content_security_policy {
        put(schema::CONTENT_SECURITY_POLICY, string(policy));
    }
    if let Some(policy) = page.strict_csp_policy {
        put(schema::STRICT_CSP_POLICY, policy_map(policy));
    }
    if let Some(etag) = &page.etag {
        put(schema::ETAG, string(etag));
    }
    if retention_seconds > 0.0 {
        let deletable = seconds_rounded_up(page.generated_at.get()) + retention_seconds.max(revalidate).ceil();
        put(schema::TTL, number(deletable));
    }
    refuse_too_large(item)
}

/// LOCK for `request`. With a `buffer_seconds` above 0 it may be collected that long after.
pub(crate) fn lock_item(key: &EntryKey, request: &LeaseRequest, buffer_seconds: f64) -> Result<Item> {
    let claim = &request.claim;
    let ends = request.expires_at();
    let mut item = primary_key(key, schema::LOCK);
    let mut put = |name: &str, value| item.insert(name.to_owned(), value);
    let ends_in_seconds = seconds_rounded_up(ends.get());
    put(schema::LEASE_TOKEN, string(claim.token.as_str()));
    put(schema::LEASE_EXPIRES_AT, number(ends_in_seconds));
    put(schema::LEASE_EXPIRES_AT_MS, number(ends.get()));
    put(schema::LEASE_OWNER, string(claim.owner.as_str()));
    put(schema::REVALIDATE_SECONDS, number(request.fallback_revalidate.get()));
    put(schema::CACHE_KEY, string(key.cache_key()));
    if buffer_seconds > 0.0 {
        put(schema::TTL, number(ends_in_seconds + buffer_seconds.ceil()));
    }
    refuse_too_large(item)
}

/// The page in a META row, unless the row lacks a required attribute.
#[expect(clippy::float_cmp, reason = "two spellings of one number agree exactly or not at all")]
pub(crate) fn page_from(item: &Item) -> Option<Page> {
    let generated_at = exact_or_seconds(item, schema::GENERATED_AT, schema::GENERATED_AT_MS, |seconds, millis| {
        seconds_rounded_down(millis) == seconds.floor()
    })?;
    let generated_at = EpochMillis::stored(generated_at)?;
    let seconds = read_number(item, schema::REVALIDATE_SECONDS, 0).filter(|seconds| *seconds >= 0.0)?;
    let revalidate = read_number(item, schema::REVALIDATE_MS, MILLIS_TO_SECONDS)
        .filter(|exact| exact.ceil() == seconds)
        .unwrap_or(seconds);
    Some(Page {
        html_pointer: HtmlPointer::new(read_string(item, schema::S3_KEY)?).ok()?,
        generated_at,
        revalidate: RevalidateSeconds::normalised(revalidate),
        status: Status::normalised(read_number(item, schema::STATUS, 0).unwrap_or(f64::NAN)),
        content_type: ContentType::normalised(&read_string(item, schema::CONTENT_TYPE).unwrap_or_default()),
        content_security_policy: read_string(item, schema::CONTENT_SECURITY_POLICY),
        strict_csp_policy: item.get(schema::STRICT_CSP_POLICY).and_then(policy_from),
        etag: read_string(item, schema::ETAG),
    })
}

/// The lease in a LOCK row, unless the row lacks a required attribute.
#[expect(clippy::float_cmp, reason = "two spellings of one number agree exactly or not at all")]
pub(crate) fn lock_from(item: &Item) -> Option<LockRow> {
    let expires_at =
        exact_or_seconds(item, schema::LEASE_EXPIRES_AT, schema::LEASE_EXPIRES_AT_MS, |seconds, millis| {
            seconds_rounded_up(millis) == seconds
        })?;
    Some(LockRow {
        lease: Lease {
            owner: read_string(item, schema::LEASE_OWNER),
            token: LeaseToken::new(read_string(item, schema::LEASE_TOKEN)?).ok()?,
            expires_at: LeaseExpiry::stored(expires_at)?,
        },
        revalidate: read_number(item, schema::REVALIDATE_SECONDS, 0).map(RevalidateSeconds::normalised),
    })
}

/// A time in milliseconds: the exact attribute where it agrees with the shared one, else the shared one.
fn exact_or_seconds(item: &Item, shared: &str, exact: &str, agree: fn(f64, f64) -> bool) -> Option<f64> {
    let seconds = read_number(item, shared, 0)?;
    match read_number(item, exact, 0) {
        Some(millis) if agree(seconds, millis) => Some(millis),
        _ => read_number(item, shared, SECONDS_TO_MILLIS),
    }
}

pub(crate) fn read_string(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn read_number(item: &Item, name: &str, shift: i32) -> Option<f64> {
    from_decimal(item.get(name)?.as_n().ok()?, shift)
}

fn policy_map(policy: StrictCspPolicy) -> AttributeValue {
    let members = [
        (schema::INLINE_SCRIPTS, policy.forbids_inline_scripts),
        (schema::INLINE_STYLES, policy.forbids_inline_styles),
    ];
    AttributeValue::M(
        members
            .into_iter()
            .filter(|(_, forbidden)| *forbidden)
            .map(|(name, _)| (name.to_owned(), AttributeValue::Bool(false)))
            .collect(),
    )
}

fn policy_from(value: &AttributeValue) -> Option<StrictCspPolicy> {
    let members = value.as_m().ok()?;
    let forbids = |name| members.get(name) == Some(&AttributeValue::Bool(false));
    Some(StrictCspPolicy {
        forbids_inline_scripts: forbids(schema::INLINE_SCRIPTS),
        forbids_inline_styles: forbids(schema::INLINE_STYLES),
    })
}

fn refuse_too_large(item: Item) -> Result<Item> {
    let size: usize = item.iter().map(|(name, value)| name.len() + value_size(value)).sum();
    if size > LARGEST_ITEM {
        return Err(Error::out_of_range(format!("item size is {size} bytes; DynamoDB allows at most {LARGEST_ITEM}")));
    }
    Ok(item)
}

/// As the Amazon DynamoDB Developer Guide counts ("DynamoDB item sizes and formats").
fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(decimal) => number_size(decimal),
        AttributeValue::M(members) => {
            3 + members.iter().map(|(name, member)| 1 + name.len() + value_size(member)).sum::<usize>()
        }
        // A boolean; rows have no other types.
        _ => 1,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exactness is the point")]
mod tests {
    use super::*;
    use crate::model::{CacheKey, LeaseClaim, LeaseMillis, LeaseOwner};

    fn key() -> EntryKey {
        EntryKey::prefixed("CACHE#", CacheKey::new("k".to_owned()).expect("not empty"))
    }

    fn page(generated_at: f64, revalidate: f64) -> Page {
        let generated_at = EpochMillis::new(generated_at).expect("in range");
        Page::new(
            HtmlPointer::new("p".to_owned()).expect("not empty"),
            generated_at,
            RevalidateSeconds::normalised(revalidate),
        )
    }

    fn request(owner: &str) -> LeaseRequest {
        let owner = LeaseOwner::new(owner.to_owned()).expect("not empty");
        let token = LeaseToken::new("t".to_owned()).expect("not empty");
        let claim = LeaseClaim { owner, token };
        let now = EpochMillis::new(1_000.5).expect("in range");
        let duration = LeaseMillis::new(500.0).expect("in range");
        let fallback_revalidate = RevalidateSeconds::normalised(1.25);
        LeaseRequest { claim, now, duration, fallback_revalidate }
    }

    #[test]
    fn what_is_written_is_read_back_exactly() {
        for (generated_at, revalidate) in [(0.0, 0.0), (1_999.999_999, 0.0011), (1_700_000_000_123.5, 1e10)] {
            let page = Page {
                status: Status::normalised(404.0),
                content_security_policy: Some(String::new()),
                strict_csp_policy: Some(StrictCspPolicy { forbids_inline_scripts: true, forbids_inline_styles: false }),
                etag: Some("W/\"1\"".to_owned()),
                ..page(generated_at, revalidate)
            };
            assert_eq!(page_from(&meta_item(&key(), &page, 1.0).expect("small")), Some(page));
        }
        let request = request("o");
        let lock = lock_from(&lock_item(&key(), &request, 0.5).expect("small")).expect("a lease");
        let expected =
            Lease { owner: Some("o".to_owned()), token: request.claim.token.clone(), expires_at: request.expires_at() };
        assert_eq!(lock.lease, expected);
        assert_eq!(lock.lease.expires_at.get(), 1_500.5);
        assert_eq!(lock.revalidate.map(RevalidateSeconds::get), Some(1.25));
    }

    #[test]
    fn a_row_is_not_collectable_before_its_page_is_stale_or_its_lease_has_ended() {
        let ttl = |item: Item| read_number(&item, schema::TTL, 0);
        assert_eq!(ttl(meta_item(&key(), &page(1_000.5, 60.0), 0.5).expect("small")), Some(62.0));
        assert_eq!(ttl(meta_item(&key(), &page(1_000.0, 1.0), 2.5).expect("small")), Some(4.0));
        assert_eq!(ttl(meta_item(&key(), &page(1_000.0, 1.0), 0.0).expect("small")), None);
        let request = request("o");
        assert_eq!(ttl(lock_item(&key(), &request, 0.5).expect("small")), Some(3.0));
        assert_eq!(ttl(lock_item(&key(), &request, 0.0).expect("small")), None);
    }

    #[test]
    fn seconds_are_rounded_by_their_milliseconds_and_not_by_a_division() {
        // 1,999.9999999999998 / 1,000 is 2 in doubles.
        assert_eq!(seconds_rounded_down(1_999.999_999_999_999_8), 1.0);
        assert_eq!(seconds_rounded_up(2_000.000_000_000_000_5), 3.0);
        assert_eq!((seconds_rounded_down(2_000.0), seconds_rounded_up(2_000.0)), (2.0, 2.0));
    }

    #[test]
    fn an_exact_time_counts_only_where_it_agrees_with_the_shared_one() {
        let read = |seconds: f64, millis: f64| {
            let item = Item::from([("s".to_owned(), number(seconds)), ("ms".to_owned(), number(millis))]);
            exact_or_seconds(&item, "s", "ms", |seconds, millis| seconds_rounded_down(millis) == seconds)
        };
        assert_eq!((read(2.0, 2_500.5), read(2.0, 3_000.0)), (Some(2_500.5), Some(2_000.0)));
    }

    #[test]
    fn sizes_are_as_the_developer_guide_counts_them() {
        let flags = [("ab", AttributeValue::Bool(false)), ("c", AttributeValue::Bool(false))];
        let map = AttributeValue::M(flags.map(|(name, flag)| (name.to_owned(), flag)).into());
        for (value, size) in [(string("é"), 2), (number(12_345.0), 4), (map, 3 + (1 + 2 + 1) + (1 + 1 + 1))] {
            assert_eq!(value_size(&value), size, "{value:?}");
        }
    }

    #[test]
    fn an_item_is_refused_from_the_first_byte_above_400_kilobytes() {
        let size = |owner: &str| lock_item(&key(), &request(owner), 0.0);
        let overhead: usize =
            size("o").expect("small").iter().map(|(name, value)| name.len() + value_size(value)).sum();
        let room = LARGEST_ITEM - (overhead - 1);
        assert!(size(&"o".repeat(room)).is_ok());
        let error = size(&"o".repeat(room + 1)).expect_err("one too many");
        assert!(error.to_string().contains("409601 bytes"), "{error}");
    }
}

//! The results of `admin`: plain objects in which every field is present, and a missing value is `null`.
//!
//! Times are epoch milliseconds.

use std::time::Duration;

use napi_derive::napi;

use crate::{
    EntryKey, Inspection, Lease, LeaseState, Listed, Listing, OptionKind, OptionSpec, Page, Position, PrefixCount,
    Probe, StrictCspPolicy, Survey, TableInfo,
};

/// Settings of a store.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct StoreSettings {
    /// The table's name or ARN.
    pub table_name: String,
    /// The prefix of the partition keys; not used where the app has a layout of its own.
    pub pk_prefix: String,
    /// Whether `pkFromCacheKey` makes the partition keys.
    pub has_own_layout: bool,
    /// Whether `invalidate` keeps the page's row and marks it as stale.
    pub soft_invalidation: bool,
}

/// The table as DynamoDB describes it.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct TableDescription {
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// Whether its keys are those that the rows need.
    pub keys_match: bool,
    /// Partition key and sort key with their types.
    pub keys: String,
    /// Attributes of the store's rows that an index declares with another type.
    pub conflicting_attributes: Vec<String>,
    /// `PAY_PER_REQUEST` or `PROVISIONED`.
    pub billing: String,
    /// The other regions of a global table.
    pub replicas: Vec<String>,
}

impl From<TableInfo> for TableDescription {
    fn from(info: TableInfo) -> Self {
        let TableInfo { status, keys_match, keys, conflicting_attributes, billing, replicas } = info;
        Self { status, keys_match, keys, conflicting_attributes, billing, replicas }
    }
}

/// An allowed request.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct ProbeAnswer {
    /// The table, and its region or endpoint.
    pub location: String,
    /// From sending until the answer.
    pub duration_ms: f64,
    /// When it was sent, by this machine's clock.
    pub sent_at: f64,
    /// When its answer came, by this machine's clock.
    pub received_at: f64,
    /// The second in which the server answered, by its clock; `null` where the answer has no date.
    pub server_at: Option<f64>,
}

impl From<Probe> for ProbeAnswer {
    fn from(probe: Probe) -> Self {
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        Self {
            location: probe.location,
            duration_ms: millis(probe.took),
            sent_at: millis(probe.sent),
            received_at: millis(probe.received),
            server_at: probe.server.map(millis),
        }
    }
}

/// Both rows of a cache key.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct InspectedEntry {
    /// The partition key.
    pub partition: String,
    /// META in DynamoDB's JSON.
    pub meta: Option<String>,
    /// LOCK in DynamoDB's JSON. It holds the lease token.
    pub lock: Option<String>,
    /// The page; `null` where META cannot be used.
    pub page: Option<InspectedPage>,
    /// The lease; `null` where LOCK cannot be used.
    pub lease: Option<InspectedLease>,
}

impl InspectedEntry {
    pub(super) fn new(key: &EntryKey, Inspection { meta, lock, page, lease }: Inspection) -> Self {
        Self {
            partition: key.partition().to_owned(),
            meta: meta.map(|row| row.to_string()),
            lock: lock.map(|row| row.to_string()),
            page: page.map(Into::into),
            lease: lease.map(Into::into),
        }
    }
}

/// A page as `inspect` shows it.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct InspectedPage {
    pub html_pointer: String,
    pub generated_at: f64,
    pub revalidate_seconds: f64,
    pub status: u32,
    pub content_type: String,
    pub content_security_policy: Option<String>,
    pub strict_csp_policy: Option<InspectedCspPolicy>,
    pub etag: Option<String>,
}

impl From<Page> for InspectedPage {
    fn from(page: Page) -> Self {
        Self {
            html_pointer: page.html_pointer.as_str().to_owned(),
            generated_at: page.generated_at.get(),
            revalidate_seconds: page.revalidate.get(),
            status: page.status.get().into(),
            content_type: page.content_type.as_str().to_owned(),
            content_security_policy: page.content_security_policy,
            strict_csp_policy: page.strict_csp_policy.map(Into::into),
            etag: page.etag,
        }
    }
}

/// `false` forbids it, `null` says nothing.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct InspectedCspPolicy {
    pub inline_scripts: Option<bool>,
    pub inline_styles: Option<bool>,
}

impl From<StrictCspPolicy> for InspectedCspPolicy {
    fn from(policy: StrictCspPolicy) -> Self {
        Self {
            inline_scripts: policy.forbids_inline_scripts.then_some(false),
            inline_styles: policy.forbids_inline_styles.then_some(false),
        }
    }
}

/// A lease as `inspect` shows it.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct InspectedLease {
    /// `null` where the writer gave none.
    pub owner: Option<String>,
    pub token: String,
    pub expires_at: f64,
    /// Its state now, by this machine's clock. Only a held lease keeps others from acquiring one.
    #[napi(ts_type = "'held' | 'expired' | 'implausible'")]
    pub state: String,
}

impl From<(Lease, LeaseState)> for InspectedLease {
    fn from((lease, state): (Lease, LeaseState)) -> Self {
        let state = match state {
            LeaseState::Held => "held",
            LeaseState::Expired => "expired",
            LeaseState::Implausible => "implausible",
        };
        Self {
            owner: lease.owner,
            token: lease.token.as_str().to_owned(),
            expires_at: lease.expires_at.get(),
            state: state.to_owned(),
        }
    }
}

/// A part of the list.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct ListPart {
    /// The pages in it.
    pub pages: Vec<ListedPage>,
    /// How many rows were read for it.
    pub rows: u32,
    /// Read units consumed; 0 where the server does not report them.
    pub read_units: f64,
    /// Where to continue; `null` at the end of the table.
    pub next: Option<ScanPosition>,
}

impl From<Listing> for ListPart {
    fn from(Listing { pages, rows, read_units, next }: Listing) -> Self {
        Self {
            pages: pages.into_iter().map(Into::into).collect(),
            rows,
            read_units,
            next: next.map(|Position { pk, sk }| ScanPosition { pk, sk }),
        }
    }
}

/// A page as `list` shows it.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct ListedPage {
    /// `null` where the row holds only a digest of it.
    pub cache_key: Option<String>,
    /// The partition key.
    pub partition: String,
    pub html_pointer: String,
    pub generated_at: f64,
    pub revalidate_seconds: f64,
    pub status: u32,
    pub content_type: String,
    pub etag: Option<String>,
}

impl From<Listed> for ListedPage {
    fn from(Listed { partition, cache_key, page }: Listed) -> Self {
        Self {
            cache_key,
            partition,
            html_pointer: page.html_pointer.as_str().to_owned(),
            generated_at: page.generated_at.get(),
            revalidate_seconds: page.revalidate.get(),
            status: page.status.get().into(),
            content_type: page.content_type.as_str().to_owned(),
            etag: page.etag,
        }
    }
}

/// Where a scan continues: the keys of the last row that was read.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct ScanPosition {
    pub pk: String,
    pub sk: String,
}

/// A sample of the table.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct TableSurvey {
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
    pub prefixes: Vec<SurveyedPrefix>,
}

impl From<Survey> for TableSurvey {
    fn from(survey: Survey) -> Self {
        let Survey { rows, is_complete, pages, pages_without_ttl, cache_keys, prefixes } = survey;
        let prefixes = prefixes.into_iter().map(|PrefixCount { prefix, pages }| SurveyedPrefix { prefix, pages });
        Self { rows, is_complete, pages, pages_without_ttl, cache_keys, prefixes: prefixes.collect() }
    }
}

/// How many pages of the sample have a prefix.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct SurveyedPrefix {
    pub prefix: String,
    pub pages: u32,
}

/// An option of the class: a row of the table that the constructor reads.
#[napi(object, namespace = "admin", object_from_js = false, use_nullable = true)]
pub struct ClassOption {
    /// Its name.
    pub name: String,
    /// The values that it takes.
    #[napi(ts_type = "'number' | 'boolean' | 'string' | 'function' | 'credentials'")]
    pub kind: String,
    /// The smallest number; `null` for other kinds.
    pub least: Option<f64>,
    /// The largest number; `null` for other kinds.
    pub most: Option<f64>,
    /// Whether only whole numbers count; `null` for other kinds.
    pub whole: Option<bool>,
    /// The default, in words.
    pub default: String,
    /// The meaning, in a sentence.
    pub meaning: String,
}

impl From<&OptionSpec> for ClassOption {
    fn from(spec: &OptionSpec) -> Self {
        let (kind, range) = match spec.kind {
            OptionKind::Number(_, range) => ("number", Some(range)),
            OptionKind::Boolean(_) => ("boolean", None),
            OptionKind::Text(_) => ("string", None),
            OptionKind::Function(_) => ("function", None),
            OptionKind::Credentials => ("credentials", None),
        };
        Self {
            name: spec.name.to_owned(),
            kind: kind.to_owned(),
            least: range.map(|range| range.least),
            most: range.map(|range| range.most),
            whole: range.map(|range| range.is_whole),
            default: spec.default.to_owned(),
            meaning: spec.meaning.to_owned(),
        }
    }
}

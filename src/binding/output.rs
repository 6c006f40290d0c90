//! The answers of the methods: plain objects in which every field is present, and a missing value is `null`.

use std::ptr;

use napi::bindgen_prelude::ToNapiValue;
use napi::sys;
use napi_derive::napi;

use crate::{ContentType, LeaseAttempt, Record, Status, StrictCspPolicy};

/// The record of a cache key. The store sets each field; a missing value is `null`.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct IsrMetaRecord {
    /// The cache key of the call.
    pub cache_key: String,
    /// The location of the HTML; `null` without a page.
    pub html_pointer: Option<String>,
    /// Time of the generation, in epoch milliseconds; 0 without a page.
    pub generated_at: f64,
    /// Freshness lifetime in seconds. Without a page: the `fallbackRevalidateSeconds` of the caller or of the holder,
    /// or 60.
    pub revalidate_seconds: f64,
    /// HTTP status, 100 to 599; 200 without a page.
    pub status: u32,
    /// Content type; `text/html; charset=utf-8` without a page.
    pub content_type: String,
    // Declared in `types.d.ts`, because FaceTheory's interface has it optional.
    #[napi(skip_typescript)]
    pub content_security_policy: Option<String>,
    // Likewise.
    #[napi(skip_typescript)]
    pub strict_csp_policy: Option<IsrCachedStrictCspPolicy>,
    /// Entity tag of the HTML; `null` without one.
    pub etag: Option<String>,
    /// The owner in the LOCK row, even if the lease has expired. `null` without a lease, and for a lease of
    /// TableTheory.
    pub lease_owner: Option<String>,
    /// The token in the LOCK row; `null` without a lease.
    pub lease_token: Option<String>,
    /// Expiry of the lease, in epoch milliseconds; 0 without a lease.
    pub lease_expires_at: f64,
}

impl From<Record> for IsrMetaRecord {
    fn from(record: Record) -> Self {
        let Record { cache_key, page, revalidate, lease } = record;
        let (lease_owner, lease_token, lease_expires_at) = match lease {
            Some(lease) => (lease.owner, Some(lease.token.as_str().to_owned()), lease.expires_at.get()),
            None => (None, None, 0.0),
        };
        let mut answer = Self {
            cache_key: cache_key.as_str().to_owned(),
            html_pointer: None,
            generated_at: 0.0,
            revalidate_seconds: revalidate.get(),
            status: u32::from(Status::DEFAULT.get()),
            content_type: ContentType::DEFAULT.to_owned(),
            content_security_policy: None,
            strict_csp_policy: None,
            etag: None,
            lease_owner,
            lease_token,
            lease_expires_at,
        };
        if let Some(page) = page {
            answer.html_pointer = Some(page.html_pointer.as_str().to_owned());
            answer.generated_at = page.generated_at.get();
            answer.status = u32::from(page.status.get());
            page.content_type.as_str().clone_into(&mut answer.content_type);
            answer.content_security_policy = page.content_security_policy;
            answer.strict_csp_policy = page.strict_csp_policy.map(IsrCachedStrictCspPolicy);
            answer.etag = page.etag;
        }
        answer
    }
}

/// The answer of `tryAcquireLease`.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct TryAcquireIsrLeaseResult {
    /// Whether the caller holds the lease.
    pub acquired: bool,
    /// The record. Its lease is the caller's if `acquired` is `true`, else the holder's or none (see
    /// `tryAcquireLease`).
    #[napi(ts_type = "IsrMetaRecord")]
    pub record: IsrMetaRecord,
    /// The token for commit and release; `null` if `acquired` is `false`.
    pub lease_token: Option<String>,
}

impl From<LeaseAttempt> for TryAcquireIsrLeaseResult {
    fn from(attempt: LeaseAttempt) -> Self {
        let (acquired, record) = match attempt {
            LeaseAttempt::Acquired(record) => (true, record),
            LeaseAttempt::Held(record) => (false, record),
        };
        let record = IsrMetaRecord::from(record);
        let lease_token = record.lease_token.clone().filter(|_| acquired);
        Self { acquired, record, lease_token }
    }
}

/// `IsrCachedStrictCspPolicy`: its members are `false` or absent, and never `null`. A derived object would set them.
pub struct IsrCachedStrictCspPolicy(StrictCspPolicy);

impl ToNapiValue for IsrCachedStrictCspPolicy {
    unsafe fn to_napi_value(env: sys::napi_env, Self(policy): Self) -> napi::Result<sys::napi_value> {
        let forbidden =
            [(c"inlineScripts", policy.forbids_inline_scripts), (c"inlineStyles", policy.forbids_inline_styles)];
        let mut properties = Vec::with_capacity(2);
        for (name, _) in forbidden.into_iter().filter(|(_, is_forbidden)| *is_forbidden) {
            properties.push(sys::napi_property_descriptor {
                utf8name: name.as_ptr(),
                name: ptr::null_mut(),
                method: None,
                getter: None,
                setter: None,
                // SAFETY: called in the scope that the object is made for.
                value: unsafe { ToNapiValue::to_napi_value(env, false)? },
                attributes: sys::PropertyAttributes::writable
                    | sys::PropertyAttributes::enumerable
                    | sys::PropertyAttributes::configurable,
                data: ptr::null_mut(),
            });
        }
        let mut object = ptr::null_mut();
        // SAFETY: the names are static, and the values live in the current scope. Definitions run no setter.
        napi::check_status!(unsafe {
            match sys::napi_create_object(env, &raw mut object) {
                sys::Status::napi_ok => sys::napi_define_properties(env, object, properties.len(), properties.as_ptr()),
                status => status,
            }
        })?;
        Ok(object)
    }
}

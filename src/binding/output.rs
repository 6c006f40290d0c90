//! What the methods answer: plain objects in which every field is present, and what is missing is `null`.
//!
//! Their TypeScript types are in `types.d.ts`, which says more than could be generated from here.

use std::ffi::CStr;
use std::ptr;

use napi::bindgen_prelude::ToNapiValue;
use napi::sys;

use super::observer::Outcome;
use crate::{DEFAULT_CONTENT_TYPE, DEFAULT_STATUS, LeaseAttempt, Record, StrictCspPolicy};

/// `IsrMetaRecord`
pub struct IsrMetaRecord(pub(super) Record);

/// `TryAcquireIsrLeaseResult`
pub struct TryAcquireIsrLeaseResult(pub(super) LeaseAttempt);

/// `IsrCachedStrictCspPolicy`: its members are `false` or absent, and never `null`.
struct IsrCachedStrictCspPolicy(StrictCspPolicy);

/// What a promise resolves to.
pub(super) trait Answer: ToNapiValue + Send + 'static {
    /// How a call ended that has this answer.
    fn outcome(&self) -> Outcome {
        Outcome::Success
    }
}

impl Answer for () {}
impl Answer for Option<IsrMetaRecord> {}
impl Answer for TryAcquireIsrLeaseResult {
    fn outcome(&self) -> Outcome {
        match self.0 {
            LeaseAttempt::Acquired(_) => Outcome::Success,
            LeaseAttempt::Held(_) => Outcome::Held,
        }
    }
}

impl ToNapiValue for IsrMetaRecord {
    unsafe fn to_napi_value(env: sys::napi_env, Self(record): Self) -> napi::Result<sys::napi_value> {
        let Record { cache_key, page, revalidate, lease } = record;
        let (owner, token, expires_at) = match lease {
            Some(lease) => (lease.owner, Some(lease.token), lease.expires_at),
            None => (None, None, 0.0),
        };
        let (pointer, generated_at, status, content_type, security_policy, csp_policy, etag) = match page {
            Some(page) => (
                Some(page.html_pointer),
                page.generated_at,
                page.status,
                page.content_type,
                page.content_security_policy,
                page.strict_csp_policy.map(IsrCachedStrictCspPolicy),
                page.etag,
            ),
            None => (None, 0.0, DEFAULT_STATUS, DEFAULT_CONTENT_TYPE.to_owned(), None, None, None),
        };
        let fields = [
            field(env, c"cacheKey", cache_key)?,
            field(env, c"htmlPointer", pointer)?,
            field(env, c"generatedAt", generated_at)?,
            field(env, c"revalidateSeconds", revalidate.get())?,
            field(env, c"status", u32::from(status))?,
            field(env, c"contentType", content_type)?,
            field(env, c"contentSecurityPolicy", security_policy)?,
            field(env, c"strictCspPolicy", csp_policy)?,
            field(env, c"etag", etag)?,
            field(env, c"leaseOwner", owner)?,
            field(env, c"leaseToken", token)?,
            field(env, c"leaseExpiresAt", expires_at)?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for TryAcquireIsrLeaseResult {
    unsafe fn to_napi_value(env: sys::napi_env, Self(attempt): Self) -> napi::Result<sys::napi_value> {
        let (acquired, record) = match attempt {
            LeaseAttempt::Acquired(record) => (true, record),
            LeaseAttempt::Held(record) => (false, record),
        };
        let token = record.lease.as_ref().filter(|_| acquired).map(|lease| lease.token.clone());
        let fields = [
            field(env, c"acquired", acquired)?,
            field(env, c"record", IsrMetaRecord(record))?,
            field(env, c"leaseToken", token)?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for IsrCachedStrictCspPolicy {
    unsafe fn to_napi_value(env: sys::napi_env, Self(policy): Self) -> napi::Result<sys::napi_value> {
        let mut fields = Vec::with_capacity(2);
        if policy.forbids_inline_scripts {
            fields.push(field(env, c"inlineScripts", false)?);
        }
        if policy.forbids_inline_styles {
            fields.push(field(env, c"inlineStyles", false)?);
        }
        object(env, &fields)
    }
}

pub(super) fn field(
    env: sys::napi_env,
    name: &CStr,
    value: impl ToNapiValue,
) -> napi::Result<sys::napi_property_descriptor> {
    // SAFETY: called in the scope that the object is made for.
    let value = unsafe { ToNapiValue::to_napi_value(env, value)? };
    Ok(sys::napi_property_descriptor {
        utf8name: name.as_ptr(),
        name: ptr::null_mut(),
        method: None,
        getter: None,
        setter: None,
        value,
        attributes: sys::PropertyAttributes::writable
            | sys::PropertyAttributes::enumerable
            | sys::PropertyAttributes::configurable,
        data: ptr::null_mut(),
    })
}

/// Defines the fields, all with one call, so that no setter of an `Object.prototype` that somebody has changed runs.
pub(super) fn object(env: sys::napi_env, fields: &[sys::napi_property_descriptor]) -> napi::Result<sys::napi_value> {
    let mut object = ptr::null_mut();
    // SAFETY: the names are static, and the values live in the current scope.
    let status = unsafe {
        match sys::napi_create_object(env, &raw mut object) {
            sys::Status::napi_ok => sys::napi_define_properties(env, object, fields.len(), fields.as_ptr()),
            status => status,
        }
    };
    if status == sys::Status::napi_ok {
        return Ok(object);
    }
    Err(napi::Error::new(status.into(), "the answer could not be made"))
}

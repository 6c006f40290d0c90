//! What the methods answer: plain objects in which every field is present, and what is missing is `null`.
//!
//! Their TypeScript types are in `types.d.ts`, which says more than could be generated from here.

use napi::bindgen_prelude::{Null, Object, ToNapiValue};
use napi::{Env, sys};

use crate::{DEFAULT_CONTENT_TYPE, DEFAULT_STATUS, LeaseAttempt, Record, StrictCspPolicy};

/// `IsrMetaRecord`
pub struct IsrMetaRecord(pub(super) Record);

/// `TryAcquireIsrLeaseResult`
pub struct TryAcquireIsrLeaseResult(pub(super) LeaseAttempt);

/// `IsrCachedStrictCspPolicy`: its members are `false` or absent, and never `null`.
struct IsrCachedStrictCspPolicy(StrictCspPolicy);

impl ToNapiValue for IsrMetaRecord {
    unsafe fn to_napi_value(env: sys::napi_env, Self(record): Self) -> napi::Result<sys::napi_value> {
        let mut object = Object::new(&Env::from_raw(env))?;
        object.set("cacheKey", record.cache_key)?;
        if let Some(page) = record.page {
            object.set("htmlPointer", page.html_pointer)?;
            object.set("generatedAt", page.generated_at)?;
            object.set("revalidateSeconds", record.revalidate.get())?;
            object.set("status", u32::from(page.status))?;
            object.set("contentType", page.content_type)?;
            object.set("contentSecurityPolicy", page.content_security_policy)?;
            object.set("strictCspPolicy", page.strict_csp_policy.map(IsrCachedStrictCspPolicy))?;
            object.set("etag", page.etag)?;
        } else {
            object.set("htmlPointer", Null)?;
            object.set("generatedAt", 0.0)?;
            object.set("revalidateSeconds", record.revalidate.get())?;
            object.set("status", u32::from(DEFAULT_STATUS))?;
            object.set("contentType", DEFAULT_CONTENT_TYPE)?;
            object.set("contentSecurityPolicy", Null)?;
            object.set("strictCspPolicy", Null)?;
            object.set("etag", Null)?;
        }
        let (owner, token, expires_at) = match record.lease {
            Some(lease) => (lease.owner, Some(lease.token), lease.expires_at),
            None => (None, None, 0.0),
        };
        object.set("leaseOwner", owner)?;
        object.set("leaseToken", token)?;
        object.set("leaseExpiresAt", expires_at)?;
        // SAFETY: the caller's environment is the one that the object was made in.
        unsafe { Object::to_napi_value(env, object) }
    }
}

impl ToNapiValue for TryAcquireIsrLeaseResult {
    unsafe fn to_napi_value(env: sys::napi_env, Self(attempt): Self) -> napi::Result<sys::napi_value> {
        let (acquired, record) = match attempt {
            LeaseAttempt::Acquired(record) => (true, record),
            LeaseAttempt::Held(record) => (false, record),
        };
        let token = record.lease.as_ref().filter(|_| acquired).map(|lease| lease.token.clone());
        let mut object = Object::new(&Env::from_raw(env))?;
        object.set("acquired", acquired)?;
        object.set("record", IsrMetaRecord(record))?;
        object.set("leaseToken", token)?;
        // SAFETY: the caller's environment is the one that the object was made in.
        unsafe { Object::to_napi_value(env, object) }
    }
}

impl ToNapiValue for IsrCachedStrictCspPolicy {
    unsafe fn to_napi_value(env: sys::napi_env, Self(policy): Self) -> napi::Result<sys::napi_value> {
        let mut object = Object::new(&Env::from_raw(env))?;
        if policy.forbids_inline_scripts {
            object.set("inlineScripts", false)?;
        }
        if policy.forbids_inline_styles {
            object.set("inlineStyles", false)?;
        }
        // SAFETY: the caller's environment is the one that the object was made in.
        unsafe { Object::to_napi_value(env, object) }
    }
}

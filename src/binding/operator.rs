//! What the command line asks of a store. Its own: it is in no typings, and may change.

use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue, Unknown};
use napi::{Env, Property, PropertyAttributes, sys};
use napi_derive::napi;

use super::js::{Checked, Named};
use super::output::{Answer, IsrMetaRecord, field, object};
use super::promise::{promise, rejected};
use super::{FaceTheoryIsrMetaStore, Promised};
use crate::{
    Description, Error, Inspection, Listed, Listing, Position, Probe, ProbeRequest, Record, Result, RevalidateSeconds,
    Store,
};

/// The table as DynamoDB describes it, or `null`.
#[napi(namespace = "operator", catch_unwind, skip_typescript)]
pub fn describe_table<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore) -> Promised<'e, Option<Description>> {
    call(env, store, Ok(()), |store, ()| async move { store.describe_table().await })
}

/// The attribute that TTL is on, or `null`.
#[napi(namespace = "operator", catch_unwind, skip_typescript)]
pub fn ttl_attribute<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore) -> Promised<'e, Option<String>> {
    call(env, store, Ok(()), |store, ()| async move { store.ttl_attribute().await })
}

/// Sends a request of this name that changes nothing, where the rows of this key would be.
#[napi(namespace = "operator", catch_unwind, skip_typescript)]
pub fn probe<'e>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    cache_key: Unknown<'e>,
    request: Unknown<'e>,
) -> Promised<'e, Probe> {
    let input = store.reader(env).entry_key(cache_key).and_then(|key| Ok((key, probe_request(env, request)?)));
    call(env, store, input, |store, (key, request)| async move { store.probe(&key, request).await })
}

/// Both rows of a key as they are, and what the store makes of them.
#[napi(namespace = "operator", catch_unwind, skip_typescript)]
pub fn inspect<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore, cache_key: Unknown<'e>) -> Promised<'e, Inspected> {
    call(env, store, store.reader(env).entry_key(cache_key), |store, key| async move {
        let Inspection { meta, lock, page, lease } = store.inspect(&key).await?;
        let revalidate = page.as_ref().map_or(RevalidateSeconds::DEFAULT, |page| page.revalidate);
        Ok(Inspected {
            partition: key.partition().to_owned(),
            meta: meta.map(|row| row.to_string()),
            lock: lock.map(|row| row.to_string()),
            record: IsrMetaRecord(Record { cache_key: key.cache_key().to_owned(), page, revalidate, lease }),
        })
    })
}

/// The pages whose cache key starts with `prefix`, in the next megabyte of the table.
#[napi(namespace = "operator", catch_unwind, skip_typescript)]
pub fn list<'e>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    prefix: Unknown<'e>,
    after: Unknown<'e>,
) -> Promised<'e, Listing> {
    let is_own_layout = store.callbacks.pk_from_cache_key.is_some();
    let input = Named::new(env, "prefix", prefix).string().and_then(|prefix| Ok((prefix, position(env, after)?)));
    call(
        env,
        store,
        input,
        move |store, (prefix, after)| async move { store.list(&prefix, is_own_layout, after).await },
    )
}

/// They are of no interest to who lists what the package exports.
pub(super) fn hide(exports: &mut Object<'_>) -> napi::Result<()> {
    const NAME: &str = "operator";
    let functions: Object<'_> = exports.get_named_property_unchecked(NAME)?;
    exports.define_properties(&[Property::new()
        .with_utf8_name(NAME)?
        .with_value(&functions)
        .with_property_attributes(PropertyAttributes::Default)])
}

fn call<'e, I, T, F>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    input: Checked<'e, I>,
    run: impl FnOnce(Arc<Store>, I) -> F,
) -> Promised<'e, T>
where
    T: Answer,
    F: Future<Output = Result<T>> + Send + 'static,
{
    match input {
        Ok(input) => promise(env, None, run(Arc::clone(&store.store), input)),
        Err(refusal) => rejected(env, &refusal),
    }
}

fn probe_request<'e>(env: &'e Env, request: Unknown<'e>) -> Checked<'e, ProbeRequest> {
    let name = Named::new(env, "request", request).string()?;
    let found = ProbeRequest::ALL.into_iter().find(|request| request.name() == name);
    found.ok_or_else(|| Error::out_of_range(format!("request must not be \"{name}\"")).into())
}

fn position<'e>(env: &'e Env, after: Unknown<'e>) -> Checked<'e, Option<Position>> {
    let Some(after) = Named::new(env, "after", after).present() else { return Ok(None) };
    let after = after.object()?;
    Ok(Some(Position { pk: after.property("pk")?.string()?, sk: after.property("sk")?.string()? }))
}

/// An [`Inspection`], and where it was made.
pub struct Inspected {
    partition: String,
    meta: Option<String>,
    lock: Option<String>,
    record: IsrMetaRecord,
}

impl Answer for Option<Description> {}
impl Answer for Option<String> {}
impl Answer for Probe {}
impl Answer for Inspected {}
impl Answer for Listing {}

impl ToNapiValue for Description {
    unsafe fn to_napi_value(env: sys::napi_env, description: Self) -> napi::Result<sys::napi_value> {
        let fields = [
            field(env, c"status", description.status)?,
            field(env, c"hasOurKeys", description.has_our_keys)?,
            field(env, c"keys", description.keys)?,
            field(env, c"misfits", description.misfits)?,
            field(env, c"billing", description.billing)?,
            field(env, c"replicas", description.replicas)?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for Probe {
    unsafe fn to_napi_value(env: sys::napi_env, probe: Self) -> napi::Result<sys::napi_value> {
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        let fields = [
            field(env, c"place", probe.place)?,
            field(env, c"durationMs", millis(probe.took))?,
            field(env, c"sentAt", millis(probe.sent))?,
            field(env, c"receivedAt", millis(probe.received))?,
            field(env, c"serverAt", probe.server.map(millis))?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for Inspected {
    unsafe fn to_napi_value(env: sys::napi_env, inspected: Self) -> napi::Result<sys::napi_value> {
        let fields = [
            field(env, c"partition", inspected.partition)?,
            field(env, c"meta", inspected.meta)?,
            field(env, c"lock", inspected.lock)?,
            field(env, c"record", inspected.record)?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for Listing {
    unsafe fn to_napi_value(env: sys::napi_env, listing: Self) -> napi::Result<sys::napi_value> {
        let fields = [
            field(env, c"pages", listing.pages)?,
            field(env, c"rows", listing.rows)?,
            field(env, c"next", listing.next)?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for Listed {
    unsafe fn to_napi_value(
        env: sys::napi_env,
        Self { partition, cache_key, page }: Self,
    ) -> napi::Result<sys::napi_value> {
        let fields = [
            field(env, c"cacheKey", cache_key)?,
            field(env, c"partition", partition)?,
            field(env, c"htmlPointer", page.html_pointer)?,
            field(env, c"generatedAt", page.generated_at)?,
            field(env, c"revalidateSeconds", page.revalidate.get())?,
            field(env, c"status", u32::from(page.status))?,
            field(env, c"contentType", page.content_type)?,
            field(env, c"etag", page.etag)?,
        ];
        object(env, &fields)
    }
}

impl ToNapiValue for Position {
    unsafe fn to_napi_value(env: sys::napi_env, Self { pk, sk }: Self) -> napi::Result<sys::napi_value> {
        object(env, &[field(env, c"pk", pk)?, field(env, c"sk", sk)?])
    }
}

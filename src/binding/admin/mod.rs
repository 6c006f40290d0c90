//! `admin`: calls of the command line and of `@theory-cloud/tabletheory-isr/admin`.
//!
//! Invariant: it is internal. The package exports it as a property that is not enumerable, and its typings go to
//! `cli/admin.d.ts`, not to the package's own.

mod outputs;

use std::sync::Arc;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue, Unknown};
use napi::{Env, Property, PropertyAttributes};
use napi_derive::napi;

use self::outputs::{ClassOption, InspectedEntry, ListPart, ProbeAnswer, StoreSettings, TableDescription, TableSurvey};
use super::error::throw;
use super::runtime::promise::{promise, rejected};
use super::runtime::value::{Arg, ArgResult};
use super::{FaceTheoryIsrMetaStore, Promised};
use crate::config::BooleanOption;
use crate::{Error, Position, ProbeRequest, Result, Store, options};

const NAMESPACE: &str = "admin";

/// Returns the settings of the store that messages name.
#[napi(namespace = "admin", catch_unwind, ts_args_type = "store: FaceTheoryIsrMetaStore")]
pub fn settings(store: &FaceTheoryIsrMetaStore) -> StoreSettings {
    let config = store.store.config();
    StoreSettings {
        table_name: config.table_name.as_str().to_owned(),
        pk_prefix: config.pk_prefix().to_owned(),
        has_own_layout: has_own_layout(store),
        soft_invalidation: config.boolean(BooleanOption::SoftInvalidation),
    }
}

/// Returns the options of the class, from the table that the constructor reads.
#[napi(namespace = "admin", catch_unwind)]
#[must_use]
pub fn class_options() -> Vec<ClassOption> {
    options().map(Into::into).collect()
}

/// Returns the partition key of a cache key.
///
/// @throws `ErrInvalidArgument` for a cache key that the store refuses.
#[napi(namespace = "admin", catch_unwind, ts_args_type = "store: FaceTheoryIsrMetaStore, cacheKey: string")]
pub fn partition<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore, cache_key: Unknown<'e>) -> napi::Result<String> {
    let key = store.reader(env).entry_key(cache_key).map_err(|refusal| throw(env, &refusal))?;
    Ok(key.partition().to_owned())
}

/// Returns the table as DynamoDB describes it, or `null` where there is none.
#[napi(
    namespace = "admin",
    catch_unwind,
    ts_args_type = "store: FaceTheoryIsrMetaStore",
    ts_return_type = "Promise<TableDescription | null>"
)]
pub fn describe_table<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore) -> Promised<'e, Option<TableDescription>> {
    call(env, store, Ok(()), |store, ()| async move { Ok(store.describe_table().await?.map(Into::into)) })
}

/// Returns the attribute that TTL is enabled for, or `null`.
#[napi(
    namespace = "admin",
    catch_unwind,
    ts_args_type = "store: FaceTheoryIsrMetaStore",
    ts_return_type = "Promise<string | null>"
)]
pub fn ttl_attribute<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore) -> Promised<'e, Option<String>> {
    call(env, store, Ok(()), |store, ()| async move { store.ttl_attribute().await })
}

/// Sends a request of that name to the partition of `cacheKey`. It changes nothing.
#[napi(
    namespace = "admin",
    catch_unwind,
    ts_args_type = "store: FaceTheoryIsrMetaStore, cacheKey: string, request: string",
    ts_return_type = "Promise<ProbeAnswer>"
)]
pub fn probe<'e>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    cache_key: Unknown<'e>,
    request: Unknown<'e>,
) -> Promised<'e, ProbeAnswer> {
    let input = store.reader(env).entry_key(cache_key).and_then(|key| Ok((key, probe_request(env, request)?)));
    call(env, store, input, |store, (key, request)| async move { Ok(store.probe(&key, request).await?.into()) })
}

/// Returns both rows of a cache key as they are stored, with the page and the lease that the store reads in them.
#[napi(
    namespace = "admin",
    catch_unwind,
    ts_args_type = "store: FaceTheoryIsrMetaStore, cacheKey: string",
    ts_return_type = "Promise<InspectedEntry>"
)]
pub fn inspect<'e>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    cache_key: Unknown<'e>,
) -> Promised<'e, InspectedEntry> {
    call(env, store, store.reader(env).entry_key(cache_key), |store, key| async move {
        Ok(InspectedEntry::new(&key, store.inspect(&key).await?))
    })
}

/// Returns the pages whose cache key starts with `prefix`, in the next `maxRows` rows or the next megabyte of the table.
#[napi(
    namespace = "admin",
    catch_unwind,
    ts_args_type = "store: FaceTheoryIsrMetaStore, prefix: string, after: ScanPosition | null, maxRows: number | null",
    ts_return_type = "Promise<ListPart>"
)]
pub fn list<'e>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    prefix: Unknown<'e>,
    after: Unknown<'e>,
    max_rows: Unknown<'e>,
) -> Promised<'e, ListPart> {
    let has_own_layout = has_own_layout(store);
    let input = Arg::new(env, "prefix", prefix)
        .string()
        .and_then(|prefix| Ok((prefix, position(env, after)?, row_limit(env, max_rows)?)));
    call(env, store, input, move |store, (prefix, after, max_rows)| async move {
        Ok(store.list(&prefix, has_own_layout, after, max_rows).await?.into())
    })
}

/// Returns a sample of the table: its first `maxRows` rows, or its first megabyte.
#[napi(
    namespace = "admin",
    catch_unwind,
    ts_args_type = "store: FaceTheoryIsrMetaStore, maxRows: number | null",
    ts_return_type = "Promise<TableSurvey>"
)]
pub fn survey<'e>(env: &'e Env, store: &'e FaceTheoryIsrMetaStore, max_rows: Unknown<'e>) -> Promised<'e, TableSurvey> {
    let has_own_layout = has_own_layout(store);
    call(env, store, row_limit(env, max_rows), move |store, max_rows| async move {
        Ok(store.survey(has_own_layout, max_rows).await?.into())
    })
}

/// Keeps the namespace out of lists of the package's exports.
pub(super) fn hide(exports: &mut Object<'_>) -> napi::Result<()> {
    let functions: Object<'_> = exports.get_named_property_unchecked(NAMESPACE)?;
    exports.define_properties(&[Property::new()
        .with_utf8_name(NAMESPACE)?
        .with_value(&functions)
        .with_property_attributes(PropertyAttributes::Default)])
}

fn has_own_layout(store: &FaceTheoryIsrMetaStore) -> bool {
    store.callbacks.pk_from_cache_key.is_some()
}

fn call<'e, I, T, F>(
    env: &'e Env,
    store: &'e FaceTheoryIsrMetaStore,
    input: ArgResult<'e, I>,
    run: impl FnOnce(Arc<Store>, I) -> F,
) -> Promised<'e, T>
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    match input {
        Ok(input) => {
            let work = run(Arc::clone(&store.store), input);
            promise(env, async move { (work.await, None) })
        }
        Err(refusal) => rejected(env, &refusal),
    }
}

fn probe_request<'e>(env: &'e Env, request: Unknown<'e>) -> ArgResult<'e, ProbeRequest> {
    let name = Arg::new(env, "request", request).string()?;
    let found = ProbeRequest::ALL.into_iter().find(|request| request.name() == name);
    found.ok_or_else(|| Error::out_of_range(format!("request must not be \"{name}\"")).into())
}

fn position<'e>(env: &'e Env, after: Unknown<'e>) -> ArgResult<'e, Option<Position>> {
    let Some(after) = Arg::new(env, "position", after).present() else { return Ok(None) };
    let after = after.object()?;
    Ok(Some(Position { pk: after.property("pk")?.string()?, sk: after.property("sk")?.string()? }))
}

#[expect(clippy::cast_possible_truncation, reason = "the number is whole and in range")]
fn row_limit<'e>(env: &'e Env, max_rows: Unknown<'e>) -> ArgResult<'e, Option<i32>> {
    let Some(max_rows) = Arg::new(env, "maxRows", max_rows).present() else { return Ok(None) };
    let number = max_rows.number()?;
    if number.fract() == 0.0 && (1.0..=f64::from(i32::MAX)).contains(&number) {
        return Ok(Some(number as i32));
    }
    Err(Error::out_of_range("maxRows must be a whole number, at least 1").into())
}

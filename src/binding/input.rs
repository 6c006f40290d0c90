//! The input of the five methods, checked field by field and read once each.

use napi::Env;
use napi::bindgen_prelude::Unknown;

use super::options::Callbacks;
use super::runtime::value::{Arg, ArgError, ArgResult};
use crate::{
    CacheKey, ContentType, EntryKey, EpochMillis, Error, Generation, HtmlPointer, LeaseClaim, LeaseMillis, LeaseOwner,
    LeaseRequest, LeaseToken, Page, RevalidateSeconds, Status, Store, StrictCspPolicy,
};

/// The engine, the store's settings and the app's callbacks, which reading an input needs.
#[derive(Clone, Copy)]
pub(super) struct InputReader<'e> {
    pub(super) env: &'e Env,
    pub(super) store: &'e Store,
    pub(super) callbacks: &'e Callbacks,
}

impl<'e> InputReader<'e> {
    pub(super) fn entry_key(self, cache_key: Unknown<'e>) -> ArgResult<'e, EntryKey> {
        self.key_of(&Arg::new(self.env, "cacheKey", cache_key))
    }

    fn key_of(self, cache_key: &Arg<'_, 'e>) -> ArgResult<'e, EntryKey> {
        let text = cache_key.text(CacheKey::new)?;
        match &self.callbacks.pk_from_cache_key {
            None => Ok(self.store.key(text)),
            Some(callback) => {
                let partition = callback.call(self.env, &[cache_key.value])?;
                EntryKey::in_partition(text, partition).map_err(|invalid| invalid.at("pkFromCacheKey").into())
            }
        }
    }

    pub(super) fn lease_request(self, input: Unknown<'e>) -> ArgResult<'e, (EntryKey, LeaseRequest)> {
        let input = Arg::new(self.env, "input", input).object()?;
        let cache_key = input.property("cacheKey")?;
        let owner = input.property("leaseOwner")?.text(LeaseOwner::new)?;
        let now = input.property("nowMs")?.checked_number(EpochMillis::new)?;
        let duration = input.property("leaseDurationMs")?.checked_number(LeaseMillis::new)?;
        let fallback_revalidate =
            input.property("fallbackRevalidateSeconds")?.checked_number(RevalidateSeconds::new)?;
        // The app's callbacks come last: they are not called for an input that is refused anyway.
        let key = self.key_of(&cache_key)?;
        let token = match &self.callbacks.lease_token {
            None => (self.store.config().unique_ids)(),
            Some(callback) => callback.call(self.env, &[])?,
        };
        let token = LeaseToken::new(token).map_err(|invalid| invalid.at("the return value of leaseToken"))?;
        Ok((key, LeaseRequest { claim: LeaseClaim { owner, token }, now, duration, fallback_revalidate }))
    }

    pub(super) fn lease_claim(self, input: Unknown<'e>) -> ArgResult<'e, (EntryKey, LeaseClaim)> {
        let input = Arg::new(self.env, "input", input).object()?;
        self.claim_in(&input)
    }

    fn claim_in(self, input: &Arg<'static, 'e>) -> ArgResult<'e, (EntryKey, LeaseClaim)> {
        let cache_key = input.property("cacheKey")?;
        let owner = input.property("leaseOwner")?.text(LeaseOwner::new)?;
        let token = input.property("leaseToken")?.text(LeaseToken::new)?;
        Ok((self.key_of(&cache_key)?, LeaseClaim { owner, token }))
    }

    pub(super) fn generation(self, input: Unknown<'e>) -> ArgResult<'e, (EntryKey, Generation)> {
        let input = Arg::new(self.env, "input", input).object()?;
        let html_pointer = input.property("htmlPointer")?.text(HtmlPointer::new)?;
        let generated_at = input.property("generatedAt")?.checked_number(EpochMillis::new)?;
        let revalidate = input.property("revalidateSeconds")?.checked_number(RevalidateSeconds::new)?;
        let status = Status::normalised(input.property("status")?.number()?);
        let content_type = ContentType::normalised(&input.property("contentType")?.string()?);
        let content_security_policy = optional_string(input.property("contentSecurityPolicy")?)?;
        let strict_csp_policy = input.property("strictCspPolicy")?.present().map(strict_csp_policy).transpose()?;
        let etag = optional_string(input.property("etag")?)?;
        let now = input.property("nowMs")?.present().map(|now| now.checked_number(EpochMillis::new)).transpose()?;
        let (key, claim) = self.claim_in(&input)?;
        let page = Page {
            html_pointer,
            generated_at,
            revalidate,
            status,
            content_type,
            content_security_policy,
            strict_csp_policy,
            etag,
        };
        Ok((key, Generation { claim, page, now: now.unwrap_or(generated_at) }))
    }
}

fn optional_string<'e>(value: Arg<'_, 'e>) -> ArgResult<'e, Option<String>> {
    value.present().map(|value| value.string()).transpose()
}

const SCRIPTS: (&str, &str) = ("strictCspPolicy.inlineScripts", "inlineScripts");
const STYLES: (&str, &str) = ("strictCspPolicy.inlineStyles", "inlineStyles");

fn strict_csp_policy<'e>(value: Arg<'static, 'e>) -> ArgResult<'e, StrictCspPolicy> {
    // A promise, say, looks like an empty policy; it would be stored as one that forbids nothing.
    let policy = value.plain_object()?;
    if let Some(unknown) = policy.property_names()?.into_iter().find(|name| name != SCRIPTS.1 && name != STYLES.1) {
        let rule = format!("unknown property strictCspPolicy.{unknown}; valid properties: {}, {}", SCRIPTS.1, STYLES.1);
        return Err(ArgError::from(Error::out_of_range(rule)));
    }
    let forbids = |(path, name)| -> ArgResult<'e, bool> {
        let Some(member) = policy.property_at(path, name)?.defined() else { return Ok(false) };
        if member.boolean()? {
            return Err(ArgError::from(Error::out_of_range(format!("{path} must be false or absent"))));
        }
        Ok(true)
    };
    Ok(StrictCspPolicy { forbids_inline_scripts: forbids(SCRIPTS)?, forbids_inline_styles: forbids(STYLES)? })
}

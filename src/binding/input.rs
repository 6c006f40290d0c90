//! What the five methods are given, checked field by field and read once each.

use napi::Env;
use napi::bindgen_prelude::Unknown;

use super::callback::Callbacks;
use super::js::{Checked, Named, Refusal};
use crate::{
    CacheKey, EntryKey, EpochMillis, Error, Generation, HtmlPointer, LeaseClaim, LeaseMillis, LeaseOwner, LeaseRequest,
    LeaseToken, Page, RevalidateSeconds, Store, StrictCspPolicy, content_type_or_default, status_or_default,
};

/// What a method has been given, read.
pub(super) trait Input {
    /// The key that it is about, if any.
    fn key(&self) -> Option<&EntryKey>;
}

impl Input for () {
    fn key(&self) -> Option<&EntryKey> {
        None
    }
}

impl Input for EntryKey {
    fn key(&self) -> Option<&EntryKey> {
        Some(self)
    }
}

impl Input for LeaseClaim {
    fn key(&self) -> Option<&EntryKey> {
        Some(&self.key)
    }
}

impl Input for LeaseRequest {
    fn key(&self) -> Option<&EntryKey> {
        Some(&self.claim.key)
    }
}

impl Input for Generation {
    fn key(&self) -> Option<&EntryKey> {
        Some(&self.claim.key)
    }
}

/// What is needed to read an input: the engine, the store's settings, and the app's callbacks.
#[derive(Clone, Copy)]
pub(super) struct Reader<'e> {
    pub(super) env: &'e Env,
    pub(super) store: &'e Store,
    pub(super) callbacks: &'e Callbacks,
}

impl<'e> Reader<'e> {
    pub(super) fn entry_key(self, cache_key: Unknown<'e>) -> Checked<'e, EntryKey> {
        self.named_key(&Named::new(self.env, "cacheKey", cache_key))
    }

    fn named_key(self, cache_key: &Named<'_, 'e>) -> Checked<'e, EntryKey> {
        let text = cache_key.text(CacheKey::new)?;
        match &self.callbacks.pk_from_cache_key {
            None => Ok(self.store.key(text)),
            Some(callback) => {
                let partition = callback.call(self.env, &[cache_key.value])?;
                Ok(EntryKey::in_partition(text, partition)?)
            }
        }
    }

    pub(super) fn lease_request(self, input: Unknown<'e>) -> Checked<'e, LeaseRequest> {
        let input = Named::new(self.env, "input", input).object()?;
        let cache_key = input.property("cacheKey")?;
        let owner = input.property("leaseOwner")?.text(LeaseOwner::new)?;
        let now = epoch_millis(&input.property("nowMs")?)?;
        let duration = input.property("leaseDurationMs")?;
        let duration = LeaseMillis::new(duration.name, duration.number()?)?;
        let fallback_revalidate = revalidate_seconds(&input.property("fallbackRevalidateSeconds")?)?;
        // The app's callbacks come last: they are not called for an input that is refused anyway.
        let key = self.named_key(&cache_key)?;
        let token = match &self.callbacks.lease_token {
            None => LeaseToken::new("leaseToken", (self.store.config().unique_ids)())?,
            Some(callback) => LeaseToken::new("what leaseToken returned", callback.call(self.env, &[])?)?,
        };
        Ok(LeaseRequest { claim: LeaseClaim { key, owner, token }, now, duration, fallback_revalidate })
    }

    pub(super) fn lease_claim(self, input: Unknown<'e>) -> Checked<'e, LeaseClaim> {
        let input = Named::new(self.env, "input", input).object()?;
        self.claim_in(&input)
    }

    fn claim_in(self, input: &Named<'static, 'e>) -> Checked<'e, LeaseClaim> {
        let cache_key = input.property("cacheKey")?;
        let owner = input.property("leaseOwner")?.text(LeaseOwner::new)?;
        let token = input.property("leaseToken")?.text(LeaseToken::new)?;
        Ok(LeaseClaim { key: self.named_key(&cache_key)?, owner, token })
    }

    pub(super) fn generation(self, input: Unknown<'e>) -> Checked<'e, Generation> {
        let input = Named::new(self.env, "input", input).object()?;
        let html_pointer = input.property("htmlPointer")?.text(HtmlPointer::new)?;
        let generated_at = epoch_millis(&input.property("generatedAt")?)?;
        let revalidate = revalidate_seconds(&input.property("revalidateSeconds")?)?;
        let status = status_or_default(input.property("status")?.number()?);
        let content_type = input.property("contentType")?.string()?;
        let content_security_policy = optional_string(input.property("contentSecurityPolicy")?)?;
        let strict_csp_policy = input.property("strictCspPolicy")?.present().map(strict_csp_policy).transpose()?;
        let etag = optional_string(input.property("etag")?)?;
        let now = match input.property("nowMs")?.present() {
            Some(now) => epoch_millis(&now)?,
            None => generated_at,
        };
        let claim = self.claim_in(&input)?;
        let page = Page {
            html_pointer: html_pointer.as_str().to_owned(),
            generated_at: generated_at.get(),
            revalidate,
            status,
            content_type: content_type_or_default(&content_type).to_owned(),
            content_security_policy,
            strict_csp_policy,
            etag,
        };
        Ok(Generation { claim, page, now })
    }
}

fn epoch_millis<'e>(value: &Named<'_, 'e>) -> Checked<'e, EpochMillis> {
    Ok(EpochMillis::new(value.name, value.number()?)?)
}

fn revalidate_seconds<'e>(value: &Named<'_, 'e>) -> Checked<'e, RevalidateSeconds> {
    Ok(RevalidateSeconds::new(value.name, value.number()?)?)
}

fn optional_string<'e>(value: Named<'_, 'e>) -> Checked<'e, Option<String>> {
    value.present().map(|value| value.string()).transpose()
}

fn strict_csp_policy<'e>(value: Named<'static, 'e>) -> Checked<'e, StrictCspPolicy> {
    const SCRIPTS: &str = "inlineScripts";
    const STYLES: &str = "inlineStyles";
    // What looks like an empty policy by mistake (a promise, say) would be stored as one that forbids nothing.
    let policy = value.plain_object()?;
    if let Some(unknown) = policy.property_names()?.into_iter().find(|name| name != SCRIPTS && name != STYLES) {
        let rule = format!("strictCspPolicy.{unknown} is no member; there are {SCRIPTS} and {STYLES}");
        return Err(Refusal::from(Error::out_of_range(rule)));
    }
    let forbids = |name| -> Checked<'e, bool> {
        let Some(member) = policy.property(name)?.defined() else { return Ok(false) };
        if member.boolean()? {
            return Err(Refusal::from(Error::out_of_range(format!("strictCspPolicy.{name} must be false or absent"))));
        }
        Ok(true)
    };
    Ok(StrictCspPolicy { forbids_inline_scripts: forbids(SCRIPTS)?, forbids_inline_styles: forbids(STYLES)? })
}

//! `shared: true`: stores with equal settings use one core, across worker threads too.
//!
//! The registry holds weak references: a store that is garbage-collected leaves nothing behind.

use std::sync::{Arc, Mutex, Weak};

use super::options::Callbacks;
use crate::sync::lock;
use crate::{BooleanOption, Config, CredentialsSource, Store};

static CORES: Mutex<Vec<Weak<Store>>> = Mutex::new(Vec::new());

/// The core for a store with these settings.
pub(super) fn core(config: Config, callbacks: &Callbacks) -> Arc<Store> {
    let has_functions = callbacks.pk_from_cache_key.is_some()
        || callbacks.lease_token.is_some()
        || matches!(config.credentials, Some(CredentialsSource::Provider(_)));
    if !config.boolean(BooleanOption::Shared) || has_functions {
        return Store::new(config);
    }
    let mut cores = lock(&CORES);
    cores.retain(|core| core.strong_count() > 0);
    let existing = cores.iter().filter_map(Weak::upgrade).find(|core| core.config().is_interchangeable_with(&config));
    existing.unwrap_or_else(|| {
        let core = Store::new(config);
        cores.push(Arc::downgrade(&core));
        core
    })
}

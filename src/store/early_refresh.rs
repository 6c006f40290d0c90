//! Early refresh: one caller of each process may regenerate a page shortly before it becomes stale, while all others
//! still get it fresh.

use std::sync::Arc;

use super::key_state::KeyState;
use crate::model::{EpochMillis, Page, RevalidateSeconds};

/// The generations whose early refresh is planned or done.
pub(super) struct EarlyRefresh {
    /// The last fraction of the freshness lifetime; zero: never.
    fraction: f64,
    plans: KeyState<Plan>,
}

struct Plan {
    generated_at: EpochMillis,
    /// In epoch milliseconds; none once it is done.
    at: Option<f64>,
}

impl EarlyRefresh {
    pub(super) fn new(fraction: f64) -> Self {
        Self { fraction, plans: KeyState::default() }
    }

    /// The freshness lifetime that makes `page` stale by a second at `now_ms`, if this caller is to regenerate it early.
    pub(super) fn shortened(&self, key: &Arc<str>, page: &Page, now_ms: f64) -> Option<RevalidateSeconds> {
        if self.fraction <= 0.0 || !page.is_fresh_at(now_ms) {
            return None;
        }
        let plan = || Plan { generated_at: page.generated_at, at: Some(self.moment(page)) };
        let is_due = self.plans.with_new(key, plan, |planned| {
            // An eventually consistent read can show an older generation again.
            if planned.generated_at > page.generated_at {
                return false;
            }
            if planned.generated_at < page.generated_at {
                *planned = plan();
            }
            planned.at.take_if(|at| *at <= now_ms).is_some()
        });
        is_due.then(|| RevalidateSeconds::normalised((now_ms - page.generated_at.get()) / 1_000.0 - 1.0))
    }

    /// A random moment of the window.
    fn moment(&self, page: &Page) -> f64 {
        let window = page.revalidate.get() * 1_000.0 * self.fraction;
        page.stale_at() - window * fastrand::f64()
    }
}

//! The tokens that this store has published with: worthless, until they are acquired again.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::LeaseClaim;

/// How many are remembered. Older ones are still refused by the table, where the publish deleted their row.
const CAPACITY: usize = 1_024;

/// Partition and token.
type Consumed = (String, String);

#[derive(Default)]
pub(super) struct ConsumedTokens(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    tokens: HashSet<Consumed>,
    oldest_first: VecDeque<Consumed>,
}

impl ConsumedTokens {
    pub(super) fn contains(&self, claim: &LeaseClaim) -> bool {
        self.lock().tokens.contains(&consumed(claim))
    }

    pub(super) fn remember(&self, claim: &LeaseClaim) {
        let mut memory = self.lock();
        let token = consumed(claim);
        if memory.tokens.insert(token.clone()) {
            memory.oldest_first.push_back(token);
        }
        if memory.oldest_first.len() > CAPACITY
            && let Some(oldest) = memory.oldest_first.pop_front()
        {
            memory.tokens.remove(&oldest);
        }
    }

    pub(super) fn forget(&self, claim: &LeaseClaim) {
        let mut memory = self.lock();
        let token = consumed(claim);
        if memory.tokens.remove(&token) {
            memory.oldest_first.retain(|other| *other != token);
        }
    }

    /// Every change is complete before anything can panic, so a poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn consumed(claim: &LeaseClaim) -> Consumed {
    (claim.key.partition().to_owned(), claim.token.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CacheKey, EntryKey, LeaseOwner, LeaseToken};

    fn claim(cache_key: &str, token: &str) -> LeaseClaim {
        LeaseClaim {
            key: EntryKey::prefixed("", CacheKey::new("cacheKey", cache_key.to_owned()).expect("not empty")),
            owner: LeaseOwner::new("leaseOwner", "owner".to_owned()).expect("not empty"),
            token: LeaseToken::new("leaseToken", token.to_owned()).expect("not empty"),
        }
    }

    #[test]
    fn a_token_is_consumed_for_its_own_key_until_it_is_acquired_again() {
        let consumed = ConsumedTokens::default();
        consumed.remember(&claim("a", "t"));
        assert!(consumed.contains(&claim("a", "t")));
        assert!(!consumed.contains(&claim("b", "t")) && !consumed.contains(&claim("a", "u")));
        consumed.forget(&claim("a", "t"));
        assert!(!consumed.contains(&claim("a", "t")));
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let consumed = ConsumedTokens::default();
        for i in 0..=CAPACITY {
            consumed.remember(&claim("a", &i.to_string()));
            consumed.remember(&claim("a", &i.to_string()));
        }
        assert!(!consumed.contains(&claim("a", "0")) && consumed.contains(&claim("a", "1")));
        assert_eq!(consumed.lock().tokens.len(), CAPACITY);
    }
}

//! The tokens that this store has published with: worthless, until they are acquired again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use crate::locked::locked;
use crate::model::LeaseClaim;

/// How many are remembered. Older ones are still refused by the table, where the publish deleted their row.
const CAPACITY: usize = 1_024;

/// Partition and token.
type Spent = (String, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publish {
    UnderWay,
    Succeeded,
}

#[derive(Default)]
pub(super) struct ConsumedTokens(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    publishes: HashMap<Spent, Publish>,
    succeeded_oldest_first: VecDeque<Spent>,
}

impl ConsumedTokens {
    pub(super) fn contains(&self, claim: &LeaseClaim) -> bool {
        self.lock().publishes.get(&spent(claim)) == Some(&Publish::Succeeded)
    }

    /// A publish is about to be sent. An acquire that succeeds meanwhile with the same token makes another lease of it.
    pub(super) fn publish(&self, claim: &LeaseClaim) -> PublishUnderWay<'_> {
        let token = spent(claim);
        self.lock().publishes.entry(token.clone()).or_insert(Publish::UnderWay);
        PublishUnderWay { consumed: self, token }
    }

    /// The token was acquired again.
    pub(super) fn forget(&self, claim: &LeaseClaim) {
        let mut memory = self.lock();
        let token = spent(claim);
        if memory.publishes.remove(&token) == Some(Publish::Succeeded) {
            memory.succeeded_oldest_first.retain(|other| *other != token);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        locked(&self.0)
    }
}

/// Dropped, the publish has failed, or nobody knows.
pub(super) struct PublishUnderWay<'c> {
    consumed: &'c ConsumedTokens,
    token: Spent,
}

impl PublishUnderWay<'_> {
    pub(super) fn succeeded(self) {
        let mut memory = self.consumed.lock();
        let Some(publish @ Publish::UnderWay) = memory.publishes.get_mut(&self.token) else { return };
        *publish = Publish::Succeeded;
        memory.succeeded_oldest_first.push_back(self.token.clone());
        if memory.succeeded_oldest_first.len() > CAPACITY
            && let Some(oldest) = memory.succeeded_oldest_first.pop_front()
        {
            memory.publishes.remove(&oldest);
        }
    }
}

impl Drop for PublishUnderWay<'_> {
    fn drop(&mut self) {
        let mut memory = self.consumed.lock();
        if memory.publishes.get(&self.token) == Some(&Publish::UnderWay) {
            memory.publishes.remove(&self.token);
        }
    }
}

fn spent(claim: &LeaseClaim) -> Spent {
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

    fn publish(consumed: &ConsumedTokens, claim: &LeaseClaim) {
        consumed.publish(claim).succeeded();
    }

    #[test]
    fn a_publish_that_fails_consumes_nothing() {
        let consumed = ConsumedTokens::default();
        drop(consumed.publish(&claim("a", "t")));
        assert!(!consumed.contains(&claim("a", "t")) && consumed.lock().publishes.is_empty());
        publish(&consumed, &claim("a", "t"));
        drop(consumed.publish(&claim("a", "t")));
        assert!(consumed.contains(&claim("a", "t")), "the second publish is not the first");
    }

    #[test]
    fn a_token_that_is_acquired_again_before_its_publish_is_answered_is_another_lease() {
        let consumed = ConsumedTokens::default();
        let claim = claim("a", "t");
        let publish = consumed.publish(&claim);
        consumed.forget(&claim);
        publish.succeeded();
        assert!(!consumed.contains(&claim));
    }

    #[test]
    fn a_token_is_consumed_for_its_own_key_until_it_is_acquired_again() {
        let consumed = ConsumedTokens::default();
        publish(&consumed, &claim("a", "t"));
        assert!(consumed.contains(&claim("a", "t")));
        assert!(!consumed.contains(&claim("b", "t")) && !consumed.contains(&claim("a", "u")));
        consumed.forget(&claim("a", "t"));
        assert!(!consumed.contains(&claim("a", "t")));
        publish(&consumed, &claim("a", "u"));
        consumed.forget(&claim("b", "u"));
        assert_eq!(consumed.lock().succeeded_oldest_first, [spent(&claim("a", "u"))]);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let consumed = ConsumedTokens::default();
        for i in 0..=CAPACITY {
            publish(&consumed, &claim("a", &i.to_string()));
            publish(&consumed, &claim("a", &i.to_string()));
        }
        assert!(!consumed.contains(&claim("a", "0")) && consumed.contains(&claim("a", "1")));
        assert_eq!(consumed.lock().publishes.len(), CAPACITY);
    }
}

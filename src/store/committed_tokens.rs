//! The tokens that this store has committed: refused until they are acquired again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::model::{EntryKey, LeaseClaim, LeaseToken};
use crate::sync::lock;

/// The number of tokens that are kept. The table refuses older ones, whose row the commit has deleted.
const CAPACITY: usize = 1_024;

/// Partition and token.
type TokenKey = (Arc<str>, LeaseToken);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many commits of this lease are in flight.
    Pending {
        lease: u64,
        commits: usize,
    },
    Committed,
}

/// The committed tokens of one store.
#[derive(Default)]
pub(super) struct CommittedTokens(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    tokens: HashMap<TokenKey, State>,
    committed_oldest_first: VecDeque<TokenKey>,
    /// How many leases had a commit. A token that is acquired again makes another lease.
    leases: u64,
}

impl CommittedTokens {
    pub(super) fn contains(&self, key: &EntryKey, claim: &LeaseClaim) -> bool {
        lock(&self.0).tokens.get(&token_key(key, claim)) == Some(&State::Committed)
    }

    /// A commit is about to be sent. An acquire that succeeds meanwhile with the same token makes another lease of it.
    pub(super) fn begin(&self, key: &EntryKey, claim: &LeaseClaim) -> PendingCommit<'_> {
        let token = token_key(key, claim);
        let mut memory = lock(&self.0);
        memory.leases += 1;
        let new = memory.leases;
        let lease = match memory.tokens.entry(token.clone()).or_insert(State::Pending { lease: new, commits: 0 }) {
            State::Pending { lease, commits } => {
                *commits += 1;
                *lease
            }
            State::Committed => new,
        };
        PendingCommit { committed: self, token, lease }
    }

    /// The token was acquired again.
    pub(super) fn forget(&self, key: &EntryKey, claim: &LeaseClaim) {
        let mut memory = lock(&self.0);
        let token = token_key(key, claim);
        if memory.tokens.remove(&token) == Some(State::Committed) {
            memory.committed_oldest_first.retain(|other| *other != token);
        }
    }
}

/// A commit in flight. Dropped, it has failed or its outcome is unknown.
pub(super) struct PendingCommit<'c> {
    committed: &'c CommittedTokens,
    token: TokenKey,
    lease: u64,
}

impl PendingCommit<'_> {
    pub(super) fn succeeded(self) {
        let mut memory = lock(&self.committed.0);
        let Some(state) = memory.tokens.get_mut(&self.token) else { return };
        if !matches!(state, State::Pending { lease, .. } if *lease == self.lease) {
            return;
        }
        *state = State::Committed;
        memory.committed_oldest_first.push_back(self.token.clone());
        if memory.committed_oldest_first.len() > CAPACITY
            && let Some(oldest) = memory.committed_oldest_first.pop_front()
        {
            memory.tokens.remove(&oldest);
        }
    }
}

impl Drop for PendingCommit<'_> {
    fn drop(&mut self) {
        let mut memory = lock(&self.committed.0);
        if let Some(State::Pending { lease, commits }) = memory.tokens.get_mut(&self.token)
            && *lease == self.lease
        {
            *commits -= 1;
            if *commits == 0 {
                memory.tokens.remove(&self.token);
            }
        }
    }
}

fn token_key(key: &EntryKey, claim: &LeaseClaim) -> TokenKey {
    (key.shared_partition(), claim.token.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CacheKey, LeaseOwner};

    fn key(cache_key: &str) -> EntryKey {
        EntryKey::prefixed("", CacheKey::new(cache_key.to_owned()).expect("not empty"))
    }

    fn claim(token: &str) -> LeaseClaim {
        LeaseClaim {
            owner: LeaseOwner::new("owner".to_owned()).expect("not empty"),
            token: LeaseToken::new(token.to_owned()).expect("not empty"),
        }
    }

    fn commit(committed: &CommittedTokens, cache_key: &str, token: &str) {
        committed.begin(&key(cache_key), &claim(token)).succeeded();
    }

    fn contains(committed: &CommittedTokens, cache_key: &str, token: &str) -> bool {
        committed.contains(&key(cache_key), &claim(token))
    }

    #[test]
    fn a_commit_that_fails_commits_no_token() {
        let committed = CommittedTokens::default();
        drop(committed.begin(&key("a"), &claim("t")));
        assert!(!contains(&committed, "a", "t") && lock(&committed.0).tokens.is_empty());
        commit(&committed, "a", "t");
        drop(committed.begin(&key("a"), &claim("t")));
        assert!(contains(&committed, "a", "t"), "the second commit is not the first");
    }

    #[test]
    fn a_commit_that_succeeds_is_kept_when_another_of_its_token_fails_first() {
        let committed = CommittedTokens::default();
        let (first, second) = (committed.begin(&key("a"), &claim("t")), committed.begin(&key("a"), &claim("t")));
        drop(first);
        second.succeeded();
        assert!(contains(&committed, "a", "t"));
        assert_eq!(lock(&committed.0).tokens.len(), 1);
    }

    #[test]
    fn a_token_that_is_acquired_again_during_its_commit_is_another_lease() {
        let committed = CommittedTokens::default();
        let pending = committed.begin(&key("a"), &claim("t"));
        committed.forget(&key("a"), &claim("t"));
        pending.succeeded();
        assert!(!contains(&committed, "a", "t"));
    }

    #[test]
    fn a_commit_of_a_lease_says_nothing_about_another_lease_of_its_token() {
        let committed = CommittedTokens::default();
        for has_succeeded in [true, false] {
            let first = committed.begin(&key("a"), &claim("t"));
            committed.forget(&key("a"), &claim("t"));
            let second = committed.begin(&key("a"), &claim("t"));
            if has_succeeded {
                first.succeeded();
            } else {
                drop(first);
            }
            assert!(!contains(&committed, "a", "t"), "only the first lease is committed");
            second.succeeded();
            assert!(contains(&committed, "a", "t"), "the second lease is committed too");
            committed.forget(&key("a"), &claim("t"));
        }
    }

    #[test]
    fn a_token_is_committed_for_its_own_key_until_it_is_acquired_again() {
        let committed = CommittedTokens::default();
        commit(&committed, "a", "t");
        assert!(contains(&committed, "a", "t"));
        assert!(!contains(&committed, "b", "t") && !contains(&committed, "a", "u"));
        committed.forget(&key("a"), &claim("t"));
        assert!(!contains(&committed, "a", "t"));
        commit(&committed, "a", "u");
        committed.forget(&key("b"), &claim("u"));
        assert_eq!(lock(&committed.0).committed_oldest_first, [token_key(&key("a"), &claim("u"))]);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let committed = CommittedTokens::default();
        for i in 0..=CAPACITY {
            commit(&committed, "a", &i.to_string());
            commit(&committed, "a", &i.to_string());
        }
        assert!(!contains(&committed, "a", "0") && contains(&committed, "a", "1"));
        assert_eq!(lock(&committed.0).tokens.len(), CAPACITY);
    }
}

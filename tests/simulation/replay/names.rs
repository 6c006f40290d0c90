//! The model's names for tokens, owners and calls of the simulation.

use std::collections::HashMap;

use super::lease::{Lease, Owner, Token, WriterId};
use super::message::{Claim, Invalidation};
use crate::ledger::CallId;

/// Numbers, in the order in which the names came up.
#[derive(Default)]
pub(crate) struct Names {
    leases: HashMap<String, u8>,
    owners: HashMap<String, u8>,
    commits: HashMap<(Lease, CallId), u8>,
    invalidations: HashMap<String, u8>,
}

fn number<K: Eq + std::hash::Hash>(numbers: &mut HashMap<K, u8>, name: K) -> u8 {
    let next = u8::try_from(numbers.len()).expect("a run is short");
    *numbers.entry(name).or_insert(next)
}

impl Names {
    pub(crate) fn lease(&mut self, token: &str) -> Lease {
        Lease { writer: WriterId(number(&mut self.leases, token.to_owned())), round: 0 }
    }

    pub(crate) fn owner(&mut self, owner: &str) -> Owner {
        Owner(number(&mut self.owners, owner.to_owned()))
    }

    pub(crate) fn claim(&mut self, token: &str, owner: &str) -> Claim {
        let lease = self.lease(token);
        Claim { lease, token: Token(lease), owner: self.owner(owner) }
    }

    /// Which commit of the lease the call is.
    pub(crate) fn commit(&mut self, lease: Lease, call: CallId) -> u8 {
        let earlier = self.commits.keys().filter(|(other, _)| *other == lease).count();
        *self.commits.entry((lease, call)).or_insert(u8::try_from(earlier).expect("a run is short"))
    }

    pub(crate) fn invalidation(&mut self, request_token: &str) -> Invalidation {
        Invalidation(number(&mut self.invalidations, request_token.to_owned()))
    }
}

//! The credentials that sources have given out. No request is signed with those that had expired before its call began.
//! No call fails for lack of credentials while it has valid ones.

use std::time::Duration;

use tokio::time::Instant;

use super::{CallId, Ledger};

/// Credentials, by the number in their name.
pub(super) struct Issued {
    client: usize,
    store: String,
    from: Instant,
    to: Instant,
}

impl Ledger {
    /// A process of the client has started.
    pub(crate) fn started(&mut self, client: usize, store: &str) {
        self.stores.insert(client, store.to_owned());
    }

    /// A source gives out credentials; their number.
    pub(crate) fn issued(&mut self, client: usize, store: &str, lifetime: Duration) -> usize {
        let from = Instant::now();
        let number = self.credentials.len();
        self.credentials.push(Issued { client, store: store.to_owned(), from, to: from + lifetime });
        self.note(|| format!("client {client} has the credentials K{number} for {} ms", lifetime.as_millis()));
        let is_renewal = self.credentials.iter().rev().skip(1).any(|other| other.store == store && other.to > from);
        self.counts.renewals += u64::from(is_renewal);
        number
    }

    /// A request of one of these calls is signed with the credentials of this name. Whether they have expired: only during
    /// a call, which signs again.
    pub(crate) fn signed(&mut self, client: usize, calls: &[CallId], name: &str) -> bool {
        let Some(number) = name.strip_prefix('K').and_then(|number| number.parse::<usize>().ok()) else { return false };
        let (owner, to) = (self.credentials[number].client, self.credentials[number].to);
        let first = calls.iter().map(|id| self.calls[*id].started).min();
        let were_valid = owner == client && first.is_none_or(|first| to > first);
        self.require(were_valid, "signed with valid credentials", || format!("client {client} signs with {name}"));
        to <= Instant::now()
    }

    /// Whether the client had valid credentials from the beginning of its call until now.
    pub(super) fn had_credentials(&self, id: CallId) -> bool {
        let call = &self.calls[id];
        let store = self.stores.get(&call.client);
        let own: Vec<_> = self.credentials.iter().filter(|issued| Some(&issued.store) == store).collect();
        let mut until = call.started;
        for (at, issued) in own.iter().enumerate() {
            // Newer credentials replace them, also by a shorter life.
            let end = own.get(at + 1).map_or(issued.to, |next| issued.to.min(next.from));
            if issued.from <= until && end > until {
                until = end;
            }
        }
        until > Instant::now()
    }
}

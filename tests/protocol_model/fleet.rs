//! The rules that spare a table in a crowd: a store trusts its last `get`, and reads again after a throttle.
//!
//! A writer looks (a `get` of its store) before it acquires. A lease that it saw at most 100 ms ago answers its acquire
//! without a request; here these 100 ms last until time passes. If a page was published since it looked, its lease is
//! needless: it releases it. After a throttle it reads both rows before it puts again.
//!
//! With early refresh, a page stays fresh, and a look that shows it ends the writer's interest. Once for each generation,
//! a store's look that shows no lease says that the page is stale.

use super::lease::{Lease, Leases, WriterId};
use super::message::Claim;
use super::mutants::Mutant;
use super::scale::WRITERS;
use super::table::{Lock, Table};
use super::time::Millis;

/// The last `get` of a writer's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    page: Option<Lease>,
    lock: Option<Lock>,
    /// Known to the model: whether a page was published since.
    is_overtaken: bool,
    /// The page, which is fresh, was shown as stale.
    is_early: bool,
    /// The page that the acquire has read before its put reaches the table.
    read_early: ReadEarly,
}

/// A read of META that belongs to an acquire and precedes its put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ReadEarly {
    No,
    /// The page that it showed.
    Shown(Option<Lease>),
}

/// The observations of every writer's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fleet {
    looks: [Option<Look>; WRITERS],
    /// The generations that each store has asked a caller to refresh early.
    refreshed: [Leases; WRITERS],
    /// Known to the model: the leases that were in the LOCK row in the last 100 ms.
    recent: Leases,
}

impl Fleet {
    pub(crate) const NEW: Self =
        Self { looks: [None; WRITERS], refreshed: [Leases::EMPTY; WRITERS], recent: Leases::EMPTY };

    /// Whether a look would show the writer's store anything new.
    pub(crate) fn can_look(&self, id: WriterId, table: &Table) -> bool {
        self.looks[id.index()] != Some(Look::at(table))
    }

    pub(crate) fn look(&mut self, id: WriterId, table: &Table) {
        self.looks[id.index()] = Some(Look::at(table));
    }

    /// Whether the writer's next look asks it to refresh the page early.
    pub(crate) fn can_refresh(&self, id: WriterId, table: &Table, mutant: Option<Mutant>) -> bool {
        let is_new = |page| !self.refreshed[id.index()].contains(page) || mutant == Some(Mutant::EarlyRefreshForAll);
        let is_alone = table.lock.is_none() || mutant == Some(Mutant::EarlyRefreshDespiteLease);
        table.fresh_page().is_some_and(is_new) && is_alone
    }

    /// The look, and whether it is the first that asks for this generation.
    pub(crate) fn look_and_refresh(&mut self, id: WriterId, table: &Table) -> bool {
        self.looks[id.index()] = Some(Look { is_early: true, ..Look::at(table) });
        let Some(page) = table.fresh_page() else { return false };
        let is_first = !self.refreshed[id.index()].contains(page);
        self.refreshed[id.index()].insert(page);
        is_first
    }

    /// Whether the writer's caller has no reason to acquire: it has not looked, or was shown a fresh page.
    pub(crate) fn shows_fresh_page(&self, id: WriterId) -> bool {
        self.looks[id.index()].is_none_or(|look| look.page.is_some() && !look.is_early)
    }

    pub(crate) fn refreshes_early(&self, id: WriterId) -> bool {
        self.looks[id.index()].is_some_and(|look| look.is_early)
    }

    pub(crate) fn can_read_early(&self, id: WriterId) -> bool {
        self.looks[id.index()].is_some_and(|look| look.read_early == ReadEarly::No)
    }

    /// The acquire that is about to begin reads META before its put arrives.
    pub(crate) fn read_early(&mut self, id: WriterId, table: &Table) {
        if let Some(look) = &mut self.looks[id.index()] {
            look.read_early = ReadEarly::Shown(table.fresh_page());
        }
    }

    /// The lease that answers an acquire from memory.
    pub(crate) fn recently_seen(&self, claim: Claim, now: Millis, mutant: Option<Mutant>) -> Option<Lock> {
        let lock = self.looks[claim.lease.writer.index()]?.lock?;
        (!lock.is_free_for(claim.owner, now, mutant) || mutant == Some(Mutant::SeenLeaseNeverEnds)).then_some(lock)
    }

    /// Whether such an answer is true: the lease was in the row at most 100 ms ago, and is not free for the caller.
    pub(crate) fn was_held(&self, lock: Lock, claim: Claim, now: Millis) -> bool {
        self.recent.contains(lock.lease) && !lock.has_ended_by(now) && lock.owner != claim.owner
    }

    /// Whether a page that is newer than the writer's last look makes its new lease needless.
    pub(crate) fn is_needless(&self, id: WriterId, table: &Table, mutant: Option<Mutant>) -> bool {
        let Some(look) = self.looks[id.index()] else { return false };
        let read = match look.read_early {
            ReadEarly::No => table.fresh_page(),
            ReadEarly::Shown(page) => page,
        };
        let is_newer = read != look.page || mutant == Some(Mutant::AnyPageIsNewer);
        read.is_some() && is_newer && mutant != Some(Mutant::NoSecondLook)
    }

    /// Whether the page that an acquire read, as early as it did, was published since the writer looked.
    pub(crate) fn reads_newer_page(&self, id: WriterId, table: &Table) -> bool {
        self.looks[id.index()].is_some_and(|look| match look.read_early {
            ReadEarly::Shown(page) => page.is_some() && page != look.page,
            ReadEarly::No => look.is_overtaken && table.fresh_page().is_some(),
        })
    }

    /// Whether a page was published since the writer looked.
    pub(crate) fn is_overtaken(&self, id: WriterId) -> bool {
        self.looks[id.index()].is_some_and(|look| look.is_overtaken)
    }

    /// The writer's store has changed the key, or a round of the writer is over.
    pub(crate) fn forget(&mut self, id: WriterId) {
        self.looks[id.index()] = None;
    }

    /// The memory of the writer's store is gone.
    pub(crate) fn crashed(&mut self, id: WriterId) {
        self.refreshed[id.index()] = Leases::EMPTY;
    }

    /// No request names the lease again.
    pub(crate) fn forget_page(&mut self, lease: Lease) {
        self.refreshed.iter_mut().for_each(|pages| pages.remove(lease));
    }

    /// The table has become `after`.
    pub(crate) fn changed(&mut self, before: &Table, after: &Table) {
        self.recent.insert_all(after.lock.map(|lock| lock.lease));
        if before.meta != after.meta && after.meta.is_some() {
            self.looks.iter_mut().flatten().for_each(|look| look.is_overtaken = true);
        }
    }

    /// More than 100 ms pass.
    pub(crate) fn time_passed(&mut self, table: &Table, mutant: Option<Mutant>) {
        self.recent = Leases::EMPTY;
        self.recent.insert_all(table.lock.map(|lock| lock.lease));
        if mutant != Some(Mutant::SeenLeaseForEver) {
            self.looks.iter_mut().flatten().for_each(|look| look.lock = None);
        }
    }
}

impl Look {
    fn at(table: &Table) -> Self {
        Self {
            page: table.fresh_page(),
            lock: table.lock,
            is_overtaken: false,
            is_early: false,
            read_early: ReadEarly::No,
        }
    }
}

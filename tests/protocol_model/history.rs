//! The part of the past that the properties need, in the order of its effects, and nothing more.
//!
//! A rule about a step is judged at the step, and the verdict kept; a rule about a state is judged in the state.

use super::call::Report;
use super::events::{Event, Witnesses};
use super::lease::{CommitCall, CommitCalls, Lease, Leases};
use super::message::{Answer, Claim, Invalidation, Invalidations, Request};
use super::rules::Rule;
use super::set::Set;
use super::table::{Copy, Lock, Origin, Table};
use super::time::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct History {
    /// The leases whose LOCK row has existed.
    locked: Leases,
    committed: CommitCalls,
    /// The leases committed through a revived LOCK.
    through_revived: Leases,
    /// Which invalidations have taken effect.
    invalidations: Invalidations,
    /// Those of them that deleted the page.
    deletions: Invalidations,
    /// Acquired before the invalidation took effect, and not again since.
    outdated: Leases,
    /// The last commit since the invalidation: whose page META has to be.
    pub(crate) newest: Option<Lease>,
    /// Which commits were told that the lease is lost.
    lost: CommitCalls,
    /// The leases whose commit had an unknown result, where a caller may commit again.
    doubtful: Option<Leases>,
    broken: Set<Rule>,
    /// Kept only where they are looked for, because they multiply the states.
    pub(crate) witnesses: Option<Witnesses>,
}

impl History {
    pub(crate) fn new(callers_commit_again: bool, looks_for_witnesses: bool) -> Self {
        Self {
            locked: Leases::EMPTY,
            committed: CommitCalls::EMPTY,
            through_revived: Leases::EMPTY,
            invalidations: Invalidations::EMPTY,
            deletions: Invalidations::EMPTY,
            outdated: Leases::EMPTY,
            newest: None,
            lost: CommitCalls::EMPTY,
            doubtful: callers_commit_again.then_some(Leases::EMPTY),
            broken: Set::EMPTY,
            witnesses: looks_for_witnesses.then(Witnesses::default),
        }
    }

    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        !self.broken.contains(rule)
    }

    pub(crate) fn has_committed(&self, call: CommitCall) -> bool {
        self.committed.contains(call)
    }

    fn require(&mut self, rule: Rule, holds: bool) {
        if !holds {
            self.broken.insert(rule);
        }
    }

    fn saw(&mut self, event: Event, happened: bool) {
        if let Some(witnesses) = &mut self.witnesses
            && happened
        {
            witnesses.seen.insert(event);
        }
    }

    /// The table has judged the condition of an acquire.
    pub(crate) fn acquire_judged(&mut self, lock: Option<Lock>, claim: Claim, now: Millis, is_free: bool) {
        let Some(lock) = lock else { return };
        let (has_ended, is_own) = (lock.has_ended_by(now), lock.owner == claim.owner);
        self.require(Rule::TakeOver, is_free || !has_ended);
        self.require(Rule::Exclusive, !is_free || has_ended || is_own);
        let has_crashed = self.witnesses.is_some_and(|witnesses| witnesses.crashed.contains(lock.lease));
        self.saw(Event::LeaseTakenOver, is_free && !is_own);
        self.saw(Event::CrashedLeaseTakenOver, is_free && !is_own && has_crashed);
    }

    /// LOCK is put over the row `before`.
    pub(crate) fn lock_put(&mut self, claim: Claim, copy: Copy, before: Option<Lock>) -> Origin {
        let lease = claim.lease;
        let origin = match (copy, before) {
            (Copy::Awaited, _) => Origin::Attempt,
            (Copy::LateDuplicate, Some(before)) if before.lease == lease => before.origin,
            (Copy::LateDuplicate, _) if self.locked.contains(lease) => Origin::Revived,
            (Copy::LateDuplicate, _) => Origin::LateDuplicate,
        };
        if copy == Copy::Awaited {
            self.outdated.remove(lease);
        }
        self.saw(Event::RevivedLease, origin == Origin::Revived);
        let is_newer = |before: Lock| before.owner == claim.owner && before.lease.round > lease.round;
        self.saw(
            Event::LateDuplicateReplacesOwnNewerLease,
            copy == Copy::LateDuplicate && before.is_some_and(is_newer),
        );
        if let Some(witnesses) = &mut self.witnesses
            && copy == Copy::Awaited
        {
            witnesses.overtaken = self.locked;
            witnesses.overtaken.remove(lease);
        }
        self.locked.insert(lease);
        origin
    }

    /// A commit takes effect on the table `before`.
    pub(crate) fn committed(&mut self, call: CommitCall, now: Millis, before: &Table) {
        let lease = call.lease;
        let own = before.lock.filter(|lock| lock.lease == lease);
        let through_revived = own.is_some_and(|lock| lock.origin == Origin::Revived);
        let is_first = lease.commits().all(|earlier| !self.committed.contains(earlier));
        let is_in_doubt = self.doubtful.is_some_and(|doubtful| doubtful.contains(lease));
        self.require(Rule::Fenced, own.is_some());
        self.require(Rule::Once, is_first || (through_revived && is_in_doubt && !self.committed.contains(call)));
        self.require(Rule::LostForEver, through_revived || !self.lost.contains(call));
        self.saw(Event::EndedLeaseCommits, own.is_some_and(|lock| lock.has_ended_by(now)));
        self.saw(Event::CommittedTwice, !is_first);
        self.saw(Event::CommittedAfterLost, self.lost.contains(call));
        if through_revived {
            self.through_revived.insert(lease);
            let overtaken = self.witnesses.map_or(Leases::EMPTY, |witnesses| witnesses.overtaken);
            let is_newer = |page| overtaken.contains(lease) && !overtaken.contains(page);
            self.saw(
                Event::RevivedLeaseReplacesNewerPage,
                self.invalidations == Invalidations::EMPTY && before.meta.is_some_and(is_newer),
            );
            self.saw(Event::RevivedLeaseBringsOutdatedPage, self.outdated.contains(lease));
        }
        self.committed.insert(call);
        self.newest = Some(lease);
    }

    pub(crate) fn released(&mut self, claimed: Lease, removed: Lease) {
        self.require(Rule::SafeRelease, claimed == removed);
    }

    /// An invalidation takes effect on META.
    pub(crate) fn invalidated(&mut self, call: Invalidation, is_soft: bool) {
        self.saw(Event::SoftInvalidationAgain, is_soft && self.invalidations.contains(call));
        if !is_soft {
            self.require(Rule::Once, !self.deletions.contains(call));
            self.deletions.insert(call);
        }
        self.invalidations.insert(call);
        self.outdated = self.locked;
        self.newest = self.newest.filter(|_| is_soft);
    }

    /// Of a lease acquired since the invalidation, or committed through a revived LOCK since.
    pub(crate) fn is_current(&self, page: Option<Lease>) -> bool {
        page.is_none_or(|lease| !self.outdated.contains(lease) || self.through_revived.contains(lease))
    }

    /// A `get`, begun when the invalidation had resolved.
    pub(crate) fn read(&mut self, table: &Table) {
        self.require(Rule::Invalidated, table.is_outdated || self.is_current(table.meta));
    }

    /// A caller commits again with a lease, after any result of the first commit.
    pub(crate) fn doubt(&mut self, lease: Lease) {
        if let Some(doubtful) = &mut self.doubtful {
            doubtful.insert(lease);
        }
    }

    /// A caller is told of a lease that its store has seen before the call.
    pub(crate) fn held_by_memory(&mut self, is_true: bool) {
        self.require(Rule::HeldIsTrue, is_true);
        self.saw(Event::HeldByMemory, true);
    }

    /// A lease is granted, or released because it is `needless`.
    pub(crate) fn looked_twice(&mut self, is_needless: bool, is_overtaken: bool, reads_newer_page: bool) {
        self.require(Rule::NeedlessIsTrue, !is_needless || is_overtaken);
        self.require(Rule::NotRenderedAgain, is_needless || !reads_newer_page);
        self.saw(Event::Needless, is_needless);
        self.saw(Event::RenderedAgain, !is_needless && is_overtaken);
    }

    /// A store asks a caller to regenerate a page that is fresh.
    pub(crate) fn asked_to_refresh(&mut self, is_allowed: bool) {
        self.require(Rule::RefreshedOnce, is_allowed);
    }

    /// The lease is for an early refresh, or its caller has turned back from one.
    pub(crate) fn refreshes(&mut self, is_early: bool, is_needless: bool) {
        self.saw(Event::RefreshedEarly, is_early && !is_needless);
        self.saw(Event::EarlyRefreshNeedless, is_early && is_needless);
    }

    pub(crate) fn crashed(&mut self, lease: Lease) {
        if let Some(witnesses) = &mut self.witnesses {
            witnesses.crashed.insert(lease);
        }
    }

    pub(crate) fn invalidation_reported(&mut self, call: Invalidation) {
        self.require(Rule::SuccessIsTrue, self.invalidations.contains(call));
    }

    /// A caller is told how its call went, which sent `request` last and got `answer`.
    pub(crate) fn reported(&mut self, report: Report, request: Request, answer: Answer, table: &Table) {
        match request {
            Request::Acquire { claim, .. } => self.acquire_reported(report, claim, table),
            Request::Commit { claim, nth, now, .. } => {
                self.commit_reported(report, CommitCall { lease: claim.lease, nth }, now, table);
            }
            Request::Release { claim } if report == Report::Needless => {
                let own = table.lock.filter(|lock| lock.token == claim.token);
                self.require(Rule::NotAcquiredIsTrue, own.is_none_or(|lock| lock.origin != Origin::Attempt));
            }
            Request::Release { .. } | Request::Invalidate { .. } => {}
        }
        let meets_own = answer == Answer::Done { again: true };
        self.saw(Event::RetryMeetsOwnLease, meets_own && report == Report::Acquired);
        self.saw(Event::RetryMeetsOwnCommit, meets_own && report == Report::Committed);
    }

    pub(crate) fn acquire_reported(&mut self, report: Report, claim: Claim, table: &Table) {
        let own = table.lock.filter(|lock| lock.token == claim.token);
        match report {
            Report::Acquired => self.require(Rule::AcquiredIsTrue, self.locked.contains(claim.lease)),
            Report::Held => self.require(Rule::NotAcquiredIsTrue, own.is_none()),
            Report::Contended => {
                self.require(Rule::NotAcquiredIsTrue, own.is_none_or(|lock| lock.origin != Origin::Attempt));
            }
            _ => {}
        }
        self.saw(Event::Held, report == Report::Held);
        self.saw(Event::Contended, report == Report::Contended);
    }

    fn commit_reported(&mut self, report: Report, call: CommitCall, now: Millis, table: &Table) {
        match report {
            Report::Committed => self.require(Rule::SuccessIsTrue, self.committed.contains(call)),
            Report::LeaseLost => {
                let own = table.lock.filter(|lock| lock.lease == call.lease);
                self.require(Rule::LostIsTrue, own.is_none_or(|lock| lock.has_expired_by(now)));
                self.require(Rule::LostForEver, !self.committed.contains(call));
                self.lost.insert(call);
                let is_outdated = self.outdated.contains(call.lease);
                self.saw(Event::InvalidationFences, is_outdated);
                let has_committed = call.lease.commits().any(|call| self.committed.contains(call));
                self.saw(Event::ZombieRefused, !is_outdated && own.is_none() && !has_committed);
                self.saw(Event::ExpiredLeaseRefused, own.is_some());
            }
            Report::CommitUnknown => {
                self.doubt(call.lease);
                if let Some(witnesses) = &mut self.witnesses {
                    witnesses.unknown.insert(call);
                }
                self.saw(Event::UnknownHadTakenEffect, self.committed.contains(call));
            }
            _ => {}
        }
    }

    /// Forgets a lease that has no row and that no request will name again.
    pub(crate) fn forget(&mut self, lease: Lease) {
        self.locked.remove(lease);
        self.outdated.remove(lease);
        self.through_revived.remove(lease);
        self.committed.remove_all(lease.commits());
        self.lost.remove_all(lease.commits());
        if let Some(doubtful) = &mut self.doubtful {
            doubtful.remove(lease);
        }
    }
}

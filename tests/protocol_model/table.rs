//! The table: its two rows, and the conditions on which they change. Each request takes effect in one instant.

use super::history::History;
use super::lease::{CommitCall, Lease, Owner, Token};
use super::message::{Answer, Claim, Invalidation, Part, Request, RequestToken, RequestTokens};
use super::mutants::Mutant;
use super::time::{LEASE, Millis, Seconds};

/// How a LOCK row came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// By an attempt that its caller waited for.
    Attempt,
    /// By a late duplicate, the first request of its call to take effect.
    LateDuplicate,
    /// By a late duplicate, after the row of its call had been there and was gone: a *revived LOCK*.
    Revived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lock {
    /// Known to the model only. The conditions see the other columns.
    pub(crate) lease: Lease,
    pub(crate) origin: Origin,
    pub(crate) token: Token,
    pub(crate) owner: Owner,
    expires_at: Seconds,
    pub(crate) expires_at_ms: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    /// The lease that published META.
    pub(crate) meta: Option<Lease>,
    /// A soft invalidation has marked META: every caller takes the page for stale.
    pub(crate) is_outdated: bool,
    pub(crate) lock: Option<Lock>,
    /// Which transactions have been applied.
    applied: RequestTokens,
}

/// Which copy of a request arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    /// The one whose answer the caller waits for.
    Awaited,
    LateDuplicate,
}

impl Lock {
    /// To the millisecond: the condition of an acquire has to find it out.
    pub(crate) fn has_ended_by(self, now: Millis) -> bool {
        self.expires_at_ms <= now
    }

    /// In whole seconds: the condition of a commit.
    pub(crate) fn has_expired_by(self, now: Millis) -> bool {
        self.expires_at <= now.rounded_down()
    }

    pub(crate) fn is_free_for(self, owner: Owner, now: Millis, mutant: Option<Mutant>) -> bool {
        let is_own = self.owner == owner && mutant != Some(Mutant::OwnLeaseIsHeld);
        let has_ended = match mutant {
            Some(Mutant::ExpiryIgnored) => false,
            Some(Mutant::ExpiryReversed) => self.expires_at_ms >= now,
            Some(Mutant::SecondsForMillis) => self.expires_at <= now.mistaken_for_seconds(),
            _ => self.has_ended_by(now),
        };
        is_own || has_ended
    }

    /// `tokenless` is the mutant that does without the token.
    fn is_of(self, claim: Claim, tokenless: Mutant, mutant: Option<Mutant>) -> bool {
        (self.token == claim.token || mutant == Some(tokenless))
            && (self.owner == claim.owner || mutant == Some(Mutant::OwnerIgnored))
    }
}

impl Table {
    pub(crate) const EMPTY: Self = Self { meta: None, is_outdated: false, lock: None, applied: RequestTokens::EMPTY };

    /// The page, unless every caller takes it for stale.
    pub(crate) fn fresh_page(&self) -> Option<Lease> {
        self.meta.filter(|_| !self.is_outdated)
    }

    /// The effect of `request` when it reaches the table.
    pub(crate) fn serve(
        &mut self,
        request: Request,
        copy: Copy,
        mutant: Option<Mutant>,
        history: &mut History,
    ) -> Answer {
        if self.has_applied(request) {
            return Answer::Done { again: true };
        }
        let answer = match request {
            Request::Acquire { claim, now } => self.acquire(claim, now, copy, mutant, history),
            Request::Commit { claim, now, part: Part::Whole, .. } if !self.may_commit(claim, now, mutant) => {
                Answer::Refused
            }
            Request::Commit { claim, part: Part::Second, .. } | Request::Release { claim } => {
                self.release(claim, mutant, history)
            }
            Request::Commit { claim, nth, now, part, .. } => {
                self.commit(CommitCall { lease: claim.lease, nth }, now, part, history)
            }
            Request::Invalidate { is_soft: true, .. }
                if self.meta.is_none() && mutant != Some(Mutant::SoftInvalidationIgnoresAbsence) =>
            {
                Answer::Refused
            }
            Request::Invalidate { call, is_soft, part, .. } => self.invalidate(call, is_soft, part, mutant, history),
        };
        if let (Some(token), Answer::Done { .. }) = (request.token(), answer) {
            self.applied.insert(token);
        }
        answer
    }

    /// A transaction that will never change anything again.
    pub(crate) fn has_applied(&self, request: Request) -> bool {
        request.token().is_some_and(|token| self.applied.contains(token))
    }

    fn acquire(
        &mut self,
        claim: Claim,
        now: Millis,
        copy: Copy,
        mutant: Option<Mutant>,
        history: &mut History,
    ) -> Answer {
        let is_free = self.lock.is_none_or(|lock| lock.is_free_for(claim.owner, now, mutant));
        history.acquire_judged(self.lock, claim, now, is_free);
        if !is_free {
            return Answer::Refused;
        }
        let ends = now.plus(LEASE);
        let again = self.lock.is_some_and(|lock| lock.lease == claim.lease);
        self.lock = Some(Lock {
            lease: claim.lease,
            origin: history.lock_put(claim, copy, self.lock),
            token: claim.token,
            owner: claim.owner,
            expires_at: ends.rounded_up(),
            expires_at_ms: ends,
        });
        Answer::Done { again }
    }

    fn may_commit(&self, claim: Claim, now: Millis, mutant: Option<Mutant>) -> bool {
        let Some(lock) = self.lock else { return mutant == Some(Mutant::CommitWithoutLock) };
        lock.is_of(claim, Mutant::CommitWithoutTokenCheck, mutant)
            && (!lock.has_expired_by(now) || mutant == Some(Mutant::CommitIgnoresExpiry))
    }

    fn commit(&mut self, call: CommitCall, now: Millis, part: Part, history: &mut History) -> Answer {
        history.committed(call, now, self);
        self.meta = Some(call.lease);
        self.is_outdated = false;
        self.lock = self.lock.filter(|_| part == Part::First);
        Answer::Done { again: false }
    }

    fn release(&mut self, claim: Claim, mutant: Option<Mutant>, history: &mut History) -> Answer {
        let is_ours = |lock: &Lock| lock.is_of(claim, Mutant::ReleaseWithoutTokenCheck, mutant);
        let Some(lock) = self.lock.filter(is_ours) else { return Answer::Refused };
        history.released(claim.lease, lock.lease);
        self.lock = None;
        Answer::Done { again: false }
    }

    fn invalidate(
        &mut self,
        call: Invalidation,
        is_soft: bool,
        part: Part,
        mutant: Option<Mutant>,
        history: &mut History,
    ) -> Answer {
        if part != Part::Second {
            history.invalidated(call, is_soft);
            self.is_outdated = is_soft && mutant != Some(Mutant::SoftInvalidationKeepsFreshness);
            self.meta = self.meta.filter(|_| is_soft || mutant == Some(Mutant::InvalidateKeepsPage));
        }
        if part != Part::First {
            let keeps_lock = match mutant {
                Some(Mutant::InvalidateKeepsLock) => !is_soft,
                Some(Mutant::SoftInvalidationKeepsLock) => is_soft,
                _ => false,
            };
            self.lock = self.lock.filter(|_| keeps_lock);
        }
        Answer::Done { again: false }
    }

    /// Forgets the transactions of a lease that no request will name again.
    pub(crate) fn forget(&mut self, lease: Lease) {
        self.applied.remove_all(lease.commits().flat_map(RequestToken::all_of));
    }
}

//! The network and the world: their faults, how often each occurs, and the copies of requests that are still in flight.

use crate::call::Then;
use crate::message::Request;

/// The outcome of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It takes effect, and the caller has the answer. (An answer that takes its time is as good as a slow caller.)
    Served,
    /// Lost before it takes effect.
    RequestLost(Then),
    /// It takes effect, and the answer is lost.
    AnswerLost(Then),
    /// The caller stops waiting. The request arrives at any later time, or never.
    Delayed(Then),
    /// Another copy arrives at any later time, or never. The caller goes on waiting.
    Duplicated,
    /// Refused without effect, because another transaction is in the way.
    Conflict(Then),
    /// Refused without effect.
    Throttled(Then),
    /// The caller crashes. The request arrives at any later time, or never.
    CallerCrashes,
}

impl Fate {
    pub(crate) const ALL: [Self; 16] = [
        Self::Served,
        Self::RequestLost(Then::Retry),
        Self::RequestLost(Then::GiveUp),
        Self::RequestLost(Then::TimeIsUp),
        Self::AnswerLost(Then::Retry),
        Self::AnswerLost(Then::GiveUp),
        Self::AnswerLost(Then::TimeIsUp),
        Self::Delayed(Then::Retry),
        Self::Delayed(Then::GiveUp),
        Self::Delayed(Then::TimeIsUp),
        Self::Duplicated,
        Self::Conflict(Then::Retry),
        Self::Conflict(Then::GiveUp),
        Self::Throttled(Then::Retry),
        Self::Throttled(Then::GiveUp),
        Self::CallerCrashes,
    ];

    pub(crate) fn ends_for_lack_of_time(self) -> bool {
        let (Self::RequestLost(then) | Self::AnswerLost(then) | Self::Delayed(then)) = self else { return false };
        then == Then::TimeIsUp
    }

    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Served => None,
            Self::RequestLost(_) => Some(Fault::RequestLost),
            Self::AnswerLost(_) => Some(Fault::AnswerLost),
            Self::Delayed(_) => Some(Fault::Delay),
            Self::Duplicated => Some(Fault::Duplicate),
            Self::Conflict(_) | Self::Throttled(_) => Some(Fault::Refusal),
            Self::CallerCrashes => Some(Fault::Crash),
        }
    }
}

/// A kind of fault, each with a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    RequestLost,
    AnswerLost,
    Delay,
    Duplicate,
    Refusal,
    /// A writer forgets everything. Its sent requests stay in flight.
    Crash,
    /// Time passes.
    Pause,
}

/// How many faults of each kind are still to come, and how many of all kinds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) lost_requests: u8,
    pub(crate) lost_answers: u8,
    pub(crate) delays: u8,
    pub(crate) duplicates: u8,
    pub(crate) refusals: u8,
    pub(crate) crashes: u8,
    pub(crate) pauses: u8,
    pub(crate) together: u8,
}

impl Budget {
    /// `each` of every kind, but no more than that `together`.
    pub(crate) const fn of(each: u8, together: u8) -> Self {
        Self {
            lost_requests: each,
            lost_answers: each,
            delays: each,
            duplicates: each,
            refusals: each,
            crashes: each,
            pauses: each,
            together,
        }
    }

    fn left(&mut self, fault: Fault) -> &mut u8 {
        match fault {
            Fault::RequestLost => &mut self.lost_requests,
            Fault::AnswerLost => &mut self.lost_answers,
            Fault::Delay => &mut self.delays,
            Fault::Duplicate => &mut self.duplicates,
            Fault::Refusal => &mut self.refusals,
            Fault::Crash => &mut self.crashes,
            Fault::Pause => &mut self.pauses,
        }
    }

    pub(crate) fn allows(mut self, fault: Fault) -> bool {
        self.together > 0 && *self.left(fault) > 0
    }

    pub(crate) fn spend(&mut self, fault: Fault) {
        *self.left(fault) -= 1;
        self.together -= 1;
        if self.together == 0 {
            // The remaining counts of each kind would only separate states that have the same future.
            *self = Self::of(0, 0);
        }
    }
}

/// The maximum number of copies in flight.
const LATE_DUPLICATES: usize = 4;

/// Copies of requests whose caller no longer waits, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct LateDuplicates([Option<Request>; LATE_DUPLICATES]);

impl LateDuplicates {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Request> {
        self.0.iter().flatten().copied()
    }

    pub(crate) fn add(&mut self, request: Request) {
        let place = self.0.iter_mut().find(|place| place.is_none()).expect("bounds with fewer late duplicates");
        *place = Some(request);
        self.0.sort_unstable();
    }

    pub(crate) fn remove(&mut self, request: Request) {
        if let Some(place) = self.0.iter_mut().find(|place| **place == Some(request)) {
            *place = None;
        }
        self.0.sort_unstable();
    }

    pub(crate) fn remove_where(&mut self, is_removed: impl Fn(Request) -> bool) {
        for place in &mut self.0 {
            *place = place.filter(|request| !is_removed(*request));
        }
        self.0.sort_unstable();
    }
}

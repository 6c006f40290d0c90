//! How often and how long a request is tried.
//!
//! The SDK's own retries are off, because two things are needed that they cannot say: whether any earlier attempt may
//! have taken effect, and attempts against a conflicting transaction counted apart from the others.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::fault::{Class, Fault, Limit};

const SHORTEST_BACKOFF_MS: f64 = 25.0;
const LONGEST_BACKOFF_MS: f64 = 400.0;

/// How a request is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// Attempts that fail for any reason but a conflict.
    pub(super) max_attempts: u32,
    /// Attempts that fail by a conflict.
    pub(super) max_conflicts: u32,
    /// Limit for one attempt.
    pub(super) request_timeout: Duration,
}

/// The end of a call, and how long the call was meant to take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    pub(crate) fn after(allowed: Duration) -> Self {
        Self { at: Instant::now() + allowed, allowed }
    }

    /// Earlier by a tenth of the whole, for what has to be done when this one has passed.
    pub(crate) fn with_reserve(self) -> Self {
        Self { at: self.at - self.allowed / 10, allowed: self.allowed }
    }

    pub(super) async fn limit<T>(self, future: impl Future<Output = T>) -> Result<T, Fault> {
        timeout_at(self.at, future).await.map_err(|_| Fault::timed_out(Limit::Operation, self.allowed))
    }
}

/// Why a request failed for good.
#[derive(Debug)]
pub(super) struct Failure {
    /// The last attempt's fault.
    pub(super) fault: Fault,
    /// Whether any attempt may have taken effect.
    pub(super) may_have_been_applied: bool,
    /// How many attempts were made.
    pub(super) attempts: u32,
}

/// Tries `request` until it succeeds, cannot succeed, has been tried often enough, or time is up.
pub(super) async fn attempt<T, F, R>(policy: Policy, deadline: Deadline, mut request: R) -> Result<T, Failure>
where
    R: FnMut() -> F,
    F: Future<Output = Result<T, Fault>>,
{
    let (mut attempts, mut conflicts, mut may_have_been_applied) = (0, 0, false);
    loop {
        attempts += 1;
        let fault = match one_attempt(policy, deadline, request()).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        may_have_been_applied |= fault.may_have_been_applied;
        let is_conflict = fault.class == Class::Conflict;
        conflicts += u32::from(is_conflict);
        let tries_are_left = match fault.class {
            Class::ConditionFailed | Class::Final(_) | Class::TimedOut(Limit::Operation) => false,
            Class::Conflict => conflicts < policy.max_conflicts,
            Class::Throttled | Class::TimedOut(_) | Class::Unavailable => attempts - conflicts < policy.max_attempts,
        };
        let pause = backoff(attempts);
        if !tries_are_left || Instant::now() + pause >= deadline.at {
            return Err(Failure { fault, may_have_been_applied, attempts });
        }
        sleep(pause).await;
    }
}

async fn one_attempt<T>(
    policy: Policy,
    deadline: Deadline,
    request: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let request_ends = Instant::now() + policy.request_timeout;
    if deadline.at <= request_ends {
        return deadline.limit(request).await?;
    }
    timeout_at(request_ends, request).await.map_err(|_| Fault::timed_out(Limit::Request, policy.request_timeout))?
}

/// 25 to 50 ms after the first attempt, twice that after each further one, up to 400 to 800 ms.
fn backoff(attempts: u32) -> Duration {
    let base = (SHORTEST_BACKOFF_MS * 2_f64.powi(attempts.min(10).cast_signed() - 1)).min(LONGEST_BACKOFF_MS);
    Duration::from_secs_f64(base * (1.0 + fastrand::f64()) / 1_000.0)
}

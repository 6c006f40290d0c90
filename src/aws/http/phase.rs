//! How far a request has come: for the message when it fails, or when a time limit passes meanwhile.

use std::cell::Cell;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// The steps of a request, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The connector has not seen the request yet.
    Preparing,
    Trust,
    Lookup,
    Connect,
    Proxy,
    Handshake,
    Sending,
    Waiting,
    Reading,
}

impl Phase {
    const ALL: [Self; 9] = [
        Self::Preparing,
        Self::Trust,
        Self::Lookup,
        Self::Connect,
        Self::Proxy,
        Self::Handshake,
        Self::Sending,
        Self::Waiting,
        Self::Reading,
    ];
}

impl Phase {
    /// Whether the status of an answer has come in.
    pub(crate) fn has_status(self) -> bool {
        self >= Self::Reading
    }

    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Preparing => "the preparation of the request",
            Self::Trust => "the reading of trusted certificates",
            Self::Lookup => "the name lookup",
            Self::Connect => "the connection",
            Self::Proxy => "the tunnel through the proxy",
            Self::Handshake => "the TLS handshake",
            Self::Sending => "sending the request",
            Self::Waiting => "waiting for the answer",
            Self::Reading => "reading the answer",
        }
    }
}

/// The phrase that follows "the limit was exceeded".
impl Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preparing => "before a connection was tried",
            Self::Trust => "while reading the trusted certificates",
            Self::Lookup => "during the name lookup",
            Self::Connect => "while connecting",
            Self::Proxy => "while connecting through the proxy",
            Self::Handshake => "during the TLS handshake",
            Self::Sending => "while sending the request",
            Self::Waiting => "while waiting for the answer",
            Self::Reading => "while reading the answer",
        })
    }
}

thread_local! {
    /// How far the request had come that was dropped last on this thread.
    static DROPPED: Cell<Option<Reached>> = const { Cell::new(None) };
    /// Whether this thread is giving up a request whose timeout has passed.
    static ABANDONS: Cell<bool> = const { Cell::new(false) };
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) phase: Phase,
    /// Whether any byte of the request was handed to the operating system: if not, nothing can have been applied.
    pub(crate) was_sent: bool,
}

/// Gives up a pending request whose timeout has passed, and tells how far it has come; nothing where it does not go over these connections.
///
/// The SDK stands between the caller and the connector, and has no way back for an attempt without an outcome.
pub(crate) fn abandon<T>(request: T) -> Option<Reached> {
    DROPPED.set(None);
    ABANDONS.set(true);
    drop(request);
    ABANDONS.set(false);
    DROPPED.take()
}

/// Whether the request that is being dropped on this thread was given up because its timeout has passed.
pub(super) fn is_abandoned() -> bool {
    ABANDONS.get()
}

/// Where it is dropped, its request is over.
pub(super) struct Ending(pub(super) Progress);

impl Drop for Ending {
    fn drop(&mut self) {
        DROPPED.set(Some(Reached { phase: self.0.phase(), was_sent: self.0.was_sent() }));
    }
}

/// The phase of one attempt, as its connection and its exchange see it.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    was_sent: AtomicBool,
}

impl Progress {
    pub(super) fn phase(&self) -> Phase {
        let phase = usize::from(self.0.phase.load(Ordering::Relaxed));
        Phase::ALL.get(phase).copied().unwrap_or(Phase::Preparing)
    }

    pub(super) fn was_sent(&self) -> bool {
        self.0.was_sent.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) {
        self.0.was_sent.store(true, Ordering::Relaxed);
        if self.phase() == Phase::Sending {
            self.enter(Phase::Waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progress_tells_the_phase_that_was_entered_last() {
        let progress = Progress::default();
        assert_eq!((progress.phase(), progress.was_sent()), (Phase::Preparing, false));
        for phase in Phase::ALL {
            progress.enter(phase);
            assert_eq!(progress.clone().phase(), phase);
        }
        progress.enter(Phase::Sending);
        progress.sent();
        assert_eq!((progress.phase(), progress.was_sent()), (Phase::Waiting, true));
    }

    #[test]
    fn a_request_that_is_given_up_tells_how_far_it_had_come() {
        let progress = Progress::default();
        progress.enter(Phase::Sending);
        progress.sent();
        drop(Ending(Progress::default()));
        let reached = abandon(Box::new(Ending(progress)));
        assert_eq!(reached, Some(Reached { phase: Phase::Waiting, was_sent: true }));
        assert_eq!(abandon(()), None);
    }
}

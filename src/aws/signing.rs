//! The credentials and the clock of signatures, and their correction after a refused one.

use std::time::SystemTime;

use super::credentials::{CurrentCredentials, Generation};
use super::signing_clock::{Correction, SigningClock};

/// Why a server refused a signature that may be right the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its time is wrong by the server's clock, which says this.
    Clock(SystemTime),
    /// The credentials have expired.
    Credentials,
}

/// The credentials and the clock of one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signed {
    generation: Generation,
    correction: Correction,
}

/// The credentials and the clock of one store.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    pub(crate) credentials: CurrentCredentials,
    pub(crate) clock: SigningClock,
}

impl Signing {
    /// Those of the next signature.
    pub(crate) fn now(&self) -> Signed {
        Signed { generation: self.credentials.generation(), correction: self.clock.correction() }
    }

    /// Whether a request that was refused would now be signed otherwise. May ask the source of the credentials.
    pub(crate) async fn changes_after(&self, refusal: Refusal, used: Signed) -> bool {
        match refusal {
            Refusal::Clock(server) => self.clock.learn(server, used.correction),
            Refusal::Credentials => self.credentials.replace(used.generation).await,
        }
    }
}

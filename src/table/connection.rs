//! The connection of one table. It is made at the first call, in a task of its own: a call that gives up does not end the
//! attempt, and later calls use its result. So a file that is slower than a call's deadline delays only the first calls.

use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::watch;

use crate::aws::{self, Connected};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;

pub(super) struct Connection {
    pub(super) config: Config,
    connected: OnceLock<Connected>,
    /// The attempt in flight. A failure is not kept: the next call begins another attempt.
    attempt: Mutex<Option<Attempt>>,
}

type Attempt = watch::Receiver<Option<Result<()>>>;

impl Connection {
    pub(super) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self { config, connected: OnceLock::new(), attempt: Mutex::default() })
    }

    /// Nothing before the first attempt has succeeded.
    pub(super) fn established(&self) -> Option<&Connected> {
        self.connected.get()
    }

    /// # Errors
    /// Those of [`aws::connect`].
    pub(super) async fn establish(self: &Arc<Self>) -> Result<&Connected> {
        if self.established().is_none() {
            let gone = || Error::new(ErrorKind::Unexpected, "the attempt to connect has failed");
            let mut attempt = self.attempt();
            let outcome = attempt.wait_for(Option::is_some).await.map_err(|_| gone())?.clone();
            outcome.unwrap_or_else(|| Err(gone()))?;
        }
        self.established().ok_or_else(|| Error::new(ErrorKind::Unexpected, "the connection is missing"))
    }

    /// Joins the attempt in flight, or begins one.
    fn attempt(self: &Arc<Self>) -> Attempt {
        let mut current = lock(&self.attempt);
        // A sender that is gone has panicked.
        if let Some(attempt) = current.as_ref().filter(|attempt| attempt.has_changed().is_ok()) {
            return attempt.clone();
        }
        let (done, attempt) = watch::channel(None);
        *current = Some(attempt.clone());
        let connection = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = aws::connect(&connection.config).await.map(|connected| {
                // Set already where another attempt ended as this one began.
                let _ = connection.connected.set(connected);
            });
            *lock(&connection.attempt) = None;
            done.send_replace(Some(outcome));
        });
        attempt
    }
}

//! The connection of one table. It is made at the first call, in a task of its own: a call that gives up does not end the
//! attempt, and later calls use its result. So a file that is slower than a call's deadline delays only the first calls.

use std::sync::{Arc, Mutex, OnceLock};

use crate::aws::{self, Connected};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::shared_task::{Outcome, SharedTask};
use crate::sync::lock;

pub(super) struct Connection {
    pub(super) config: Config,
    connected: OnceLock<Connected>,
    /// A failure is not kept: the next call begins another attempt.
    attempt: Mutex<SharedTask>,
}

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
        let gone = || Error::new(ErrorKind::Unexpected, "the attempt to connect has failed");
        if self.established().is_none() {
            self.attempt().wait().await.unwrap_or_else(|| Err(gone()))?;
        }
        self.established().ok_or_else(gone)
    }

    fn attempt(self: &Arc<Self>) -> Outcome {
        lock(&self.attempt).join_or_begin(|| {
            let connection = Arc::clone(self);
            async move {
                let connected = aws::connect(&connection.config).await?;
                // Set already where another attempt ended as this one began.
                let _ = connection.connected.set(connected);
                Ok(())
            }
        })
    }
}

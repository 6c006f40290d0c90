//! The thread that calls are worked on, one for all environments of the process.

use std::panic::catch_unwind;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::{Error, ErrorKind, Result};

/// One worker: requests wait for the network and not for a processor, and a second worker only adds hand-overs. Its
/// thread never keeps the process alive, and lives as long as the process, as the addon's code does.
///
/// # Errors
/// `Unexpected` when the operating system has no thread left.
pub(in crate::binding) fn worker() -> Result<&'static Runtime> {
    static WORKER: OnceLock<Runtime> = OnceLock::new();
    if let Some(worker) = WORKER.get() {
        return Ok(worker);
    }
    // Tokio panics when the system cannot start another thread.
    let build = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("tabletheory-isr")
            .enable_all()
            .build()
    };
    match catch_unwind(build) {
        Ok(Ok(worker)) => Ok(WORKER.get_or_init(|| worker)),
        Ok(Err(cause)) => Err(no_worker().caused_by(cause)),
        Err(_) => Err(no_worker()),
    }
}

fn no_worker() -> Error {
    Error::new(ErrorKind::Unexpected, "the thread that sends requests could not be started")
}

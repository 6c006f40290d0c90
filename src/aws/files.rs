//! Files that are read without blocking the worker, each within a limit: a named pipe, or a file on a dead mount, may
//! never answer.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::time::timeout;

use super::off_thread::{OffThread, same_error};

/// A list of certificates has a quarter of a megabyte; a configuration has less.
const LARGEST_BYTES: u64 = 8 * 1_024 * 1_024;
const MOST_THREADS: usize = 32;

type Contents = Result<Arc<[u8]>, Arc<io::Error>>;

static READS: LazyLock<OffThread<PathBuf, Contents>> = LazyLock::new(|| OffThread::new("isr-file", MOST_THREADS));

/// The contents of a file. Callers that read one file at the same time share the read.
///
/// # Errors
/// That of the file; of kind `TimedOut` when `limit` passes first; of kind `FileTooLarge` above 8 MB.
pub(crate) async fn read(path: &Path, limit: Duration) -> io::Result<Arc<[u8]>> {
    let key = path.to_owned();
    let path = path.to_owned();
    let contents = timeout(limit, READS.run(key, move || read_now(&path).map_err(Arc::new))).await;
    let silent = |_| io::Error::new(io::ErrorKind::TimedOut, format!("not read within {} ms", limit.as_millis()));
    contents.map_err(silent)??.map_err(|error| same_error(&error))
}

fn read_now(path: &Path) -> io::Result<Arc<[u8]>> {
    let mut contents = Vec::new();
    File::open(path)?.take(LARGEST_BYTES + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > LARGEST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 8 MB"));
    }
    Ok(contents.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_file_is_read_and_one_that_is_missing_or_endless_is_an_error() {
        let contents = read(Path::new("Cargo.toml"), LIMIT).await.expect("there");
        assert!(contents.starts_with(b"[package]"));
        let missing = read(Path::new("no such file"), LIMIT).await.expect_err("missing");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(missing.raw_os_error().is_some());
        #[cfg(unix)]
        {
            let endless = read(Path::new("/dev/zero"), LIMIT).await.expect_err("endless");
            assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_named_pipe_without_a_writer_fails_at_the_limit_and_delays_no_other_file() {
        let folder = std::env::temp_dir().join(format!("tabletheory-isr-pipe-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let pipe = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        for _ in 0..MOST_THREADS * 2 {
            let error = read(&pipe, Duration::from_millis(2)).await.expect_err("silent");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        assert!(read(Path::new("Cargo.toml"), LIMIT).await.is_ok());
        // Lets the thread end.
        std::fs::write(&pipe, "").expect("written");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}

//! Credentials that a program writes: `credential_process` of a profile.
//!
//! The program sees the environment that the store was made with. Its standard error may hold secrets, and goes nowhere.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_credential_types::Credentials;
use serde_json::Value;
use tokio::sync::oneshot;

use super::answer;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;

const LARGEST_OUTPUT: u64 = 1_024 * 1_024;
/// Always given: without it the standard library reads the environment.
pub(super) const STACK_BYTES: usize = 256 * 1_024;
const PAUSE: Duration = Duration::from_millis(10);

/// Runs the program to its end. When the caller stops waiting, the program is killed.
pub(super) async fn load(command: &str, profile: &str, environment: &Environment) -> Result<Credentials> {
    let failed = |how: &str| {
        let message = format!("no AWS credentials: the credential_process of profile \"{profile}\" {how}");
        Error::new(ErrorKind::Credentials, message)
    };
    let (status, output) = run(shell(command, environment)).await.map_err(|cause| {
        let failed = failed("could not be run");
        // Neither the command nor its output is part of it.
        failed.caused_by(cause.to_string())
    })?;
    if !status.success() {
        return Err(failed(&format!("failed with {status}; run the command by hand to see why")));
    }
    let value: Value = serde_json::from_slice(&output).map_err(|_| failed("did not write JSON"))?;
    if value.get("Version").and_then(Value::as_u64) != Some(1) {
        return Err(failed("did not write \"Version\": 1"));
    }
    let unusable = || failed("did not write AccessKeyId, SecretAccessKey and, if any, an Expiration in ISO 8601");
    answer::credentials(&value, "SessionToken", "process").ok_or_else(unusable)
}

fn shell(line: &str, environment: &Environment) -> Command {
    let mut command = shell_with(line, environment);
    let is_usable =
        |(name, value): &(&str, &str)| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
    command.env_clear().envs(environment.iter().filter(is_usable));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The shell is named by its whole path: a search would read the process's environment.
#[cfg(not(windows))]
fn shell_with(line: &str, _: &Environment) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

/// As Node.js starts it: `cmd.exe` takes the line as it is, and does not read the quotes of other programs' arguments.
#[cfg(windows)]
fn shell_with(line: &str, environment: &Environment) -> Command {
    use std::os::windows::process::CommandExt;
    use std::path::Path;

    let folder = environment.get("SystemRoot").unwrap_or("C:\\Windows");
    let mut command = Command::new(Path::new(folder).join("System32").join("cmd.exe"));
    command.raw_arg(format!("/d /s /c \"{line}\""));
    command
}

/// Ends the program when the wait for it is given up.
struct EndOnDrop(Arc<Mutex<Option<Child>>>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(child) = lock(&self.0).as_mut() {
            // One that has ended already needs no end.
            let _ = child.kill();
        }
    }
}

/// On a thread of its own: tokio would take over a signal that belongs to Node.js.
async fn run(mut command: Command) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let running = Arc::new(Mutex::new(None));
    let end = EndOnDrop(Arc::clone(&running));
    let (done, result) = oneshot::channel();
    thread::Builder::new().name("isr-credentials".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        // After the wait was given up, the result is dropped.
        let _ = done.send(run_to_end(&mut command, &running));
    })?;
    let outcome = result.await.unwrap_or_else(|_| Err(std::io::Error::other("its thread has failed")));
    drop(end);
    outcome
}

fn run_to_end(command: &mut Command, running: &Mutex<Option<Child>>) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = command.spawn()?;
    let stdout = child.stdout.take();
    *lock(running) = Some(child);
    let mut output = Vec::new();
    if let Some(stdout) = stdout {
        stdout.take(LARGEST_OUTPUT).read_to_end(&mut output)?;
    }
    loop {
        // The lock is not held while the program runs on, so that it can be ended.
        let status = lock(running).as_mut().map(Child::try_wait).transpose()?.flatten();
        if let Some(status) = status {
            *lock(running) = None;
            return Ok((status, output));
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    fn environment() -> Environment {
        [("MARK", "of the snapshot"), ("PATH", "/usr/bin:/bin")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    async fn load(command: &str) -> Result<Credentials> {
        super::load(command, "blue", &environment()).await
    }

    const ANSWER: &str = r#"{"Version":1,"AccessKeyId":"id","SecretAccessKey":"secret"}"#;

    #[tokio::test]
    async fn a_program_writes_credentials_and_sees_the_environment_of_the_store_only() {
        let read = load(&format!("echo '{ANSWER}'")).await.expect("credentials");
        assert_eq!((read.access_key_id(), read.expiry()), ("id", None));
        // CARGO is in the environment of this process.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = format!(r#"test "$MARK" = 'of the snapshot' && test -z "$CARGO_PKG_NAME" && echo '{ANSWER}'"#);
        load(&command).await.expect("the variable is there and no other");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_an_error_without_its_output() {
        for (command, says) in [
            ("echo CANARY >&2; exit 3", "exit status: 3"),
            ("echo CANARY; exit 1", "exit status: 1"),
            ("echo CANARY", "did not write JSON"),
            (r#"echo '{"AccessKeyId":"CANARY"}'"#, "Version"),
            (r#"echo '{"Version":1,"AccessKeyId":"CANARY"}'"#, "SecretAccessKey"),
            ("/no/such/CANARY", "exit status: 127"),
        ] {
            let error = load(command).await.expect_err(command);
            assert_eq!(error.kind(), ErrorKind::Credentials);
            let mut next: Option<&dyn std::error::Error> = Some(&error);
            while let Some(cause) = next {
                assert!(!format!("{cause} {cause:?}").contains("CANARY"), "{cause:?}");
                next = cause.source();
            }
            assert!(error.to_string().contains("profile \"blue\"") && error.to_string().contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_waited_for_any_more_is_ended() {
        let start = Instant::now();
        let running = Arc::new(Mutex::new(None));
        let end = EndOnDrop(Arc::clone(&running));
        let thread = thread::spawn(move || run_to_end(&mut shell("exec sleep 60", &environment()), &running));
        while lock(&end.0).is_none() {
            tokio::time::sleep(PAUSE).await;
        }
        drop(end);
        let (status, _) = thread.join().expect("no panic").expect("ended");
        assert!(!status.success() && start.elapsed() < Duration::from_secs(30), "{status}");
    }
}

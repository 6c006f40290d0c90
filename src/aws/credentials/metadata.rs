//! The role of an EC2 instance, from its metadata service (version 2).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::http::Request;
use aws_credential_types::Credentials;
use aws_smithy_async::time::TimeSource;
use serde_json::Value;
use url::Url;

use super::Chain;
use super::answer;
use super::http::{Answer, Fault, Patience, unavailable};
use crate::aws::profile::SharedFiles;
use crate::error::{Error, ErrorKind, Result};

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
/// In a profile.
pub(crate) const ENDPOINT_KEY: &str = "ec2_metadata_service_endpoint";
const MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const TIMEOUT: &str = "AWS_METADATA_SERVICE_TIMEOUT";
const ATTEMPTS: &str = "AWS_METADATA_SERVICE_NUM_ATTEMPTS";
const SERVICE: &str = "the EC2 metadata service";
const ROLES: &str = "latest/meta-data/iam/security-credentials/";
/// The defaults of the AWS CLI.
const USUAL: Patience = Patience { limit: Duration::from_secs(1), attempts: 1 };
/// For how long credentials that have expired serve on, as AWS's SDKs do it: the service hands them out while it cannot
/// get others, and AWS takes them meanwhile.
const EXTENSION: Duration = Duration::from_mins(5);

/// Whether there is a service is known once it has answered.
#[derive(Debug, Default)]
pub(super) struct MetadataService {
    has_answered: AtomicBool,
}

impl MetadataService {
    /// Nothing where the service does not exist, or the environment switches it off.
    pub(super) async fn load(&self, chain: &Chain, files: &SharedFiles) -> Result<Option<Credentials>> {
        let environment = &chain.environment;
        if environment.get(DISABLED).is_some_and(|value| !value.eq_ignore_ascii_case("false")) {
            return Ok(None);
        }
        let named = environment.get(ENDPOINT).or_else(|| files.get(ENDPOINT_KEY));
        let mode = environment.get(MODE).or_else(|| files.get("ec2_metadata_service_endpoint_mode"));
        let url = service_url(named, mode)?;
        let patience = Patience { limit: limit(chain, files)?, attempts: attempts(chain, files)? };
        let request = Request::put(join(&url, "latest/api/token")?.as_str())
            .header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
            .body(String::new())
            .map_err(not_built)?;
        let is_certain = named.is_some() || self.has_answered.load(Ordering::Relaxed);
        let token = match self.ask(chain, patience, &request).await? {
            Ok(answer) => succeeded(answer)?.body,
            // Off EC2 there is nothing at the address. A service that is silent takes connections at least.
            Err(Fault::NotConnected(_) | Fault::Unreachable(_)) if !is_certain => return Ok(None),
            Err(fault) => return Err(fault.into_error(SERVICE)),
        };
        let get = async |path: &str| {
            let request = Request::get(join(&url, path)?.as_str())
                .header("x-aws-ec2-metadata-token", &token)
                .body(String::new())
                .map_err(not_built)?;
            succeeded(self.ask(chain, patience, &request).await?.map_err(|fault| fault.into_error(SERVICE))?)
        };
        let roles = get(ROLES).await?.body;
        let role = roles.lines().next().map(str::trim).unwrap_or_default();
        let answer = get(&format!("{ROLES}{role}")).await?;
        read(&answer, chain).map(Some)
    }

    async fn ask(&self, chain: &Chain, patience: Patience, request: &Request<String>) -> Result<Result<Answer, Fault>> {
        let mut last = chain.http.send(patience.limit, request).await?;
        for _ in 1..patience.attempts {
            if last.as_ref().is_ok_and(|answer| !answer.is_passing_fault()) {
                break;
            }
            last = chain.http.send(patience.limit, request).await?;
        }
        if last.is_ok() {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        Ok(last)
    }
}

fn succeeded(answer: Answer) -> Result<Answer> {
    match answer.status {
        200..300 => Ok(answer),
        404 => Err(refused("has no role for this instance")),
        _ if answer.is_passing_fault() => Err(unavailable(SERVICE, answer.status)),
        status => Err(refused(&format!("refused with HTTP status {status}"))),
    }
}

fn refused(how: &str) -> Error {
    Error::new(ErrorKind::Credentials, format!("no AWS credentials: {SERVICE} {how}"))
}

fn read(answer: &Answer, chain: &Chain) -> Result<Credentials> {
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if let Some(code) = answer::text(&value, "Code").filter(|code| *code != "Success") {
        return Err(refused(&format!("answered {code:?}")));
    }
    let mut credentials =
        answer::credentials(&value, "Token", "instance").ok_or_else(|| unavailable(SERVICE, answer.status))?;
    let now = chain.clock.now();
    if let Some(expiry) = credentials.expiry_mut().as_mut().filter(|expiry| **expiry <= now) {
        *expiry = now + EXTENSION;
    }
    Ok(credentials)
}

fn service_url(named: Option<&str>, mode: Option<&str>) -> Result<Url> {
    let usual = match mode {
        Some(mode) if mode.eq_ignore_ascii_case("ipv6") => "http://[fd00:ec2::254]",
        Some(mode) if !mode.eq_ignore_ascii_case("ipv4") => {
            return Err(Error::new(ErrorKind::Config, format!("{MODE} must be IPv4 or IPv6, and is {mode:?}")));
        }
        _ => "http://169.254.169.254",
    };
    let text = named.unwrap_or(usual);
    let mut url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| Error::new(ErrorKind::Config, format!("{ENDPOINT} is not a valid URL: {text:?}")))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn join(url: &Url, path: &str) -> Result<Url> {
    url.join(path).map_err(|cause| refused("named a role that cannot be asked for").caused_by(cause))
}

fn not_built(cause: ::http::Error) -> Error {
    refused("has handed out a token that cannot be sent").caused_by(cause)
}

fn limit(chain: &Chain, files: &SharedFiles) -> Result<Duration> {
    let Some(text) = chain.environment.get(TIMEOUT).or_else(|| files.get("metadata_service_timeout")) else {
        return Ok(USUAL.limit);
    };
    let seconds = text.parse().ok().filter(|seconds: &f64| (0.001..=300.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("{TIMEOUT} must be seconds, above 0 and at most 300, and is {text:?}"))
    })
}

fn attempts(chain: &Chain, files: &SharedFiles) -> Result<u32> {
    let Some(text) = chain.environment.get(ATTEMPTS).or_else(|| files.get("metadata_service_num_attempts")) else {
        return Ok(USUAL.attempts);
    };
    text.parse().ok().filter(|attempts| (1..=100).contains(attempts)).ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("{ATTEMPTS} must be a whole number from 1 to 100, and is {text:?}"))
    })
}

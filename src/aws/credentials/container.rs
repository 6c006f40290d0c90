//! The credentials of a container: ECS tasks, and pods of EKS.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ::http::Request;
use aws_credential_types::Credentials;
use serde_json::Value;
use url::{Host, Url};

use super::Chain;
use super::http::Patience;
use super::{answer, http};
use crate::aws::files;
use crate::aws::profile::FILE_LIMIT;
use crate::error::{Error, ErrorKind, Result};

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const SERVICE: &str = "the container's credentials service";
/// Of ECS, and of EKS.
const TRUSTED_WITHOUT_TLS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
const PATIENCE: Patience = Patience { limit: Duration::from_secs(2), attempts: 3 };

/// Nothing where the environment names no such service.
pub(super) async fn load(chain: &Chain) -> Result<Option<Credentials>> {
    let environment = &chain.environment;
    let url = match (environment.get(RELATIVE), environment.get(FULL)) {
        (Some(path), _) => service_url(RELATIVE, &format!("http://169.254.170.2{path}"))?,
        (None, Some(url)) => service_url(FULL, url)?,
        (None, None) => return Ok(None),
    };
    let mut request = Request::get(url.as_str()).header("accept", "application/json");
    // A pod's token is replaced every few hours.
    let token = match (environment.get(TOKEN_FILE), environment.get(TOKEN)) {
        (Some(path), _) => Some(read_token(TOKEN_FILE, path).await?),
        (None, token) => token.map(str::to_owned),
    };
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let unusable = |_| Error::new(ErrorKind::Credentials, format!("{TOKEN} cannot be sent in an HTTP header"));
    let answer = chain.http.ask(SERVICE, PATIENCE, &request.body(String::new()).map_err(unusable)?).await?;
    if !answer.is_success() {
        let message = format!("no AWS credentials: {SERVICE} refused with HTTP status {}", answer.status);
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match answer::credentials(&value, "Token", "container") {
        Some(credentials) => Ok(Some(credentials)),
        None => Err(http::unavailable(SERVICE, answer.status)),
    }
}

/// The contents of a file with a token, read anew each time.
pub(super) async fn read_token(variable: &str, path: &str) -> Result<String> {
    let bytes = files::read(Path::new(path), FILE_LIMIT).await.map_err(|cause| {
        let kind = match cause.kind() {
            std::io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Credentials,
        };
        Error::new(kind, format!("the file that {variable} names ({path:?}) cannot be read")).caused_by(cause)
    })?;
    let token = String::from_utf8_lossy(&bytes).trim().to_owned();
    if token.is_empty() {
        return Err(Error::new(ErrorKind::Credentials, format!("the file that {variable} names ({path:?}) is empty")));
    }
    Ok(token)
}

/// A token must not travel in plain text to any host but the machine's own.
fn service_url(variable: &str, url: &str) -> Result<Url> {
    let refuse = |rule| Error::new(ErrorKind::Config, format!("{variable} {rule}, and is {url:?}"));
    let url = Url::parse(url).map_err(|_| refuse("must be a URL"))?;
    let is_trusted = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback() || is_of_aws(address.into()),
        Some(Host::Ipv6(address)) => address.is_loopback() || is_of_aws(address.into()),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_trusted => Ok(url),
        _ => Err(refuse("must be an https:// URL, or have a host that AWS uses for containers")),
    }
}

fn is_of_aws(address: IpAddr) -> bool {
    TRUSTED_WITHOUT_TLS.iter().any(|trusted| trusted.parse() == Ok(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_in_plain_text_to_this_machine_only() {
        for url in [
            "https://example.com/x",
            "http://127.0.0.1:80/x",
            "http://localhost/x",
            "http://[::1]/x",
            "http://169.254.170.2/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert!(service_url(FULL, url).is_ok(), "{url}");
        }
        for url in ["http://example.com/x", "http://169.254.170.3", "ftp://127.0.0.1", "/x", "http://[::2]"] {
            let error = service_url(FULL, url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(FULL), "{error}");
        }
    }
}

//! The address of `DynamoDB`, where it is not AWS's own.

use http::Uri;

use super::Environment;
use crate::error::{Error, Result};

/// The environment variables that may hold the endpoint, first non-blank one first.
pub const ENDPOINT_VARIABLES: [&str; 3] = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", "DYNAMODB_ENDPOINT"];

/// Where to find `DynamoDB`, when not at its usual address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    is_loopback: bool,
    is_https: bool,
}

impl Endpoint {
    /// Checks that `url` is an `http` or `https` address; `source` is named in the error.
    ///
    /// # Errors
    /// `OutOfRange` when it is not.
    pub fn new(source: &str, url: &str) -> Result<Self> {
        let refuse = || {
            Error::out_of_range(format!("{source} must be an http:// or https:// URL with a host, and nothing secret"))
        };
        let uri: Uri = url.parse().map_err(|_| refuse())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(refuse)?;
        let authority = uri.authority().ok_or_else(refuse)?;
        let host = authority.host();
        // What is left over is user information or no port.
        let understood = authority.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if host.is_empty() || authority.as_str() != understood || uri.query().is_some() || url.contains('#') {
            return Err(refuse());
        }
        Ok(Self { is_loopback: is_loopback(host), is_https: scheme == "https", url: url.to_owned() })
    }

    /// The first non-blank of [`ENDPOINT_VARIABLES`], if any.
    ///
    /// # Errors
    /// `OutOfRange` when that is no address.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>> {
        environment.first(&ENDPOINT_VARIABLES).map(|(name, url)| Self::new(name, url)).transpose()
    }

    /// The address as given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is this machine, where no real credentials are needed.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Whether it is encrypted.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_and_nothing_else() {
        for url in [
            "http://localhost:8000",
            "http://LOCALHOST",
            "http://db.localhost:1",
            "http://127.9.9.9/",
            "https://[::1]:8000",
        ] {
            assert!(Endpoint::new("endpoint", url).expect("an address").is_loopback(), "{url}");
        }
        for url in [
            "http://localhost.example.com",
            "http://10.0.0.1:8000",
            "https://dynamodb.eu-west-1.amazonaws.com",
            "http://[::2]",
        ] {
            assert!(!Endpoint::new("endpoint", url).expect("an address").is_loopback(), "{url}");
        }
    }

    #[test]
    fn an_endpoint_is_a_plain_address() {
        for url in [
            "",
            "localhost:8000",
            "ftp://x",
            "http://",
            "http://user:secret@host",
            "http://host?x=1",
            "http://host:65536",
            "http://host:",
            "http://host/#x",
            "//host",
            "http://a b",
        ] {
            let error = Endpoint::new("AWS_ENDPOINT_URL", url).expect_err(url);
            assert!(error.to_string().starts_with("AWS_ENDPOINT_URL "), "{error}");
        }
    }
}

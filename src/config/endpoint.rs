//! The address of `DynamoDB`, where it is not AWS's own.

use http::Uri;
use url::{Host, Url};

use super::{Environment, switch};
use crate::error::{Error, Result};

/// The environment variables that may hold the endpoint, first non-blank one first.
pub const ENDPOINT_VARIABLES: [&str; 3] = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", "DYNAMODB_ENDPOINT"];
/// Whether those, and the endpoints in a profile, do not count.
pub(crate) const IGNORE_CONFIGURED_ENDPOINTS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// Where to find `DynamoDB`, when not at its usual address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    is_loopback: bool,
    is_https: bool,
}

impl Endpoint {
    /// Checks that `url` is an `http` or `https` address by the URL standard; `source` is named in the error.
    ///
    /// # Errors
    /// `OutOfRange` when it is not.
    pub fn new(source: &str, url: &str) -> Result<Self> {
        Self::parse(url).ok_or_else(|| {
            Error::out_of_range(format!(
                "{source} must be an http:// or https:// URL with a host, without user information, query and fragment"
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // The standard repairs these; an address that needs a repair is a mistake.
        let is_repaired = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        let (_, rest) = text.split_once("://")?;
        if text.contains(is_repaired) || rest.starts_with('/') || rest.contains(['?', '#', '@']) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_plain =
            matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let host = url.host().filter(|_| is_plain)?;
        let is_loopback = is_loopback(&host);
        let is_https = url.scheme() == "https";
        // The standard ends an address without a path with a slash; messages show the address as it was given.
        let has_path = rest.contains('/');
        let url = if has_path { url.as_str() } else { url.as_str().trim_end_matches('/') };
        // The SDK takes URIs only.
        url.parse::<Uri>().is_ok().then(|| Self { url: url.to_owned(), is_loopback, is_https })
    }

    /// The first non-blank of [`ENDPOINT_VARIABLES`], unless they do not count.
    ///
    /// # Errors
    /// `OutOfRange` when that is not an address; `Config` when the switch that decides is neither on nor off.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>> {
        if let Some(value) = environment.get(IGNORE_CONFIGURED_ENDPOINTS)
            && switch(IGNORE_CONFIGURED_ENDPOINTS, value)?
        {
            return Ok(None);
        }
        environment.first(&ENDPOINT_VARIABLES).map(|(name, url)| Self::new(name, url)).transpose()
    }

    /// The address, in the form of the URL standard.
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

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_and_nothing_else() {
        for url in [
            "http://localhost:8000",
            "http://LOCALHOST",
            "http://localhost.",
            "http://db.localhost:1",
            "http://127.9.9.9/",
            "http://127.1",
            "http://0x7f000001:8000",
            "https://[::1]:8000",
            "https://[::ffff:127.0.0.1]",
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
    fn an_address_is_kept_in_the_form_of_the_url_standard() {
        for (given, kept) in [
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://localhost:8000/", "http://localhost:8000/"),
            ("HTTPS://DynamoDB.eu-west-1.amazonaws.com:443", "https://dynamodb.eu-west-1.amazonaws.com"),
            (" http://localhost:\n", "http://localhost"),
            ("http://bücher.example", "http://xn--bcher-kva.example"),
            ("http://h%6Fst/a path".replace(' ', "%20").as_str(), "http://host/a%20path"),
            ("http://127.1/x/", "http://127.0.0.1/x/"),
        ] {
            assert_eq!(Endpoint::new("endpoint", given).expect("an address").url(), kept);
        }
    }

    #[test]
    fn an_endpoint_is_a_plain_address() {
        for url in [
            "",
            "localhost:8000",
            "ftp://x",
            "http://",
            "http:///x",
            "http:x",
            "http://user:secret@host",
            "http://@host",
            "http://host?x=1",
            "http://host?",
            "http://host:65536",
            "http://host/#x",
            "//host",
            "http://a b",
            "http://.0",
            "http://1.2.3.4.5",
            "http://256.0.0.1",
            "http://a%00b",
            "http://[::1",
            "http:\\\\host",
            "http://ho\tst",
        ] {
            let error = Endpoint::new("AWS_ENDPOINT_URL", url).expect_err(url);
            assert!(error.to_string().starts_with("AWS_ENDPOINT_URL "), "{error}");
        }
    }

    #[test]
    fn endpoints_of_the_environment_count_unless_they_are_switched_off() {
        let from = |ignore: &str| {
            let variables = [("AWS_ENDPOINT_URL", "http://host"), (IGNORE_CONFIGURED_ENDPOINTS, ignore)];
            Endpoint::from_environment(
                &variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
            )
        };
        assert!(from("").expect("an address").is_some());
        assert!(from("false").expect("an address").is_some());
        assert!(from("True").expect("a switch").is_none());
        assert!(from("1").expect_err("not a switch").to_string().contains(IGNORE_CONFIGURED_ENDPOINTS));
    }
}

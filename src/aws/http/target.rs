//! Where a request goes.

use std::fmt::{self, Display};

use http::Uri;

/// Scheme, host and port: requests for the same three share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) is_https: bool,
    /// An IPv6 address stands here without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Nothing where the address is not absolute, or of another scheme.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Some(Self { is_https, host: host.to_ascii_lowercase(), port })
    }

    /// The value of the header `Host`: the port is left out where it is the scheme's own.
    pub(super) fn host_header(&self) -> String {
        if self.port == if self.is_https { 443 } else { 80 } { self.bracketed() } else { self.authority() }
    }

    /// Host and port.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// As a message has it.
impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_port_of_its_scheme_unless_it_names_another() {
        for (uri, authority, host_header) in [
            (
                "https://Dynamodb.eu-west-1.amazonaws.com/",
                "dynamodb.eu-west-1.amazonaws.com:443",
                "dynamodb.eu-west-1.amazonaws.com",
            ),
            ("http://localhost:8000/x", "localhost:8000", "localhost:8000"),
            ("http://[fd00:ec2::254]/latest", "[fd00:ec2::254]:80", "[fd00:ec2::254]"),
            ("https://a.test:80/", "a.test:80", "a.test:80"),
        ] {
            let target = Target::of(&uri.parse().expect("a URI")).expect("a target");
            assert_eq!((target.authority().as_str(), target.host_header().as_str()), (authority, host_header));
        }
        for bad in ["/path", "ftp://a.test/"] {
            assert_eq!(Target::of(&bad.parse().expect("a URI")), None, "{bad}");
        }
    }
}

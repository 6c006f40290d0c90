//! The targets that are reached without a proxy.

use std::net::{IpAddr, Ipv6Addr};

use http::Uri;

use super::target::Target;
use crate::config::Environment;

/// The metadata service and the container credentials of IPv6.
const METADATA_V6: Cidr = Cidr { address: IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0)), length: 32 };
/// They name where credentials come from, which is always near.
const NEAR_SOURCES: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];

/// `NO_PROXY`, and the targets that are near in any case: this machine, metadata services, container credentials.
#[derive(Debug, Default)]
pub(super) struct NoProxy {
    rules: Vec<Rule>,
    near_hosts: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    All,
    /// A host and all below it, at one port or at any.
    Suffix {
        host: String,
        port: Option<u16>,
    },
    Network {
        cidr: Cidr,
        port: Option<u16>,
    },
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Cidr {
    address: IpAddr,
    length: u32,
}

impl NoProxy {
    /// `near` is the address of another source that is always near.
    pub(super) fn new(environment: &Environment, near: Option<&str>) -> Self {
        let name = if environment.is_set("no_proxy") { "no_proxy" } else { "NO_PROXY" };
        let text = environment.get(name).unwrap_or_default();
        let rules = text.split([',', ' ', '\t']).filter(|rule| !rule.is_empty()).map(Rule::parse).collect();
        let host = |address: &str| Target::of(&address.parse::<Uri>().ok()?).map(|target| target.host);
        let sources = NEAR_SOURCES.into_iter().filter_map(|name| environment.get(name)).chain(near);
        Self { rules, near_hosts: sources.filter_map(host).collect() }
    }

    pub(super) fn includes(&self, target: &Target) -> bool {
        is_near(&target.host)
            || self.near_hosts.contains(&target.host)
            || self.rules.iter().any(|rule| rule.includes(target))
    }
}

fn is_near(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unicast_link_local() || METADATA_V6.contains(address.into())
        }
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

impl Rule {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::All;
        }
        if let Some(cidr) = Cidr::parse(text) {
            return Self::Network { cidr, port: None };
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => port.parse().map_or((text, None), |port| (host, Some(port))),
            None => (text, None),
        };
        if let Some(cidr) = Cidr::parse(host) {
            return Self::Network { cidr, port };
        }
        let host = host.strip_prefix('*').unwrap_or(host).trim_start_matches('.').to_ascii_lowercase();
        Self::Suffix { host, port }
    }

    fn includes(&self, target: &Target) -> bool {
        let is_port = |port: &Option<u16>| port.is_none_or(|port| port == target.port);
        match self {
            Self::All => true,
            Self::Suffix { host, port } => {
                let above = target.host.strip_suffix(host.as_str());
                is_port(port) && !host.is_empty() && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Network { cidr, port } => {
                is_port(port) && target.host.parse().is_ok_and(|address| cidr.contains(address))
            }
        }
    }
}

impl Cidr {
    /// An address is a network of one.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse().ok()?)),
            None => (text, None),
        };
        let address = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(longest);
        (length <= longest).then_some(Self { address, length })
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = u32::from(network) ^ u32::from(address);
                differing.leading_zeros() >= self.length
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = u128::from(network) ^ u128::from(address);
                differing.leading_zeros() >= self.length
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn includes(no_proxy: &str, uri: &str) -> bool {
        let environment = Environment::from_iter([
            ("NO_PROXY".to_owned(), no_proxy.to_owned()),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), "https://near.test/creds".to_owned()),
        ]);
        NoProxy::new(&environment, None).includes(&Target::of(&uri.parse().expect("a URI")).expect("a target"))
    }

    #[test]
    fn no_proxy_takes_suffixes_addresses_networks_and_ports() {
        for (no_proxy, uri, expected) in [
            ("", "https://a.test", false),
            ("*", "https://a.test", true),
            ("b.test, *", "https://a.test", true),
            ("a.test", "https://a.test", true),
            ("A.Test", "https://x.a.test", true),
            ("a.test", "https://xa.test", false),
            (".a.test", "https://x.a.test", true),
            (".a.test", "https://a.test", true),
            ("*.a.test", "https://x.a.test", true),
            ("a.test:443", "https://a.test", true),
            ("a.test:444", "https://a.test", false),
            ("b.test,,a.test", "https://a.test", true),
            ("b.test a.test", "https://a.test", true),
            ("10.0.0.1", "https://10.0.0.1", true),
            ("10.0.0.1:443", "https://10.0.0.1", true),
            ("10.0.0.1:8000", "https://10.0.0.1", false),
            ("10.0.0.0/8", "http://10.255.0.1", true),
            ("10.0.0.0/8", "http://11.0.0.1", false),
            ("0.0.0.0/0", "http://11.0.0.1", true),
            ("10.0.0.0/33", "http://10.0.0.0", false),
            ("2001:db8::/32", "http://[2001:db8::5]", true),
            ("2001:db8::1", "http://[2001:db8::1]", true),
            ("[2001:db8::1]:80", "http://[2001:db8::1]", true),
            ("2001:db8::/32", "http://[2001:db9::5]", false),
            (".", "https://a.test", false),
        ] {
            assert_eq!(includes(no_proxy, uri), expected, "{no_proxy} {uri}");
        }
    }

    #[test]
    fn this_machine_and_near_sources_of_credentials_are_never_reached_by_a_proxy() {
        for uri in [
            "http://localhost:8000",
            "http://db.localhost",
            "http://127.0.0.2",
            "http://[::1]",
            "http://169.254.169.254",
            "http://169.254.170.2",
            "http://[fd00:ec2::254]",
            "http://[fd00:ec2::23]",
            "https://near.test",
        ] {
            assert!(includes("", uri), "{uri}");
        }
        assert!(!includes("", "https://dynamodb.eu-west-1.amazonaws.com"));
    }
}

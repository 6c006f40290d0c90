//! Proxies, by the variables that the AWS CLI reads: `HTTPS_PROXY` for encrypted targets, `HTTP_PROXY` for others, and
//! `NO_PROXY`. The name in lower case wins over the one in upper case, also where it is empty, and so turns a proxy off.
//! `HTTP_PROXY` does not count beside `REQUEST_METHOD`: there it may come from a header of a request (CVE-2016-1000110).

use std::fmt::{self, Display};

use aws_smithy_types::base64;
use http::{HeaderValue, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::Stream;
use super::failure::HttpFailure;
use super::no_proxy::NoProxy;
use super::phase::Phase;
use super::target::Target;
use crate::config::Environment;

/// The proxies of one environment.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    https: Option<Setting>,
    http: Option<Setting>,
    no_proxy: NoProxy,
}

/// A proxy, or the name of the variable that does not hold one.
type Setting = Result<Proxy, &'static str>;

/// One proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Where it listens, and whether the connection to it is encrypted.
    pub(super) target: Target,
    /// Username and password, as a header has them.
    pub(super) authorization: Option<HeaderValue>,
}

/// Never with the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.target)
    }
}

impl Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}", self.target)
    }
}

impl Proxies {
    /// `near` is reached without a proxy, as metadata services are.
    pub(super) fn new(environment: &Environment, near: Option<&str>) -> Self {
        let read = |lower, upper| -> Option<Setting> {
            let name = if environment.is_set(lower) { lower } else { upper };
            environment.get(name).map(|text| Proxy::parse(text).ok_or(name))
        };
        let is_cgi = environment.is_set("REQUEST_METHOD") && !environment.is_set("http_proxy");
        Self {
            https: read("https_proxy", "HTTPS_PROXY"),
            http: if is_cgi { None } else { read("http_proxy", "HTTP_PROXY") },
            no_proxy: NoProxy::new(environment, near),
        }
    }

    /// The proxy for a target, if there is one.
    ///
    /// # Errors
    /// When the variable does not hold the address of a proxy.
    pub(super) fn route(&self, target: &Target) -> Result<Option<&Proxy>, HttpFailure> {
        let setting = if target.is_https { &self.https } else { &self.http };
        match setting {
            Some(setting) if !self.no_proxy.includes(target) => setting.as_ref().map(Some).map_err(|name| {
                HttpFailure::new(Phase::Proxy, format!("{name} is not the address of a proxy; set http://host:port"))
            }),
            _ => Ok(None),
        }
    }
}

impl Proxy {
    /// `scheme://user:password@host:port`, of which only the host is needed.
    fn parse(text: &str) -> Option<Self> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = text.parse().ok()?;
        let target = Target::of(&uri).filter(|target| !target.host.is_empty())?;
        let authority = uri.authority()?.as_str();
        let authorization = match authority.rsplit_once('@') {
            Some((user_info, _)) => {
                let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
                let pair = [percent_decoded(user), b":".to_vec(), percent_decoded(password)].concat();
                let mut value = HeaderValue::try_from(format!("Basic {}", base64::encode(pair))).ok()?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Some(Self { target, authorization })
    }

    /// Asks for a tunnel to `target` over `stream`, which leads to the proxy.
    pub(super) async fn open_tunnel(&self, stream: &mut dyn Stream, target: &Target) -> Result<(), HttpFailure> {
        let failure = |what: String| HttpFailure::new(Phase::Proxy, what);
        let broken = |cause| failure(format!("the connection to {self} broke")).caused_by(cause);
        let authority = target.authority();
        let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") && answer.len() < LARGEST_HEAD_BYTES {
            // The other end of the tunnel says nothing before it is spoken to, so that one byte after the other is read.
            match stream.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(cause) => return Err(broken(cause)),
            }
        }
        match status_of(&answer) {
            Some(200..300) => Ok(()),
            Some(407) => Err(failure(format!("{self} refuses the user name and password (HTTP status 407)"))),
            Some(status) => Err(failure(format!("{self} refuses a connection to {target} (HTTP status {status})"))),
            None => Err(failure(format!("{self} does not answer as a proxy does"))),
        }
    }
}

const LARGEST_HEAD_BYTES: usize = 16 * 1_024;

/// Of `HTTP/1.1 200 Connection established`.
fn status_of(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\r').next()?).ok()?;
    let mut words = line.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let rest = bytes.as_slice();
        let code = rest.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                decoded.push(code);
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Proxies::new(&environment, None)
    }

    fn route(proxies: &Proxies, uri: &str) -> Option<String> {
        let target = Target::of(&uri.parse().expect("a URI")).expect("a target");
        proxies.route(&target).expect("usable").map(|proxy| proxy.target.to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_the_name_in_lower_case_wins() {
        let both = proxies(&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "lower:2"), ("HTTP_PROXY", "plain")]);
        assert_eq!(route(&both, "https://a.test/").as_deref(), Some("lower:2"));
        assert_eq!(route(&both, "http://a.test/").as_deref(), Some("plain:80"));
        let off = proxies(&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "")]);
        assert_eq!(route(&off, "https://a.test/"), None);
        let cgi = proxies(&[("HTTP_PROXY", "plain"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(route(&cgi, "http://a.test/"), None);
    }

    #[test]
    fn a_variable_that_holds_no_proxy_is_an_error_that_names_it_and_shows_no_password() {
        let target = Target::of(&"https://a.test/".parse().expect("a URI")).expect("a target");
        for bad in ["socks5://me:secret@a:1", "http://", "http://me:secret@"] {
            let error = proxies(&[("HTTPS_PROXY", bad)]).route(&target).expect_err(bad).to_string();
            assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn user_name_and_password_are_decoded_and_never_shown() {
        let proxy = Proxy::parse("http://me:p%40ss%3a%zz@a.test:3128").expect("a proxy");
        let expected = format!("Basic {}", base64::encode("me:p@ss:%zz"));
        assert_eq!(proxy.authorization.as_ref().expect("there").as_bytes(), expected.as_bytes());
        assert_eq!(format!("{proxy} {proxy:?}"), "the proxy a.test:3128 Proxy(a.test:3128)");
    }
}

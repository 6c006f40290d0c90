//! Which certificates are trusted at the other end of an encrypted connection: those that Node.js trusts.
//!
//! That is Mozilla's list, which comes with this crate as it comes with Node.js: nothing is read for it, and it is there
//! on systems that have no certificates. `NODE_EXTRA_CA_CERTS` adds to it; as in Node.js, a file that cannot be used is a
//! warning. `AWS_CA_BUNDLE` replaces the list, as in AWS's SDKs, and has to be usable.

use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use webpki_roots::TLS_SERVER_ROOTS;

use super::certificates::Certificates;
use super::verifier::Verifier;
use crate::aws::files;
use crate::config::{Config, OnWarning};
use crate::error::{Error, ErrorKind, Result};

const BUNDLE: &str = "AWS_CA_BUNDLE";
const EXTRA: &str = "NODE_EXTRA_CA_CERTS";
const REJECT: &str = "NODE_TLS_REJECT_UNAUTHORIZED";

/// One for the whole process, with the sessions that can be resumed.
static MOZILLAS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() };
    Arc::new(versions().with_root_certificates(roots).with_no_client_auth())
});

/// The trusted certificates of one store, read when the first encrypted connection is made.
pub(super) struct Trust {
    bundle: Option<String>,
    extra: Option<String>,
    in_place_of_mozillas: Option<Arc<str>>,
    is_told_to_trust_all: bool,
    on_warning: Option<OnWarning>,
    read_limit: Duration,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Trust {
    pub(super) fn new(config: &Config, read_limit: Duration) -> Self {
        let path = |variable| config.environment.get(variable).map(str::to_owned);
        Self {
            bundle: path(BUNDLE),
            extra: path(EXTRA),
            in_place_of_mozillas: config.trusted_certificates.clone(),
            is_told_to_trust_all: config.environment.get(REJECT) == Some("0"),
            on_warning: config.on_warning.clone(),
            read_limit,
            config: OnceCell::new(),
        }
    }

    /// # Errors
    /// `Config` when the file that `AWS_CA_BUNDLE` names cannot be used; `Timeout` when it does not answer.
    pub(super) async fn config(&self) -> Result<&Arc<ClientConfig>> {
        self.config.get_or_try_init(|| self.read()).await
    }

    async fn read(&self) -> Result<Arc<ClientConfig>> {
        if self.is_told_to_trust_all {
            self.warn(format!(
                "{REJECT}=0 is not honoured: certificates are always verified; name the authority's file in {EXTRA}"
            ));
        }
        let mut roots = RootCertStore::empty();
        let mut added = match &self.bundle {
            Some(path) => add(&mut roots, self.bundle(path).await?),
            None => self.add_the_usual(&mut roots),
        };
        if let Some(path) = &self.extra {
            added.extend(add(&mut roots, self.extra(path).await));
        }
        if added.is_empty() && self.in_place_of_mozillas.is_none() {
            return Ok(Arc::clone(&MOZILLAS));
        }
        let provider = Arc::new(ring::default_provider());
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let webpki =
            webpki.map_err(|cause| unusable("the list of trusted certificates", "is empty").caused_by(cause))?;
        let verifier = Arc::new(Verifier { webpki, trusted: added });
        Ok(Arc::new(versions().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
    }

    fn add_the_usual(&self, roots: &mut RootCertStore) -> Vec<CertificateDer<'static>> {
        if let Some(certificates) = &self.in_place_of_mozillas {
            return add(roots, Certificates::parse(certificates.as_bytes()).found);
        }
        roots.extend(TLS_SERVER_ROOTS.iter().cloned());
        Vec::new()
    }

    async fn bundle(&self, path: &str) -> Result<Vec<CertificateDer<'static>>> {
        let about = format!("the file that {BUNDLE} names ({path:?})");
        let text = files::read(Path::new(path), self.read_limit).await.map_err(|cause| match cause.kind() {
            io::ErrorKind::TimedOut => Error::new(ErrorKind::Timeout, format!("{about} was {cause}")),
            _ => unusable(&about, &format!("cannot be read as certificates in PEM form: {cause}")).caused_by(cause),
        })?;
        let Certificates { found, problem, .. } = Certificates::parse(&text);
        let problem = problem.or_else(|| (!are_usable(&found)).then_some("one of them is not a certificate"));
        match problem {
            Some(problem) => Err(unusable(&about, &format!("cannot be read as certificates in PEM form: {problem}"))),
            None => Ok(found),
        }
    }

    async fn extra(&self, path: &str) -> Vec<CertificateDer<'static>> {
        let about = format!("the file that {EXTRA} names ({path:?})");
        match files::read(Path::new(path), self.read_limit).await {
            Ok(text) => {
                let Certificates { mut found, problem, oddity } = Certificates::parse(&text);
                let all = found.len();
                found.retain(|certificate| are_usable(std::slice::from_ref(certificate)));
                let damaged = (found.len() < all).then_some("one of them is not a certificate");
                if let Some(problem) = problem.or(damaged).or(oddity) {
                    let outcome = if found.is_empty() { "is ignored" } else { "may be read in part only" };
                    self.warn(format!("{about} {outcome}: {problem}"));
                }
                found
            }
            Err(cause) => {
                self.warn(format!("{about} is ignored: {cause}"));
                Vec::new()
            }
        }
    }

    fn warn(&self, message: String) {
        if let Some(on_warning) = &self.on_warning {
            on_warning(message);
        }
    }
}

fn are_usable(certificates: &[CertificateDer<'static>]) -> bool {
    certificates.iter().all(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok())
}

/// Those that can be used.
fn add(roots: &mut RootCertStore, certificates: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    certificates.into_iter().filter(|certificate| roots.add(certificate.clone()).is_ok()).collect()
}

fn unusable(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{what} {why}"))
}

fn versions() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    #[expect(clippy::expect_used, reason = "ring has all versions that rustls has")]
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the versions")
}

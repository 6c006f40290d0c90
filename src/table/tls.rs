//! Whom to trust at the other end of an encrypted connection: whom Node.js trusts.
//!
//! That is Mozilla's list, which comes with this crate as it comes with Node.js: nothing is read for it, and it is there
//! on systems that have no certificates. `NODE_EXTRA_CA_CERTS` adds to it, and `AWS_CA_BUNDLE` replaces it, as in AWS's
//! SDKs; each names a file in PEM form.

use std::fs;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_types::base64;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::client::http_builder;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};

/// Makes clients for encrypted connections, each with connections of its own.
pub(super) fn https_clients(
    environment: &Environment,
) -> Result<impl Fn() -> SharedHttpClient + Send + Sync + 'static> {
    let mut trusted = match environment.get(BUNDLE) {
        Some(path) => read(BUNDLE, path)?,
        None => TLS_SERVER_ROOT_CERTS.to_vec(),
    };
    if let Some(path) = environment.get(EXTRA) {
        trusted.extend(read(EXTRA, path)?);
    }
    let store = trusted.iter().fold(TrustStore::empty(), |store, root| store.with_pem_certificate(pem(root)));
    let context = TlsContext::builder().with_trust_store(store).build();
    let context = context.map_err(|cause| unusable("the trusted certificates").caused_by(cause))?;
    let builder = http_builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context);
    Ok(move || builder.clone().build_https())
}

const BUNDLE: &str = "AWS_CA_BUNDLE";
const EXTRA: &str = "NODE_EXTRA_CA_CERTS";

fn read(variable: &str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let about = format!("the file that {variable} names ({path:?})");
    let text = fs::read(path).map_err(|cause| unusable(&about).caused_by(cause))?;
    certificates(&text).ok_or_else(|| unusable(&about))
}

/// The certificates in a file; nothing where it has none, or one that cannot be used. (The connector would panic at it.)
fn certificates(text: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().ok()?;
    let are_usable = found.iter().all(|root| RootCertStore::empty().add(root.clone()).is_ok());
    (are_usable && !found.is_empty()).then_some(found)
}

fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{what} cannot be read as certificates in PEM form"))
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::encode(certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_can_be_used() {
        let text: String = TLS_SERVER_ROOT_CERTS.iter().map(pem).collect();
        let found = certificates(text.as_bytes()).expect("certificates");
        assert_eq!(found, TLS_SERVER_ROOT_CERTS);
        https_clients(&Environment::default()).expect("usable")();
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_an_error_that_names_it() {
        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "certificates", nonsense, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert_eq!(certificates(text.as_bytes()), None, "{text}");
        }
        for variable in [BUNDLE, EXTRA] {
            let environment = Environment::from_iter([(variable.to_owned(), "no such file".to_owned())]);
            let error = https_clients(&environment).err().expect("no such file");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(variable), "{error}");
        }
    }
}

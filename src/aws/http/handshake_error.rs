//! The cause of a failed TLS handshake, and its fix.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

/// The error of rustls, and a fix where one is known.
#[derive(Debug, thiserror::Error)]
#[error("{cause}{}", .fix.map(|fix| format!(" ({fix})")).unwrap_or_default())]
pub(super) struct HandshakeError {
    cause: io::Error,
    fix: Option<&'static str>,
}

impl HandshakeError {
    pub(super) fn new(cause: io::Error) -> Self {
        let error = cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        Self { fix: error.and_then(fix), cause }
    }
}

const UNSUPPORTED: &str = "a key or signature of a kind that is not supported, such as P-521 or SHA-1; issue certificates with P-256, P-384, Ed25519 or RSA keys";

fn fix(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidCertificate(error) => certificate_fix(error),
        Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity)
        | Error::PeerIncompatible(_) => Some(
            "the two ends have no algorithm in common; certificates with P-521 keys, and TLS before 1.2, are not supported",
        ),
        Error::InvalidMessage(_) => Some("the other end does not speak TLS at this port"),
        _ => None,
    }
}

fn certificate_fix(error: &CertificateError) -> Option<&'static str> {
    match error {
        CertificateError::UnknownIssuer => Some("name the file of its authority in NODE_EXTRA_CA_CERTS"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Some(UNSUPPORTED),
        CertificateError::BadSignature => Some(
            "it may have an RSA key of less than 2048 bits, which is not supported; issue certificates with RSA keys of 2048 bits or more, P-256 or P-384",
        ),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            Some("it has no subjectAltName; issue it with -addext subjectAltName=DNS:the-name")
        }
        // webpki's own error, of a crate that this one does not name.
        CertificateError::Other(other) => match format!("{other:?}") {
            text if text.contains("CaUsedAsEndEntity") => Some(
                "it is an authority's own certificate; name exactly this one in NODE_EXTRA_CA_CERTS, or issue it with -addext basicConstraints=critical,CA:FALSE",
            ),
            text if text.contains("UnsupportedCertVersion") => {
                Some("it is of X.509 version 1; issue one of version 3, with a subjectAltName")
            }
            _ => None,
        },
        _ => None,
    }
}

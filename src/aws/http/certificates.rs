//! Files of certificates.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const END: &[u8] = b"-----END CERTIFICATE-----";
/// The first bytes of a certificate in DER form.
const DER_SEQUENCE: &[u8] = b"\x30\x82";

/// The content of a file of certificates.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificates {
    pub(super) found: Vec<CertificateDer<'static>>,
    /// Why there are none, or fewer than the file may mean.
    pub(super) problem: Option<&'static str>,
    /// An oddity of the file although every certificate was read.
    pub(super) oddity: Option<&'static str>,
}

impl Certificates {
    pub(super) fn parse(text: &[u8]) -> Self {
        let without_mark = text.strip_prefix(BYTE_ORDER_MARK);
        let text = without_mark.unwrap_or(text);
        let (mut found, mut is_damaged) = (Vec::new(), false);
        for certificate in CertificateDer::pem_slice_iter(text) {
            match certificate {
                Ok(certificate) => found.push(certificate),
                Err(_) => is_damaged = true,
            }
        }
        let problem = match found.is_empty() {
            _ if is_damaged => Some("it holds a certificate that is damaged"),
            true if text.starts_with(DER_SEQUENCE) => Some("it is in DER form; convert it to PEM form"),
            true => Some("it holds no certificate in PEM form"),
            false => None,
        };
        let oddity = match without_mark {
            Some(_) => Some("it begins with a byte order mark"),
            None => has_text_after_the_last(text).then_some("it has text after its last certificate"),
        };
        Self { found, problem, oddity }
    }
}

fn has_text_after_the_last(text: &[u8]) -> bool {
    let end = text.windows(END.len()).rposition(|window| window == END);
    let rest = end.and_then(|end| text.get(end + END.len()..)).unwrap_or_default();
    rest.iter().any(|byte| !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn certificates_are_read_from_any_text_that_holds_them() {
        let bad = GOOD.replace("AAAA", "!");
        for (text, count, has_problem, has_oddity) in [
            (GOOD.to_owned(), 1, false, false),
            (format!("# Comment\r\n{GOOD}\n\n{GOOD}").replace('\n', "\r\n"), 2, false, false),
            (format!("\u{feff}{GOOD}"), 1, false, true),
            (format!("{GOOD}{GOOD}the end"), 2, false, true),
            (format!("{bad}{GOOD}"), 1, true, false),
            (String::new(), 0, true, false),
            ("certificates".to_owned(), 0, true, false),
            ("0\u{82}".to_owned(), 0, true, false),
            (bad, 0, true, false),
        ] {
            let read = Certificates::parse(text.as_bytes());
            let summary = (read.found.len(), read.problem.is_some(), read.oddity.is_some());
            assert_eq!(summary, (count, has_problem, has_oddity), "{text}");
        }
        assert_eq!(Certificates::parse(b"\x30\x82\x01").problem, Some("it is in DER form; convert it to PEM form"));
    }
}

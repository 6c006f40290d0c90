//! A published page, and the record that callers see.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{EpochMillis, HtmlPointer, Lease, LeaseClaim, RevalidateSeconds};

/// What a page is that does not say.
pub const DEFAULT_CONTENT_TYPE: &str = "text/html; charset=utf-8";
/// What a page has that does not say, or says nonsense.
pub const DEFAULT_STATUS: u16 = 200;

/// Which inline code the page's Content-Security-Policy forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StrictCspPolicy {
    /// `inlineScripts: false` is set.
    pub forbids_inline_scripts: bool,
    /// `inlineStyles: false` is set.
    pub forbids_inline_styles: bool,
}

/// What is known of a published page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Where the HTML lies.
    pub html_pointer: String,
    /// When it was rendered, in epoch milliseconds.
    pub generated_at: f64,
    /// How long it is fresh.
    pub revalidate: RevalidateSeconds,
    /// HTTP status, 100 to 599.
    pub status: u16,
    /// Never blank.
    pub content_type: String,
    /// The header's value.
    pub content_security_policy: Option<String>,
    /// What the header's value means for inline code.
    pub strict_csp_policy: Option<StrictCspPolicy>,
    /// The entity tag.
    pub etag: Option<String>,
}

/// A rendered page and the lease that allows to publish it.
#[derive(Debug, Clone)]
pub struct Generation {
    /// The lease.
    pub claim: LeaseClaim,
    /// The page.
    pub page: Page,
    /// The caller's clock, against which the lease's end is checked.
    pub now: EpochMillis,
}

impl Page {
    /// A page with nothing but its pointer and age; the rest as for a page that does not say.
    #[must_use]
    pub fn new(html_pointer: &HtmlPointer, generated_at: EpochMillis, revalidate: RevalidateSeconds) -> Self {
        Self {
            html_pointer: html_pointer.as_str().to_owned(),
            generated_at: generated_at.get(),
            revalidate,
            status: DEFAULT_STATUS,
            content_type: DEFAULT_CONTENT_TYPE.to_owned(),
            content_security_policy: None,
            strict_csp_policy: None,
            etag: None,
        }
    }

    /// Whether it need not be rendered again yet (FaceTheory's rule).
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0);
        now < self.generated_at + self.revalidate.get() * 1_000.0
    }
}

/// Truncated; 200 where that is outside 100 to 599 (FaceTheory's rule).
#[must_use]
pub fn status_or_default(status: f64) -> u16 {
    let whole = status.trunc();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 100 to 599")]
    if (100.0..=599.0).contains(&whole) { whole as u16 } else { DEFAULT_STATUS }
}

/// Trimmed as JavaScript trims; `text/html; charset=utf-8` where nothing is left (FaceTheory's rule).
#[must_use]
pub fn content_type_or_default(content_type: &str) -> &str {
    let trimmed = content_type.trim_matches(is_javascript_space);
    if trimmed.is_empty() { DEFAULT_CONTENT_TYPE } else { trimmed }
}

/// `String.prototype.trim` takes the byte-order mark, which Unicode does not count as white space, and leaves NEL.
fn is_javascript_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

/// What the table knows of a cache key: its page, its lease, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The cache key that was asked for.
    pub cache_key: String,
    /// The page, when one was published.
    pub page: Option<Page>,
    /// How long the page is fresh, or would be.
    pub revalidate: RevalidateSeconds,
    /// The lease as stored, also when it has expired.
    pub lease: Option<Lease>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_truncated_and_else_200() {
        for (given, expected) in [
            (404.9, 404),
            (100.0, 100),
            (599.9, 599),
            (99.9, 200),
            (600.0, 200),
            (f64::NAN, 200),
            (f64::INFINITY, 200),
            (-404.0, 200),
        ] {
            assert_eq!(status_or_default(given), expected, "{given}");
        }
    }

    #[test]
    fn content_type_is_trimmed_as_javascript_trims() {
        assert_eq!(content_type_or_default(" \u{feff}\u{a0}text/plain\u{2029}\n"), "text/plain");
        assert_eq!(content_type_or_default("\u{85}"), "\u{85}");
        assert_eq!(content_type_or_default(" \t\u{3000}"), DEFAULT_CONTENT_TYPE);
    }
}

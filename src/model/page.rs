//! A published page, and the record that callers see.

use super::{CacheKey, EpochMillis, HtmlPointer, Lease, LeaseClaim, RevalidateSeconds};
use std::sync::Arc;

/// An HTTP status from 100 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(u16);

impl Status {
    /// Status used when a page's status is missing or out of range.
    pub const DEFAULT: Self = Self(200);

    /// Truncates `status`; 200 when that is outside 100 to 599 (FaceTheory's rule).
    #[must_use]
    pub fn normalised(status: f64) -> Self {
        let whole = status.trunc();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 100 to 599")]
        if (100.0..=599.0).contains(&whole) { Self(whole as u16) } else { Self::DEFAULT }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A content type that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType(String);

impl ContentType {
    /// Content type used when a page does not specify one.
    pub const DEFAULT: &str = "text/html; charset=utf-8";

    /// Trims as JavaScript trims; the default when nothing is left (FaceTheory's rule).
    #[must_use]
    pub fn normalised(content_type: &str) -> Self {
        let trimmed = content_type.trim_matches(is_javascript_space);
        Self(if trimmed.is_empty() { Self::DEFAULT } else { trimmed }.to_owned())
    }

    /// The string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ContentType {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

/// `String.prototype.trim` takes the byte-order mark, which Unicode does not count as whitespace, and leaves NEL.
fn is_javascript_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

/// Which inline code the page's Content-Security-Policy forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StrictCspPolicy {
    /// `inlineScripts: false` is set.
    pub forbids_inline_scripts: bool,
    /// `inlineStyles: false` is set.
    pub forbids_inline_styles: bool,
}

/// A published page, as the table describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The location of the HTML.
    pub html_pointer: HtmlPointer,
    /// When it was rendered.
    pub generated_at: EpochMillis,
    /// How long it is fresh.
    pub revalidate: RevalidateSeconds,
    /// HTTP status.
    pub status: Status,
    /// Content type.
    pub content_type: ContentType,
    /// The header's value.
    pub content_security_policy: Option<String>,
    /// The meaning of the header's value for inline code.
    pub strict_csp_policy: Option<StrictCspPolicy>,
    /// The entity tag.
    pub etag: Option<String>,
}

/// A rendered page and the lease that permits publishing it.
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
    /// A page with a pointer, a generation time and a freshness lifetime; the rest has its defaults.
    #[must_use]
    pub fn new(html_pointer: HtmlPointer, generated_at: EpochMillis, revalidate: RevalidateSeconds) -> Self {
        Self {
            html_pointer,
            generated_at,
            revalidate,
            status: Status::DEFAULT,
            content_type: ContentType::default(),
            content_security_policy: None,
            strict_csp_policy: None,
            etag: None,
        }
    }

    /// Whether it is fresh at `now_ms`, in epoch milliseconds (FaceTheory's rule).
    pub(crate) fn is_fresh_at(&self, now_ms: f64) -> bool {
        now_ms < self.stale_at()
    }

    /// When its freshness lifetime ends, in epoch milliseconds.
    pub(crate) fn stale_at(&self) -> f64 {
        self.generated_at.get() + self.revalidate.get() * 1_000.0
    }
}

/// The content of the table for a cache key: a page, a lease, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The cache key that was asked for.
    pub cache_key: Arc<CacheKey>,
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
    fn a_status_is_truncated_and_else_200() {
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
            assert_eq!(Status::normalised(given).get(), expected, "{given}");
        }
    }

    #[test]
    fn a_content_type_is_trimmed_as_javascript_trims() {
        assert_eq!(ContentType::normalised(" \u{feff}\u{a0}text/plain\u{2029}\n").as_str(), "text/plain");
        assert_eq!(ContentType::normalised("\u{85}").as_str(), "\u{85}");
        assert_eq!(ContentType::normalised(" \t\u{3000}").as_str(), ContentType::DEFAULT);
    }
}

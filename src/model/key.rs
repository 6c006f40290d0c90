//! The partition of the table that belongs to a cache key.

use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{CacheKey, InvalidValue};

/// `DynamoDB`'s limit for a partition key, in UTF-8 bytes.
const LONGEST_PARTITION_KEY: usize = 2_048;
/// Begins the digest of a cache key that is not stored as it is.
pub(crate) const DIGEST_PREFIX: &str = "sha256:";
/// How much of a cache key an error message shows.
const SHOWN_CHARS: usize = 80;

/// A cache key and the partition that holds its two rows. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryKey {
    cache_key: Arc<CacheKey>,
    partition: Arc<str>,
}

impl EntryKey {
    /// The partition is `prefix` + cache key. A key that is too long for `DynamoDB`, or that looks like a digest, is
    /// replaced by `sha256:` + hex digest, so that no two keys share a partition.
    #[must_use]
    pub fn prefixed(prefix: &str, cache_key: CacheKey) -> Self {
        let plain = cache_key.as_str();
        let fits = prefix.len() + plain.len() <= LONGEST_PARTITION_KEY && !plain.starts_with(DIGEST_PREFIX);
        let partition =
            if fits { format!("{prefix}{plain}") } else { format!("{prefix}{DIGEST_PREFIX}{}", hex_digest(plain)) };
        Self { cache_key: Arc::new(cache_key), partition: partition.into() }
    }

    /// The entry of a partition that the caller names, for callers with a layout of their own.
    ///
    /// # Errors
    /// [`InvalidValue`] when `partition` is empty or longer than `DynamoDB`'s 2,048 bytes.
    pub fn in_partition(cache_key: CacheKey, partition: String) -> Result<Self, InvalidValue> {
        if partition.is_empty() || partition.len() > LONGEST_PARTITION_KEY {
            return Err(InvalidValue::new("must return 1 to 2048 bytes (UTF-8)"));
        }
        Ok(Self { cache_key: Arc::new(cache_key), partition: partition.into() })
    }

    /// The cache key as the caller gave it.
    #[must_use]
    pub fn cache_key(&self) -> &str {
        self.cache_key.as_str()
    }

    /// The table's `pk`.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The cache key, for a record.
    pub(crate) fn shared_cache_key(&self) -> Arc<CacheKey> {
        Arc::clone(&self.cache_key)
    }

    /// The table's `pk`, for a map that outlives the call.
    pub(crate) fn shared_partition(&self) -> Arc<str> {
        Arc::clone(&self.partition)
    }

    /// The cache key for an error message: control characters escaped, and shortened to 80 characters.
    #[must_use]
    pub fn truncated_for_display(&self) -> String {
        let key = self.cache_key();
        let mut shown = escape_control_characters(key.chars().take(SHOWN_CHARS));
        if key.chars().nth(SHOWN_CHARS).is_some() {
            shown.push('…');
        }
        shown
    }

    /// The whole cache key for an error message, with control characters escaped.
    #[must_use]
    pub fn escaped_for_display(&self) -> String {
        escape_control_characters(self.cache_key().chars())
    }
}

/// Keys come from visitors: a line break in one must not begin a line of a log.
fn escape_control_characters(text: impl Iterator<Item = char>) -> String {
    text.fold(String::new(), |mut escaped, c| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
        escaped
    })
}

fn hex_digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(prefix: &str, cache_key: &str) -> EntryKey {
        EntryKey::prefixed(prefix, CacheKey::new(cache_key.to_owned()).expect("not empty"))
    }

    #[test]
    fn a_key_that_fits_is_kept_as_it_is() {
        assert_eq!(key("CACHE#", "default::/?").partition(), "CACHE#default::/?");
        assert_eq!(key("", &"é".repeat(1_024)).partition().len(), 2_048);
    }

    #[test]
    fn a_key_that_does_not_fit_is_hashed_behind_the_same_prefix() {
        let long = "a".repeat(2_043);
        assert_eq!(
            key("CACHE#", &long).partition(),
            "CACHE#sha256:90c1d6fe5224826ccfef3d910b4b180d9581b87132171bf07dea72a75bad3d17"
        );
        assert_eq!(key("CACHE#", &long).cache_key(), long);
        assert_eq!(key("CACHE#", &"a".repeat(2_042)).partition().len(), 2_048);
    }

    #[test]
    fn a_key_that_looks_like_a_digest_is_hashed_too() {
        let long = key("CACHE#", &"a".repeat(2_043));
        let digest = long.partition().strip_prefix("CACHE#").expect("prefixed");
        assert_ne!(key("CACHE#", digest).partition(), long.partition());
        assert!(key("", "sha256:").partition().len() > 64);
        assert_eq!(key("", "Sha256:x").partition(), "Sha256:x");
    }

    #[test]
    fn a_partition_of_the_callers_own_has_1_to_2048_bytes() {
        let own =
            |partition: String| EntryKey::in_partition(CacheKey::new("k".to_owned()).expect("not empty"), partition);
        for good in ["p".to_owned(), "é".repeat(1_024)] {
            assert_eq!(own(good.clone()).expect("fits").partition(), good);
        }
        for bad in [String::new(), "p".repeat(2_049)] {
            assert!(own(bad).is_err());
        }
    }

    #[test]
    fn messages_show_a_shortened_and_escaped_key() {
        assert_eq!(key("", "short").truncated_for_display(), "short");
        assert_eq!(key("", &"é".repeat(81)).truncated_for_display(), format!("{}…", "é".repeat(80)));
        assert_eq!(key("", "a\nb\u{1b}[31m\u{7f}\u{85}").escaped_for_display(), "a\\nb\\u{1b}[31m\\u{7f}\\u{85}");
    }
}

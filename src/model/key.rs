//! Which partition of the table belongs to a cache key.

use sha2::{Digest, Sha256};

use super::CacheKey;
use crate::error::{Error, Result};

/// `DynamoDB`'s limit for a partition key, in UTF-8 bytes.
const LONGEST_PARTITION_KEY: usize = 2_048;
/// How much of a cache key an error message shows.
const SHOWN_CHARS: usize = 80;

/// A cache key and the partition that holds its two rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryKey {
    cache_key: CacheKey,
    partition: String,
}

impl EntryKey {
    /// The partition is `prefix` + cache key; where that is too long for `DynamoDB`, `prefix` + `sha256:` + hex digest.
    #[must_use]
    pub fn prefixed(prefix: &str, cache_key: CacheKey) -> Self {
        let plain = cache_key.as_str();
        let partition = if prefix.len() + plain.len() <= LONGEST_PARTITION_KEY {
            format!("{prefix}{plain}")
        } else {
            format!("{prefix}sha256:{}", hex_digest(plain))
        };
        Self { cache_key, partition }
    }

    /// The partition is what the caller says, for layouts of their own.
    ///
    /// # Errors
    /// `OutOfRange` when `partition` is empty or longer than `DynamoDB`'s 2,048 bytes.
    pub fn in_partition(cache_key: CacheKey, partition: String) -> Result<Self> {
        if partition.is_empty() || partition.len() > LONGEST_PARTITION_KEY {
            return Err(Error::out_of_range("pkFromCacheKey must return 1 to 2048 bytes (UTF-8)"));
        }
        Ok(Self { cache_key, partition })
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

    /// The cache key, shortened for an error message.
    #[must_use]
    pub fn shown(&self) -> String {
        let key = self.cache_key();
        match key.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{}…", &key[..end]),
            None => key.to_owned(),
        }
    }
}

fn hex_digest(text: &str) -> String {
    use std::fmt::Write;
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
        EntryKey::prefixed(prefix, CacheKey::new("cacheKey", cache_key.to_owned()).expect("not empty"))
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
    fn a_partition_of_the_callers_own_has_1_to_2048_bytes() {
        let own = |partition: String| {
            EntryKey::in_partition(CacheKey::new("cacheKey", "k".to_owned()).expect("not empty"), partition)
        };
        for good in ["p".to_owned(), "é".repeat(1_024)] {
            assert_eq!(own(good.clone()).expect("fits").partition(), good);
        }
        for bad in [String::new(), "p".repeat(2_049)] {
            assert!(own(bad).is_err());
        }
    }

    #[test]
    fn messages_show_a_shortened_key() {
        assert_eq!(key("", "short").shown(), "short");
        assert_eq!(key("", &"é".repeat(81)).shown(), format!("{}…", "é".repeat(80)));
    }
}

//! Strings that name something and so cannot be empty.

use std::fmt;

use super::InvalidValue;

/// `DynamoDB`'s limit for an item, names and values: no part of a row can be longer.
pub(crate) const LARGEST_ITEM: usize = 400 * 1_024;

macro_rules! non_empty_text {
    ($(#[$doc:meta])* $name:ident, at most $limit:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks `value`.
            ///
            /// # Errors
            /// [`InvalidValue`] when it is empty or too long.
            pub fn new(value: String) -> Result<Self, InvalidValue> {
                if value.is_empty() {
                    return Err(InvalidValue::new("must not be empty"));
                }
                if value.len() > $limit {
                    return Err(InvalidValue::new(format!("must be at most {} bytes (UTF-8)", $limit)));
                }
                Ok(Self(value))
            }

            /// The string.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

non_empty_text! {
    /// The app's name for a page. Not empty; a key of any length can be looked up.
    #[derive(Debug)]
    CacheKey, at most usize::MAX
}

non_empty_text! {
    /// The caller that regenerates a page: one request of one process. Not empty.
    #[derive(Debug)]
    LeaseOwner, at most LARGEST_ITEM
}

non_empty_text! {
    /// The token that fences a publish: new for each acquire. Not empty, and never shown.
    LeaseToken, at most LARGEST_ITEM
}

non_empty_text! {
    /// The location of a page's HTML. Not empty.
    #[derive(Debug)]
    HtmlPointer, at most LARGEST_ITEM
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_string_is_refused() {
        let error = LeaseOwner::new(String::new()).expect_err("empty").at("leaseOwner");
        assert_eq!(error.to_string(), "leaseOwner must not be empty");
    }

    #[test]
    fn a_string_that_fits_in_no_row_is_refused_unless_it_is_a_cache_key() {
        assert!(LeaseToken::new("t".repeat(LARGEST_ITEM)).is_ok());
        let long = "é".repeat(LARGEST_ITEM / 2 + 1);
        let error = LeaseToken::new(long.clone()).expect_err("too long").at("leaseToken");
        assert_eq!(error.to_string(), "leaseToken must be at most 409600 bytes (UTF-8)");
        assert!(CacheKey::new(long).is_ok());
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = LeaseToken::new("secret".to_owned()).expect("not empty");
        assert_eq!(format!("{token:?}"), "LeaseToken(…)");
    }
}

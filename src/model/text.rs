//! Strings that name something and so cannot be empty.

use std::fmt;

use crate::error::{Error, Result};

/// `value`, unless it is empty; `field` is named in the error.
pub(crate) fn not_empty(field: &str, value: String) -> Result<String> {
    if value.is_empty() { Err(Error::out_of_range(format!("{field} must not be empty"))) } else { Ok(value) }
}

/// `DynamoDB`'s limit for an item, names and values: no part of a row can be longer.
pub(crate) const LARGEST_ITEM: usize = 400 * 1_024;

macro_rules! non_empty_text {
    ($(#[$doc:meta])* $name:ident, at most $limit:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks `value`; `field` is named in the error.
            ///
            /// # Errors
            /// `OutOfRange` when it is empty, or longer than it can be.
            pub fn new(field: &str, value: String) -> Result<Self> {
                if value.len() > $limit {
                    return Err(Error::out_of_range(format!("{field} must be at most {} bytes (UTF-8)", $limit)));
                }
                not_empty(field, value).map(Self)
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
    /// What the app calls a page. Not empty; of any length, as far as looking it up goes.
    #[derive(Debug)]
    CacheKey, at most usize::MAX
}

non_empty_text! {
    /// Who wants to regenerate a page: one request of one process. Not empty.
    #[derive(Debug)]
    LeaseOwner, at most LARGEST_ITEM
}

non_empty_text! {
    /// What fences a publish: new for each acquire. Not empty, and never shown.
    LeaseToken, at most LARGEST_ITEM
}

non_empty_text! {
    /// Where the HTML of a page lies. Not empty.
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
    fn nothing_is_not_a_name() {
        let error = LeaseOwner::new("leaseOwner", String::new()).expect_err("empty");
        assert_eq!(error.to_string(), "leaseOwner must not be empty");
    }

    #[test]
    fn what_fits_in_no_row_is_refused_and_a_key_may_be_looked_up_all_the_same() {
        assert!(LeaseToken::new("leaseToken", "t".repeat(LARGEST_ITEM)).is_ok());
        let long = "é".repeat(LARGEST_ITEM / 2 + 1);
        let error = LeaseToken::new("leaseToken", long.clone()).expect_err("too long");
        assert_eq!(error.to_string(), "leaseToken must be at most 409600 bytes (UTF-8)");
        assert!(CacheKey::new("cacheKey", long).is_ok());
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = LeaseToken::new("leaseToken", "secret".to_owned()).expect("not empty");
        assert_eq!(format!("{token:?}"), "LeaseToken(…)");
    }
}

//! Strings that name something and so cannot be empty.

use std::fmt;

use crate::error::{Error, Result};

/// `value`, unless it is empty; `field` is named in the error.
pub(crate) fn not_empty(field: &str, value: String) -> Result<String> {
    if value.is_empty() { Err(Error::out_of_range(format!("{field} must not be empty"))) } else { Ok(value) }
}

macro_rules! non_empty_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks `value`; `field` is named in the error.
            ///
            /// # Errors
            /// `OutOfRange` when it is empty.
            pub fn new(field: &str, value: String) -> Result<Self> {
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
    /// What the app calls a page. Not empty.
    #[derive(Debug)]
    CacheKey
}

non_empty_text! {
    /// Who wants to regenerate a page: one request of one process. Not empty.
    #[derive(Debug)]
    LeaseOwner
}

non_empty_text! {
    /// What fences a publish: new for each acquire. Not empty, and never shown.
    LeaseToken
}

non_empty_text! {
    /// Where the HTML of a page lies. Not empty.
    #[derive(Debug)]
    HtmlPointer
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
    fn a_token_is_never_shown() {
        let token = LeaseToken::new("leaseToken", "secret".to_owned()).expect("not empty");
        assert_eq!(format!("{token:?}"), "LeaseToken(…)");
    }
}

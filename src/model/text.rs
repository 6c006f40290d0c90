//! Strings that name something and so cannot be empty.

use crate::error::{Error, Result};

/// A string that is not empty: a cache key, an owner, a token, a pointer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(String);

impl Text {
    /// Checks `value`; `field` is named in the error.
    ///
    /// # Errors
    /// `OutOfRange` when it is empty.
    pub fn new(field: &str, value: impl Into<String>) -> Result<Self> {
        let value = value.into();
        if value.is_empty() {
            return Err(Error::out_of_range(format!("{field} must not be empty")));
        }
        Ok(Self(value))
    }

    /// The string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the text itself: it may be a lease token.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

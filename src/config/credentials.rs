//! Where credentials come from, where the configuration says so itself.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

/// Credentials, or a provider that is asked for them.
#[derive(Debug, Clone)]
pub enum CredentialsSource {
    /// Always these. Once they have expired, no call succeeds.
    Static(Credentials),
    /// Asked at the first call and again before the expiry of its answer, one question at a time.
    ///
    /// A provider that fails with an [`Error`](crate::Error) as the source of its `CredentialsError` decides about the kind
    /// of the failure; others are `Credentials`, or `Timeout` where the provider says so.
    Provider(SharedCredentialsProvider),
}

impl From<Credentials> for CredentialsSource {
    fn from(credentials: Credentials) -> Self {
        Self::Static(credentials)
    }
}

impl PartialEq for CredentialsSource {
    /// Two providers are never equal.
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Static(one), Self::Static(another)) if one == another)
    }
}

//! A source of credentials that live for seconds. It is slow, and at times it fails or hangs.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::time::TimeSource;
use tokio::time::sleep;

use crate::clock::VirtualClock;
use crate::network::{Shared, lock};

/// The clients whose credentials expire.
pub(crate) const RENEWING_CLIENTS: [usize; 2] = [2, 4];

/// The source of one process.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) world: Shared,
    pub(crate) client: usize,
    /// The name of the process.
    pub(crate) store: String,
    pub(crate) clock: VirtualClock,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({})", self.store)
    }
}

impl Source {
    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let (takes, is_failure, lifetime) = {
            let world = &mut *lock(&self.world);
            let (has_faults, random) = (world.has_faults(), &mut world.random);
            let takes = if has_faults && random.u8(0..10) == 0 { random.u64(0..8_000) } else { random.u64(0..300) };
            let is_failure = has_faults && random.u8(0..4) == 0;
            (Duration::from_millis(takes), is_failure, Duration::from_millis(random.u64(500..8_000)))
        };
        sleep(takes).await;
        if is_failure {
            return Err(CredentialsError::provider_error("the source is down"));
        }
        let number = lock(&self.world).ledger.issued(self.client, &self.store, lifetime);
        let expiry = self.clock.now() + lifetime;
        Ok(Credentials::new(format!("K{number}"), "secret", Some("token".to_owned()), Some(expiry), "simulated"))
    }
}

impl ProvideCredentials for Source {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

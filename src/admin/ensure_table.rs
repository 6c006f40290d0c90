//! Creating the table, for local development and tests.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
};
use tokio::time::sleep;

use crate::Store;
use crate::aws::{RequestError, RetryError};
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::table::{Session, schema};

const POLL_INTERVAL: Duration = Duration::from_millis(250);

impl Store {
    /// Creates the table when it is missing (on-demand billing), turns TTL on for `ttl`, and waits until the table is
    /// usable, at most 60 s. For local development and tests.
    ///
    /// # Errors
    /// `Config` for a table of that name with other keys, and every kind that the network can cause.
    pub async fn ensure_table(&self, call: &Call<()>) -> Result<()> {
        let table = self.table.connect(call, &()).await?;
        let mut create_sent = false;
        loop {
            match table.describe_table().await? {
                Some(description) if !schema::keys_match(&description) => return Err(table.has_other_keys()),
                Some(description) if description.table_status() == Some(&TableStatus::Active) => break,
                None if !create_sent => {
                    table.create().await?;
                    create_sent = true;
                }
                _ => {}
            }
            table.pause().await?;
        }
        while !table.ttl_is_on().await? {
            table.pause().await?;
        }
        Ok(())
    }
}

impl Session<'_, ()> {
    async fn create(&self) -> Result<()> {
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
        };
        let built = (|| {
            Ok::<_, BuildError>((
                [key(schema::PK, KeyType::Hash)?, key(schema::SK, KeyType::Range)?],
                [attribute(schema::PK)?, attribute(schema::SK)?],
            ))
        })();
        let (keys, attributes) = built.map_err(|error| self.unbuildable(error))?;
        let send = || async {
            let request = self.connected.client.create_table().table_name(self.table_name());
            let request = request.billing_mode(BillingMode::PayPerRequest).set_key_schema(Some(keys.to_vec()));
            let answer = request.set_attribute_definitions(Some(attributes.to_vec())).send().await;
            // Another process was faster, or our own lost attempt was.
            self.accept(answer, |code, _| code == "ResourceInUseException")
        };
        self.ask(send).await
    }

    /// Turns TTL on if it is off. Says whether it is on, or being turned on.
    async fn ttl_is_on(&self) -> Result<bool> {
        let ttl = self.describe_ttl().await?;
        match ttl.as_ref().and_then(TimeToLiveDescription::time_to_live_status) {
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => {
                let attribute = ttl.as_ref().and_then(TimeToLiveDescription::attribute_name).unwrap_or_default();
                if attribute == schema::TTL {
                    return Ok(true);
                }
                let (call, table) = (&self.call, self.table_name());
                let message = format!(
                    "{call}: table \"{table}\" has its TTL on the attribute \"{attribute}\" instead of \"{}\"",
                    schema::TTL
                );
                Err(Error::new(ErrorKind::Config, message))
            }
            Some(TimeToLiveStatus::Disabling) => Ok(false),
            _ => self.turn_ttl_on().await.map(|()| false),
        }
    }

    async fn turn_ttl_on(&self) -> Result<()> {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(schema::TTL).build();
        let ttl = ttl.map_err(|error| self.unbuildable(error))?;
        let send = || async {
            let request = self.connected.client.update_time_to_live().table_name(self.table_name());
            let answer = request.time_to_live_specification(ttl.clone()).send().await;
            // Another process was faster, or our own lost attempt was.
            self.accept(answer, |code, message| code == "ValidationException" && message.contains("already enabled"))
        };
        self.ask(send).await
    }

    async fn pause(&self) -> Result<()> {
        let waited = self.call.deadline().limit(sleep(POLL_INTERVAL)).await;
        waited.map_err(|_| {
            let last = RequestError::deadline(self.call.deadline(), "before the table was usable");
            self.explain(RetryError { last, may_have_been_applied: true, was_sent: true, attempts: 1 })
        })
    }

    /// Takes an error with such a code and message for a success.
    fn accept<T, E>(&self, answer: Result<T, SdkError<E>>, is_fine: fn(&str, &str) -> bool) -> Result<(), RequestError>
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match answer {
            Err(error) if is_fine(error.code().unwrap_or_default(), error.message().unwrap_or_default()) => Ok(()),
            Err(error) => Err(self.request_error(error)),
            Ok(_) => Ok(()),
        }
    }

    fn unbuildable(&self, error: BuildError) -> Error {
        Error::new(ErrorKind::Unexpected, format!("{}: the request could not be built", self.call)).caused_by(error)
    }
}

//! Creating the table, for local development and tests.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
};
use tokio::time::sleep;

use super::attempts::Deadline;
use super::client::Connected;
use super::fault::{Fault, Limit};
use super::{Table, schema};
use crate::error::{Error, ErrorKind, Result};

const LONGEST_WAIT: Duration = Duration::from_mins(1);
const POLL_INTERVAL: Duration = Duration::from_millis(250);
const OPERATION: &str = "ensureTable";

impl Table {
    /// Creates the table when it is missing, turns TTL on, and waits until the table is usable: at most 60 s.
    pub(crate) async fn ensure(&self) -> Result<()> {
        let deadline = Deadline::after(LONGEST_WAIT, Limit::EnsureTable);
        let connected = self.connected(OPERATION, deadline).await?;
        let mut create_sent = false;
        loop {
            match self.describe_table(OPERATION, connected, deadline).await? {
                Some(table) => {
                    self.check_keys(&table)?;
                    if table.table_status() == Some(&TableStatus::Active) {
                        break;
                    }
                }
                None if !create_sent => {
                    self.create(connected, deadline).await?;
                    create_sent = true;
                }
                None => {}
            }
            self.pause(deadline, connected).await?;
        }
        while !self.ttl_is_on(connected, deadline).await? {
            self.pause(deadline, connected).await?;
        }
        Ok(())
    }

    pub(super) async fn describe_table(
        &self,
        about: &str,
        connected: &Connected,
        deadline: Deadline,
    ) -> Result<Option<TableDescription>> {
        let send = || async {
            let answer = connected.client.describe_table().table_name(self.config.table_name.as_str()).send().await;
            match answer {
                Ok(answer) => Ok(answer.table),
                Err(error) => match error.as_service_error() {
                    Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
                    _ => Err(self.fault(error)),
                },
            }
        };
        self.ask(about, connected, deadline, send).await
    }

    async fn create(&self, connected: &Connected, deadline: Deadline) -> Result<()> {
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
        };
        let built = (|| {
            Ok::<_, aws_sdk_dynamodb::error::BuildError>((
                [key(schema::PK, KeyType::Hash)?, key(schema::SK, KeyType::Range)?],
                [attribute(schema::PK)?, attribute(schema::SK)?],
            ))
        })();
        let (keys, attributes) = built.map_err(|error| {
            Error::new(ErrorKind::Unexpected, format!("{OPERATION}: the request could not be built")).caused_by(error)
        })?;
        let send = || async {
            let answer = connected
                .client
                .create_table()
                .table_name(self.config.table_name.as_str())
                .billing_mode(BillingMode::PayPerRequest)
                .set_key_schema(Some(keys.to_vec()))
                .set_attribute_definitions(Some(attributes.to_vec()))
                .send()
                .await;
            // Somebody else was faster, or our own lost attempt was.
            self.accept(answer, |code, _| code == "ResourceInUseException")
        };
        self.ask(OPERATION, connected, deadline, send).await
    }

    fn check_keys(&self, table: &TableDescription) -> Result<()> {
        if schema::are_our_keys(table) {
            return Ok(());
        }
        Err(self.has_other_keys(OPERATION))
    }

    pub(super) fn has_other_keys(&self, about: &str) -> Error {
        let table = self.config.table_name.as_str();
        let needed = "it needs the partition key pk and the sort key sk, both strings";
        Error::new(ErrorKind::Config, format!("{about}: table \"{table}\" exists with other keys; {needed}"))
    }

    /// Turns TTL on if it is off; whether it is on (or being turned on).
    async fn ttl_is_on(&self, connected: &Connected, deadline: Deadline) -> Result<bool> {
        let ttl = self.describe_ttl(OPERATION, connected, deadline).await?;
        match ttl.as_ref().and_then(TimeToLiveDescription::time_to_live_status) {
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => {
                let attribute = ttl.as_ref().and_then(TimeToLiveDescription::attribute_name).unwrap_or_default();
                if attribute == schema::TTL {
                    return Ok(true);
                }
                Err(Error::new(
                    ErrorKind::Config,
                    format!(
                        "{OPERATION}: table \"{}\" has its TTL on the attribute \"{attribute}\" instead of \"{}\"",
                        self.config.table_name.as_str(),
                        schema::TTL
                    ),
                ))
            }
            Some(TimeToLiveStatus::Disabling) => Ok(false),
            _ => self.turn_ttl_on(connected, deadline).await.map(|()| false),
        }
    }

    pub(super) async fn describe_ttl(
        &self,
        about: &str,
        connected: &Connected,
        deadline: Deadline,
    ) -> Result<Option<TimeToLiveDescription>> {
        let send = || async {
            let request = connected.client.describe_time_to_live().table_name(self.config.table_name.as_str());
            request.send().await.map(|answer| answer.time_to_live_description).map_err(|error| self.fault(error))
        };
        self.ask(about, connected, deadline, send).await
    }

    async fn turn_ttl_on(&self, connected: &Connected, deadline: Deadline) -> Result<()> {
        let ttl =
            TimeToLiveSpecification::builder().enabled(true).attribute_name(schema::TTL).build().map_err(|error| {
                Error::new(ErrorKind::Unexpected, format!("{OPERATION}: the request could not be built"))
                    .caused_by(error)
            })?;
        let send = || async {
            let request = connected.client.update_time_to_live().table_name(self.config.table_name.as_str());
            let answer = request.time_to_live_specification(ttl.clone()).send().await;
            // Somebody else was faster, or our own lost attempt was.
            self.accept(answer, |code, message| code == "ValidationException" && message.contains("already enabled"))
        };
        self.ask(OPERATION, connected, deadline, send).await
    }

    async fn pause(&self, deadline: Deadline, connected: &Connected) -> Result<()> {
        let waited = deadline.limit(sleep(POLL_INTERVAL)).await;
        waited
            .map_err(|_| self.describe(deadline.passed("before the table was usable"), 1, OPERATION, &connected.place))
    }

    /// Takes an error with such a code and message for a success.
    fn accept<T, E>(&self, answer: Result<T, SdkError<E>>, is_fine: fn(&str, &str) -> bool) -> Result<(), Fault>
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match answer {
            Err(error) if is_fine(error.code().unwrap_or_default(), error.message().unwrap_or_default()) => Ok(()),
            Err(error) => Err(self.fault(error)),
            Ok(_) => Ok(()),
        }
    }
}

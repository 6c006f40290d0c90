//! What a store needs to know, checked.

mod endpoint;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_async::time::SharedTimeSource;

pub use self::endpoint::{ENDPOINT_VARIABLES, Endpoint};
use crate::error::{Error, ErrorKind, Result};

/// The environment variables that may hold the table name, first non-blank one first.
pub const TABLE_NAME_VARIABLES: [&str; 4] =
    ["FACETHEORY_CACHE_TABLE_NAME", "APPTHEORY_CACHE_TABLE_NAME", "CACHE_TABLE_NAME", "CACHE_TABLE"];
/// What is put before a cache key, as TableTheory does.
pub const DEFAULT_PK_PREFIX: &str = "CACHE#";

/// The environment variables that anything is read from, beside those that start with `AWS_`.
#[cfg(all(feature = "node", not(test)))]
pub(crate) fn is_used(variable: &str) -> bool {
    variable.starts_with("AWS_")
        || TABLE_NAME_VARIABLES.contains(&variable)
        || ENDPOINT_VARIABLES.contains(&variable)
        || ["HOME", "USERPROFILE", "NODE_EXTRA_CA_CERTS"].contains(&variable)
}

/// Environment variables, as whoever builds the store sees them.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The variable, unless it is blank; trimmed.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first of `names` that is not blank.
    #[must_use]
    pub fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// A name or ARN that a `DynamoDB` table can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(String);

impl TableName {
    /// Checks DynamoDB's rules: 3 to 255 of `a-z A-Z 0-9 _ - .`, or the ARN of such a table.
    ///
    /// # Errors
    /// `OutOfRange` when it breaks them.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if is_table_name(&name) || is_table_arn(&name) {
            return Ok(Self(name));
        }
        Err(Error::out_of_range(
            "tableName must be 3 to 255 characters of a-z, A-Z, 0-9, '_', '-' and '.', or the ARN of a table",
        ))
    }

    /// The first non-blank of [`TABLE_NAME_VARIABLES`].
    ///
    /// # Errors
    /// `Config` when all are blank; `OutOfRange` when the first is no table name.
    pub fn from_environment(environment: &Environment) -> Result<Self> {
        let Some((_, name)) = environment.first(&TABLE_NAME_VARIABLES) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("no table name: pass one, or set one of {}", TABLE_NAME_VARIABLES.join(", ")),
            ));
        };
        Self::new(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region in an ARN: the table is there, wherever the process is.
    pub(crate) fn region(&self) -> Option<&str> {
        self.0.starts_with("arn:").then(|| self.0.split(':').nth(3)).flatten()
    }
}

fn is_table_name(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// `arn:partition:dynamodb:region:account:table/name`
fn is_table_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [prefix, partition, service, region, account, resource] = parts[..] else { return false };
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    prefix == "arn"
        && is_word(partition)
        && service == "dynamodb"
        && is_word(region)
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && resource.strip_prefix("table/").is_some_and(is_table_name)
}

/// For messages.
pub(crate) const REGION_RULE: &str =
    "the name of a region: at most 63 letters, digits and hyphens, with no hyphen at its ends";

/// A region's name becomes part of an address and of every signature.
pub(crate) fn is_region(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Makes unique strings: lease tokens and the tokens of `DynamoDB` requests.
pub type UniqueIds = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything that can be set; [`Config::new`] has the defaults.
#[derive(Clone)]
pub struct Config {
    /// The table.
    pub table_name: TableName,
    /// The variables that region, credentials and their profile come from.
    pub environment: Environment,
    /// Default: the table's, where its name is an ARN; `AWS_REGION`, `AWS_DEFAULT_REGION`, the shared config file; `us-east-1` at a loopback endpoint.
    pub region: Option<String>,
    /// Default: AWS's own.
    pub endpoint: Option<Endpoint>,
    /// Default: the AWS chain; dummies at a loopback endpoint.
    pub credentials: Option<Credentials>,
    /// Attempts for one call, 1 to 10. Default: 3.
    pub max_attempts: u32,
    /// Limit for a connection to stand. Default: 1 s.
    pub connect_timeout: Duration,
    /// Limit for one attempt. Default: 1 s.
    pub request_timeout: Duration,
    /// Limit for a whole call. Default: 3 s.
    pub operation_timeout: Duration,
    /// What is put before a cache key. Default: [`DEFAULT_PK_PREFIX`].
    pub pk_prefix: String,
    /// Seconds from a lease's end to when its row may be collected; 0: never. Default: 3,600.
    pub lease_ttl_buffer_seconds: f64,
    /// Seconds from a page's birth to when its row may be collected. Default: never.
    pub meta_ttl_seconds: Option<f64>,
    /// Whether `get` reads strongly consistently. Default: yes.
    pub consistent_read: bool,
    /// How long after it was read a fresh page is answered again from memory. Default: zero, never.
    pub max_staleness: Duration,
    /// Default: random UUIDs, version 4.
    pub unique_ids: UniqueIds,
    /// Default: this crate's, over TCP and rustls.
    pub http_client: Option<SharedHttpClient>,
    /// The clock for signatures, the expiry of credentials and `max_staleness`; leases never look at it. Default: the system's.
    pub time_source: Option<SharedTimeSource>,
}

impl Config {
    /// The defaults.
    #[must_use]
    pub fn new(table_name: TableName) -> Self {
        Self {
            table_name,
            environment: Environment::default(),
            region: None,
            endpoint: None,
            credentials: None,
            max_attempts: 3,
            connect_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(1),
            operation_timeout: Duration::from_secs(3),
            pk_prefix: DEFAULT_PK_PREFIX.to_owned(),
            lease_ttl_buffer_seconds: 3_600.0,
            meta_ttl_seconds: None,
            consistent_read: true,
            max_staleness: Duration::ZERO,
            unique_ids: Arc::new(|| uuid::Uuid::new_v4().to_string()),
            http_client: None,
            time_source: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_follow_dynamodbs_rules() {
        for good in ["isr", "a.b-c_D9", &"x".repeat(255), "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/isr"] {
            assert!(TableName::new(good).is_ok(), "{good}");
        }
        let region = |name: &str| TableName::new(name).expect("a name").region().map(str::to_owned);
        assert_eq!(region("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/isr").as_deref(), Some("cn-north-1"));
        assert_eq!(region("arn.isr"), None);
        for bad in [
            "",
            "ab",
            " isr",
            "is r",
            "isr/x",
            "é23",
            &"x".repeat(256),
            "arn:aws:s3:::bucket",
            "arn:aws:dynamodb:r:1:table/isr",
            "arn:aws:dynamodb:us-east-1:123456789012:table/isr/index/x",
        ] {
            assert!(TableName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_first_table_variable_that_is_not_blank_wins() {
        let environment = Environment::from_iter([
            ("FACETHEORY_CACHE_TABLE_NAME".to_owned(), "  ".to_owned()),
            ("CACHE_TABLE".to_owned(), "last".to_owned()),
            ("CACHE_TABLE_NAME".to_owned(), " third ".to_owned()),
        ]);
        assert_eq!(TableName::from_environment(&environment).expect("there").as_str(), "third");
        let error = TableName::from_environment(&Environment::default()).expect_err("none");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(TABLE_NAME_VARIABLES.iter().all(|name| error.to_string().contains(name)), "{error}");
    }

    #[test]
    fn a_region_can_be_part_of_an_address() {
        assert!(is_region("eu-west-1") && is_region(&"r".repeat(63)));
        for bad in ["", "-eu", "eu-", "eu west", "eu.west", &"r".repeat(64)] {
            assert!(!is_region(bad), "{bad}");
        }
    }
}

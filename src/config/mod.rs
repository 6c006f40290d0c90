//! The settings of a store. A value of these types is one that the contract allows.

mod credentials;
mod endpoint;
mod options;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_async::time::SharedTimeSource;

pub use self::credentials::CredentialsSource;
pub(crate) use self::endpoint::IGNORE_CONFIGURED_ENDPOINTS;
pub use self::endpoint::{ENDPOINT_VARIABLES, Endpoint};
use self::options::{BOOLEAN_COUNT, BOOLEAN_DEFAULTS, NUMBER_COUNT, NUMBER_DEFAULTS};
pub use self::options::{
    BooleanOption, FunctionOption, NumberOption, OptionKind, OptionSpec, Range, TextOption, options,
};
use crate::error::{Error, ErrorKind, Result};
use crate::model::InvalidValue;

/// The environment variables that may hold the table name, first non-blank one first.
pub const TABLE_NAME_VARIABLES: [&str; 4] =
    ["FACETHEORY_CACHE_TABLE_NAME", "APPTHEORY_CACHE_TABLE_NAME", "CACHE_TABLE_NAME", "CACHE_TABLE"];
/// The prefix before a cache key, as TableTheory has it.
pub const DEFAULT_PK_PREFIX: &str = "CACHE#";

/// The environment variables that anything is read from, beside those that start with `AWS_`.
fn is_used(variable: &str) -> bool {
    variable.starts_with("AWS_")
        || TABLE_NAME_VARIABLES.contains(&variable)
        || ENDPOINT_VARIABLES.contains(&variable)
        || [
            "HOME",
            "USERPROFILE",
            "NODE_EXTRA_CA_CERTS",
            "NODE_TLS_REJECT_UNAUTHORIZED",
            "NODE_USE_SYSTEM_CA",
            "NODE_OPTIONS",
        ]
        .contains(&variable)
        || PROXY_VARIABLES.contains(&variable)
}

/// The variables of proxies; the last one tells that the process serves requests by CGI.
const PROXY_VARIABLES: [&str; 7] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"];

/// Environment variables, as the code that builds the store sees them.
#[derive(Debug, Clone, Default)]
pub struct Environment(Arc<HashMap<String, String>>);

/// Equal where the store reads the same values: the others are for child processes only.
impl PartialEq for Environment {
    fn eq(&self, other: &Self) -> bool {
        let used = |environment: &Self| environment.iter().filter(|(name, _)| is_used(name)).count();
        let is_in_other = |(name, value): (&str, &str)| other.0.get(name).is_some_and(|theirs| theirs == value);
        used(self) == used(other) && self.iter().filter(|(name, _)| is_used(name)).all(is_in_other)
    }
}

impl Eq for Environment {}

impl Environment {
    /// The variable, unless it is blank; trimmed.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// All variables as they are, for the environment of a child process.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the variable is there, be it blank.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The first of `names` that is not blank.
    #[must_use]
    pub fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(Arc::new(variables.into_iter().collect()))
    }
}

/// The value of a setting that is on or off; `source` is named in the error.
pub(crate) fn switch(source: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::new(ErrorKind::Config, format!("{source} must be true or false, and is {value:?}"))),
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
    /// `Config` when all are blank; `OutOfRange` when the first is not a table name.
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

    pub(crate) fn is_arn(&self) -> bool {
        self.0.starts_with("arn:")
    }

    /// The region in an ARN: the table is there, wherever the process is.
    pub(crate) fn region(&self) -> Option<&str> {
        self.is_arn().then(|| self.0.split(':').nth(3)).flatten()
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

const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
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

/// Takes a sentence for the operator.
pub type OnWarning = Arc<dyn Fn(String) + Send + Sync>;

/// Makes unique strings: lease tokens and the tokens of `DynamoDB` requests.
pub type UniqueIds = Arc<dyn Fn() -> String + Send + Sync>;

/// `value`, if it can be a prefix of partition keys: at most 1,024 bytes.
///
/// # Errors
/// [`InvalidValue`] when it is longer.
fn checked_prefix(value: String) -> Result<String, InvalidValue> {
    if value.len() > LONGEST_PREFIX_BYTES {
        return Err(InvalidValue::new(format!("must be at most {LONGEST_PREFIX_BYTES} bytes (UTF-8)")));
    }
    Ok(value)
}

const LONGEST_PREFIX_BYTES: usize = 1_024;

/// The settings of a store; [`Config::new`] has the defaults.
#[derive(Clone)]
pub struct Config {
    /// The table.
    pub table_name: TableName,
    /// The variables that region, credentials and their profile come from.
    pub environment: Environment,
    /// The endpoint of `DynamoDB`. Default: that of the environment or the profile, else AWS's own.
    pub endpoint: Option<Endpoint>,
    /// Default: the AWS chain; dummies at a loopback endpoint.
    pub credentials: Option<CredentialsSource>,
    /// Makes lease tokens and request tokens. Default: random UUIDs, version 4.
    pub unique_ids: UniqueIds,
    /// Default: this crate's, over TCP and rustls.
    pub http_client: Option<SharedHttpClient>,
    /// The certificates that are trusted, in PEM form, in place of Mozilla's list. `AWS_CA_BUNDLE` replaces them too.
    pub trusted_certificates: Option<Arc<str>>,
    /// Takes warnings for the operator; calls go on. It is called on the worker thread.
    pub on_warning: Option<OnWarning>,
    /// The wall clock. Leases never look at it. Default: the system's.
    pub time_source: Option<SharedTimeSource>,
    /// The rules for fleets, each of which the simulation can switch off.
    #[doc(hidden)]
    pub fleet_rules: FleetRules,
    region: Option<String>,
    pk_prefix: String,
    numbers: [Option<f64>; NUMBER_COUNT],
    booleans: [bool; BOOLEAN_COUNT],
}

/// The rules for fleets that have no option of their own: all on, but in experiments.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each rule is switched on its own")]
pub struct FleetRules {
    pub patient_retries: bool,
    pub read_after_throttled_put: bool,
    pub recently_seen_lease: bool,
    pub double_check: bool,
    pub paced_polling: bool,
    pub circuit_breaker: bool,
}

impl Default for FleetRules {
    fn default() -> Self {
        Self {
            patient_retries: true,
            read_after_throttled_put: true,
            recently_seen_lease: true,
            double_check: true,
            paced_polling: true,
            circuit_breaker: true,
        }
    }
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
            pk_prefix: DEFAULT_PK_PREFIX.to_owned(),
            unique_ids: Arc::new(|| uuid::Uuid::new_v4().to_string()),
            http_client: None,
            trusted_certificates: None,
            on_warning: None,
            time_source: None,
            fleet_rules: FleetRules::default(),
            numbers: [None; NUMBER_COUNT],
            booleans: BOOLEAN_DEFAULTS,
        }
    }

    /// Sets an option that is a number.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is out of the option's range.
    #[expect(clippy::indexing_slicing, reason = "there is a number for each variant")]
    pub fn set_number(&mut self, option: NumberOption, number: f64) -> Result<(), InvalidValue> {
        let OptionKind::Number(_, range) = option.spec().kind else { return Ok(()) };
        self.numbers[option as usize] = Some(range.check(number)?);
        Ok(())
    }

    /// Sets an option that is a boolean.
    #[expect(clippy::indexing_slicing, reason = "there is a boolean for each variant")]
    pub fn set_boolean(&mut self, option: BooleanOption, boolean: bool) {
        self.booleans[option as usize] = boolean;
    }

    /// Sets the region.
    ///
    /// # Errors
    /// [`InvalidValue`] when it cannot be part of an address.
    pub fn set_region(&mut self, region: String) -> Result<(), InvalidValue> {
        if !is_region(&region) {
            return Err(InvalidValue::new(format!("must be {REGION_RULE}")));
        }
        self.region = Some(region);
        Ok(())
    }

    /// Sets the prefix of partition keys.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is longer than 1,024 bytes.
    pub fn set_pk_prefix(&mut self, prefix: String) -> Result<(), InvalidValue> {
        self.pk_prefix = checked_prefix(prefix)?;
        Ok(())
    }

    /// The region that was set. Default: the table's, where its name is an ARN; `AWS_REGION`, `AWS_DEFAULT_REGION`, the
    /// profile's; `us-east-1` at a loopback endpoint.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The prefix of partition keys. Default: [`DEFAULT_PK_PREFIX`].
    #[must_use]
    pub fn pk_prefix(&self) -> &str {
        &self.pk_prefix
    }

    /// The number of an option, or its default.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is a number for each variant")]
    pub fn number(&self, option: NumberOption) -> f64 {
        self.numbers[option as usize].unwrap_or(NUMBER_DEFAULTS[option as usize])
    }

    /// Whether a number was set.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is a number for each variant")]
    pub const fn has_number(&self, option: NumberOption) -> bool {
        self.numbers[option as usize].is_some()
    }

    /// An option in milliseconds as a duration.
    #[must_use]
    pub fn millis(&self, option: NumberOption) -> Duration {
        Duration::from_secs_f64(self.number(option) / 1_000.0)
    }

    /// The boolean of an option, or its default.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is a boolean for each variant")]
    pub const fn boolean(&self, option: BooleanOption) -> bool {
        self.booleans[option as usize]
    }

    /// Attempts for one request, 1 to 10.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 10")]
    pub fn max_attempts(&self) -> u32 {
        self.number(NumberOption::MaxAttempts) as u32
    }

    /// Whether a store with these settings may take the core of one with `other`: the resolved settings are equal.
    #[cfg(all(feature = "node", not(test)))]
    pub(crate) fn is_interchangeable_with(&self, other: &Self) -> bool {
        let numbers = |config: &Self| {
            let given = config.numbers.into_iter().zip(NUMBER_DEFAULTS);
            given.map(|(number, default)| number.unwrap_or(default)).collect::<Vec<_>>()
        };
        // Without the option, the environment and the profile have the number of attempts.
        let attempts = |config: &Self| config.has_number(NumberOption::MaxAttempts);
        self.table_name == other.table_name
            && self.environment == other.environment
            && self.configured_endpoint() == other.configured_endpoint()
            && self.credentials == other.credentials
            && self.trusted_certificates == other.trusted_certificates
            && self.configured_region() == other.configured_region()
            && self.pk_prefix == other.pk_prefix
            && numbers(self) == numbers(other)
            && attempts(self) == attempts(other)
            && self.booleans == other.booleans
    }

    /// The region of the option, the table's ARN or the environment.
    pub(crate) fn configured_region(&self) -> Option<&str> {
        let from_environment = || self.environment.first(&REGION_VARIABLES).map(|(_, name)| name);
        self.region().or_else(|| self.table_name.region()).or_else(from_environment)
    }

    #[cfg(all(feature = "node", not(test)))]
    fn configured_endpoint(&self) -> Option<Endpoint> {
        let from_environment = || Endpoint::from_environment(&self.environment).ok().flatten();
        self.endpoint.clone().or_else(from_environment)
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

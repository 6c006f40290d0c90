//! The options, in one table: names, ranges, defaults and meanings.
//!
//! The constructor, the command's flags and help, the table in the documentation and the tests read it. A new option is a
//! row here, its use and its test.

use crate::model::InvalidValue;

/// The numbers that an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The smallest number.
    pub least: f64,
    /// The largest number.
    pub most: f64,
    /// Whether only whole numbers count.
    pub is_whole: bool,
    /// The rule, as it ends a sentence that begins "must be".
    pub rule: &'static str,
}

/// The values that an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptionKind {
    /// A number in a range.
    Number(NumberOption, Range),
    /// A boolean.
    Boolean(BooleanOption),
    /// A string.
    Text(TextOption),
    /// A function.
    Function(FunctionOption),
    /// Credentials, or a function that provides them.
    Credentials,
}

/// An option that is a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextOption {
    /// The AWS region.
    Region,
    /// The URL of `DynamoDB`.
    Endpoint,
    /// The prefix of partition keys.
    PkPrefix,
}

/// An option that is a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionOption {
    /// Makes partition keys.
    PkFromCacheKey,
    /// Makes lease tokens.
    LeaseToken,
    /// Is told of each operation.
    OnOperation,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The name in JavaScript.
    pub name: &'static str,
    /// The values that it takes.
    pub kind: OptionKind,
    /// The default, in words.
    pub default: &'static str,
    /// The meaning, in one sentence.
    pub meaning: &'static str,
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $variant:ident $name:literal = $default:literal, $least:literal to $most:literal, $is_whole:literal, $rule:literal, $said:literal, $meaning:literal;)*) => {
        /// An option that is a number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum NumberOption {
            $(#[doc = $meaning] $variant,)*
        }

        /// How many options are numbers.
        pub(super) const NUMBER_COUNT: usize = [$(NumberOption::$variant),*].len();
        pub(super) const NUMBER_DEFAULTS: [f64; NUMBER_COUNT] = [$($default),*];

        const NUMBERS: [OptionSpec; NUMBER_COUNT] = [$(OptionSpec {
            name: $name,
            kind: OptionKind::Number(
                NumberOption::$variant,
                Range { least: $least, most: $most, is_whole: $is_whole, rule: $rule },
            ),
            default: $said,
            meaning: $meaning,
        }),*];
    };
}

macro_rules! booleans {
    ($($variant:ident $name:literal = $default:literal, $said:literal, $meaning:literal;)*) => {
        /// An option that is a boolean.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum BooleanOption {
            $(#[doc = $meaning] $variant,)*
        }

        pub(super) const BOOLEAN_COUNT: usize = [$(BooleanOption::$variant),*].len();
        pub(super) const BOOLEAN_DEFAULTS: [bool; BOOLEAN_COUNT] = [$($default),*];

        const BOOLEANS: [OptionSpec; BOOLEAN_COUNT] = [$(OptionSpec {
            name: $name,
            kind: OptionKind::Boolean(BooleanOption::$variant),
            default: $said,
            meaning: $meaning,
        }),*];
    };
}

// A page view does not wait for five minutes; and within ten, DynamoDB recognises a repeated transaction.
numbers! {
    MaxAttempts "maxAttempts" = 3.0, 1.0 to 10.0, true, "a whole number from 1 to 10",
        "`AWS_MAX_ATTEMPTS`; the profile's `max_attempts`; 3",
        "Attempts for one request that end without an answer or with a server error.";
    ConnectTimeoutMs "connectTimeoutMs" = 1_000.0, 1.0 to 300_000.0, false, "at least 1 and at most 300000 (milliseconds)",
        "1,000", "Timeout for establishing a connection, in milliseconds.";
    RequestTimeoutMs "requestTimeoutMs" = 1_000.0, 1.0 to 300_000.0, false, "at least 1 and at most 300000 (milliseconds)",
        "1,000", "Timeout for one attempt, in milliseconds.";
    OperationTimeoutMs "operationTimeoutMs" = 3_000.0, 1.0 to 300_000.0, false,
        "at least 1 and at most 300000 (milliseconds)", "3,000", "Timeout for a whole call, in milliseconds.";
    LeaseTtlBufferSeconds "leaseTtlBufferSeconds" = 3_600.0, 0.0 to 1e10, false, "at least 0 and at most 10^10 (seconds)",
        "3,600", "Seconds from a lease's expiry until DynamoDB may delete its row; 0 writes no `ttl`.";
    MetaTtlSeconds "metaTtlSeconds" = 0.0, 0.0 to 1e10, false, "at least 0 and at most 10^10 (seconds)",
        "0", "Seconds from a page's generation until DynamoDB may delete its row, or longer while it is fresh; 0 writes no `ttl`.";
    MaxStalenessMs "maxStalenessMs" = 0.0, 0.0 to 3_600_000.0, false, "at least 0 and at most 3600000 (milliseconds)",
        "0", "Milliseconds for which `get` answers a fresh page again from memory.";
    StaleIfErrorMs "staleIfErrorMs" = 0.0, 0.0 to 86_400_000.0, false, "at least 0 and at most 86400000 (milliseconds)",
        "0", "Milliseconds for which `get` answers the last known page while the table cannot be read.";
    EarlyRefresh "earlyRefresh" = 0.0, 0.0 to 0.5, false, "at least 0 and at most 0.5 (a fraction of the freshness lifetime)",
        "0", "The last fraction of a page's freshness lifetime in which one caller per process may regenerate it early.";
}

booleans! {
    ConsistentRead "consistentRead" = true, "`true`",
        "`false` uses eventually consistent reads: half the cost, possibly stale.";
    SoftInvalidation "softInvalidation" = false, "`false`",
        "`invalidate` marks the page as stale and keeps it, instead of deleting it.";
    Shared "shared" = false, "`false`",
        "Stores of one process with equal settings use one core, across worker threads too.";
    OnOperationKeys "onOperationKeys" = false, "`false`",
        "Whether `onOperation` receives cache keys.";
}

const OTHERS: [OptionSpec; 7] = [
    OptionSpec {
        name: "region",
        kind: OptionKind::Text(TextOption::Region),
        default: "the region of an ARN; `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's; `us-east-1` at a loopback endpoint",
        meaning: "The AWS region.",
    },
    OptionSpec {
        name: "endpoint",
        kind: OptionKind::Text(TextOption::Endpoint),
        default: "`AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`, `DYNAMODB_ENDPOINT`, the profile's; AWS's own",
        meaning: "An `http://` or `https://` URL, for DynamoDB Local and VPC endpoints.",
    },
    OptionSpec {
        name: "credentials",
        kind: OptionKind::Credentials,
        default: "the AWS chain; dummies at a loopback endpoint without configured credentials",
        meaning: "Static credentials, or a function that returns a promise of them.",
    },
    OptionSpec {
        name: "pkPrefix",
        kind: OptionKind::Text(TextOption::PkPrefix),
        default: "`CACHE#`",
        meaning: "Prefix of the partition key, at most 1,024 bytes; a deploy id starts a fresh cache.",
    },
    OptionSpec {
        name: "pkFromCacheKey",
        kind: OptionKind::Function(FunctionOption::PkFromCacheKey),
        default: "–",
        meaning: "`(cacheKey) => string` that replaces prefix and hashing (multi-tenant layouts).",
    },
    OptionSpec {
        name: "leaseToken",
        kind: OptionKind::Function(FunctionOption::LeaseToken),
        default: "random UUID v4",
        meaning: "`() => string` that makes lease tokens, for deterministic tests.",
    },
    OptionSpec {
        name: "onOperation",
        kind: OptionKind::Function(FunctionOption::OnOperation),
        default: "–",
        meaning: "`(operation) => void`, called after each operation settles.",
    },
];

/// Every option.
pub fn options() -> impl Iterator<Item = &'static OptionSpec> {
    OTHERS.iter().chain(&NUMBERS).chain(&BOOLEANS)
}

impl Range {
    /// `number`, if it is in the range.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not.
    pub fn check(&self, number: f64) -> Result<f64, InvalidValue> {
        let is_allowed = (self.least..=self.most).contains(&number) && (!self.is_whole || number.fract() == 0.0);
        if is_allowed { Ok(number) } else { Err(InvalidValue::new(format!("must be {}", self.rule))) }
    }
}

impl NumberOption {
    /// The row of the table.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "the table has a row for each variant, in this order")]
    pub const fn spec(self) -> &'static OptionSpec {
        &NUMBERS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_in_its_range() {
        for spec in options() {
            if let OptionKind::Number(option, range) = spec.kind {
                assert_eq!(option.spec().name, spec.name);
                assert!(range.check(NUMBER_DEFAULTS[option as usize]).is_ok(), "{}", spec.name);
                assert!(range.check(range.most).is_ok() && range.check(range.least).is_ok(), "{}", spec.name);
                assert!(range.check(range.most * 2.0).is_err() && range.check(-1.0).is_err(), "{}", spec.name);
                assert!(range.check(f64::NAN).is_err(), "{}", spec.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = options().map(|spec| spec.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), options().count());
    }
}

//! Times and durations with their units, as exact as JavaScript has them.

use crate::error::{Error, Result};

/// `DynamoDB` numbers end here; what is smaller counts as 0 (it is 10^-130 of a millisecond).
const SMALLEST_STORABLE: f64 = 1e-130;
const EPOCH_MILLIS_LIMIT: f64 = 1e15;
const LONGEST_LEASE_MILLIS: f64 = 24.0 * 60.0 * 60.0 * 1_000.0;
const LONGEST_REVALIDATE_SECONDS: f64 = 1e10;
const DEFAULT_REVALIDATE_SECONDS: f64 = 60.0;

/// Also makes -0 a plain 0.
fn storable(value: f64) -> f64 {
    if value.abs() < SMALLEST_STORABLE { 0.0 } else { value }
}

/// Milliseconds since the Unix epoch: finite, at least 0 and below 10^15. Fractions are kept.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct EpochMillis(f64);

impl EpochMillis {
    /// Checks `value`; `field` is named in the error.
    ///
    /// # Errors
    /// `OutOfRange` when it is not finite, negative, or 10^15 and above.
    pub fn new(field: &str, value: f64) -> Result<Self> {
        if !(0.0..EPOCH_MILLIS_LIMIT).contains(&value) {
            return Err(Error::out_of_range(format!(
                "{field} must be finite, at least 0 and below 10^15 (epoch milliseconds)"
            )));
        }
        Ok(Self(storable(value)))
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// When a lease of `duration` that starts now ends.
    #[must_use]
    pub fn after(self, duration: LeaseMillis) -> Self {
        Self(self.0 + duration.0)
    }
}

/// How long a lease lasts, in milliseconds: finite, above 0, at most 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LeaseMillis(f64);

impl LeaseMillis {
    /// Checks `value`; `field` is named in the error.
    ///
    /// # Errors
    /// `OutOfRange` when it is not finite, 0 or less, or above 24 hours.
    pub fn new(field: &str, value: f64) -> Result<Self> {
        if !(value > 0.0 && value <= LONGEST_LEASE_MILLIS) {
            return Err(Error::out_of_range(format!(
                "{field} must be finite, above 0 and at most 86400000 (24 hours)"
            )));
        }
        Ok(Self(storable(value)))
    }
}

/// How long a page stays fresh, in seconds: at least 0, at most 10^10. Fractions are kept.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct RevalidateSeconds(f64);

impl RevalidateSeconds {
    /// 60 seconds, as in FaceTheory.
    pub const DEFAULT: Self = Self(DEFAULT_REVALIDATE_SECONDS);

    /// Normalises `value` as FaceTheory does (not finite: 60, negative: 0) and checks it; `field` is named in the error.
    ///
    /// # Errors
    /// `OutOfRange` when it is finite and above 10^10.
    pub fn new(field: &str, value: f64) -> Result<Self> {
        if value.is_finite() && value > LONGEST_REVALIDATE_SECONDS {
            return Err(Error::out_of_range(format!("{field} must be at most 10^10 seconds")));
        }
        Ok(Self::normalised(value))
    }

    /// The same for a value that was read and cannot be refused.
    #[must_use]
    pub fn normalised(value: f64) -> Self {
        if value.is_finite() { Self(storable(value.max(0.0))) } else { Self::DEFAULT }
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exactness is the point")]
mod tests {
    use super::*;

    #[test]
    fn epoch_millis_has_the_limits_of_the_contract() {
        for good in [0.0, -0.0, 5e-324, 0.5, 1.7e12, 999_999_999_999_999.9] {
            assert!(EpochMillis::new("nowMs", good).is_ok(), "{good}");
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -5e-324, 1e15] {
            let error = EpochMillis::new("nowMs", bad).expect_err("refused");
            assert!(error.to_string().starts_with("nowMs "), "{error}");
        }
        assert!(EpochMillis::new("nowMs", -0.0).expect("allowed").get().is_sign_positive());
        assert_eq!(EpochMillis::new("nowMs", 5e-324).expect("allowed").get(), 0.0);
        assert_eq!(EpochMillis::new("nowMs", 1e-130).expect("allowed").get(), 1e-130);
    }

    #[test]
    fn a_lease_lasts_more_than_nothing_and_at_most_a_day() {
        for good in [5e-324, 0.1, 5_000.0, 86_400_000.0] {
            assert!(LeaseMillis::new("leaseDurationMs", good).is_ok(), "{good}");
        }
        for bad in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, 86_400_000.1] {
            assert!(LeaseMillis::new("leaseDurationMs", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn revalidate_seconds_are_normalised_as_facetheory_does() {
        for (given, expected) in [
            (f64::NAN, 60.0),
            (f64::INFINITY, 60.0),
            (f64::NEG_INFINITY, 60.0),
            (-3.0, 0.0),
            (0.0, 0.0),
            (1.5, 1.5),
            (1e10, 1e10),
        ] {
            assert_eq!(RevalidateSeconds::new("revalidateSeconds", given).expect("allowed").get(), expected, "{given}");
        }
        assert!(RevalidateSeconds::new("revalidateSeconds", 1.000_000_1e10).is_err());
    }
}

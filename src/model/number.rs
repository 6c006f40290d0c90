//! Times and durations with their units, as exact as JavaScript has them.

use super::InvalidValue;

/// `DynamoDB` numbers end here; smaller ones count as 0 (10^-130 of a millisecond).
const SMALLEST_STORABLE: f64 = 1e-130;
const EPOCH_MILLIS_LIMIT: f64 = 1e15;
const LONGEST_LEASE_MILLIS: f64 = 24.0 * 60.0 * 60.0 * 1_000.0;
const LONGEST_REVALIDATE_SECONDS: f64 = 1e10;
const DEFAULT_REVALIDATE_SECONDS: f64 = 60.0;

/// Also makes -0 a plain 0.
fn storable(value: f64) -> f64 {
    if value.abs() < SMALLEST_STORABLE { 0.0 } else { value }
}

/// Milliseconds since the Unix epoch: finite and at least 0. Fractions are kept.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct EpochMillis(f64);

impl EpochMillis {
    /// The epoch itself, which stands for "never".
    pub const ZERO: Self = Self(0.0);

    /// A time that a caller gives: finite, at least 0 and below 10^15.
    ///
    /// # Errors
    /// [`InvalidValue`] for any other value.
    pub fn new(value: f64) -> Result<Self, InvalidValue> {
        if !(0.0..EPOCH_MILLIS_LIMIT).contains(&value) {
            return Err(InvalidValue::new("must be finite, at least 0 and below 10^15 (epoch milliseconds)"));
        }
        Ok(Self(storable(value)))
    }

    /// A time that a row holds: finite and at least 0.
    #[must_use]
    pub fn stored(value: f64) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then(|| Self(storable(value)))
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// When a lease of `duration` that starts now ends.
    #[must_use]
    pub fn after(self, duration: LeaseMillis) -> LeaseExpiry {
        LeaseExpiry(self.0 + duration.0)
    }
}

/// When a lease ends, in epoch milliseconds: finite. Rows of other writers can hold any such number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LeaseExpiry(f64);

impl LeaseExpiry {
    /// An expiry that a row holds.
    #[must_use]
    pub fn stored(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// How long a lease lasts, in milliseconds: finite, above 0, at most 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LeaseMillis(f64);

impl LeaseMillis {
    /// Checks `value`.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not finite, 0 or less, or above 24 hours.
    pub fn new(value: f64) -> Result<Self, InvalidValue> {
        if !(value > 0.0 && value <= LONGEST_LEASE_MILLIS) {
            return Err(InvalidValue::new("must be finite, above 0 and at most 86400000 (24 hours)"));
        }
        Ok(Self(storable(value)))
    }
}

/// How long a page stays fresh, in seconds: at least 0, at most 10^10 from a caller. Fractions are kept.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct RevalidateSeconds(f64);

impl RevalidateSeconds {
    /// 60 seconds, as in FaceTheory.
    pub const DEFAULT: Self = Self(DEFAULT_REVALIDATE_SECONDS);

    /// Normalises `value` as FaceTheory does (not finite: 60, negative: 0) and checks it.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is finite and above 10^10.
    pub fn new(value: f64) -> Result<Self, InvalidValue> {
        if value.is_finite() && value > LONGEST_REVALIDATE_SECONDS {
            return Err(InvalidValue::new("must be at most 10^10 seconds"));
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
            assert!(EpochMillis::new(good).is_ok(), "{good}");
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -5e-324, 1e15] {
            let error = EpochMillis::new(bad).expect_err("refused").at("nowMs");
            assert!(error.to_string().starts_with("nowMs must be "), "{error}");
        }
        assert!(EpochMillis::new(-0.0).expect("allowed").get().is_sign_positive());
        assert_eq!(EpochMillis::new(5e-324).expect("allowed").get(), 0.0);
        assert_eq!(EpochMillis::new(1e-130).expect("allowed").get(), 1e-130);
    }

    #[test]
    fn a_stored_time_before_the_epoch_is_unusable() {
        for (value, is_usable) in [(0.0, true), (1e15, true), (-5.0, false), (f64::NAN, false), (f64::INFINITY, false)]
        {
            assert_eq!(EpochMillis::stored(value).is_some(), is_usable, "{value}");
        }
    }

    #[test]
    fn a_lease_lasts_more_than_nothing_and_at_most_a_day() {
        for good in [5e-324, 0.1, 5_000.0, 86_400_000.0] {
            assert!(LeaseMillis::new(good).is_ok(), "{good}");
        }
        for bad in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, 86_400_000.1] {
            assert!(LeaseMillis::new(bad).is_err(), "{bad}");
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
            assert_eq!(RevalidateSeconds::new(given).expect("allowed").get(), expected, "{given}");
        }
        assert!(RevalidateSeconds::new(1.000_000_1e10).is_err());
    }
}

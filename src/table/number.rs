//! JavaScript numbers as `DynamoDB` numbers and back, without losing a bit.
//!
//! `DynamoDB` numbers are decimals of up to 38 digits, and a double has a shortest decimal of at most 17. So a
//! change of unit by a power of ten is done on the decimal, where it is exact, and not on the double, where it is not.

/// `DynamoDB` refuses numbers below 10^-130; here they count as 0.
const SMALLEST_EXPONENT: i32 = -130;

/// `value` × 10^`shift` as a `DynamoDB` number: plain digits, or an exponent where those would be long.
pub(crate) fn to_decimal(value: f64, shift: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = split(&scientific) else { return scientific };
    let exponent = exponent + shift;
    if exponent < SMALLEST_EXPONENT {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let Ok(places_before_point) = usize::try_from(exponent + 1) else {
        return format!("{sign}{mantissa}e{exponent}");
    };
    let digits = mantissa.replace('.', "");
    if digits.len() <= places_before_point {
        format!("{sign}{digits:0<places_before_point$}")
    } else {
        let (whole, fraction) = digits.split_at(places_before_point);
        format!("{sign}{}.{fraction}", if whole.is_empty() { "0" } else { whole })
    }
}

/// `decimal` × 10^`shift`, unless it is not a finite number.
pub(crate) fn from_decimal(decimal: &str, shift: i32) -> Option<f64> {
    if shift == 0 {
        return decimal.parse().ok().filter(|value: &f64| value.is_finite());
    }
    let (digits, exponent) = split(decimal)?;
    format!("{digits}e{}", exponent.checked_add(shift)?).parse().ok().filter(|value: &f64| value.is_finite())
}

/// The bytes that a `DynamoDB` number takes: one, and one for every two significant digits, paired from the point.
pub(crate) fn number_size(decimal: &str) -> usize {
    let Some((mantissa, exponent)) = split(decimal) else { return 1 };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let powers =
        (0..).zip(digits).filter(|(_, digit)| (b'1'..=b'9').contains(digit)).map(|(index, _): (i32, u8)| index);
    let (Some(first), Some(last)) = (powers.clone().min(), powers.max()) else { return 1 };
    let pair_of = |index: i32| (exponent + i32::try_from(whole.len()).unwrap_or(0) - 1 - index).div_euclid(2);
    1 + usize::try_from(pair_of(first) - pair_of(last) + 1).unwrap_or(0)
}

fn split(decimal: &str) -> Option<(&str, i32)> {
    match decimal.split_once(['e', 'E']) {
        Some((digits, exponent)) => Some((digits, exponent.parse().ok()?)),
        None => Some((decimal, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_unit_is_exact() {
        // 0.0011 × 1,000 is not 1.1 in doubles.
        assert_eq!(to_decimal(0.0011, 3), "1.1");
        assert_eq!(from_decimal("1.1", -3), Some(0.0011));
        for (value, shift, expected) in [
            (1_700_000_000_123.0, 0, "1700000000123"),
            (1_700_000_000_123.0, -3, "1700000000.123"),
            (1_700_000_000_000.5, -3, "1700000000.0005"),
            (123.0, -3, "0.123"),
            (60.0, 3, "60000"),
            (0.0, 3, "0"),
            (5e-7, 0, "5e-7"),
            (1e-130, 0, "1e-130"),
            (9e-128, -3, "0"),
            (-5.5, 0, "-5.5"),
        ] {
            assert_eq!(to_decimal(value, shift), expected);
        }
    }

    #[test]
    fn every_double_comes_back_as_it_went_in() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..100_000 {
            let value = random.f64() * 10_f64.powi(random.i32(-12..15));
            for shift in [0, 3, -3] {
                assert_eq!(from_decimal(&to_decimal(value, shift), -shift), Some(value));
            }
        }
    }

    #[test]
    fn a_number_is_as_large_as_its_significant_digits_in_pairs_from_the_point() {
        for (decimal, size) in [
            ("0", 1),
            ("1", 2),
            ("10", 2),
            ("100", 2),
            ("1700000000000", 3),
            ("1700000000001", 8),
            ("0.5", 2),
            ("10.01", 3),
            ("1.1", 3),
            ("5e-7", 2),
        ] {
            assert_eq!(number_size(decimal), size, "{decimal}");
        }
    }

    #[test]
    fn text_that_is_not_a_finite_number_is_refused() {
        for text in ["", "abc", "NaN", "Infinity", "1e999", "1e", "e5", "1e99999999999", "0x10"] {
            assert_eq!(from_decimal(text, 0), None, "{text}");
        }
        assert_eq!(from_decimal("-0", 0), Some(0.0));
        assert_eq!(from_decimal("1E+2", 0), Some(100.0));
        assert_eq!(from_decimal("1e2147483647", 3), None);
    }
}

//! Reads numbers: whole numbers of up to 64 bits are exact, however they are written.

// D15

use serde_json::Number;

/// Reads a number in JSON's form; `None` if 64 bits cannot hold it.
///
/// That is a whole number of plain digits beyond 64 bits, a fraction where floats have no fractions, or a number beyond
/// every float.
///
/// `10`, `10.0` and `1e1` are read as one and the same number.
pub(crate) fn read(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0.into());
    }
    // `point` is the number of significant digits before the decimal point.
    let leading = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(before.len()).ok()? + i64::from(exponent) - leading;
    let significant = significant.trim_end_matches('0');
    let is_plain = !unsigned.contains(['.', 'e', 'E']);
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite() && !is_plain);
    // The text that a float is written as means that float, even if its last digits were rounded away.
    if let Some(float) = float.filter(|float| digits_of(*float) == significant) {
        return of_float(float);
    }
    let missing = point - i64::try_from(significant.len()).ok()?;
    if (0..=20).contains(&missing) && point <= 20 {
        let whole = format!("{sign}{significant}{:0<1$}", "", usize::try_from(missing).ok()?);
        let read = whole.parse::<i64>().map(Number::from).or_else(|_| whole.parse::<u64>().map(Number::from));
        if let Ok(number) = read {
            return Some(number);
        }
    }
    of_float(float?).filter(|_| missing >= 0 || float.is_some_and(|float| float.abs() < EXACT))
}

/// Returns the shortest digits that read as this float, without zeros at either end.
fn digits_of(float: f64) -> String {
    let text = format!("{:e}", float.abs());
    let mantissa = text.split('e').next().unwrap_or_default().replace('.', "");
    mantissa.trim_matches('0').to_owned()
}

fn of_float(float: f64) -> Option<Number> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    if float.fract() == 0.0 && float.abs() < LIMIT {
        // Exact: no fraction, and far from the limits of the type.
        let whole = float as i128;
        let small = i64::try_from(whole).map(Number::from);
        if let Ok(number) = small.or_else(|_| u64::try_from(whole).map(Number::from)) {
            return Some(number);
        }
    }
    Number::from_f64(float)
}

/// Returns the number in the form that [`read`] gives.
pub(crate) fn canonical(number: Number) -> Number {
    if number.is_f64() { number.as_f64().and_then(of_float).unwrap_or(number) } else { number }
}

/// Floats from here on have no fraction.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_15_whole_numbers_are_exact_however_they_are_written() {
        for (text, whole) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e5", 0),
            ("1e2", 100),
            ("1.50e1", 15),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("9007199254740993e0", 9_007_199_254_740_993),
            ("900719925474099.3E+1", 9_007_199_254_740_993),
            ("-9223372036854775808", i64::MIN),
            ("-9223372036854775808.0", i64::MIN),
        ] {
            assert_eq!(read(text), Some(whole.into()), "{text}");
        }
        assert_eq!(read("18446744073709551615"), Some(u64::MAX.into()));
    }

    #[test]
    fn d_15_what_a_float_is_written_as_is_that_float() {
        for float in [9_223_372_036_854_775_808.0_f64, -9_223_372_036_854_775_808.0, 1e19, 4e18, 1e22] {
            assert_eq!(read(&format!("{float:e}")), of_float(float));
        }
        assert_eq!(read("9.223372036854776e18"), Some((1_u64 << 63).into()));
    }

    #[test]
    fn d_15_what_would_be_rounded_is_refused() {
        for text in
            ["-9223372036854775809", "18446744073709551616", "9007199254740992.5", "1e999", "1e9999999999"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        for text in ["0.1", "1e300", "-2.5e-300", "4503599627370496.5", "1e20"] {
            assert_eq!(read(text).and_then(|number| number.as_f64()), text.parse().ok(), "{text}");
        }
    }
}

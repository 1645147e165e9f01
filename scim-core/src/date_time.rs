//! Reads and compares `xsd:dateTime` exactly — RFC 7643 §2.3.5.
//!
//! This crate has its own parser because no calendar library reads all forms. A year may have a sign and more than 4
//! digits, a fraction may have any length, `24:00:00` is valid, and the zone may be absent.

// CORE-016

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::shorten::shorten;

/// An instant read from an `xsd:dateTime`, with full precision. Without a zone it is UTC.
///
/// ```
/// use scim_core::DateTime;
/// let a: DateTime = "2011-05-13T04:42:34Z".parse().unwrap();
/// let b: DateTime = "2011-05-13T06:42:34.000+02:00".parse().unwrap();
/// assert_eq!(a, b);
/// assert!("2011-05-13".parse::<DateTime>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// Decimal digits of the fraction without trailing zeros, so that equal instants are equal values.
    fraction: Box<str>,
}

impl DateTime {
    /// Whole seconds since the Unix epoch, before the fraction.
    pub fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// The decimal digits of the fraction of a second, without trailing zeros. It is empty for a whole second.
    pub fn fraction(&self) -> &str {
        &self.fraction
    }

    /// Returns a text that sorts like the instant.
    pub fn sort_key(&self) -> String {
        // Flipping the sign bit sorts instants before the epoch first.
        format!("{:016x}{}", self.seconds.cast_unsigned() ^ (1 << 63), self.fraction)
    }
}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        // Fractions without trailing zeros sort as text.
        self.seconds.cmp(&other.seconds).then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        parse(text).ok_or_else(|| DateTimeError(shorten(text)))
    }
}

/// The error for a text that is not an `xsd:dateTime`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no dateTime: expected a form such as `2008-01-23T04:56:22Z`")]
pub struct DateTimeError(String);

/// The largest year that is accepted, so that the arithmetic cannot overflow.
const MAX_YEAR: i64 = 9_999_999_999;

fn parse(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    let (negative, date) = match date.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, date),
    };
    let mut parts = date.split('-');
    let (year_text, month, day) = (parts.next()?, two(parts.next()?)?, two(parts.next()?)?);
    let leading_zero = year_text.len() > 4 && year_text.starts_with('0');
    if parts.next().is_some() || year_text.len() < 4 || leading_zero || !digits(year_text) {
        return None;
    }
    let year: i64 = year_text.parse().ok().filter(|year| *year <= MAX_YEAR)?;
    let year = if negative { -year } else { year };
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) if !fraction.is_empty() && digits(fraction) => (clock, fraction),
        Some(_) => return None,
        None => (clock, ""),
    };
    let fraction = fraction.trim_end_matches('0');
    let mut parts = clock.split(':');
    let (hour, minute, second) = (two(parts.next()?)?, two(parts.next()?)?, two(parts.next()?)?);
    let midnight = hour == 24 && minute == 0 && second == 0 && fraction.is_empty();
    if parts.next().is_some() || minute > 59 || second > 59 || (hour > 23 && !midnight) {
        return None;
    }
    let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
        - zone_seconds(zone)?;
    Some(DateTime { seconds, fraction: fraction.into() })
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'-' => -1,
        b'+' => 1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let legal = minutes <= 59 && (hours < 14 || (hours == 14 && minutes == 0));
    legal.then_some(sign * (hours * 3_600 + minutes * 60))
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn two(text: &str) -> Option<i64> {
    (text.len() == 2 && digits(text)).then(|| text.parse().ok()).flatten()
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 in the proleptic Gregorian calendar.
///
/// Years begin in March, so that the leap day is the last one.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A time that the service provider sets, in milliseconds since the Unix epoch.
///
/// It is written as `2026-01-31T12:00:00.000Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// `0000-01-01T00:00:00Z`. jiff writes earlier years with six digits, which `xsd:dateTime` does not allow.
const EARLIEST: i64 = -62_167_219_200_000;

impl Timestamp {
    /// Makes a timestamp from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0.max(EARLIEST)).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: DateTime = text.parse().map_err(serde::de::Error::custom)?;
        let millis: String = moment.fraction.chars().chain("000".chars()).take(3).collect();
        let millis = moment.seconds.saturating_mul(1_000).saturating_add(millis.parse().unwrap_or(0));
        if (EARLIEST..=jiff::Timestamp::MAX.as_millisecond()).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(serde::de::Error::custom(format_args!("`{text}`: expected a year from 0000 to 9999")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filt_035_sort_keys_order_as_the_instants_do() {
        let texts = [
            "-0044-03-15T12:00:00Z",
            "1969-12-31T23:59:59.9Z",
            "1970-01-01T00:00:00Z",
            "2011-05-13T04:42:34.05Z",
            "2011-05-13T04:42:34.5Z",
            "2011-05-13T04:42:35+00:00",
        ];
        let instants = texts.map(|text| text.parse::<DateTime>().unwrap());
        assert!(instants.is_sorted() && instants.is_sorted_by_key(DateTime::sort_key));
    }

    #[test]
    fn core_015_core_016_forms() {
        for good in [
            "2008-01-23T04:56:22Z",
            "2008-01-23T04:56:22",
            "2008-01-23T04:56:22.123456789012Z",
            "2008-02-29T24:00:00Z",
            "-0044-03-15T12:00:00Z",
            "12026-01-01T00:00:00+14:00",
        ] {
            assert!(good.parse::<DateTime>().is_ok(), "{good}");
        }
        for bad in [
            "2008-01-23",
            "04:56:22Z",
            "2008-01-23t04:56:22z",
            "2008-13-01T00:00:00Z",
            "2007-02-29T00:00:00Z",
            "2008-01-23T24:00:01Z",
            "2008-01-23T04:56:60Z",
            "2008-01-23T04:56:22+14:30",
            "2008-01-23T04:56:22.Z",
            "02008-01-23T04:56:22Z",
            "208-01-23T04:56:22Z",
            "2008-01-23T04:56Z",
            "2008-01-23T04:56:22Z01:00",
            "99999999999999999999-01-01T00:00:00Z",
        ] {
            assert!(bad.parse::<DateTime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn filt_009_order_is_chronological_to_full_precision() {
        let at = |text: &str| text.parse::<DateTime>().unwrap();
        assert_eq!(at("2008-01-23T04:56:22.0Z"), at("2008-01-23T04:56:22+00:00"));
        assert_eq!(at("2008-01-22T24:00:00Z"), at("2008-01-23T00:00:00Z"));
        assert!(at("2008-01-23T04:56:22.5Z") < at("2008-01-23T04:56:22.51Z"));
        assert!(at("2008-01-23T04:56:22+01:00") < at("2008-01-23T04:56:22Z"));
        assert_eq!(at("1970-01-01T00:00:00Z").unix_seconds(), 0);
        assert_eq!(at("2026-11-22T00:00:00Z").unix_seconds(), 1_795_305_600);
    }

    #[test]
    fn timestamps_have_milliseconds() {
        let stamp = Timestamp::from_millis(1_795_305_600_050);
        assert_eq!(stamp.to_string(), "2026-11-22T00:00:00.050Z");
        let json = serde_json::to_string(&stamp).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), stamp);
        for far in ["9999999999-12-31T23:59:59.9-00:30", "-0044-03-15T12:00:00Z"] {
            assert!(far.parse::<DateTime>().is_ok());
            assert!(serde_json::from_value::<Timestamp>(far.into()).is_err(), "{far}");
        }
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
        assert!(Timestamp::from_millis(i64::MAX).to_string().parse::<DateTime>().is_ok());
    }
}

//! Times as UTC milliseconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A point in time: milliseconds since 1970-01-01 UTC. Printed as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-11-20T21:21:07.000Z"))]
pub struct Timestamp(i64);

/// The text is not a time in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a time; expected RFC 3339 such as 2026-11-20T21:21:07Z")]
pub struct ParseTimeError {
    found: String,
}

impl Timestamp {
    /// Wraps milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// Returns milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads the one shape that all agents write, `YYYY-MM-DDThh:mm:ss[.fraction]Z`, without a general
    /// parser: a scan does this for every record.
    pub fn from_rfc3339_utc(text: &[u8]) -> Option<Self> {
        let digits = |range: std::ops::Range<usize>| -> Option<i64> {
            text.get(range)?
                .iter()
                .try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
        };
        let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
        if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
            return None;
        }
        let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
        let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (millis, zone) = match text.get(19)? {
            b'.' => {
                let end = text[20..].iter().position(|b| !b.is_ascii_digit()).map(|n| n + 20)?;
                let fraction = &text[20..end.min(23)];
                let scale = [1000, 100, 10, 1].get(fraction.len())?;
                (fraction.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')) * scale, end)
            }
            _ => (0, 19),
        };
        if text.get(zone..) != Some(b"Z") {
            return None;
        }
        let days = days_from_civil(year, month, day);
        Some(Timestamp(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis))
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, by counting from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Timestamp::from_rfc3339_utc(text.as_bytes())
            .or_else(|| text.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_millisecond())))
            .ok_or_else(|| ParseTimeError { found: text.to_owned() })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_reader_agrees_with_the_general_one() {
        for text in [
            "2026-11-20T21:21:39.667Z",
            "2026-11-20T21:21:39Z",
            "2024-02-29T00:00:00.5Z",
            "1970-01-01T00:00:00.000Z",
            "2000-12-31T23:59:59.123456Z",
        ] {
            let general: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(
                Timestamp::from_rfc3339_utc(text.as_bytes()).map(Timestamp::as_millis),
                Some(general.as_millisecond()),
                "{text}"
            );
        }
    }

    #[test]
    fn other_shapes_are_left_to_the_general_reader_or_rejected() {
        assert_eq!(Timestamp::from_rfc3339_utc(b"2026-11-20T21:21:39+01:00"), None);
        assert!("2026-11-20T21:21:39+01:00".parse::<Timestamp>().is_ok());
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn it_prints_what_it_reads() {
        let text = "2026-11-20T21:21:39.667Z";
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
    }
}

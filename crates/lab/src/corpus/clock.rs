//! Times as the agents write them.

use jiff::Timestamp;
use jiff::tz::Offset;

/// Writes a moment, in milliseconds since 1970, in UTC, as `strftime` does.
pub(super) fn written(millis: u64, format: &str) -> String {
    let at = Timestamp::from_millisecond(millis as i64).unwrap_or(Timestamp::MAX);
    Offset::UTC.to_datetime(at).strftime(format).to_string()
}

/// Returns a moment as RFC 3339 with milliseconds.
pub(super) fn iso(millis: u64) -> String {
    written(millis, "%Y-%m-%dT%H:%M:%S%.3fZ")
}

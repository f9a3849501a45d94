//! Hours in which a device is not told, by its own clock's zone.

use jiff::tz::TimeZone;
use marline_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From one time of the day to another, which may be on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// The beginning: `22:00`.
    pub from: String,
    /// The end: `07:30`.
    pub to: String,
    /// The zone of both: `Europe/Berlin`. The server's clock counts, not the device's.
    pub zone: String,
}

impl Quiet {
    /// Says what is wrong with it, in words.
    ///
    /// # Errors
    /// No time of the day, or no zone.
    pub fn check(&self) -> Result<(), String> {
        minute(&self.from).zip(minute(&self.to)).ok_or("quiet hours are times such as 22:00")?;
        TimeZone::get(&self.zone).map(drop).map_err(|_| format!("{:?} is no time zone", self.zone))
    }

    /// Says whether it is one of these hours.
    pub fn is_now(&self, now: Timestamp) -> bool {
        let (Some(from), Some(to)) = (minute(&self.from), minute(&self.to)) else { return false };
        let Ok(zone) = TimeZone::get(&self.zone) else { return false };
        let Ok(at) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return false };
        let time = at.to_zoned(zone).time();
        let at = u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs());
        if from <= to { (from..to).contains(&at) } else { at >= from || at < to }
    }
}

/// A time of the day in minutes.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let part = |text: &str, end: u32| {
        let number = text.parse::<u32>().ok().filter(|number| *number < end);
        number.filter(|_| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    Some(part(hour, 24)? * 60 + part(minute, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_zone_and_may_reach_over_midnight() {
        let is_quiet = |from: &str, to: &str, zone: &str, at: &str| {
            let quiet = Quiet { from: from.to_owned(), to: to.to_owned(), zone: zone.to_owned() };
            assert_eq!(quiet.check(), Ok(()));
            let at: jiff::Timestamp = at.parse().unwrap();
            quiet.is_now(Timestamp::from_millis(at.as_millisecond()))
        };
        assert!(is_quiet("22:00", "07:00", "UTC", "2026-11-26T23:00:00Z"));
        assert!(is_quiet("22:00", "07:00", "UTC", "2026-11-26T06:59:00Z"));
        assert!(!is_quiet("22:00", "07:00", "UTC", "2026-11-26T07:00:00Z"));
        assert!(is_quiet("12:00", "13:00", "UTC", "2026-11-26T12:30:00Z"));
        assert!(!is_quiet("12:00", "12:00", "UTC", "2026-11-26T12:00:00Z"));
        // Midnight in Tokyo is three in the afternoon in Greenwich; in Berlin the summer moves it.
        assert!(is_quiet("23:30", "00:30", "Asia/Tokyo", "2026-11-26T15:00:00Z"));
        assert!(is_quiet("22:00", "23:00", "Europe/Berlin", "2026-07-01T20:30:00Z"));
        assert!(!is_quiet("22:00", "23:00", "Europe/Berlin", "2026-12-01T20:30:00Z"));
    }

    #[test]
    fn what_is_no_time_or_zone_is_refused() {
        for (from, to, zone) in
            [("24:00", "07:00", "UTC"), ("22:00", "7:00", "UTC"), ("22:00", "07:00", "Nowhere")]
        {
            let quiet = Quiet { from: from.to_owned(), to: to.to_owned(), zone: zone.to_owned() };
            assert!(quiet.check().is_err(), "{from} {to} {zone}");
        }
    }
}

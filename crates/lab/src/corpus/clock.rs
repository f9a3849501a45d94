//! Times as the agents write them.

/// A moment in UTC, taken apart.
pub(super) struct Civil {
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    pub millis: u64,
}

impl Civil {
    /// Takes apart milliseconds since 1970.
    pub fn of(millis: u64) -> Self {
        let mut day = millis / 86_400_000;
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let mut year = 1970;
        loop {
            let days = 365 + u64::from(is_leap(year));
            if day < days {
                break;
            }
            day -= days;
            year += 1;
        }
        let february = 28 + u64::from(is_leap(year));
        let mut month = 1;
        for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if day < days {
                break;
            }
            day -= days;
            month += 1;
        }
        Self {
            year,
            month,
            day: day + 1,
            hour: millis / 3_600_000 % 24,
            minute: millis / 60_000 % 60,
            second: millis / 1000 % 60,
            millis: millis % 1000,
        }
    }
}

/// Returns a moment as RFC 3339 with milliseconds.
pub(super) fn iso(millis: u64) -> String {
    let Civil { year, month, day, hour, minute, second, millis } = Civil::of(millis);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

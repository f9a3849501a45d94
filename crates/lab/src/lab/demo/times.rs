//! Finds the times in a text, and puts marks in their place.

use jiff::civil::Date;
use jiff::tz::Offset;
use marline_demo::mark::Kind;

use super::clock::Clock;

/// Puts a mark for each time that the clock knows.
pub fn marked(text: &[u8], clock: &Clock) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    // A day without a time, or a minute without seconds, belongs to what was said last, or will be said first.
    let mut last = None;
    let mut at = 0;
    while at < text.len() {
        let is_inside = at > 0 && (text[at - 1].is_ascii_digit() || text[at - 1] == b'.');
        let found = if is_inside || !text[at].is_ascii_digit() { None } else { find(&text[at..]) };
        let Some((kind, time, length)) = found else {
            out.push(text[at]);
            at += 1;
            continue;
        };
        let distance = match kind {
            Kind::Date | Kind::Folder | Kind::FileMinutes => {
                let unit = if kind == Kind::FileMinutes { 60_000 } else { DAY };
                let is_in = |known: &i64| known.div_euclid(unit) == time.div_euclid(unit);
                last.filter(is_in).or_else(|| first(&text[at + length..])).filter(is_in)
            }
            _ => Some(time).filter(|time| clock.knows(*time)),
        };
        match distance {
            Some(time) => {
                last = Some(time);
                let is_whole = matches!(kind, Kind::Millis | Kind::EpochMillis);
                let distance = if is_whole { clock.distance(time) } else { clock.rounded(time) };
                out.extend(kind.mark(distance));
            }
            None => out.extend_from_slice(&text[at..at + length]),
        }
        at += length;
    }
    out
}

/// All whole times of a text that the clock knows.
pub fn all(text: &[u8], clock: &Clock) -> Vec<i64> {
    let begins = |at: &usize| text[*at].is_ascii_digit() && (*at == 0 || !text[at - 1].is_ascii_digit());
    let found = (0..text.len()).filter(begins).filter_map(|at| find(&text[at..]));
    let whole = found.filter(|(kind, ..)| matches!(kind, Kind::Millis | Kind::EpochMillis));
    whole.map(|(_, time, _)| time).filter(|time| clock.knows(*time)).collect()
}

/// Puts marks into a file's name for the time at which the file begins.
pub fn named(path: &[u8], distance: i64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let begins = path[at].is_ascii_digit() && (at == 0 || !path[at - 1].is_ascii_digit());
        let found = if begins { find(&path[at..]) } else { None };
        match found {
            Some((kind, _, length)) if !matches!(kind, Kind::EpochSeconds | Kind::EpochMillis) => {
                out.extend(kind.mark(distance));
                at += length;
            }
            _ => {
                out.push(path[at]);
                at += 1;
            }
        }
    }
    out
}

/// A text that is a time.
pub fn whole(text: &str) -> Option<i64> {
    find(text.as_bytes()).map(|(_, time, _)| time)
}

const DAY: i64 = 86_400_000;

/// The first whole time of a text.
fn first(text: &[u8]) -> Option<i64> {
    (0..text.len()).filter(|at| *at == 0 || !text[at - 1].is_ascii_digit()).find_map(|at| {
        let (kind, time, _) = text[at].is_ascii_digit().then(|| find(&text[at..])).flatten()?;
        (!matches!(kind, Kind::Date | Kind::Folder | Kind::FileMinutes)).then_some(time)
    })
}

/// The time that a text begins with: how it is written, milliseconds since 1970, length.
fn find(text: &[u8]) -> Option<(Kind, i64, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match digits {
        13 => return Some((Kind::EpochMillis, number(&text[..13])?, 13)),
        10 => return Some((Kind::EpochSeconds, number(&text[..10])? * 1000, 10)),
        4 => {}
        _ => return None,
    }
    let fits = |pattern: &[u8], at: usize| {
        text.get(at..at + pattern.len()).is_some_and(|bytes| {
            bytes
                .iter()
                .zip(pattern)
                .all(|(byte, wanted)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted })
        })
    };
    let part = |at: usize, length: usize| number(&text[at..at + length]);
    if fits(b"0000/00/00", 0) {
        return Some((Kind::Folder, midnight(text)?, 10));
    }
    if !fits(b"0000-00-00", 0) {
        return None;
    }
    let date = midnight(text)?;
    let clock = |seconds: bool| {
        let second = if seconds { part(17, 2)? } else { 0 };
        Some(date + part(11, 2)? * 3_600_000 + part(14, 2)? * 60_000 + second * 1000)
    };
    if fits(b"T00:00:00.000", 10) {
        // Finer than milliseconds is not kept in order by whoever reads it; it stays as text.
        return Some((Kind::Millis, clock(true)? + part(20, 3)?, 23));
    }
    if fits(b"T00:00:00", 10) {
        return Some((Kind::Seconds, clock(true)?, 19));
    }
    if fits(b"T00-00-00", 10) {
        return Some((Kind::FileSeconds, clock(true)?, 19));
    }
    if fits(b"T00-00", 10) {
        return Some((Kind::FileMinutes, clock(false)?, 16));
    }
    Some((Kind::Date, date, 10))
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Midnight of a day, in milliseconds since 1970.
fn midnight(text: &[u8]) -> Option<i64> {
    let part = |at: usize, length: usize| number(&text[at..at + length]);
    let (year, month, day) = (part(0, 4)?, part(5, 2)?, part(8, 2)?);
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    Some(Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use marline_demo::mark::render;

    use super::super::clock::Window;
    use super::*;

    #[test]
    fn times_are_found_and_move_together() {
        // 2028-02-29T23:59:58.070Z
        let at = 1_835_481_598_070;
        let clock = Clock::new(vec![Window { from: at - 60_000, to: at, ago: 60_000 }], Vec::new());
        let text = br#"{"a":"2028-02-29T23:59:58.070Z","b":1835481598,"c":1835481598070,"d":"2028-02-29",
            "e":"x/2028/02/29/r-2028-02-29T23-59-58-1","f":"g-2028-02-29T23-59-1","h":"2027-02-28T10:00:00Z",
            "i":18354815980701,"j":"2028-02-29T23:59:58Z"}"#;
        let moved = render(&marked(text, &clock), at + 3000);
        let expected = br#"{"a":"2028-03-01T00:00:01.070Z","b":1835481601,"c":1835481601070,"d":"2028-03-01",
            "e":"x/2028/03/01/r-2028-03-01T00-00-01-1","f":"g-2028-03-01T00-00-1","h":"2027-02-28T10:00:00Z",
            "i":18354815980701,"j":"2028-03-01T00:00:01Z"}"#;
        assert_eq!(String::from_utf8_lossy(&moved), String::from_utf8_lossy(expected));
    }
}

//! Times in texts, told as distances from the last thing that happened.
//!
//! A mark is a record separator, a letter for how the time is written, the distance in milliseconds, and a unit
//! separator: neither character stands in a transcript. Each way of writing has one length, so that places in a file
//! are the same whatever the time is.

use jiff::Timestamp;
use jiff::tz::Offset;

/// Begins a mark.
pub const OPEN: u8 = 0x1e;
/// Ends a mark.
pub const CLOSE: u8 = 0x1f;

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `2026-11-21T04:15:13.727`: the zone follows as text.
    Millis,
    /// `2026-11-21T04:15:13`
    Seconds,
    /// `2026-11-21T04-15-13`, in Codex' file names.
    FileSeconds,
    /// `2026-11-21T04-15`, in Gemini CLI's file names.
    FileMinutes,
    /// `2026/11/21`, Codex' folders.
    Folder,
    /// `2026-11-21`
    Date,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Seconds since 1970.
    EpochSeconds,
}

const KINDS: [(u8, Kind); 8] = [
    (b'm', Kind::Millis),
    (b's', Kind::Seconds),
    (b'f', Kind::FileSeconds),
    (b'g', Kind::FileMinutes),
    (b'o', Kind::Folder),
    (b'd', Kind::Date),
    (b'E', Kind::EpochMillis),
    (b'e', Kind::EpochSeconds),
];

impl Kind {
    /// Writes a time, in milliseconds since 1970, in this way.
    pub fn write(self, at: i64) -> String {
        let format = match self {
            Kind::Millis => "%Y-%m-%dT%H:%M:%S%.3f",
            Kind::Seconds => "%Y-%m-%dT%H:%M:%S",
            Kind::FileSeconds => "%Y-%m-%dT%H-%M-%S",
            Kind::FileMinutes => "%Y-%m-%dT%H-%M",
            Kind::Folder => "%Y/%m/%d",
            Kind::Date => "%Y-%m-%d",
            Kind::EpochMillis => return at.to_string(),
            Kind::EpochSeconds => return at.div_euclid(1000).to_string(),
        };
        let at =
            Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX });
        Offset::UTC.to_datetime(at).strftime(format).to_string()
    }

    /// Writes a mark.
    pub fn mark(self, distance: i64) -> Vec<u8> {
        let letter = KINDS.iter().find(|(_, kind)| *kind == self).map_or(b'?', |(letter, _)| *letter);
        let mut mark = vec![OPEN, letter];
        mark.extend(distance.to_string().bytes());
        mark.push(CLOSE);
        mark
    }
}

/// Writes the times that are marked in a text; `last` is when the last thing happened.
pub fn render(text: &[u8], last: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == OPEN) {
        out.extend_from_slice(&rest[..at]);
        let read = read(&rest[at..]);
        rest = match read {
            Some((kind, distance, length)) => {
                out.extend(kind.write(last + distance).bytes());
                &rest[at + length..]
            }
            None => {
                out.push(OPEN);
                &rest[at + 1..]
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

/// Reads the mark that a text begins with: kind, distance, length.
fn read(text: &[u8]) -> Option<(Kind, i64, usize)> {
    let letter = *text.get(1)?;
    let (_, kind) = KINDS.iter().find(|(known, _)| *known == letter)?;
    let end = text.iter().position(|byte| *byte == CLOSE)?;
    let distance = std::str::from_utf8(text.get(2..end)?).ok()?.parse().ok()?;
    Some((*kind, distance, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_agents_write_them() {
        // 2028-02-29T23:59:58.070Z
        let at = 1_835_481_598_070;
        let written: Vec<String> = KINDS.iter().map(|(_, kind)| kind.write(at)).collect();
        assert_eq!(
            written,
            [
                "2028-02-29T23:59:58.070",
                "2028-02-29T23:59:58",
                "2028-02-29T23-59-58",
                "2028-02-29T23-59",
                "2028/02/29",
                "2028-02-29",
                "1835481598070",
                "1835481598",
            ]
        );
        assert_eq!(Kind::Date.write(at + 2000), "2028-03-01");
        assert_eq!(Kind::Date.write(0), "1970-01-01");
        assert_eq!(Kind::Date.write(1_798_761_599_999), "2026-12-31");
    }

    #[test]
    fn marks_are_rendered_and_other_bytes_kept() {
        let mut text = b"a\x1e\x1f ".to_vec();
        for (_, kind) in KINDS {
            text.extend(kind.mark(-1000));
            text.push(b'|');
        }
        text.extend(b"\xff\x1eq12");
        let rendered = render(&text, 1_835_481_599_070);
        let expected = b"a\x1e\x1f 2028-02-29T23:59:58.070|2028-02-29T23:59:58|2028-02-29T23-59-58|\
            2028-02-29T23-59|2028/02/29|2028-02-29|1835481598070|1835481598|\xff\x1eq12";
        assert_eq!(rendered, expected);
    }
}

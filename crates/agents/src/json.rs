//! A lazy JSON walker: it finds values without decoding what nobody asked for.
//!
//! Half of an agent's bytes are copies, base64 or listings that are never shown. [`Raw`] points at a value
//! as it stands in the record; skipping it costs a scan for its end, and only [`Raw::text`] decodes.
//! Decoding never fails on content: a lone surrogate (`\ud800`, which JavaScript agents write) and invalid
//! UTF-8 become U+FFFD. What must hold is the nesting; where it does not, the record is [`Malformed`].

use std::borrow::Cow;

/// The bytes are not one JSON value: cut off, or something else altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON")]
pub struct Malformed;

/// One JSON value exactly as it is written, without the blanks around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// Takes the value at the start of `bytes` and returns it with the position just past it.
    ///
    /// # Errors
    /// [`Malformed`] when the value does not end within `bytes`.
    pub fn first(bytes: &'a [u8]) -> Result<(Raw<'a>, usize), Malformed> {
        let start = skip_blanks(bytes, 0);
        let end = skip_value(bytes, start)?;
        Ok((Raw(&bytes[start..end]), end))
    }

    /// Returns the value's bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Says whether the value is an object.
    pub fn is_object(self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Says whether the value is an array.
    pub fn is_array(self) -> bool {
        self.0.first() == Some(&b'[')
    }

    /// Says whether the value is a string.
    pub fn is_string(self) -> bool {
        self.0.first() == Some(&b'"')
    }

    /// Walks the fields of an object; nothing for any other value.
    pub fn fields(self) -> Fields<'a> {
        Fields { bytes: if self.is_object() { self.0 } else { b"" }, at: 1 }
    }

    /// Walks the elements of an array; nothing for any other value.
    pub fn elements(self) -> Elements<'a> {
        Elements { bytes: if self.is_array() { self.0 } else { b"" }, at: 1 }
    }

    /// Returns the field of that name, if the value is an object that has it.
    pub fn get(self, name: &str) -> Option<Raw<'a>> {
        self.fields().flatten().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// Follows several names down.
    pub fn path(self, names: &[&str]) -> Option<Raw<'a>> {
        names.iter().try_fold(self, |value, name| value.get(name))
    }

    /// Returns the bytes between the quotes, still escaped: enough to compare words that need no escape.
    pub fn word(self) -> &'a [u8] {
        if self.is_string() && self.0.len() >= 2 { &self.0[1..self.0.len() - 1] } else { b"" }
    }

    /// Decodes a string; `None` for any other value.
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.is_string().then(|| decode(self.word()))
    }

    /// Decodes a string, or gives the value as it is written.
    pub fn text_or_raw(self) -> Cow<'a, str> {
        self.text().unwrap_or_else(|| String::from_utf8_lossy(self.0))
    }

    /// Reads a whole number; a fraction is cut off.
    pub fn int(self) -> Option<i64> {
        let text = std::str::from_utf8(self.0).ok()?;
        text.parse::<i64>().ok().or_else(|| text.parse::<f64>().ok().map(|n| n as i64))
    }

    /// Reads a number that is not below zero.
    pub fn count(self) -> Option<u64> {
        self.int().and_then(|n| u64::try_from(n).ok())
    }

    /// Reads a number with a fraction.
    pub fn float(self) -> Option<f64> {
        std::str::from_utf8(self.0).ok()?.parse().ok()
    }

    /// Says whether the value is `true`.
    pub fn is_true(self) -> bool {
        self.0 == b"true"
    }
}

/// The fields of an object; see [`Raw::fields`].
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(&'a [u8], Raw<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = next_start(self.bytes, &mut self.at)?;
        if self.bytes[start] != b'"' {
            self.at = usize::MAX;
            return Some(Err(Malformed));
        }
        let mut step = || {
            let key_end = skip_string(self.bytes, start)?;
            let colon = skip_blanks(self.bytes, key_end);
            if self.bytes.get(colon) != Some(&b':') {
                return Err(Malformed);
            }
            let value = skip_blanks(self.bytes, colon + 1);
            let end = skip_value(self.bytes, value)?;
            self.at = end;
            Ok((&self.bytes[start + 1..key_end - 1], Raw(&self.bytes[value..end])))
        };
        let result = step();
        if result.is_err() {
            self.at = usize::MAX;
        }
        Some(result)
    }
}

/// The elements of an array; see [`Raw::elements`].
pub struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = next_start(self.bytes, &mut self.at)?;
        match skip_value(self.bytes, start) {
            Ok(end) => {
                self.at = end;
                Some(Raw(&self.bytes[start..end]))
            }
            Err(Malformed) => {
                self.at = usize::MAX;
                None
            }
        }
    }
}

/// Steps over blanks and commas to the next member of a container; `None` at its end.
fn next_start(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut start = *at;
    while let Some(b' ' | b'\t' | b'\n' | b'\r' | b',') = bytes.get(start) {
        start += 1;
    }
    match bytes.get(start) {
        None | Some(b'}' | b']') => {
            *at = usize::MAX;
            None
        }
        Some(_) => Some(start),
    }
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Returns the position just past the value that starts at `at`.
fn skip_value(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{' | b'[') => skip_container(bytes, at),
        Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            let length = bytes[at..]
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')))
                .unwrap_or(bytes.len() - at);
            let word = &bytes[at..at + length];
            let plausible = match word[0] {
                b't' => word == b"true",
                b'f' => word == b"false",
                b'n' => word == b"null",
                _ => true,
            };
            if plausible { Ok(at + length) } else { Err(Malformed) }
        }
        _ => Err(Malformed),
    }
}

/// Returns the position just past the closing quote of the string that starts at `at`.
///
/// Only quotes are looked for: in long texts there are many more escaped line ends than escaped quotes.
fn skip_string(bytes: &[u8], at: usize) -> Result<usize, Malformed> {
    let start = at + 1;
    let mut at = start;
    loop {
        let rest = bytes.get(at..).ok_or(Malformed)?;
        let quote = at + memchr::memchr(b'"', rest).ok_or(Malformed)?;
        let backslashes = bytes[start..quote].iter().rev().take_while(|byte| **byte == b'\\').count();
        at = quote + 1;
        if backslashes % 2 == 0 {
            return Ok(at);
        }
    }
}

/// Which bytes matter while a container is skipped.
const STRUCTURE: [u8; 256] = {
    let mut table = [0; 256];
    table[b'"' as usize] = 1;
    table[b'{' as usize] = 2;
    table[b'[' as usize] = 2;
    table[b'}' as usize] = 3;
    table[b']' as usize] = 3;
    table
};

/// Returns the position just past the container that starts at `at`; brackets are counted, not matched.
fn skip_container(bytes: &[u8], mut at: usize) -> Result<usize, Malformed> {
    let mut depth = 0usize;
    while let Some(&byte) = bytes.get(at) {
        match STRUCTURE[byte as usize] {
            0 => at += 1,
            1 => at = skip_string(bytes, at)?,
            2 => {
                depth += 1;
                at += 1;
            }
            _ => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
        }
    }
    Err(Malformed)
}

/// Decodes the inside of a string, mending what no `str` can hold.
fn decode(inside: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', inside) else {
        return String::from_utf8_lossy(inside);
    };
    let mut out: Vec<u8> = Vec::with_capacity(inside.len());
    out.extend_from_slice(&inside[..first]);
    let mut at = first;
    while at < inside.len() {
        // Here `inside[at]` is a backslash.
        match inside.get(at + 1) {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'u') => {
                let (c, length) = decode_unicode(&inside[at..]);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                at += length - 2;
            }
            Some(&other) => out.push(other),
            None => {}
        }
        at += 2;
        let rest = inside.get(at..).unwrap_or_default();
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        at += plain;
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// Decodes `\uXXXX`, with its second half if it is one of a pair; returns the length of what was read.
fn decode_unicode(escape: &[u8]) -> (char, usize) {
    let unit = |at: usize| -> Option<u32> {
        let hex = std::str::from_utf8(escape.get(at..at + 4)?).ok()?;
        u32::from_str_radix(hex, 16).ok()
    };
    let Some(high) = unit(2) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if (0xd800..0xdc00).contains(&high)
        && escape.get(6..8) == Some(b"\\u")
        && let Some(low) = unit(8).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
            "[\\\\\"{}\\[\\]\n漢🦀]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::vec(("[a-z]{1,6}", inner), 0..6)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn agree(raw: Raw<'_>, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) => assert_eq!(raw.text().as_deref(), Some(text.as_str())),
            serde_json::Value::Array(values) => {
                let elements: Vec<_> = raw.elements().collect();
                assert_eq!(elements.len(), values.len());
                elements.iter().zip(values).for_each(|(raw, value)| agree(*raw, value));
            }
            serde_json::Value::Object(fields) => {
                assert_eq!(raw.fields().count(), fields.len());
                for (name, value) in fields {
                    agree(raw.get(name).unwrap(), value);
                }
            }
            serde_json::Value::Number(number) => assert_eq!(raw.int(), number.as_i64()),
            serde_json::Value::Bool(truth) => assert_eq!(raw.is_true(), *truth),
            serde_json::Value::Null => assert_eq!(raw.bytes(), b"null"),
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_reads(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let (raw, end) = Raw::first(text.as_bytes()).unwrap();
            prop_assert_eq!(end, text.len());
            agree(raw, &value);
        }

        #[test]
        fn a_cut_object_is_malformed(value in json(), cut in any::<proptest::sample::Index>()) {
            let text = serde_json::json!({ "v": value }).to_string();
            let cut = cut.index(text.len());
            prop_assert!(Raw::first(&text.as_bytes()[..cut]).is_err());
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((raw, _)) = Raw::first(&bytes) {
                raw.fields().for_each(drop);
                raw.elements().for_each(drop);
                let _ = raw.text();
            }
        }
    }

    #[test]
    fn what_no_str_can_hold_is_mended() {
        let text = |json: &[u8]| Raw::first(json).unwrap().0.text().unwrap().into_owned();
        assert_eq!(text(br#""a\ud800b""#), "a\u{fffd}b");
        assert_eq!(text(br#""\ud83e\udd80""#), "🦀");
        assert_eq!(text(b"\"a\xffb\\n\xfe\""), "a\u{fffd}b\n\u{fffd}");
    }
}

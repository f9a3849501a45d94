//! Another provider in a rollout's header, without moving a byte behind it.
//!
//! Forks and projections of Codex address rollouts by byte (`history_base.end_byte_offset`), so a header keeps its
//! length: a shorter id is followed by white space, which JSON allows between tokens, and a longer one takes the place of
//! `session_id`, which defaults to `id` and may be left out where the two are equal. Tried with the real 0.169: parents and
//! forks are read and gone on with either way.

use marline_agents::json::Raw;

/// What bears the first provider in a header where there is room for it.
const ORIGINAL: &str = "original_model_provider";

/// Why a header can't name another provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no header, or has no provider in it.
    #[error("its header names no provider")]
    NoProvider,
    /// The id is longer than the room there is.
    #[error("its header has no room for so long a provider id")]
    NoRoom,
}

/// The provider that a header names.
pub fn provider(line: &[u8]) -> Option<String> {
    let (line, _) = Raw::first(line).ok()?;
    if line.get("type")?.word() != b"session_meta" {
        return None;
    }
    Some(line.path(&["payload", "model_provider"])?.text()?.into_owned())
}

/// The header with another provider, in as many bytes. Depends on nothing but the two.
pub fn with_provider(line: &[u8], provider: &str) -> Result<Vec<u8>, Unfit> {
    let (whole, _) = Raw::first(line).map_err(|_| Unfit::NoProvider)?;
    let payload = whole.get("payload").ok_or(Unfit::NoProvider)?;
    let named = payload.get("model_provider").filter(|value| value.is_string()).ok_or(Unfit::NoProvider)?;
    let token = place(line, named);
    let new = serde_json::to_string(provider).map_err(|_| Unfit::NoProvider)?;
    let kept = format!(",\"{ORIGINAL}\":{}", String::from_utf8_lossy(&line[token.clone()]));
    let room = |freed: usize| (token.len() + freed).checked_sub(new.len());
    let (cut, left) = match room(0) {
        Some(left) => (0..0, left),
        None => {
            let cut = session_id(line, payload).ok_or(Unfit::NoRoom)?;
            let left = room(cut.len()).ok_or(Unfit::NoRoom)?;
            (cut, left)
        }
    };
    let is_noted = payload.get(ORIGINAL).is_some();
    let mut filling = if left >= kept.len() && !is_noted { kept } else { String::new() };
    filling.extend(std::iter::repeat_n(' ', left - filling.len()));
    let filled = [new.as_bytes(), filling.as_bytes()].concat();
    let mut out = line.to_vec();
    // The later of the two first, so that the other one's place holds.
    if cut.start < token.start {
        out.splice(token, filled);
        out.drain(cut);
    } else {
        out.drain(cut);
        out.splice(token, filled);
    }
    Ok(out)
}

/// Where a value stands in a line.
fn place(line: &[u8], value: Raw<'_>) -> std::ops::Range<usize> {
    let start = value.bytes().as_ptr() as usize - line.as_ptr() as usize;
    start..start + value.bytes().len()
}

/// `"session_id":"…",`, where it is no more than the id again.
fn session_id(line: &[u8], payload: Raw<'_>) -> Option<std::ops::Range<usize>> {
    let value = payload.get("session_id").filter(|value| value.is_string())?;
    if payload.get("id")?.word() != value.word() {
        return None;
    }
    let value = place(line, value);
    let name = b"\"session_id\"";
    let before = line[..value.start].trim_ascii_end();
    let before = before.strip_suffix(b":")?.trim_ascii_end();
    let start = before.strip_suffix(name)?.len();
    let end = value.end + line[value.end..].iter().position(|byte| !byte.is_ascii_whitespace())?;
    (line[end] == b',').then_some(start..end + 1)
}

/// Where two lines of one length differ: a start, and the bytes of each.
pub fn difference<'a>(one: &'a [u8], other: &'a [u8]) -> (usize, &'a [u8], &'a [u8]) {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let same = one[start..].iter().rev().zip(other[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    (start, &one[start..one.len() - same], &other[start..other.len() - same])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = br#"{"timestamp":"t","type":"session_meta","payload":{"account_scoped":true,"session_id":"01a1feab-7d7a-7890-bcbf-780589f2f386","id":"01a1feab-7d7a-7890-bcbf-780589f2f386","cwd":"/w \"model_provider\":\"no\"","model_provider":"gateway","base_instructions":{"text":"long"}}}"#;

    #[test]
    fn a_header_keeps_its_length_whatever_the_provider() {
        for (name, keeps_session) in
            [("x", true), ("gateway", true), ("other-gateway", false), ("ü \"q\"", false)]
        {
            let new = with_provider(LINE, name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(new.len(), LINE.len(), "{name}");
            assert_eq!(provider(&new).as_deref(), Some(name));
            let value: serde_json::Value = serde_json::from_slice(&new).expect("JSON");
            assert_eq!(value["payload"]["id"], "01a1feab-7d7a-7890-bcbf-780589f2f386");
            assert_eq!(value["payload"].get("session_id").is_some(), keeps_session, "{name}");
            assert_eq!(value["payload"]["base_instructions"]["text"], "long");
            let (start, before, after) = difference(LINE, &new);
            let mut back = new.clone();
            back[start..start + after.len()].copy_from_slice(before);
            assert_eq!(back, LINE, "{name}: the difference leads back");
        }
    }

    #[test]
    fn the_first_provider_is_noted_where_there_is_room() {
        let new = with_provider(LINE, "a-longer-one").expect("it fits");
        let value: serde_json::Value = serde_json::from_slice(&new).expect("JSON");
        assert_eq!(value["payload"][ORIGINAL], "gateway");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(with_provider(LINE, &"x".repeat(300)), Err(Unfit::NoRoom));
        let own = String::from_utf8_lossy(LINE).replace("\"session_id\":\"01a1", "\"session_id\":\"02a1");
        assert_eq!(with_provider(own.as_bytes(), "a-longer-one"), Err(Unfit::NoRoom), "it is another one");
        assert_eq!(with_provider(br#"{"type":"session_meta","payload":{}}"#, "x"), Err(Unfit::NoProvider));
        assert_eq!(with_provider(b"no json", "x"), Err(Unfit::NoProvider));
        assert_eq!(provider(br#"{"type":"event_msg","payload":{"model_provider":"x"}}"#), None);
    }
}

//! Pictures inside a record.
//!
//! Agents keep a picture as base64, either in a `data:` URL (Codex `image_url`, OpenCode `url`) or in a field beside
//! its media type (Claude `source: {media_type, data}`, Gemini and Qwen `inlineData: {mimeType, data}`). Both shapes
//! are looked for anywhere in a record, in its order. What the picture is is told by its own first bytes, never by the
//! record's word for it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Some agents leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Says whether a record may hold a picture, without parsing it.
pub fn may_hold_images(record: &[u8]) -> bool {
    memchr::memmem::find(record, b"image/").is_some()
}

/// Returns the pictures of a record, in its order. Pictures of other types are left out.
pub fn images(record: &[u8]) -> Vec<Image> {
    let mut out = Vec::new();
    if may_hold_images(record)
        && let Ok(value) = serde_json::from_slice::<Value>(record)
    {
        collect(&value, &mut out);
    }
    out
}

fn collect(value: &Value, out: &mut Vec<Image>) {
    match value {
        Value::String(text) => {
            if let Some((kind, data)) =
                text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
                && kind.starts_with("image/")
            {
                out.extend(decode(data));
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, out)),
        Value::Object(fields) => {
            let says = |name: &str| fields.get(name).and_then(Value::as_str);
            let kind = says("media_type").or_else(|| says("mimeType")).or_else(|| says("mediaType"));
            if let (Some(kind), Some(data)) = (kind, says("data"))
                && kind.starts_with("image/")
                && !data.starts_with("data:")
            {
                out.extend(decode(data));
                return;
            }
            fields.values().for_each(|value| collect(value, out));
        }
        _ => {}
    }
}

fn decode(data: &str) -> Option<Image> {
    let bytes = BASE64.decode(data).ok()?;
    Some(Image { media_type: media_type(&bytes)?, bytes })
}

/// Tells what a picture is by its first twelve bytes.
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &str = "iVBORw0KGgo=";

    #[test]
    fn each_agents_shape_is_found_in_order() {
        let record = format!(
            r#"{{"a":[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{PNG}"}}}},
               {{"image_url":"data:image/png;base64,{PNG}"}},{{"inlineData":{{"mimeType":"image/jpeg","data":"/9j/4A=="}}}}]}}"#
        );
        let found = images(record.as_bytes());
        assert_eq!(
            found.iter().map(|image| image.media_type).collect::<Vec<_>>(),
            ["image/png", "image/png", "image/jpeg"]
        );
        assert_eq!(found[0].bytes, b"\x89PNG\r\n\x1a\n");
    }

    #[test]
    fn what_calls_itself_a_picture_and_is_none_is_left_out() {
        let svg = r#"{"source":{"media_type":"image/svg+xml","data":"PHN2Zz48L3N2Zz4="}}"#;
        let page = r#"{"url":"data:image/png;base64,PGh0bWw+"}"#;
        let broken = r#"{"url":"data:image/png;base64,iVBO*w0KGgo="}"#;
        for record in [svg, page, broken, "image/ but no JSON"] {
            assert_eq!(images(record.as_bytes()), [], "{record}");
        }
    }
}

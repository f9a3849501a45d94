//! Writing JSON as the agents do: compact, keys in the order given.

/// A JSON text being written.
#[derive(Default)]
pub(super) struct Json {
    bytes: Vec<u8>,
}

impl Json {
    /// Returns an object as text.
    pub fn object(fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut json = Self { bytes: Vec::with_capacity(512) };
        json.braces(fill);
        json.bytes
    }

    fn braces(&mut self, fill: impl FnOnce(&mut Self)) {
        self.bytes.push(b'{');
        fill(self);
        self.bytes.push(b'}');
    }

    fn comma(&mut self) {
        // After a value there is never one of these: strings end with a quote, numbers with a digit.
        if !matches!(self.bytes.last(), Some(b'{' | b'[' | b':') | None) {
            self.bytes.push(b',');
        }
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    /// Writes a member whose value is a string.
    pub fn text(&mut self, key: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.key(key);
        quote(&mut self.bytes, value.as_ref());
        self
    }

    /// Writes a member whose value is a number.
    pub fn number(&mut self, key: &str, value: u64) -> &mut Self {
        self.raw(key, value.to_string())
    }

    /// Writes a member whose value is true or false.
    pub fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// Writes a member whose value is already JSON.
    pub fn raw(&mut self, key: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.key(key);
        self.bytes.extend_from_slice(value.as_ref());
        self
    }

    /// Writes a member whose value is an object.
    pub fn inside(&mut self, key: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.key(key);
        self.braces(fill);
        self
    }

    /// Writes a member whose value is a list.
    pub fn list(&mut self, key: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.key(key);
        self.bytes.push(b'[');
        fill(self);
        self.bytes.push(b']');
        self
    }

    /// Writes an element that is an object.
    pub fn element(&mut self, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.comma();
        self.braces(fill);
        self
    }

    /// Writes an element that is already JSON.
    pub fn raw_element(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        self.comma();
        self.bytes.extend_from_slice(value.as_ref());
        self
    }
}

/// Returns a text as a JSON string, with its quotes.
pub(super) fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 16 + 2);
    quote(&mut out, text);
    out
}

fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut plain = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[plain..at]);
        plain = at + 1;
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.extend_from_slice(&text[plain..]);
    out.push(b'"');
}

//! Asking the board that runs, over the owner's socket.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// How long a running board may take to do something, and to say how something stands.
const DONE: Duration = Duration::from_secs(20);
const TOLD: Duration = Duration::from_secs(3);

/// What a board answered.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// What it was asked for.
    pub fn good(self) -> Option<Value> {
        (200..300).contains(&self.status).then_some(self.body)
    }
}

/// Asks once.
///
/// # Errors
/// Nobody listens there, or what answers is no board.
pub fn ask(socket: &Path, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(if method == "GET" { TOLD } else { DONE }))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    stream.write_all(
        format!(
            "{method} {path} HTTP/1.1\r\nhost: marline\r\nuser-agent: marline-cli\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        )
        .as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let odd = || io::Error::new(io::ErrorKind::InvalidData, "what answers there is no board");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(odd)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(odd)?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).map_err(|_| odd())? };
    Ok(Answer { status, body })
}

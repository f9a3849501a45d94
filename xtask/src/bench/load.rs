//! Asking a server: one request after the other on a connection, or many at a rate.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::median_and_p95;
use crate::Outcome;

/// Requests a second, from so many clients, for so long.
pub const RATE: u32 = 100;
pub const CLIENTS: u32 = 10;
const LOADED: Duration = Duration::from_secs(5);
/// An answer that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a server listens.
pub enum Address {
    Socket(PathBuf),
    Port(u16),
}

/// A connection that stays open.
pub struct Connection {
    stream: BufReader<Box<dyn ReadWrite>>,
    host: String,
}

trait ReadWrite: Read + Write + Send {}
impl<T: Read + Write + Send> ReadWrite for T {}

impl Address {
    /// Connects.
    pub fn connect(&self) -> Outcome<Connection> {
        let fail = |error: std::io::Error| error.to_string();
        let stream: Box<dyn ReadWrite> = match self {
            Address::Socket(path) => {
                let stream = UnixStream::connect(path).map_err(fail)?;
                stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
                Box::new(stream)
            }
            Address::Port(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port)).map_err(fail)?;
                stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
                stream.set_nodelay(true).map_err(fail)?;
                Box::new(stream)
            }
        };
        let host = match self {
            Address::Socket(_) => "marline".to_owned(),
            Address::Port(port) => format!("127.0.0.1:{port}"),
        };
        Ok(Connection { stream: BufReader::new(stream), host })
    }

    /// Asks once.
    pub fn ask(&self, path: &str) -> Outcome<Value> {
        self.connect()?.ask(path)
    }

    /// Median and 95th percentile in milliseconds, from when a request was due.
    pub fn under_load(&self, paths: &[String]) -> Outcome<(f64, f64)> {
        let times = Mutex::new(Vec::new());
        let every = Duration::from_secs(1) * CLIENTS / RATE;
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let times = &times;
                    scope.spawn(move || -> Outcome {
                        let mut connection = self.connect()?;
                        let began = Instant::now() + every * client / CLIENTS;
                        for n in 0..(LOADED.as_millis() / every.as_millis()) as u32 {
                            let due = began + every * n;
                            std::thread::sleep(due.saturating_duration_since(Instant::now()));
                            connection.ask(&paths[(n * CLIENTS + client) as usize % paths.len()])?;
                            let taken = due.elapsed().as_secs_f64() * 1e3;
                            times.lock().map_err(|_| "a client failed")?.push(taken);
                        }
                        Ok(())
                    })
                })
                .collect();
            clients
                .into_iter()
                .try_for_each(|client| client.join().map_err(|_| "a client failed".to_owned())?)
        })?;
        Ok(median_and_p95(times.into_inner().map_err(|_| "a client failed")?))
    }
}

impl Connection {
    /// Asks for a JSON document.
    pub fn ask(&mut self, path: &str) -> Outcome<Value> {
        self.send("GET", path, "")
    }

    /// The same with a method and a body of one's own.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> Outcome<Value> {
        let fail = |error: std::io::Error| format!("{path}: {error}");
        let (host, length) = (&self.host, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(head.as_bytes()).map_err(fail)?;
        let status = self.line().map_err(fail)?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line().map_err(fail)?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| format!("{path}: an odd length"))?;
            }
            is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        let mut body = Vec::new();
        if is_chunked {
            loop {
                let size = self.line().map_err(fail)?;
                let size =
                    usize::from_str_radix(size.trim(), 16).map_err(|_| format!("{path}: an odd chunk"))?;
                self.read(size, &mut body).map_err(fail)?;
                self.line().map_err(fail)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.read(length, &mut body).map_err(fail)?;
        }
        if !status.contains(" 200 ") {
            return Err(format!("{path}: {status}"));
        }
        serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self, length: usize, body: &mut Vec<u8>) -> std::io::Result<()> {
        let at = body.len();
        body.resize(at + length, 0);
        self.stream.read_exact(&mut body[at..])
    }
}

/// Looks until there is something to see.
pub fn wait_for<T>(patience: Duration, look: impl Fn() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    while began.elapsed() < patience {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// A word of a query as an address has it.
pub fn encoded(text: &str) -> String {
    let letter = |byte: u8| {
        if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(letter).collect()
}

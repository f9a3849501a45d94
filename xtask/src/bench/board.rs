//! What the board takes: answers under load, an appended line told to those who listen, memory and rest.
//!
//! What needs no browser is asked over the owner's socket, which takes the same way through the server but for the
//! cookie.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::load::{Address, CLIENTS, RATE, encoded, wait_for};
use super::process::{cpu_seconds, median_and_p95, memory};
use super::{Line, figures, page};
use crate::Outcome;
use crate::product::Product;
use crate::workspace::scratch;

/// Files that grow at once, and how long a round over all of them takes.
pub const GROWING: usize = 50;
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 12;
/// How long the board is left alone.
const REST: Duration = Duration::from_secs(10);
/// Anything that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn measure(product: &Product, corpus: &Path, own: &Path, lines: &mut Vec<Line>) -> Outcome {
    let folder = corpus.join("home/.claude/projects/-bench-growing");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let outcome = with_board(product, own, |board| {
        let lists: Vec<String> = (0..20).map(|n| format!("/api/v1/sessions?limit=50&q={n}")).collect();
        let lists = [vec!["/api/v1/sessions?limit=50".to_owned()], lists].concat();
        let searches: Vec<String> =
            words().iter().map(|word| format!("/api/v1/search?q={}", encoded(word))).collect();
        for (name, addresses) in [("list", &lists), ("search with facets", &searches)] {
            let (median, p95) = board.address.under_load(addresses)?;
            let value = format!("{median:.1} ms, p95 {p95:.1} ms");
            lines.push(Line::new(format!("board: {name}, {RATE} a second"), value, "goal: p95 below 10 ms"));
        }
        let link = board.link()?;
        let address = link.split("login").next().unwrap_or_default();
        page::first("board", address, Some(&link), lines)?;
        let (median, p95) = growing(board, &folder)?;
        let value = format!("{median:.0} ms, p95 {p95:.0} ms");
        lines.push(Line::new(
            format!("board: line told, {GROWING} files growing"),
            value,
            "goal: p95 below 300 ms",
        ));
        let before = cpu_seconds(board.child.id()).unwrap_or(0.0);
        std::thread::sleep(REST);
        let busy = cpu_seconds(board.child.id()).unwrap_or(0.0) - before;
        let share = busy / REST.as_secs_f64() * 100.0;
        lines.push(Line::new("board: at rest", format!("{share:.2} % of a core"), "goal: below 0.5 %"));
        let peak = memory(board.child.id()).unwrap_or(0.0);
        lines.push(Line::new(
            "board: peak memory",
            format!("{peak:.0} MB"),
            format!("with {CLIENTS} clients; goal: 200 MB"),
        ));
        Ok(())
    });
    std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    outcome
}

/// Scrolls through a list that is longer than anyone's.
pub fn measure_many(lines: &mut Vec<Line>) -> Outcome {
    let dir = scratch("bench-many")?;
    let (home, own) = (dir.join("home"), dir.join("marline"));
    page::many(&home)?;
    let product = Product::built()?.in_homes(&home, &own);
    with_board(&product, &own, |board| {
        let link = board.link()?;
        page::scroll(link.split("login").next().unwrap_or_default(), &link, lines)
    })
}

pub struct Board {
    pub child: Child,
    socket: PathBuf,
    pub address: Address,
}

impl Board {
    /// Another one-time link.
    fn link(&self) -> Outcome<String> {
        let fail = |error: std::io::Error| error.to_string();
        let mut stream = UnixStream::connect(&self.socket).map_err(fail)?;
        let head = "POST /api/v1/devices/links HTTP/1.1\r\nhost: marline\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).map_err(fail)?;
        let answer = std::io::read_to_string(stream).map_err(fail)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        body["url"].as_str().map(str::to_owned).ok_or_else(|| format!("no link: {answer}"))
    }
}

/// Starts a board, and ends it whatever happens.
pub fn with_board(product: &Product, own: &Path, act: impl FnOnce(&Board) -> Outcome) -> Outcome {
    let mut command = product.command(["up", "--no-open"]);
    let child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let socket = own.join("board/sock");
    let mut board = Board { child, address: Address::Socket(socket.clone()), socket };
    let ready = wait_for(PATIENCE, || {
        let status = board.address.ask("/api/v1/status").ok()?;
        (status["indexing"]["phase"] == "idle").then_some(())
    });
    let outcome =
        ready.ok_or_else(|| "the board does not come to rest".to_owned()).and_then(|()| act(&board));
    board.child.kill().and_then(|()| board.child.wait()).map_err(|error| error.to_string())?;
    outcome
}

/// Listens to the board's events.
pub fn listen(board: &Board) -> Outcome<BufReader<UnixStream>> {
    let fail = |error: std::io::Error| error.to_string();
    let mut stream = UnixStream::connect(&board.socket).map_err(fail)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(fail)?;
    stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: marline\r\n\r\n").map_err(fail)?;
    Ok(BufReader::new(stream))
}

/// Median and 95th percentile in milliseconds from a write to its event, with as many listeners as clients.
fn growing(board: &Board, folder: &Path) -> Outcome<(f64, f64)> {
    let file = |n: usize| growing_file(folder, n);
    for n in 0..GROWING {
        figures::append(&file(n), "the first words")?;
    }
    std::thread::sleep(Duration::from_secs(2));
    let written: Mutex<Vec<Vec<Instant>>> = Mutex::new(vec![vec![Instant::now()]; GROWING]);
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        let mut listeners = Vec::new();
        for _ in 0..CLIENTS {
            listeners.push(listen(board)?);
        }
        let heard = listeners.remove(0);
        let written = &written;
        let hearing = scope.spawn(move || hear(heard, written));
        let mut ends = Vec::new();
        for mut other in listeners {
            ends.push(other.get_ref().try_clone().map_err(|error| error.to_string())?);
            scope.spawn(move || std::io::copy(&mut other, &mut std::io::sink()));
        }
        for _ in 0..ROUNDS {
            for n in 0..GROWING {
                if let Ok(mut written) = written.lock() {
                    written[n].push(Instant::now());
                }
                figures::append(&file(n), "more words")?;
                std::thread::sleep(ROUND / GROWING as u32);
            }
        }
        told = hearing.join().map_err(|_| "the listener failed")??;
        ends.iter().try_for_each(|end| end.shutdown(Shutdown::Both)).map_err(|error| error.to_string())
    })?;
    Ok(median_and_p95(told))
}

/// The transcript of one of the sessions that grow.
pub fn growing_file(folder: &Path, n: usize) -> PathBuf {
    folder.join(format!("{}.jsonl", id(n)))
}

/// What people search for while they look at the board; the words of the generated corpora.
pub fn words() -> Vec<String> {
    ["error", "config", "value", "function", "branch", "parse", "test", "return", "the missing"]
        .map(str::to_owned)
        .to_vec()
}

fn id(n: usize) -> String {
    format!("{n:08x}-1111-4222-8333-0000000be9c0")
}

/// Hears until every line of every file was told. Returns how long each took, in milliseconds.
fn hear(mut stream: BufReader<UnixStream>, written: &Mutex<Vec<Vec<Instant>>>) -> Outcome<Vec<f64>> {
    let mut have = vec![1; GROWING];
    let mut times = Vec::new();
    let mut line = String::new();
    while times.len() < ROUNDS * GROWING {
        line.clear();
        if stream.read_line(&mut line).map_err(|error| format!("an event is missing ({error})"))? == 0 {
            return Err("the stream of events ended".to_owned());
        }
        let Some(event) =
            line.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok())
        else {
            continue;
        };
        let session = event["session"]["sourceSessionId"].as_str().unwrap_or_default();
        let Some(n) = (0..GROWING).find(|n| id(*n) == session) else { continue };
        let items = event["items"].as_u64().unwrap_or(0) as usize;
        let written = written.lock().map_err(|_| "the writer failed")?;
        for at in have[n]..items.min(written[n].len()) {
            times.push(written[n][at].elapsed().as_secs_f64() * 1e3);
        }
        have[n] = have[n].max(items);
    }
    Ok(times)
}

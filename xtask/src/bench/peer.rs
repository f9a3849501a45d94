//! The same questions to a peer: agentsview, which keeps sessions in SQLite and shows them in a browser.
//!
//! It is installed from PyPI into the target folder, as its users install it; where that is not possible, the table
//! says so.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::load::{Address, RATE, encoded, wait_for};
use super::process::memory;
use super::{Line, page};
use crate::workspace::{scratch, target};
use crate::{Outcome, step};

const PACKAGE: &str = "agentsview";
const VERSION: &str = "0.46.1";
/// It may take so long to read a corpus.
const PATIENCE: Duration = Duration::from_secs(900);

/// Measures it on the agents' home of a corpus.
pub fn measure(home: &Path, queries: &[String], lines: &mut Vec<Line>) -> Outcome {
    let name = format!("{PACKAGE} {VERSION}");
    let Some(program) = program() else {
        lines.push(Line::new(name, "not installed", "pip could not install it"));
        return Ok(());
    };
    let own = scratch("bench-peer")?;
    let port = free_port()?;
    let address = Address::Port(port);
    let began = Instant::now();
    let server = Server(
        Command::new(program)
            .args(["serve", "--no-browser", "--no-update-check", "--port", &port.to_string()])
            .env_clear()
            .env("HOME", home)
            .env("AGENTSVIEW_DATA_DIR", &own)
            .env("AGENTSVIEW_TELEMETRY_ENABLED", "0")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdout(std::fs::File::create(own.join("log")).map_err(|error| error.to_string())?)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{PACKAGE} could not start: {error}"))?,
    );
    let log = || std::fs::read_to_string(own.join("log")).unwrap_or_default();
    wait_for(PATIENCE, || log().contains("Sync complete").then_some(()))
        .ok_or_else(|| format!("{PACKAGE} does not come to rest"))?;
    let taken = began.elapsed().as_secs_f64();
    lines.push(Line::new(
        format!("{name}: first sync"),
        format!("{taken:.1} s"),
        "sessions, messages, search",
    ));
    wait_for(Duration::from_secs(20), || address.ask("/api/v1/sessions?limit=1").ok())
        .ok_or_else(|| format!("{PACKAGE} does not answer"))?;
    let searches: Vec<String> =
        queries.iter().map(|query| format!("/api/v1/search?q={}", encoded(query))).collect();
    for (what, paths) in [("list", &vec!["/api/v1/sessions?limit=50".to_owned()]), ("search", &searches)] {
        let value = match address.under_load(paths) {
            Ok((median, p95)) => format!("{median:.1} ms, p95 {p95:.1} ms"),
            Err(error) => format!("failed: {error}"),
        };
        lines.push(Line::new(
            format!("{name}: {what}, {RATE} a second"),
            value,
            "50 sessions; without facets",
        ));
    }
    page::first(&name, &format!("http://127.0.0.1:{port}/"), None, lines)?;
    let peak = memory(server.0.id()).unwrap_or(0.0);
    lines.push(Line::new(format!("{name}: peak memory"), format!("{peak:.0} MB"), "of the server"));
    Ok(())
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The installed program.
fn program() -> Option<PathBuf> {
    let dir = target().ok()?.join("xtask/peer").join(VERSION);
    let program = dir.join("bin").join(PACKAGE);
    if !program.exists() {
        step::run("a place for the peer", Command::new("python3").args(["-m", "venv"]).arg(&dir)).ok()?;
        let mut pip = Command::new(dir.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", &format!("{PACKAGE}=={VERSION}")]);
        step::run("install the peer", &mut pip).ok()?;
    }
    // What pip puts there starts the real program, which would outlive it.
    let inner = std::fs::read_dir(dir.join("lib")).ok()?.flatten().find_map(|python| {
        let path = python.path().join("site-packages").join(PACKAGE).join("bin").join(PACKAGE);
        path.exists().then_some(path)
    });
    inner.or_else(|| program.exists().then_some(program))
}

fn free_port() -> Outcome<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

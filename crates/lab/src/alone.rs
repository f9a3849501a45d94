//! A place where agents can do no harm: no network but loopback, and no process that outlives the one who started it.
//!
//! Settings alone don't keep agents at home: OpenCode 1.18.33 asks the npm registry for its plugins whatever it is
//! told, Qwen Code 0.24.4 asks a name server.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

use crate::agents::{Agents, Release};

/// Set in the environment of a program that is alone.
const MARK: &str = "MARLINE_LAB_ALONE";
/// What is tried, in this order: as root, then as anybody; with processes of its own, then without.
const WAYS: [&[&str]; 4] = [
    &["--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
    &["--net", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"],
    &["--net"],
    &["--net", "--map-root-user"],
];
const LOOPBACK: &str = "ip link set lo up";

/// Runs this very program again with other words, in namespaces of its own, and returns how it ended.
///
/// Returns `None` to a program that is alone already, and where the system has no namespaces or does not give them;
/// that is said on stderr.
///
/// # Errors
/// The program could not be started.
pub fn again(words: &[impl AsRef<OsStr>]) -> io::Result<Option<ExitStatus>> {
    if std::env::var_os(MARK).is_some() {
        std::thread::spawn(end_with_the_other);
        return Ok(None);
    }
    let Some(way) = WAYS.into_iter().find(|way| is_possible(way)) else {
        eprintln!(
            "warning: no network namespaces here; that agents stay on loopback rests on their settings alone."
        );
        return Ok(None);
    };
    let mut command = Command::new("unshare");
    command.args(way).args(["sh", "-c", &format!("{LOOPBACK} && exec \"$@\""), "sh"]);
    command.arg(std::env::current_exe()?).args(words).env(MARK, "1");
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    // Held until the end: that it closes is how the other hears that this program was killed.
    let _held = child.stdin.take();
    child.wait().map(Some)
}

/// Prepares a test of real agents: installs releases, and runs the test of that name again where they can do no harm.
///
/// Returns the agents to the test that is to go on; to the one that is through, nothing. A test that was skipped because
/// `MARLINE_SKIP_REAL_AGENTS=1` asks for it says so on stderr.
///
/// # Panics
/// An agent can't be installed, or the test fails.
pub fn test(name: &str, releases: &[Release]) -> Option<Agents> {
    if std::env::var_os("MARLINE_SKIP_REAL_AGENTS").is_some_and(|value| value == "1") {
        eprintln!(
            "SKIPPED, as MARLINE_SKIP_REAL_AGENTS=1 asks: no real agent was run, this test proves nothing."
        );
        return None;
    }
    let agents = Agents::of_workspace();
    agents.install(releases).unwrap_or_else(|error| panic!("{error}"));
    let ended = again(&[name, "--exact", "--nocapture"]).unwrap_or_else(|error| panic!("{error}"));
    let Some(status) = ended else { return Some(agents) };
    assert!(status.success(), "the test without a network {status}");
    None
}

/// Ends this program when the one that started it is gone; what runs in the namespace ends with it.
fn end_with_the_other() {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    std::process::exit(1);
}

fn is_possible(way: &[&str]) -> bool {
    let mut command = Command::new("unshare");
    command.args(way).args(["sh", "-c", LOOPBACK]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

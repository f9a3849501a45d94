//! What git says of a project's files, without the watchers, differs and converters that the project's settings may name.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// A repository that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// So much is read of it.
const MOST: u64 = 2 << 20;
/// Files that git does not know, by name.
const MOST_FILES: usize = 200;

fn ask(project: &Path, words: &[&str]) -> io::Result<String> {
    let mut git = Command::new("git");
    // No program of the repository's own is run for a look, and nothing is written.
    git.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C"]);
    git.arg(project).args(words).env("GIT_TERMINAL_PROMPT", "0");
    let mut child = git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let out = child.stdout.take().ok_or_else(|| io::Error::other("git has no output"))?;
    let (said, heard) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = out.take(MOST).read_to_end(&mut bytes);
        let _ = said.send(read.map(|_| bytes));
    });
    let bytes = heard.recv_timeout(PATIENCE);
    if bytes.as_ref().map_or(true, |bytes| bytes.as_ref().map_or(true, |bytes| bytes.len() as u64 == MOST)) {
        let _ = child.kill();
        let _ = child.wait();
    } else if !child.wait()?.success() {
        return Err(io::Error::other("git can't tell: is the directory in a repository with a commit?"));
    }
    let bytes = bytes.map_err(|_| io::Error::other("git took too long"))??;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What has changed in a project since the last commit, as a unified diff, and the names of files that are new.
///
/// # Errors
/// There is no git, no repository, no commit, or it took too long.
pub fn changes(project: &Path) -> io::Result<String> {
    let mut changes =
        ask(project, &["diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--", "."])?;
    let new = ask(project, &["ls-files", "--others", "--exclude-standard"])?;
    let names: Vec<&str> = new.lines().collect();
    if !names.is_empty() {
        changes += "\nNew files, which are in no commit yet:\n";
        names.iter().take(MOST_FILES).for_each(|name| changes += &format!("  {name}\n"));
        if names.len() > MOST_FILES {
            changes += &format!("  and {} more\n", names.len() - MOST_FILES);
        }
    }
    Ok(changes)
}

//! Walking an agent's directories: one thread, one `stat` a file, no links followed below the root.

use std::fs;
use std::io;
use std::path::Path;

use crate::agent::{Discovery, Stat};

/// Deeper than any agent nests; a guard, not a limit that is met.
const MAX_DEPTH: usize = 12;

/// Visits every regular file below `root` with its path relative to it.
///
/// A root that is not there is no problem. What cannot be read is listed in `found.problems`, and the walk
/// goes on. Links below the root are not followed, so that a loop of links ends.
pub fn walk(root: &Path, found: &mut Discovery, visit: &mut dyn FnMut(&Path, &str, Stat, &mut Discovery)) {
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::debug!(root = %root.display(), "no such root");
            return;
        }
        Err(error) => {
            found.problems.push((root.to_owned(), error));
            return;
        }
    }
    found.roots.push(root.to_owned());
    descend(root, "", 0, found, visit);
}

fn descend(
    dir: &Path,
    below: &str,
    depth: usize,
    found: &mut Discovery,
    visit: &mut dyn FnMut(&Path, &str, Stat, &mut Discovery),
) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // A directory that vanished between its listing and this moment was simply removed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            found.problems.push((dir.to_owned(), error));
            return;
        }
    };
    found.directories.push(dir.to_owned());
    for entry in entries.flatten() {
        let name = entry.file_name();
        // No agent writes a name that is not UTF-8; a path that no JSON can hold could not be shown.
        let Some(name) = name.to_str() else { continue };
        let relative = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if depth < MAX_DEPTH {
                descend(&entry.path(), &relative, depth + 1, found, visit);
            }
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(metadata) => visit(&entry.path(), &relative, Stat::of(&metadata), found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.problems.push((entry.path(), error)),
            }
        }
    }
}

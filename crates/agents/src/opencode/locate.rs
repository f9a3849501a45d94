//! Where OpenCode keeps its sessions: `opencode.db` in the XDG data directory, `storage/` before it.

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Discovery, Env, FileRole, SessionFile, Shape, Stat};

pub fn home(env: &Env) -> PathBuf {
    env.data_home().join("opencode")
}

pub fn discover(env: &Env) -> Discovery {
    let home = home(env);
    let mut found = Discovery::default();
    if !home.is_dir() {
        tracing::debug!(root = %home.display(), "no such root");
        return found;
    }
    found.roots.push(home.clone());
    found.directories.push(home.clone());
    for (name, shape) in [("opencode.db", Shape::Database), ("storage", Shape::Tree)] {
        let path = home.join(name);
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() == (shape == Shape::Tree) => metadata,
            Ok(_) => continue,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.problems.push((path, error));
                continue;
            }
        };
        let mut stat = Stat::of(&metadata);
        if shape == Shape::Database {
            // Changes stand in the log for long; both together say whether anything happened.
            if let Ok(log) = std::fs::metadata(home.join("opencode.db-wal")) {
                let log = Stat::of(&log);
                stat.size += log.size;
                stat.mtime_ns = stat.mtime_ns.max(log.mtime_ns);
            }
        } else {
            stat = super::tree::stat(&path, &mut found);
        }
        found.files.push(SessionFile {
            path,
            source: Source::OpenCode,
            shape,
            role: FileRole::Store,
            session: None,
            archived: false,
            stat,
        });
    }
    found
}

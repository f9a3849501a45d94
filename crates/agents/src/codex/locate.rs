//! Where Codex keeps its rollouts.
//!
//! `sessions/YYYY/MM/DD/rollout-<local time>-<thread id>.jsonl`, cold ones as `.jsonl.zst`, archived ones flat
//! in `archived_sessions/`. Names stand in `session_index.jsonl`, the newest line wins.

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Discovery, Env, FileRole, SessionFile, Shape, Stat};
use crate::walk::walk;

/// Length of a UUID in text.
const UUID: usize = 36;

pub fn home(env: &Env) -> PathBuf {
    env.dir("CODEX_HOME", ".codex")
}

pub fn discover(env: &Env) -> Discovery {
    let home = home(env);
    let mut found = Discovery::default();
    for (folder, archived) in [("sessions", false), ("archived_sessions", true)] {
        walk(&home.join(folder), &mut found, &mut |path, relative, stat, found| {
            let name = relative.rsplit('/').next().unwrap_or(relative);
            let (stem, shape) = match (name.strip_suffix(".jsonl"), name.strip_suffix(".jsonl.zst")) {
                (Some(stem), _) => (stem, Shape::Lines),
                (_, Some(stem)) => (stem, Shape::CompressedLines),
                _ => return,
            };
            let Some(stem) = stem.strip_prefix("rollout-") else { return };
            found.files.push(SessionFile {
                path: path.to_owned(),
                source: Source::Codex,
                shape,
                role: FileRole::Session,
                session: thread_id(stem).map(str::to_owned),
                archived,
                stat,
            });
        });
    }
    let names = home.join("session_index.jsonl");
    if let Ok(metadata) = std::fs::metadata(&names) {
        found.files.push(SessionFile {
            path: names,
            source: Source::Codex,
            shape: Shape::Lines,
            role: FileRole::Sidecar,
            session: None,
            archived: false,
            stat: Stat::of(&metadata),
        });
        found.directories.push(home);
    }
    found
}

/// Takes the thread id out of `<time>-<thread id>` or, since about 0.150, `<time>-<thread id>_<segment id>`.
fn thread_id(stem: &str) -> Option<&str> {
    let stem = match stem.rsplit_once('_') {
        Some((head, segment)) if segment.len() == UUID => head,
        _ => stem,
    };
    stem.get(stem.len().checked_sub(UUID)?..)
        .filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}

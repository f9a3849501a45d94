//! Where Claude Code keeps its sessions.
//!
//! `projects/<cwd with - for every non-alphanumeric>/<session>.jsonl`, sub-agents in
//! `projects/…/<session>/subagents/agent-<id>.jsonl` (2.0.28 to 2.0.76: beside the sessions). The folder's
//! name can't be decoded; the working directory is taken from the records.

use std::fs;
use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Discovery, Env, FileRole, SessionFile, Shape};
use crate::json::Raw;
use crate::walk::walk;

/// What Claude itself uses where `cleanupPeriodDays` is not set.
const DEFAULT_RETENTION_DAYS: u64 = 30;

pub fn home(env: &Env) -> PathBuf {
    env.dir("CLAUDE_CONFIG_DIR", ".claude")
}

pub fn discover(env: &Env) -> Discovery {
    let mut found = Discovery::default();
    walk(&home(env).join("projects"), &mut found, &mut |path, relative, stat, found| {
        let Some(stem) = relative.strip_suffix(".jsonl") else { return };
        let parts: Vec<&str> = stem.split('/').collect();
        let (role, session) = match parts[..] {
            [_, name] if name.starts_with("agent-") => (FileRole::Subagent { parent: None }, name),
            [_, name] => (FileRole::Session, name),
            [_, parent, "subagents", .., name] if name.starts_with("agent-") => {
                (FileRole::Subagent { parent: Some(parent.to_owned()) }, name)
            }
            // Nothing else below a project is a transcript.
            _ => return,
        };
        found.files.push(SessionFile {
            path: path.to_owned(),
            source: Source::Claude,
            shape: Shape::Lines,
            role,
            session: Some(session.to_owned()),
            archived: false,
            stat,
        });
    });
    found
}

pub fn retention_days(env: &Env) -> Option<u64> {
    let settings = fs::read(home(env).join("settings.json")).unwrap_or_default();
    let configured =
        Raw::first(&settings).ok().and_then(|(value, _)| value.get("cleanupPeriodDays")?.count());
    Some(configured.unwrap_or(DEFAULT_RETENTION_DAYS))
}

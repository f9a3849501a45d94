//! Where Qwen Code keeps its sessions: `~/.qwen/projects/<cwd with - for others>/chats/<id>.jsonl`, its sub-agents in
//! `…/subagents/<session>/agent-<id>.jsonl`.

use std::path::PathBuf;

use marline_model::Source;

use crate::agent::{Discovery, Env, FileRole, SessionFile, Shape};
use crate::walk::walk;

pub fn home(env: &Env) -> PathBuf {
    env.dir("QWEN_HOME", ".qwen")
}

pub fn discover(env: &Env) -> Discovery {
    let mut found = Discovery::default();
    walk(&home(env).join("projects"), &mut found, &mut |path, relative, stat, found| {
        let parts: Vec<&str> = relative.split('/').collect();
        let (name, role) = match parts[..] {
            [_, "chats", name] => (name, FileRole::Session),
            [_, "subagents", parent, name] if name.starts_with("agent-") => {
                (name, FileRole::Subagent { parent: Some(parent.to_owned()) })
            }
            _ => return,
        };
        let Some(session) = name.strip_suffix(".jsonl") else { return };
        found.files.push(SessionFile {
            path: path.to_owned(),
            source: Source::Qwen,
            shape: Shape::Lines,
            role,
            session: Some(session.to_owned()),
            archived: false,
            stat,
        });
    });
    found
}

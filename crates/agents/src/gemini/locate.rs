//! Where Gemini CLI keeps its sessions: `tmp/<project>/chats/session-<time>-<id8>.jsonl` (older: `.json`).
//!
//! `tmp/<project>/.project_root` holds the project's path; older releases name the folder by a hash of it.

use std::path::{Path, PathBuf};

use marline_model::Source;

use crate::agent::{Discovery, Env, FileRole, SessionFile, Shape};
use crate::walk::walk;

pub fn home(env: &Env) -> PathBuf {
    match env.var("GEMINI_CLI_HOME") {
        Some(home) => Path::new(home).join(".gemini"),
        None => env.home().join(".gemini"),
    }
}

pub fn discover(env: &Env) -> Discovery {
    let home = home(env);
    let mut found = Discovery::default();
    walk(&home.join("tmp"), &mut found, &mut |path, relative, stat, found| {
        let parts: Vec<&str> = relative.split('/').collect();
        let (name, parent) = match parts[..] {
            [_, "chats", name] if name.starts_with("session-") => (name, None),
            // A sub-agent's chat lies in a folder named after its parent.
            [_, "chats", parent, name] => (name, Some(parent.to_owned())),
            _ => return,
        };
        let shape = if name.ends_with(".jsonl") {
            Shape::Lines
        } else if name.ends_with(".json") {
            Shape::Document
        } else {
            return;
        };
        let role = match parent {
            Some(parent) => FileRole::Subagent { parent: Some(parent) },
            None => FileRole::Session,
        };
        found.files.push(SessionFile {
            path: path.to_owned(),
            source: Source::Gemini,
            shape,
            role,
            session: None,
            archived: false,
            stat,
        });
    });
    found
}

/// Returns the project's path, if the folder says it.
pub fn project_root(chat: &Path) -> Option<String> {
    let folder =
        chat.ancestors().find(|dir| dir.file_name().is_some_and(|name| name == "chats"))?.parent()?;
    let text = std::fs::read_to_string(folder.join(".project_root")).ok()?;
    Some(text.trim().to_owned()).filter(|path| !path.is_empty())
}

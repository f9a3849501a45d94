//! Acts as calls of the tools that an agent offers.

use std::path::Path;

use serde_json::{Value, json};

use super::plan::Call;
use crate::scenario::Act;

const SHELLS: [&str; 6] = ["exec_command", "shell_command", "shell", "Bash", "bash", "run_shell_command"];
const WRITERS: [&str; 4] = ["apply_patch", "Write", "write", "write_file"];
const EDITORS: [&str; 4] = ["apply_patch", "Edit", "edit", "replace"];
const READERS: [&str; 3] = ["Read", "read", "read_file"];
const FINDERS: [&str; 4] = ["Grep", "grep", "grep_search", "search_file_content"];
const LISTS: [&str; 5] = ["TodoWrite", "todowrite", "todo_write", "write_todos", "update_plan"];
const WEBS: [&str; 3] = ["WebSearch", "google_web_search", "web_search"];
const HELPERS: [&str; 6] = ["Agent", "Task", "spawn_agent", "task", "agent", "invoke_agent"];
/// What Codex' model looks up without a tool of the agent's.
pub const HOSTED_SEARCH: &str = "web_search";

/// The calls that carry out an act, one after the other; none where there is no such tool.
pub fn calls(act: &Act, tools: &[String], root: &Path) -> Vec<Call> {
    let offered =
        |wanted: &[&'static str]| wanted.iter().copied().find(|name| tools.iter().any(|tool| tool == name));
    let call = |name: &str, input: Value| vec![Call { name: name.to_owned(), input }];
    let shell = |command: &str, why: &str| match offered(&SHELLS) {
        Some(name @ "exec_command") => call(name, json!({"cmd": command})),
        Some(name @ "shell") => call(name, json!({"command": ["bash", "-lc", command]})),
        Some(name) => call(name, json!({"command": command, "description": why})),
        None => Vec::new(),
    };
    let whole = |path: &str| {
        if root.as_os_str().is_empty() { path.to_owned() } else { root.join(path).display().to_string() }
    };
    let path_key =
        |name: &str| if matches!(name, "write" | "edit" | "read") { "filePath" } else { "file_path" };
    match act {
        Act::Run { command, why } => shell(command, why),
        Act::Ask { command } => match offered(&SHELLS) {
            // Codex' model says itself that a command is to leave the sandbox.
            Some(name @ "exec_command") => {
                let why = "It is to leave the sandbox";
                let leave = "require_escalated";
                call(name, json!({"cmd": command, "sandbox_permissions": leave, "justification": why}))
            }
            _ => shell(command, "It is to be asked for"),
        },
        Act::Write { path, content } => match offered(&WRITERS) {
            Some("apply_patch") => {
                let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
                let patch = format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n");
                call("apply_patch", patch.into())
            }
            Some(name) => {
                // OpenCode's own file tools are the only ones of that name in lower case; Qwen's differ in `edit`.
                call(name, json!({path_key(name): whole(path), "content": content}))
            }
            None => shell(&format!("printf %s '{content}' > '{path}'"), "Write a file"),
        },
        Act::Edit { path, hunk } => match offered(&EDITORS) {
            Some("apply_patch") => {
                let patch = format!("*** Begin Patch\n*** Update File: {path}\n@@\n{hunk}\n*** End Patch\n");
                call("apply_patch", patch.into())
            }
            Some(name) => {
                let (old, new) = (side(hunk, '-'), side(hunk, '+'));
                let is_opencode = tools.iter().any(|tool| tool == "bash");
                call(
                    name,
                    match name {
                        "edit" if is_opencode => {
                            json!({"filePath": whole(path), "oldString": old, "newString": new})
                        }
                        "replace" => json!({
                            "file_path": whole(path), "instruction": format!("Change {path}"),
                            "old_string": old, "new_string": new,
                        }),
                        _ => json!({"file_path": whole(path), "old_string": old, "new_string": new}),
                    },
                )
            }
            None => Vec::new(),
        },
        Act::Read { path, lines } => match offered(&READERS) {
            Some(name) => {
                let mut input = json!({path_key(name): whole(path)});
                if let (Some((from, count)), "Read" | "read") = (lines, name) {
                    (input["offset"], input["limit"]) = ((*from).into(), (*count).into());
                }
                call(name, input)
            }
            None if path.ends_with(".png") && offered(&["view_image"]).is_some() => {
                call("view_image", json!({"path": whole(path)}))
            }
            None => {
                let (from, count) = lines.unwrap_or((1, 240));
                shell(&format!("sed -n '{from},{}p' {path}", from + count - 1), "Read a file")
            }
        },
        Act::Find { pattern, path } => match offered(&FINDERS) {
            Some(name @ "Grep") => {
                let input =
                    json!({"pattern": pattern, "path": whole(path), "output_mode": "content", "-n": true});
                call(name, input)
            }
            Some(name @ "grep") => call(name, json!({"pattern": pattern, "path": whole(path)})),
            Some(name) => call(name, json!({"pattern": pattern})),
            None => shell(&format!("rg -n '{pattern}' {path}"), "Search"),
        },
        Act::Todo(list) => offered(&LISTS).map_or(Vec::new(), |name| call(name, todo(name, list))),
        Act::Web(query) => offered(&WEBS).map_or(Vec::new(), |name| call(name, json!({"query": query}))),
        Act::Helper { name: about, prompt } => match offered(&HELPERS) {
            // Codex' sub-agents work in the background: the second call waits for it.
            Some("spawn_agent") => {
                let task: String = about
                    .to_lowercase()
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                    .collect();
                let mut calls = call("spawn_agent", json!({"message": prompt, "task_name": task}));
                calls.extend(call("wait_agent", json!({"timeout_ms": 30_000})));
                calls
            }
            Some("invoke_agent") => {
                call("invoke_agent", json!({"agent_name": "generalist", "prompt": prompt}))
            }
            Some(name) => {
                let kind = if name == "task" { "general" } else { "general-purpose" };
                call(name, json!({"description": about, "prompt": prompt, "subagent_type": kind}))
            }
            None => Vec::new(),
        },
    }
}

/// One side of a hunk: its unchanged lines with those that are taken away, or with those that are put in.
fn side(hunk: &str, sign: char) -> String {
    let lines = hunk.lines().filter_map(|line| line.strip_prefix(sign).or_else(|| line.strip_prefix(' ')));
    lines.collect::<Vec<_>>().join("\n")
}

/// A list in the words of the tool that keeps it.
fn todo(tool: &str, list: &str) -> Value {
    let entries = list.lines().filter_map(|line| {
        let (mark, text) = line.split_at_checked(4)?;
        let status = match mark {
            "[x] " => "completed",
            "[>] " => "in_progress",
            _ => "pending",
        };
        Some((status, text))
    });
    let (key, entries): (_, Vec<Value>) = match tool {
        "update_plan" => {
            ("plan", entries.map(|(status, text)| json!({"step": text, "status": status})).collect())
        }
        "write_todos" => {
            ("todos", entries.map(|(status, text)| json!({"description": text, "status": status})).collect())
        }
        _ => (
            "todos",
            (1..)
                .zip(entries)
                .map(|(n, (status, text))| {
                    json!({
                        "id": n.to_string(), "content": text, "status": status, "priority": "medium",
                        "activeForm": text,
                    })
                })
                .collect(),
        ),
    };
    json!({key: entries})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_told_in_the_words_of_each_agent() {
        let act = Act::Edit { path: "a.rs".to_owned(), hunk: " one\n-two\n+three\n+four".to_owned() };
        let told = |tools: &[&str]| {
            let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
            calls(&act, &tools, Path::new("/home/ada"))[0].input.to_string()
        };
        assert_eq!(
            told(&["Edit"]),
            r#"{"file_path":"/home/ada/a.rs","old_string":"one\ntwo","new_string":"one\nthree\nfour"}"#
        );
        assert!(told(&["bash", "edit"]).starts_with(r#"{"filePath":"#));
        assert_eq!(
            told(&["apply_patch"]),
            r#""*** Begin Patch\n*** Update File: a.rs\n@@\n one\n-two\n+three\n+four\n*** End Patch\n""#
        );
    }
}

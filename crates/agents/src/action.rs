//! What a tool call does, in the same words for every agent.
//!
//! Agents name their tools and inputs differently (`Bash {command}`, `exec_command {cmd}`, `run_shell_command
//! {command}`), but mean a handful of acts. [`Action::of`] tells which, from the name and the input as recorded; what
//! it does not know is [`Action::Other`] with the input's most telling words. Inputs are as seen in the fixtures of
//! `crates/lab` and in the tools' own declarations.

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

/// Texts that together are longer are not compared: they are shown as taken away and put in.
const MAX_COMPARED: usize = 200_000;
/// Lines of a diff that are shown.
const MAX_LINES: usize = 2_000;
/// Lines around a change.
const AROUND: usize = 3;
/// A summary's length in characters.
const MAX_SUMMARY: usize = 300;

/// What a tool call does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Runs a command in a shell.
    Command {
        /// The command.
        command: String,
        /// Where, if it says so.
        cwd: Option<String>,
    },
    /// Changes files.
    Edit {
        /// The changes, a file each.
        files: Vec<FileDiff>,
    },
    /// Reads a file, or looks at a picture.
    Read {
        /// The file.
        path: String,
    },
    /// Looks for files or for words in them.
    Find {
        /// What is looked for.
        pattern: String,
        /// Where.
        path: Option<String>,
    },
    /// Looks something up on the web.
    Web {
        /// An address, or what is searched.
        target: String,
    },
    /// Writes the list of what is to be done.
    Todo {
        /// The list.
        items: Vec<Todo>,
    },
    /// Lets another agent do something.
    Agent {
        /// In a few words.
        description: String,
        /// The task.
        prompt: String,
    },
    /// Asks the person.
    Ask {
        /// The questions.
        questions: Vec<PersonQuestion>,
    },
    /// Anything else.
    Other {
        /// The input's most telling words, on one line.
        summary: String,
    },
}

/// A question to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonQuestion {
    /// Its words.
    pub question: String,
    /// The answers to choose from, each with what the agent says of it.
    pub answers: Vec<String>,
}

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Todo {
    /// What.
    pub text: String,
    /// How far it is.
    pub status: TodoStatus,
}

/// How far a thing to be done is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// Not begun.
    Pending,
    /// Being done.
    InProgress,
    /// Done.
    Completed,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is written as a whole.
    Create,
    /// Parts of it change.
    Edit,
    /// It goes.
    Delete,
    /// It gets another name.
    Move,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileDiff {
    /// The file.
    pub path: String,
    /// What happens to it.
    pub change: Change,
    /// Its new name, if it moves.
    pub moved_to: Option<String>,
    /// Lines put in.
    pub added: usize,
    /// Lines taken away.
    pub removed: usize,
    /// Where it changes.
    pub hunks: Vec<Hunk>,
    /// Lines beyond 2,000 were left out.
    pub truncated: bool,
}

/// One place of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hunk {
    /// The first line's number before; 0 where it is not recorded.
    pub old_start: usize,
    /// The first line's number after; 0 where it is not recorded.
    pub new_start: usize,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// A line of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DiffLine {
    /// What happens to it.
    pub op: DiffOp,
    /// The line, without its end.
    pub text: String,
}

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum DiffOp {
    /// It stays.
    #[serde(rename = " ")]
    Keep,
    /// It is put in.
    #[serde(rename = "+")]
    Add,
    /// It is taken away.
    #[serde(rename = "-")]
    Remove,
}

impl Action {
    /// Tells what a call does.
    ///
    /// Never fails: an input that is not understood is summed up.
    pub fn of(tool: &str, input: &str) -> Self {
        let input = Input(serde_json::from_str(input).unwrap_or_else(|_| Value::String(input.to_owned())));
        input
            .understood(&tool.to_ascii_lowercase())
            .unwrap_or_else(|| Action::Other { summary: input.summary() })
    }
}

impl Action {
    /// Says in a line what the call is about: the command, the file, the pattern.
    pub fn target(&self) -> String {
        match self {
            Action::Command { command, .. } => one_line(command),
            Action::Edit { files } => files.first().map(|file| file.path.clone()).unwrap_or_default(),
            Action::Read { path } => path.clone(),
            Action::Find { pattern, .. } => one_line(pattern),
            Action::Web { target } => one_line(target),
            Action::Todo { .. } => String::new(),
            Action::Agent { description, .. } => description.clone(),
            Action::Ask { questions } => {
                questions.first().map(|asked| one_line(&asked.question)).unwrap_or_default()
            }
            Action::Other { summary } => summary.clone(),
        }
    }

    /// Says whether a tool of this name, in any case, changes files.
    pub fn edits(tool: &str) -> bool {
        ["edit", "patch", "write", "replace", "create"]
            .iter()
            .any(|word| tool.to_ascii_lowercase().contains(word))
    }
}

/// Says whether a tool of this name, in any case, starts a sub-agent.
pub fn starts_agent(tool: &str) -> bool {
    ["task", "agent", "spawn_agent", "invoke_agent"].iter().any(|name| name.eq_ignore_ascii_case(tool))
}

/// A call's input.
struct Input(Value);

impl Input {
    fn understood(&self, tool: &str) -> Option<Action> {
        Some(match tool {
            "bash" | "shell" | "local_shell" | "shell_command" | "exec_command" | "container.exec"
            | "run_shell_command" => {
                let command = self.command()?;
                Action::Command { command, cwd: self.text(&["workdir", "cwd", "directory", "dir_path"]) }
            }
            "apply_patch" | "patch" => {
                let patch = self.text(&["patchText", "patch", "input"]).or_else(|| self.whole())?;
                Action::Edit { files: patch_files(&patch)? }
            }
            "write" | "write_file" | "create" | "create_file" => {
                let content = self.text(&["content", "contents", "file_text"])?;
                Action::Edit { files: vec![written(self.path()?, &content)] }
            }
            "edit" | "replace" | "multiedit" | "str_replace" | "notebookedit" => {
                Action::Edit { files: vec![self.edited()?] }
            }
            "read" | "read_file" | "view_image" | "notebookread" | "view" => {
                Action::Read { path: self.path()? }
            }
            "read_many_files" => Action::Read { path: self.list(&["paths", "include"])?.join(", ") },
            "ls" | "list" | "list_directory" | "list_dir" => {
                Action::Find { pattern: "*".to_owned(), path: self.path() }
            }
            "glob" | "grep" | "grep_search" | "search_file_content" | "grep_files" | "ripgrep" => {
                Action::Find { pattern: self.text(&["pattern", "query", "regex"])?, path: self.path() }
            }
            "webfetch" | "web_fetch" | "websearch" | "web_search" | "google_web_search" => {
                Action::Web { target: self.text(&["url", "query", "prompt"])? }
            }
            "todowrite" | "todo_write" | "write_todos" | "update_plan" => {
                Action::Todo { items: self.todos()? }
            }
            "askuserquestion" | "request_user_input" | "ask_user" | "question" => {
                Action::Ask { questions: self.questions()? }
            }
            tool if starts_agent(tool) => {
                let prompt = self.text(&["prompt", "message", "task", "objective"])?;
                let named = self.text(&["description", "task_name", "agent_name", "subagent_type"]);
                Action::Agent { description: named.unwrap_or_else(|| one_line(&prompt)), prompt }
            }
            _ => return None,
        })
    }

    /// The first of some fields that is a text.
    fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| Some(self.0.get(name)?.as_str()?.to_owned()))
    }

    fn whole(&self) -> Option<String> {
        Some(self.0.as_str()?.to_owned())
    }

    fn path(&self) -> Option<String> {
        self.text(&[
            "file_path",
            "filePath",
            "path",
            "absolute_path",
            "notebook_path",
            "dir_path",
            "target_file",
        ])
    }

    fn list(&self, names: &[&str]) -> Option<Vec<String>> {
        let list = names.iter().find_map(|name| self.0.get(name)?.as_array())?;
        Some(list.iter().filter_map(|value| Some(value.as_str()?.to_owned())).collect())
    }

    /// A command is a text, or words of which the last is a script for a shell.
    fn command(&self) -> Option<String> {
        if let Some(text) = self.text(&["command", "cmd", "script"]).or_else(|| self.whole()) {
            return Some(text);
        }
        let mut words = self.list(&["command", "cmd"])?;
        if let [shell, option, _] = &words[..]
            && shell.ends_with("sh")
            && option.starts_with('-')
        {
            return words.pop();
        }
        Some(words.join(" "))
    }

    fn edited(&self) -> Option<FileDiff> {
        let path = self.path()?;
        let pair = |value: &Value| {
            let text =
                |names: [&str; 2]| names.iter().find_map(|name| value.get(name)?.as_str().map(str::to_owned));
            let new = text(["new_string", "newString"]).or_else(|| text(["new_source", "new_str"]))?;
            Some((
                text(["old_string", "oldString"])
                    .or_else(|| text(["old_str", "old_source"]))
                    .unwrap_or_default(),
                new,
            ))
        };
        let pairs: Vec<(String, String)> = match self.0.get("edits").and_then(Value::as_array) {
            Some(edits) => edits.iter().filter_map(pair).collect(),
            None => pair(&self.0).into_iter().collect(),
        };
        if pairs.is_empty() {
            return None;
        }
        let mut diff = FileDiff::new(path, Change::Edit);
        for (old, new) in &pairs {
            diff.compare(old, new);
        }
        Some(diff.cut())
    }

    fn questions(&self) -> Option<Vec<PersonQuestion>> {
        let answer = |value: &Value| {
            let label = value.get("label")?.as_str()?;
            let more = value.get("description").and_then(Value::as_str).filter(|more| !more.is_empty());
            Some(more.map_or_else(|| label.to_owned(), |more| format!("{label}: {more}")))
        };
        let asked = |value: &Value| {
            let answers = value.get("options").and_then(Value::as_array).into_iter().flatten();
            let question = value.get("question")?.as_str()?.to_owned();
            Some(PersonQuestion { question, answers: answers.filter_map(answer).collect() })
        };
        let all: Vec<PersonQuestion> =
            self.0.get("questions")?.as_array()?.iter().filter_map(asked).collect();
        (!all.is_empty()).then_some(all)
    }

    fn todos(&self) -> Option<Vec<Todo>> {
        let list = ["todos", "plan", "items"].iter().find_map(|name| self.0.get(name)?.as_array())?;
        let todo = |value: &Value| {
            let text = ["content", "step", "description", "text"]
                .iter()
                .find_map(|name| value.get(name)?.as_str())?;
            let status = match value.get("status").and_then(Value::as_str) {
                Some("completed" | "done") => TodoStatus::Completed,
                Some("in_progress") => TodoStatus::InProgress,
                _ => TodoStatus::Pending,
            };
            Some(Todo { text: text.to_owned(), status })
        };
        Some(list.iter().filter_map(todo).collect())
    }

    /// The texts of the input, the most telling first.
    fn summary(&self) -> String {
        let Some(fields) = self.0.as_object() else {
            return one_line(&self.whole().unwrap_or_else(|| self.0.to_string()));
        };
        let telling =
            ["description", "title", "name", "query", "url", "path", "message", "prompt", "skill", "command"];
        let first = telling.iter().find_map(|name| fields.get(*name)?.as_str());
        match first.or_else(|| fields.values().find_map(Value::as_str)) {
            Some(text) => one_line(text),
            None if fields.is_empty() => String::new(),
            None => one_line(&self.0.to_string()),
        }
    }
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SUMMARY) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

impl FileDiff {
    fn new(path: String, change: Change) -> Self {
        FileDiff { path, change, moved_to: None, added: 0, removed: 0, hunks: Vec::new(), truncated: false }
    }

    fn push(&mut self, hunk: Hunk) {
        self.added += hunk.lines.iter().filter(|line| line.op == DiffOp::Add).count();
        self.removed += hunk.lines.iter().filter(|line| line.op == DiffOp::Remove).count();
        self.hunks.push(hunk);
    }

    /// Adds the places in which two texts differ.
    fn compare(&mut self, old: &str, new: &str) {
        if old.len() + new.len() > MAX_COMPARED {
            let lines = old
                .lines()
                .map(|line| (DiffOp::Remove, line))
                .chain(new.lines().map(|line| (DiffOp::Add, line)));
            return self.push(hunk(lines));
        }
        let diff = TextDiff::from_lines(old, new);
        for group in diff.grouped_ops(AROUND) {
            let lines = group.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
                let op = match change.tag() {
                    ChangeTag::Equal => DiffOp::Keep,
                    ChangeTag::Insert => DiffOp::Add,
                    ChangeTag::Delete => DiffOp::Remove,
                };
                (op, change.value().trim_end_matches(['\r', '\n']))
            });
            self.push(hunk(lines));
        }
    }

    /// Leaves out what is too long to be shown. The counts stay.
    fn cut(mut self) -> Self {
        let mut left = MAX_LINES;
        for hunk in &mut self.hunks {
            self.truncated |= hunk.lines.len() > left;
            hunk.lines.truncate(left);
            left -= hunk.lines.len();
        }
        self.hunks.retain(|hunk| !hunk.lines.is_empty());
        self
    }
}

fn hunk<'a>(lines: impl Iterator<Item = (DiffOp, &'a str)>) -> Hunk {
    let lines = lines.map(|(op, text)| DiffLine { op, text: text.to_owned() }).collect();
    Hunk { old_start: 0, new_start: 0, lines }
}

/// A file written as a whole; what was there before is not recorded.
fn written(path: String, content: &str) -> FileDiff {
    let mut diff = FileDiff::new(path, Change::Create);
    diff.push(Hunk { new_start: 1, ..hunk(content.lines().map(|line| (DiffOp::Add, line))) });
    diff.cut()
}

/// Reads a patch as Codex and its followers write it: `*** Update File: PATH`, `@@`, lines with their sign.
///
/// `None`: it is no such patch.
fn patch_files(patch: &str) -> Option<Vec<FileDiff>> {
    let mut files: Vec<FileDiff> = Vec::new();
    let mut lines: Vec<(DiffOp, &str)> = Vec::new();
    let flush = |files: &mut Vec<FileDiff>, lines: &mut Vec<(DiffOp, &str)>| {
        if let (Some(file), false) = (files.last_mut(), lines.is_empty()) {
            // A new file begins at its first line.
            let new_start = usize::from(file.change == Change::Create && file.hunks.is_empty());
            file.push(Hunk { new_start, ..hunk(lines.drain(..)) });
        }
    };
    for line in patch.lines() {
        let begins = [
            ("*** Add File: ", Change::Create),
            ("*** Update File: ", Change::Edit),
            ("*** Delete File: ", Change::Delete),
        ];
        if let Some((path, change)) =
            begins.iter().find_map(|(mark, change)| Some((line.strip_prefix(mark)?, change)))
        {
            flush(&mut files, &mut lines);
            files.push(FileDiff::new(path.trim().to_owned(), *change));
        } else if let Some(path) = line.strip_prefix("*** Move to: ") {
            if let Some(file) = files.last_mut() {
                (file.change, file.moved_to) = (Change::Move, Some(path.trim().to_owned()));
            }
        } else if line.starts_with("@@") {
            flush(&mut files, &mut lines);
        } else if !line.starts_with("*** ") && !files.is_empty() {
            lines.push(match line.split_at_checked(1) {
                Some(("+", text)) => (DiffOp::Add, text),
                Some(("-", text)) => (DiffOp::Remove, text),
                Some((" ", text)) => (DiffOp::Keep, text),
                // Some models forget the blank.
                _ => (DiffOp::Keep, line),
            });
        }
    }
    flush(&mut files, &mut lines);
    (!files.is_empty()).then(|| files.into_iter().map(FileDiff::cut).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line an action, for tables of cases.
    fn told(tool: &str, input: &str) -> String {
        match Action::of(tool, input) {
            Action::Command { command, cwd } => format!("command {command} in {}", cwd.unwrap_or_default()),
            Action::Edit { files } => {
                let files = files.iter().map(|file| {
                    let lines: Vec<String> = file
                        .hunks
                        .iter()
                        .flat_map(|hunk| {
                            hunk.lines.iter().map(|line| {
                                let op = match line.op {
                                    DiffOp::Keep => ' ',
                                    DiffOp::Add => '+',
                                    DiffOp::Remove => '-',
                                };
                                format!("{op}{}", line.text)
                            })
                        })
                        .collect();
                    format!("{:?} {} {}", file.change, file.path, lines.join("|"))
                });
                files.collect::<Vec<_>>().join("; ")
            }
            Action::Read { path } => format!("read {path}"),
            Action::Find { pattern, path } => format!("find {pattern} in {}", path.unwrap_or_default()),
            Action::Web { target } => format!("web {target}"),
            Action::Todo { items } => items
                .iter()
                .map(|todo| format!("{:?} {}", todo.status, todo.text))
                .collect::<Vec<_>>()
                .join(", "),
            Action::Agent { description, prompt } => format!("agent {description}: {prompt}"),
            Action::Ask { questions } => questions
                .iter()
                .map(|asked| format!("ask {} {}", asked.question, asked.answers.join("|")))
                .collect::<Vec<_>>()
                .join("; "),
            Action::Other { summary } => format!("other {summary}"),
        }
    }

    #[test]
    fn the_same_act_has_the_same_name_whichever_agent_does_it() {
        let cases = [
            ("Bash", r#"{"command":"ls -l","description":"List"}"#, "command ls -l in "),
            ("exec_command", r#"{"cmd":"ls","workdir":"/w"}"#, "command ls in /w"),
            ("shell", r#"{"command":["bash","-lc","ls | wc"]}"#, "command ls | wc in "),
            ("shell", r#"{"command":["ls","-l"]}"#, "command ls -l in "),
            ("run_shell_command", r#"{"command":"ls","directory":"src"}"#, "command ls in src"),
            ("Read", r#"{"file_path":"/a"}"#, "read /a"),
            ("read", r#"{"filePath":"/a"}"#, "read /a"),
            ("read_file", r#"{"absolute_path":"/a"}"#, "read /a"),
            ("Grep", r#"{"pattern":"fn main","path":"src"}"#, "find fn main in src"),
            ("WebSearch", r#"{"query":"rust"}"#, "web rust"),
            (
                "TodoWrite",
                r#"{"todos":[{"content":"a","status":"completed"},{"content":"b"}]}"#,
                "Completed a, Pending b",
            ),
            ("update_plan", r#"{"plan":[{"step":"a","status":"in_progress"}]}"#, "InProgress a"),
            ("Task", r#"{"description":"Look","prompt":"Look around"}"#, "agent Look: Look around"),
            (
                "AskUserQuestion",
                r#"{"questions":[{"question":"Which?","header":"H","options":[{"label":"A","description":"the old"},{"label":"B"}]}]}"#,
                "ask Which? A: the old|B",
            ),
            ("ask_user", r#"{"questions":[{"question":"Why?","type":"text"}]}"#, "ask Why? "),
            ("mcp__db__query", r#"{"limit":5,"query":"select\n  1"}"#, "other select 1"),
            ("Bash", "not json", "command not json in "),
            ("Read", r#"{"unheard":"of"}"#, "other of"),
        ];
        for (tool, input, expected) in cases {
            assert_eq!(told(tool, input), expected, "{tool} {input}");
        }
    }

    #[test]
    fn edits_are_diffs() {
        let cases = [
            (
                "Edit",
                r#"{"file_path":"/a","old_string":"one\ntwo\n","new_string":"one\nthree\n"}"#,
                "Edit /a  one|-two|+three",
            ),
            ("edit", r#"{"filePath":"/a","oldString":"","newString":"x"}"#, "Edit /a +x"),
            (
                "MultiEdit",
                r#"{"file_path":"/a","edits":[{"old_string":"a","new_string":"b"},{"old_string":"c","new_string":""}]}"#,
                "Edit /a -a|+b|-c",
            ),
            ("Write", r#"{"file_path":"/a","content":"1\n2\n"}"#, "Create /a +1|+2"),
            (
                "apply_patch",
                "*** Begin Patch\n*** Update File: a.rs\n@@ fn x\n ctx\n-old\n+new\n*** Add File: b\n+hi\n*** End Patch\n",
                "Edit a.rs  ctx|-old|+new; Create b +hi",
            ),
            (
                "apply_patch",
                "*** Begin Patch\n*** Update File: a\n*** Move to: b\n*** Delete File: c\n*** End Patch",
                "Move a ; Delete c ",
            ),
        ];
        for (tool, input, expected) in cases {
            assert_eq!(told(tool, input), expected, "{tool} {input}");
        }
    }

    #[test]
    fn a_long_diff_is_cut_and_says_so() {
        let content = "line\n".repeat(MAX_LINES + 5);
        let input = serde_json::json!({"file_path": "/a", "content": content}).to_string();
        let Action::Edit { files } = Action::of("Write", &input) else { panic!("it is an edit") };
        assert_eq!((files[0].added, files[0].truncated), (MAX_LINES + 5, true));
        assert_eq!(files[0].hunks[0].lines.len(), MAX_LINES);
    }
}

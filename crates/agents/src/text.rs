//! Small things that several adapters say about text.

use std::borrow::Cow;

use marline_model::ToolStatus;

use crate::event::FileAct;
use crate::json::Raw;

/// Joins texts with a line between them, borrowing where there is only one.
pub fn join<'a>(texts: impl IntoIterator<Item = Cow<'a, str>>) -> Cow<'a, str> {
    let mut texts = texts.into_iter().filter(|text| !text.is_empty());
    let Some(first) = texts.next() else { return Cow::Borrowed("") };
    let Some(second) = texts.next() else { return first };
    let mut out = first.into_owned();
    for text in std::iter::once(second).chain(texts) {
        out.push('\n');
        out.push_str(&text);
    }
    Cow::Owned(out)
}

/// Collects every string inside a value, joined by lines: what of a structured input can be searched for.
pub fn strings_of(value: Raw<'_>) -> String {
    fn collect(value: Raw<'_>, depth: usize, out: &mut String) {
        if let Some(text) = value.text() {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&text);
        } else if depth < 16 {
            value.fields().flatten().for_each(|(_, value)| collect(value, depth + 1, out));
            value.elements().for_each(|value| collect(value, depth + 1, out));
        }
    }
    let mut out = String::new();
    collect(value, 0, &mut out);
    out
}

/// Returns the files that a tool's input names under the usual names.
pub fn files_of<'a>(tool: &str, input: Raw<'a>) -> Vec<(Cow<'a, str>, FileAct)> {
    const NAMES: [&str; 6] =
        ["file_path", "filePath", "notebook_path", "path", "absolute_path", "target_file"];
    let lower = tool.to_ascii_lowercase();
    let writes = ["write", "edit", "replace", "patch", "create", "insert"].iter().any(|w| lower.contains(w));
    let reads = ["read", "view", "open"].iter().any(|w| lower.contains(w));
    if !writes && !reads {
        return Vec::new();
    }
    let act = if writes { FileAct::Write } else { FileAct::Read };
    NAMES
        .iter()
        .filter_map(|name| input.get(name)?.text())
        .filter(|path| !path.is_empty())
        .map(|path| (path, act))
        .take(1)
        .collect()
}

/// Finds an exit code in the words that agents put before a command's output.
pub fn exit_code_in(output: &str) -> Option<i64> {
    let head = &output[..output.floor_char_boundary(400)];
    ["Process exited with code ", "Exit code: ", "Exit code ", "Exit Code: "].iter().find_map(|label| {
        let rest = &head[head.find(label)? + label.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

/// Says how a call ended from its exit code.
pub fn status_of(exit_code: i64) -> ToolStatus {
    if exit_code == 0 { ToolStatus::Completed } else { ToolStatus::Failed }
}

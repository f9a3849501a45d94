//! What a call of a tool would do, in the form in which people are asked for leave.

use marline_agents::action::{Action, DiffOp, FileDiff};
use marline_agents::talk::Question;

/// What a call would do, by the tool's name and its input as recorded.
pub fn called(tool: &str, input: &str) -> Question {
    let mut question = Question {
        id: String::new(),
        tool: tool.to_owned(),
        what: tool.to_owned(),
        cwd: None,
        files: Vec::new(),
        why: None,
        diff: None,
        for_session: false,
    };
    match Action::of(tool, input) {
        Action::Command { command, cwd } => (question.what, question.cwd) = (command, cwd),
        Action::Edit { files } => {
            question.what = "change files".to_owned();
            question.diff =
                Some(files.iter().map(signed).collect::<Vec<_>>().join("\n")).filter(|diff| !diff.is_empty());
            question.files =
                files.into_iter().flat_map(|file| [Some(file.path), file.moved_to]).flatten().collect();
        }
        Action::Read { path } => (question.what, question.files) = (format!("read {path}"), vec![path]),
        Action::Find { pattern, path } => {
            question.what = format!("look for {pattern}");
            question.files = path.into_iter().collect();
        }
        Action::Web { target } => question.what = target,
        Action::Agent { description, .. } => question.what = description,
        Action::Ask { questions } => {
            let asked: Vec<String> = questions.into_iter().map(|asked| asked.question).collect();
            question.what = asked.join(" ");
        }
        Action::Other { summary } if !summary.is_empty() => question.what = summary,
        Action::Other { .. } | Action::Todo { .. } => {}
    }
    question
}

/// A change as lines with signs; of several files, each below its name.
fn signed(file: &FileDiff) -> String {
    let sign = |op: DiffOp| match op {
        DiffOp::Add => '+',
        DiffOp::Remove => '-',
        DiffOp::Keep => ' ',
    };
    let mut lines = Vec::new();
    for (at, hunk) in file.hunks.iter().enumerate() {
        if at > 0 {
            lines.push("@@".to_owned());
        }
        lines.extend(hunk.lines.iter().map(|line| format!("{}{}", sign(line.op), line.text)));
    }
    lines.join("\n")
}

/// Says whether a line of a dialog names what a call would do.
pub(crate) fn names(line: &str, call: &Question) -> bool {
    // A narrow screen breaks lines and cuts what is long.
    const ENOUGH: usize = 24;
    let first = call.what.lines().next().unwrap_or_default().trim();
    let beginning = &first[..first.floor_char_boundary(ENOUGH)];
    let is_command = call.files.is_empty() && beginning.len() > 1 && line.contains(beginning);
    let name = |file: &String| file.rsplit('/').next().unwrap_or(file).to_owned();
    is_command || call.files.iter().map(name).any(|name| !name.is_empty() && line.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_as_what_it_would_do() {
        let command = called("exec_command", r#"{"cmd":"touch made.txt","workdir":"/p"}"#);
        assert_eq!((command.what.as_str(), command.cwd.as_deref()), ("touch made.txt", Some("/p")));
        let edit = called("Edit", r#"{"file_path":"/p/a.rs","old_string":"one\ntwo","new_string":"one\n2"}"#);
        assert_eq!(edit.files, ["/p/a.rs"]);
        assert_eq!(edit.diff.as_deref(), Some(" one\n-two\n+2"));
        let odd = called("Mystery", "not json");
        assert!(!odd.what.is_empty());
    }

    #[test]
    fn a_dialog_names_the_call_that_it_is_about() {
        let call = called("Bash", r#"{"command":"touch allowed.txt && echo a very long tail of words"}"#);
        assert!(names("  touch allowed.txt && echo a very lo", &call));
        assert!(!names("rm other.txt", &call));
        let edit = called("Write", r#"{"file_path":"/p/src/a.rs","content":"x"}"#);
        assert!(names("Create file src/a.rs", &edit));
    }
}

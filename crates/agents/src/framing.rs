//! What agents put around a call's output, and the output itself.
//!
//! A model is told in words what a person is shown as facts: how a command ended, how long it ran, that a text comes
//! from outside. The words are taken off only where they stand just as the agents write them, at the very beginning
//! and end; all of it stays in the record. As seen in the fixtures of `crates/lab`: Codex 0.130 and 0.169, Gemini CLI 0.61,
//! Qwen Code 0.24, Claude Code 2.1.

use std::borrow::Cow;

/// An output without what its agent put around it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Framed<'a> {
    /// What was printed.
    pub text: &'a str,
    /// What was printed as an error, where that stands apart.
    pub error: Option<&'a str>,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

impl<'a> Framed<'a> {
    fn plain(text: &'a str) -> Self {
        Framed { text, ..Framed::default() }
    }

    /// All that was printed.
    pub fn printed(self) -> Cow<'a, str> {
        match self.error {
            Some(error) if self.text.is_empty() => error.into(),
            Some(error) => format!("{}\n{error}", self.text).into(),
            None => self.text.into(),
        }
    }
}

/// Takes off Codex's head: lines such as `Wall time: 0.1 seconds`, then `Output:`.
pub fn codex(text: &str) -> Framed<'_> {
    const LABELS: [&str; 6] = [
        "Chunk ID: ",
        "Exit code: ",
        "Process exited with code ",
        "Process running with session ID ",
        "Original token count: ",
        "Total output lines: ",
    ];
    let (mut rest, mut duration_ms, mut has_label) = (text, None, false);
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if line == "Output:" && has_label {
            return Framed { text: after, error: None, duration_ms };
        }
        match line.strip_prefix("Wall time: ").and_then(|time| time.strip_suffix(" seconds")) {
            Some(time) => duration_ms = time.parse::<f64>().ok().map(|seconds| (seconds * 1000.0) as u64),
            None if LABELS.iter().any(|label| line.starts_with(label)) => {}
            None => return Framed::plain(text),
        }
        has_label = true;
        rest = after;
    }
}

/// Takes off what Gemini CLI and Qwen Code put around a command's output, and the mark of what comes from outside.
pub fn gemini(text: &str) -> Framed<'_> {
    let inner = text
        .strip_prefix("<untrusted_context>\n")
        .and_then(|text| text.trim_end().strip_suffix("</untrusted_context>"))
        .map_or(text, |text| text.strip_suffix('\n').unwrap_or(text));
    labelled(inner).unwrap_or(Framed::plain(inner))
}

/// `Output: …` between labels; before it the command and its directory, behind it how it ended.
fn labelled(text: &str) -> Option<Framed<'_>> {
    const ENDS: [&str; 4] = ["Exit Code: ", "Signal: ", "Background PIDs: ", "Process Group PGID: "];
    let said = |text: &'static str| move |found: &&str| *found != text;
    let mut rest = match text.strip_prefix("Output: ") {
        Some(rest) => rest,
        None => {
            let head = text.strip_prefix("Command: ")?;
            let directory = head.find("\nDirectory: ")?;
            head[directory..].split_once("\nOutput: ")?.1
        }
    };
    let mut has_end = false;
    let mut error = None;
    while let Some((before, line)) = rest.rsplit_once('\n') {
        if let Some(words) = line.strip_prefix("Error: ") {
            error = Some(words).filter(said("(none)"));
            (rest, has_end) = (before, true);
            break;
        }
        if !ENDS.iter().any(|label| line.starts_with(label)) {
            break;
        }
        (rest, has_end) = (before, true);
    }
    let text = Some(rest).filter(said("(empty)")).unwrap_or_default();
    has_end.then_some(Framed { text, error, duration_ms: None })
}

/// Takes off the words with which Claude Code begins or wraps what did not work, or printed nothing.
pub fn claude(text: &str) -> &str {
    if text.starts_with('(') && text.ends_with(" completed with no output)") && !text.contains('\n') {
        return "";
    }
    if let Some(inner) = text.strip_prefix("<tool_use_error>") {
        return inner.strip_suffix("</tool_use_error>").unwrap_or(text);
    }
    let Some(rest) = text.strip_prefix("Exit code ") else { return text };
    let (code, printed) = rest.split_once('\n').unwrap_or((rest, ""));
    if code.parse::<i64>().is_ok() { printed } else { text }
}

/// Says in a word that a person stopped Claude Code; `None`: the text is no such note of it.
pub fn claude_interruption(text: &str) -> Option<&'static str> {
    match text.trim() {
        "[Request interrupted by user]" => Some("Interrupted"),
        "[Request interrupted by user for tool use]" => Some("Interrupted instead of a tool call"),
        other => other.starts_with("[Request interrupted").then_some("Interrupted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codex_heads_become_facts() {
        let found = codex(
            "Chunk ID: d3\nWall time: 1.2500 seconds\nProcess exited with code 0\nOriginal token count: 8\nOutput:\n/tmp\n",
        );
        assert_eq!(found, Framed { text: "/tmp\n", error: None, duration_ms: Some(1250) });
        let found = codex("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nSuccess.");
        assert_eq!((found.text, found.duration_ms), ("Success.", Some(100)));
    }

    #[test]
    fn what_only_looks_like_a_head_stays() {
        for text in ["Output:\nof mine", "Chunk ID: 1\nand more", "Wall time: 1 seconds", "", "Output:", "\n"]
        {
            assert_eq!(codex(text), Framed::plain(text), "{text}");
        }
        for text in ["Output: of mine", "Command: x\nOutput: y", "Output: 1\nError", "Exit Code: 0"] {
            assert_eq!(gemini(text), Framed::plain(text), "{text}");
        }
        for text in ["Exit code of it", "(nothing)", "<tool_use_error>open"] {
            assert_eq!(claude(text), text);
        }
    }

    #[test]
    fn gemini_and_qwen_outputs_stand_alone() {
        let wrapped = "<untrusted_context>\nOutput: needle\nProcess Group PGID: 2277\n</untrusted_context>";
        assert_eq!(gemini(wrapped).printed(), "needle");
        let qwen = "Command: a\nDirectory: (root)\nOutput: one\ntwo\nError: none of that\nExit Code: 1\nSignal: (none)";
        assert_eq!(gemini(qwen).printed(), "one\ntwo\nnone of that");
        let empty =
            "Command: false\nDirectory: (root)\nOutput: (empty)\nError: (none)\nExit Code: 1\nSignal: (none)";
        assert_eq!(gemini(empty).printed(), "");
        assert_eq!(gemini("<untrusted_context>\nA page\n</untrusted_context>\n").printed(), "A page");
    }

    #[test]
    fn claude_says_what_happened_in_words() {
        assert_eq!(claude("Exit code 2\nno such file"), "no such file");
        assert_eq!(claude("Exit code 1"), "");
        assert_eq!(claude("(Bash completed with no output)"), "");
        assert_eq!(claude("<tool_use_error>No such tool</tool_use_error>"), "No such tool");
        assert_eq!(claude_interruption("[Request interrupted by user]"), Some("Interrupted"));
        assert_eq!(claude_interruption("interrupted"), None);
    }
}

//! Rules: what is allowed without asking, for a while, in one place.
//!
//! A rule is the words that a command begins with and a directory. It never reaches further than those words: not to a line of
//! several commands, not to what leaves the project, touches secrets, takes away or makes its words while it runs.

use std::path::Path;

use marline_agents::talk::Question;
use marline_model::{Source, Timestamp};
use marline_store::work::{Rule, WorkError};

use crate::risk::{RiskKind, risks, simple_commands};

/// A rule of fewer words than this for these programs would allow nearly everything.
const WIDE: [&str; 16] = [
    "sh", "bash", "zsh", "env", "xargs", "sudo", "su", "python", "python3", "node", "perl", "ruby", "eval",
    "exec", "git", "find",
];
/// What makes of one command several, or a file of its output.
const JOINTS: [&str; 9] = ["$", "`", ";", "&", "|", ">", "<", "\n", "\r"];

/// The words of a rule, of a command that a person gives.
///
/// # Errors
/// [`WorkError::Invalid`] says why such a rule can't be.
pub fn rule_words(command: &str) -> Result<Vec<String>, WorkError> {
    let one = plain(command).ok_or_else(|| {
        WorkError::invalid("a rule is one plain command, without pipes, files and variables")
    })?;
    let is_wide = WIDE.contains(&one[0].rsplit('/').next().unwrap_or_default());
    if is_wide && one.len() < 2 {
        return Err(WorkError::invalid(format!(
            "{} alone would allow nearly everything; give more words",
            one[0]
        )));
    }
    if one[0].contains('=') {
        return Err(WorkError::invalid("a rule begins with a program"));
    }
    Ok(one)
}

/// The words of a line that is one plain command.
fn plain(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    if JOINTS.iter().any(|joint| line.contains(joint)) {
        return None;
    }
    let mut commands = simple_commands(line);
    let one = commands.pop()?;
    (commands.is_empty() && !one.is_empty()).then_some(one)
}

/// Says whether a rule allows what is asked by an agent that works in `cwd`.
pub fn allows(
    rule: &Rule,
    source: Source,
    question: &Question,
    cwd: &Path,
    home: &Path,
    now: Timestamp,
) -> bool {
    let is_on = rule.until.is_none_or(|until| now < until) && rule.source.is_none_or(|only| only == source);
    let project = Path::new(&rule.project);
    if !is_on || !cwd.starts_with(project) || question.diff.is_some() || !question.files.is_empty() {
        return false;
    }
    let Some(words) = plain(&question.what) else { return false };
    let is_minded = |kind| kind != RiskKind::Network;
    words.starts_with(&rule.words)
        && !risks(question, project, home).into_iter().any(|risk| is_minded(risk.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn rule(command: &str) -> Rule {
        Rule {
            id: "r".to_owned(),
            source: None,
            project: "/home/me/shop".to_owned(),
            words: rule_words(command).unwrap(),
            until: Some(Timestamp::from_millis(2_000_000)),
            created_at: NOW,
            by: "the command line".to_owned(),
            revision: 1,
        }
    }

    fn question(what: &str) -> Question {
        Question {
            id: String::new(),
            tool: "Bash".to_owned(),
            what: what.to_owned(),
            cwd: None,
            files: Vec::new(),
            why: None,
            diff: None,
            for_session: false,
        }
    }

    fn is_allowed(rule: &Rule, what: &str) -> bool {
        let cwd = Path::new("/home/me/shop/api");
        allows(rule, Source::Claude, &question(what), cwd, Path::new("/home/me"), NOW)
    }

    #[test]
    fn a_rule_reaches_no_further_than_its_words() {
        let tests = rule("cargo test");
        for what in ["cargo test", "cargo test --all -- --nocapture", "  cargo  test  cart"] {
            assert!(is_allowed(&tests, what), "{what}");
        }
        for what in [
            "cargo testing",
            "cargo",
            "cargo build",
            "cargo test; rm -rf x",
            "cargo test && curl x",
            "cargo test | sh",
            "cargo test $(touch x)",
            "cargo test `touch x`",
            "cargo test > /etc/passwd",
            "cargo test\nrm x",
            "FOO=1 cargo test",
            "cargo test --manifest-path ../other/Cargo.toml",
            "cargo test --config ~/.ssh/id_rsa",
        ] {
            assert!(!is_allowed(&tests, what), "{what}");
        }
    }

    #[test]
    fn a_rule_ends_and_holds_in_its_place_for_its_agent() {
        let tests = rule("cargo test");
        let home = Path::new("/home/me");
        let ask = |rule: &Rule, cwd: &str, now: i64, source: Source| {
            allows(rule, source, &question("cargo test"), Path::new(cwd), home, Timestamp::from_millis(now))
        };
        assert!(ask(&tests, "/home/me/shop", 1_999_999, Source::Codex));
        assert!(!ask(&tests, "/home/me/shop", 2_000_000, Source::Codex), "its time is over");
        assert!(!ask(&tests, "/home/me/shop-2", 1_000_000, Source::Codex), "elsewhere");
        let only = Rule { source: Some(Source::Claude), ..tests };
        assert!(!ask(&only, "/home/me/shop", 1_000_000, Source::Codex), "another agent");
    }

    #[test]
    fn edits_are_no_commands() {
        let edit = Question { diff: Some("+x".to_owned()), ..question("cargo test") };
        let cwd = Path::new("/home/me/shop");
        assert!(!allows(&rule("cargo test"), Source::Claude, &edit, cwd, Path::new("/home/me"), NOW));
    }

    #[test]
    fn rules_that_would_allow_everything_can_not_be_made() {
        for command in ["", "bash", "sudo", "git", "a | b", "x > y", "A=1 b", "$(x)", "python3"] {
            assert!(rule_words(command).is_err(), "{command}");
        }
        assert_eq!(rule_words(" git  status ").unwrap(), ["git", "status"]);
    }
}

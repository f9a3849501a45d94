//! Rules: what is allowed without asking, for a while, in one place.
//!
//! A rule is the words that a command begins with and a directory. It never reaches further than those words: not to a line of
//! several commands, not to what leaves the project, touches secrets, takes away or makes its words while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use marline_agents::talk::Question;
use marline_model::{Source, Timestamp};
use marline_store::work::{Rule, WorkError};

use crate::programs::{barred, too_wide};
use crate::reach::{paths, real};
use crate::risk::{RiskKind, is_secret, risks, simple_commands};

/// A rule that ends lasts no longer: what is wanted for good is said to be, and stands in the list as such.
pub const LONGEST_RULE: Duration = Duration::from_secs(90 * 86_400);
/// What makes of one command several, a file of its output, or of a word others that only the shell knows.
const JOINTS: [char; 18] =
    ['$', '`', ';', '&', '|', '>', '<', '\n', '\r', '\\', '*', '?', '[', ']', '{', '}', '~', '\0'];

/// The words of a rule, of a command that a person gives.
///
/// # Errors
/// [`WorkError::Invalid`] says why such a rule can't be.
pub fn rule_words(command: &str) -> Result<Vec<String>, WorkError> {
    let one = plain(command).ok_or_else(|| {
        WorkError::invalid(
            "a rule is one plain command, without pipes, files, variables, patterns, `~` and backslashes",
        )
    })?;
    if one[0].contains('=') {
        return Err(WorkError::invalid("a rule begins with a program"));
    }
    // First what can be mended with more words.
    match too_wide(&one).or_else(|| barred(&one).map(|why| format!("{why}; it is always asked about"))) {
        Some(why) => Err(WorkError::invalid(why)),
        None => Ok(one),
    }
}

/// The directory in which a rule holds, with its links followed.
///
/// # Errors
/// [`WorkError::Invalid`] says why no rule can hold there.
pub fn rule_place(project: &str, home: &Path) -> Result<String, WorkError> {
    let path = Path::new(project);
    if !path.is_absolute() {
        return Err(WorkError::invalid("a rule holds in a directory with its whole path"));
    }
    let place = place(path, home).ok_or_else(|| {
        WorkError::invalid(format!("a rule holds in a project; {project} is more than that, or is not there"))
    })?;
    place.into_os_string().into_string().map_err(|_| WorkError::invalid("that directory's name is no text"))
}

/// A directory that is neither the home directory nor above it.
fn place(project: &Path, home: &Path) -> Option<PathBuf> {
    let (place, home) = (real(project)?, real(home)?);
    (place.parent().is_some() && !home.starts_with(&place)).then_some(place)
}

/// The words of a line that is one plain command.
fn plain(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    // A shell splits at blanks alone; where it and we would see other words, nothing is allowed.
    let is_odd = |c: char| {
        JOINTS.contains(&c) || (c.is_control() && c != '\t') || (c.is_whitespace() && !c.is_ascii())
    };
    if line.contains(is_odd) {
        return None;
    }
    let mut commands = simple_commands(line);
    let one = commands.pop()?;
    // zsh: `=program` is the path of it.
    let is_zsh = one.iter().any(|word| word.starts_with('='));
    (commands.is_empty() && !one.is_empty() && !is_zsh).then_some(one)
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
    if !is_on || question.diff.is_some() || !question.files.is_empty() {
        return false;
    }
    let Some(words) = plain(&question.what) else { return false };
    if !words.starts_with(&rule.words) || barred(&words).is_some() || too_wide(&words).is_some() {
        return false;
    }
    let Some(project) = place(Path::new(&rule.project), home) else { return false };
    let cwd = question.cwd.as_deref().map_or_else(|| cwd.to_owned(), |asked| cwd.join(asked));
    let Some(cwd) = real(&cwd).filter(|cwd| cwd.starts_with(&project)) else { return false };
    let stays = |word: &String| paths(word).into_iter().all(|path| is_within(path, &cwd, &project));
    if !words.iter().skip(1).all(stays) || !runs_well(&words[0], &cwd, &project) || puts_over(&words, &cwd) {
        return false;
    }
    let is_minded = |kind| kind != RiskKind::Network;
    let question = Question { cwd: Some(cwd.display().to_string()), ..question.clone() };
    !risks(&question, &project, home).into_iter().any(|risk| is_minded(risk.kind))
}

/// Directories of a project in which a file decides what is run later, or what an agent may do.
const SETTINGS: [&str; 9] =
    [".git", ".claude", ".codex", ".gemini", ".opencode", ".qwen", ".husky", ".cargo", ".vscode"];

/// Says whether a word, taken for a path, leads to what belongs to the project: not out of it, not to settings, not to keys.
fn is_within(word: &str, cwd: &Path, project: &Path) -> bool {
    let is_setting = |path: &Path| {
        path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            SETTINGS.iter().any(|known| name.eq_ignore_ascii_case(known))
        })
    };
    if is_setting(Path::new(word)) {
        return false;
    }
    if word == "/dev/null" {
        return true;
    }
    real(&cwd.join(word)).is_some_and(|led| {
        led.strip_prefix(project)
            .is_ok_and(|within| !is_setting(within) && !is_secret(&within.to_string_lossy()))
    })
}

/// A program that is given with its place must be the project's own, too; one by name is what the system has.
fn runs_well(program: &str, cwd: &Path, project: &Path) -> bool {
    !program.contains('/') || program.starts_with('/') || is_within(program, cwd, project)
}

/// Says whether something that is there would be put something else in the place of.
fn puts_over(words: &[String], cwd: &Path) -> bool {
    let is_copy = words[0].rsplit('/').next() == Some("cp");
    let is_there = |word: &String| cwd.join(word).symlink_metadata().is_ok();
    is_copy
        && (words.iter().any(|word| word.starts_with("-t") || word.starts_with("--t"))
            || words.last().is_some_and(is_there))
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
            "cargo test --config build.rustc-wrapper=x",
            "cargo test --config=x",
            "cargo test -Z x",
            "cargo test --target-dir /tmp/x",
            "cargo test --target-dir=../../x",
            "cargo test --manifest-path=/x/Cargo.toml",
            "cargo test a\u{a0}b",
            "cargo test \u{1b}[0m",
            "cargo test =x",
            "cargo test 'a*'",
            "cargo test a?",
            "cargo test [a]",
            "cargo test {a,b}",
            "cargo test ~",
            "cargo test a\\ b",
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

    /// A project with what may not be reached from it.
    fn grounds() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let shop = root.join("shop");
        for made in ["shop/.git/hooks", "shop/api", "out", "home"] {
            std::fs::create_dir_all(root.join(made)).unwrap();
        }
        for file in ["shop/.env", "shop/a.txt", "shop/.git/config", "out/f"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        for (to, link) in [
            ("out", "lnk"),
            ("out/f", "file"),
            ("gone", "nowhere"),
            ("shop/.env", "plain"),
            ("shop/.git", "repo"),
            ("shop/api", "inner"),
        ] {
            std::os::unix::fs::symlink(root.join(to), shop.join(link)).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn no_rule_reaches_out_of_its_directory_or_into_what_is_not_its_own() {
        let (_dir, root) = grounds();
        let shop = root.join("shop");
        let is_allowed = |command: &str, what: &str, cwd: Option<&str>| {
            let rule = Rule { project: shop.display().to_string(), ..rule(command) };
            let question = Question { cwd: cwd.map(str::to_owned), ..question(what) };
            allows(&rule, Source::Claude, &question, &shop, &root.join("home"), NOW)
        };
        for what in ["cat a.txt", "cat api/x", "cat inner", "touch inner/x", "cat ./a.txt", "cp a.txt b.txt"]
        {
            let program = what.split(' ').next().unwrap();
            assert!(is_allowed(program, what, None), "{what}");
        }
        for what in [
            "touch lnk/w9",
            "cat lnk",
            "cat file",
            "cat lnk/f",
            "cat lnk/../f",
            "touch nowhere",
            "touch nowhere/x",
            "cat plain",
            "cat repo/config",
            "cat .git/config",
            "touch .claude/settings.json",
            "touch api/.codex/config.toml",
            "cat .GIT/config",
            "touch .git/hooks/pre-commit",
            "cat api/../.git/config",
            "cat .env",
            "cat .e*",
            "cat .en?",
            "cat {.env,a}",
            "cat .en[v]",
            "cat --x=lnk",
            "cat -xlnk",
            "cat -C../out",
            "cat @lnk/f",
            "cat a,lnk",
            "cat /etc/passwd",
            "cat ../out/f",
            "cat new/../../out/f",
            "cp a.txt lnk",
            "cp .env b",
            "cp b a.txt",
            "cp -t api a.txt",
        ] {
            let program = what.split(' ').next().unwrap();
            assert!(!is_allowed(program, what, None), "{what}");
        }
        assert!(is_allowed("cat", "cat ../a.txt", Some("api")));
        for cwd in ["lnk", "..", "/", "nowhere", "new/../.."] {
            assert!(!is_allowed("cat", "cat a.txt", Some(cwd)), "in {cwd}");
        }
        assert!(!is_allowed("./lnk/f", "./lnk/f", None));
    }

    #[test]
    fn a_rule_that_should_not_be_there_lets_nothing_through() {
        let cwd = Path::new("/home/me/shop");
        for what in ["bash -c x", "rm a.txt", "python3 -c x", "git", "env x", "mv a b", "node -e x"] {
            let words: Vec<String> = what.split(' ').map(str::to_owned).collect();
            let made = Rule { words, ..rule("true") };
            assert!(
                !allows(&made, Source::Claude, &question(what), cwd, Path::new("/home/me"), NOW),
                "{what}"
            );
        }
        for project in ["/", "/home", "/home/me"] {
            let wide = Rule { project: project.to_owned(), ..rule("true") };
            assert!(!is_allowed(&wide, "true"), "{project}");
        }
    }

    #[test]
    fn a_rule_holds_in_a_project() {
        let (_dir, root) = grounds();
        let home = root.join("home");
        let text = |path: PathBuf| path.display().to_string();
        for project in [
            "/".to_owned(),
            text(root.clone()),
            text(home.clone()),
            "shop".to_owned(),
            text(root.join("shop/nowhere")),
        ] {
            assert!(rule_place(&project, &home).is_err(), "{project}");
        }
        assert_eq!(rule_place(&text(root.join("shop/inner")), &home).unwrap(), text(root.join("shop/api")));
    }

    #[test]
    fn rules_that_would_allow_everything_can_not_be_made() {
        for command in [
            "",
            "bash",
            "sudo",
            "git",
            "a | b",
            "x > y",
            "A=1 b",
            "$(x)",
            "python3",
            "bash -c x",
            "rm a",
            "cat .e*",
            "env x",
            "cat ~/x",
            "npm exec",
            "cargo test --config x",
        ] {
            assert!(rule_words(command).is_err(), "{command}");
        }
        assert_eq!(rule_words(" git  status ").unwrap(), ["git", "status"]);
    }
}

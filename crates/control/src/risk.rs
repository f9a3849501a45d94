//! What is to be minded before something is allowed: whether it leaves the project, reaches for the network or for secrets, or
//! takes away what can't be made again.
//!
//! A command is read as words, not run and not understood: this warns, it does not guard. What can't be read is said to be so.

use std::path::{Component, Path, PathBuf};

use marline_agents::talk::Question;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something to be minded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// Of what kind.
    pub kind: RiskKind,
    /// The words that say so.
    pub seen: String,
}

/// A kind of risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RiskKind {
    /// It touches what lies outside the project.
    LeavesProject,
    /// It speaks to other machines.
    Network,
    /// It touches keys, tokens or passwords.
    Secrets,
    /// It takes away what can't be made again.
    Destroys,
    /// It makes its words while it runs, or runs as somebody else.
    Opaque,
}

/// More of a command is not looked at.
const MOST: usize = 64 << 10;

const NETWORK: [&str; 24] = [
    "curl",
    "wget",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "nc",
    "ncat",
    "telnet",
    "ftp",
    "gh",
    "glab",
    "aws",
    "gcloud",
    "az",
    "kubectl",
    "docker",
    "podman",
    "psql",
    "mysql",
    "redis-cli",
    "ping",
    "dig",
    "http",
];
/// Programs that fetch or publish, with the words that make them do so.
const FETCHERS: [(&str, &[&str]); 12] = [
    ("git", &["push", "pull", "fetch", "clone", "ls-remote", "submodule"]),
    ("npm", &["install", "i", "ci", "add", "publish", "update", "exec"]),
    ("pnpm", &["install", "i", "add", "publish", "update", "dlx"]),
    ("yarn", &["install", "add", "publish", "upgrade", "dlx"]),
    ("cargo", &["install", "publish", "add", "update", "fetch", "search"]),
    ("pip", &["install", "download"]),
    ("pip3", &["install", "download"]),
    ("uv", &["add", "sync", "pip", "tool"]),
    ("go", &["get", "install", "mod"]),
    ("apt", &["install", "update", "upgrade"]),
    ("apt-get", &["install", "update", "upgrade"]),
    ("brew", &["install", "update", "upgrade"]),
];
const SECRETS: [&str; 22] = [
    ".ssh",
    ".aws",
    ".gnupg",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "id_rsa",
    "id_ed25519",
    "credentials",
    "secret",
    "secrets",
    ".env",
    "auth.json",
    "token",
    "password",
    ".kube",
    ".envrc",
    ".git-credentials",
    ".pgpass",
    ".htpasswd",
    "id_ecdsa",
    "id_dsa",
];
/// What files that hold keys end with.
const KEYS: [&str; 4] = [".pem", ".key", ".p12", ".pfx"];
const ELSEWHERE: [&str; 3] = ["sudo", "su", "doas"];
/// Places that are nobody's.
const NOBODYS: [&str; 4] = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"];

/// What is to be minded of a question that comes from a session of a project.
pub fn risks(question: &Question, project: &Path, home: &Path) -> Vec<Risk> {
    let mut found = Found { risks: Vec::new(), project, home };
    let cwd = question.cwd.as_deref().map_or(project, Path::new);
    if !is_below(cwd, project) {
        found.add(RiskKind::LeavesProject, &cwd.display().to_string());
    }
    for file in &question.files {
        found.path(file, cwd);
    }
    if question.diff.is_none() && question.files.is_empty() {
        found.command(&question.what, cwd);
    }
    found.risks
}

struct Found<'a> {
    risks: Vec<Risk>,
    project: &'a Path,
    home: &'a Path,
}

impl Found<'_> {
    fn add(&mut self, kind: RiskKind, seen: &str) {
        const LONGEST: usize = 80;
        let end = seen.char_indices().nth(LONGEST).map_or(seen.len(), |(at, _)| at);
        let risk = Risk { kind, seen: seen[..end].to_owned() };
        // One of a kind tells enough.
        if !self.risks.iter().any(|known| known.kind == kind) {
            self.risks.push(risk);
        }
    }

    fn path(&mut self, word: &str, cwd: &Path) {
        let whole = match word.strip_prefix("~/").or_else(|| word.strip_prefix("$HOME/")) {
            Some(rest) => self.home.join(rest),
            None if word == "~" || word == "$HOME" => self.home.to_owned(),
            None => cwd.join(word),
        };
        if !NOBODYS.contains(&word) && !is_below(&whole, self.project) {
            self.add(RiskKind::LeavesProject, word);
        }
        if is_secret(word) {
            self.add(RiskKind::Secrets, word);
        }
    }

    fn command(&mut self, command: &str, cwd: &Path) {
        let command = &command[..command.floor_char_boundary(MOST)];
        if ["$(", "`", "eval ", "| sh", "| bash", "|sh", "|bash", "base64 -d", "<("]
            .iter()
            .any(|mark| command.contains(mark))
        {
            self.add(RiskKind::Opaque, command);
        }
        for simple in simple_commands(command) {
            let mut words = simple.iter().map(String::as_str).skip_while(|word| is_setting(word));
            let Some(program) = words.next() else { continue };
            let program = program.rsplit('/').next().unwrap_or(program);
            let rest: Vec<&str> = words.collect();
            if ELSEWHERE.contains(&program) {
                self.add(RiskKind::Opaque, program);
            }
            if NETWORK.contains(&program) {
                self.add(RiskKind::Network, program);
            }
            let first = rest.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
            let fetches = FETCHERS.iter().any(|(fetcher, acts)| *fetcher == program && acts.contains(&first));
            if fetches {
                self.add(RiskKind::Network, &format!("{program} {first}"));
            }
            if matches!(program, "printenv" | "env") && rest.is_empty() {
                self.add(RiskKind::Secrets, program);
            }
            if destroys(program, &rest) {
                self.add(RiskKind::Destroys, &[&[program], &rest[..]].concat().join(" "));
            }
            for word in &rest {
                if word.contains("://") && !word.starts_with("file:") {
                    self.add(RiskKind::Network, word);
                }
                let word = word.trim_start_matches(['>', '<', '&', '1', '2']);
                let value =
                    word.split_once('=').filter(|_| word.starts_with('-')).map_or(word, |(_, value)| value);
                let is_path =
                    value.starts_with(['/', '~', '.']) || value.starts_with("$HOME") || value.contains('/');
                if is_path && !value.contains("://") && !(value.starts_with('-')) {
                    self.path(value, cwd);
                } else if SECRETS.contains(&value.to_lowercase().as_str()) {
                    self.add(RiskKind::Secrets, value);
                }
            }
        }
    }
}

/// Says whether a word names keys, tokens or passwords.
pub(crate) fn is_secret(word: &str) -> bool {
    word.to_lowercase().split(['/', '\\', '=', ':']).any(|part| {
        let is_it = |secret: &str| {
            part == secret || part.strip_prefix(secret).is_some_and(|rest| rest.starts_with('.'))
        };
        SECRETS.iter().any(|secret| is_it(secret)) || KEYS.iter().any(|key| part.ends_with(key))
    })
}

fn destroys(program: &str, rest: &[&str]) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| rest.contains(word));
    let flags = |letter: char| {
        rest.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    match program {
        "rm" | "rmdir" | "unlink" => true,
        "git" => {
            (has(&["reset"]) && has(&["--hard"]))
                || has(&["clean"])
                || (has(&["push"]) && (has(&["--force", "--force-with-lease"]) || flags('f')))
                || (has(&["checkout", "restore"]) && has(&[".", "--"]))
                || (has(&["branch", "tag", "update-ref"]) && (flags('D') || flags('d') || has(&["--delete"])))
                || (has(&["stash"]) && has(&["drop", "clear"]))
                || (has(&["worktree"]) && has(&["remove", "prune"]))
                || (has(&["reflog"]) && has(&["expire", "delete"]))
                || has(&["rm", "filter-branch"])
        }
        "dd" | "mkfs" | "shred" | "truncate" | "kill" | "pkill" | "killall" | "shutdown" | "reboot" => true,
        "find" => has(&["-delete"]) || has(&["-exec"]),
        "dropdb" => true,
        _ => false,
    }
}

/// `NAME=value` before a command.
fn is_setting(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The commands of a line, each as its words; quotes are taken off, what stands between `;`, `&`, `|` and line ends is one.
pub(crate) fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut quote, mut has_word) = (None, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                word.extend(chars.next());
                has_word = true;
            }
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                has_word = true;
            }
            (None, c) if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')') => {
                if has_word || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    has_word = false;
                }
                if !c.is_whitespace() || c == '\n' {
                    commands.push(std::mem::take(&mut words));
                }
            }
            (None, c) => word.push(c),
        }
    }
    if has_word || !word.is_empty() {
        words.push(word);
    }
    commands.push(words);
    commands.retain(|words: &Vec<String>| !words.is_empty());
    commands
}

/// Says whether a path lies in a directory, by its words alone: `..` goes up, links are not followed.
fn is_below(path: &Path, directory: &Path) -> bool {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain.starts_with(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(command: &str) -> Vec<RiskKind> {
        let question = Question {
            id: String::new(),
            tool: "Bash".to_owned(),
            what: command.to_owned(),
            cwd: None,
            files: Vec::new(),
            why: None,
            diff: None,
            for_session: false,
        };
        risks(&question, Path::new("/home/me/shop"), Path::new("/home/me"))
            .into_iter()
            .map(|risk| risk.kind)
            .collect()
    }

    #[test]
    fn what_stays_in_the_project_is_no_risk() {
        for command in [
            "cargo test --all",
            "ls -la src/../tests",
            "grep -rn 'a/b' . > /dev/null 2>&1",
            "cat ./src/main.rs | head -5",
            "/home/me/shop/run.sh",
            "RUST_LOG=debug cargo run -- --name=x",
        ] {
            assert_eq!(kinds(command), [], "{command}");
        }
    }

    #[test]
    fn what_leaves_fetches_reads_secrets_or_destroys_is_said() {
        use RiskKind::{Destroys, LeavesProject, Network, Opaque, Secrets};
        for (command, expected) in [
            ("cat ../other/file", vec![LeavesProject]),
            ("cp a.txt ~/b.txt", vec![LeavesProject]),
            ("echo x > /etc/hosts", vec![LeavesProject]),
            ("cargo build && git push origin main", vec![Network]),
            ("curl -s https://example.com/x", vec![Network]),
            ("npm i left-pad", vec![Network]),
            ("cat .env", vec![Secrets]),
            ("cat .env.local", vec![Secrets]),
            ("cat ~/.ssh/id_rsa", vec![LeavesProject, Secrets]),
            ("rm -rf build", vec![Destroys]),
            ("rm a.txt", vec![Destroys]),
            ("git stash drop", vec![Destroys]),
            ("cat ./server.pem", vec![Secrets]),
            ("git reset --hard HEAD~3", vec![Destroys]),
            ("bash -c \"$(cat x)\"", vec![Opaque]),
            ("sudo ls", vec![Opaque]),
            ("printenv", vec![Secrets]),
            ("true; (cd src && rm -r x)", vec![Destroys]),
        ] {
            assert_eq!(kinds(command), expected, "{command}");
        }
    }

    #[test]
    fn a_line_is_its_commands() {
        let words = simple_commands("a 'b c' \"d;e\" && f\\ g|h\n i");
        assert_eq!(words, [vec!["a", "b c", "d;e"], vec!["f g"], vec!["h"], vec!["i"]]);
        assert_eq!(simple_commands("a ''"), [["a", ""]]);
        assert!(simple_commands("  ;; ").is_empty());
    }
}

//! Programs that no rule is made for, and none lets through: those that run what they are told, run others, or take away.

/// Run what they are told, or another program.
const RUNNERS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "mksh",
    "ash",
    "fish",
    "csh",
    "tcsh",
    "rbash",
    "nu",
    "pwsh",
    "xonsh",
    "elvish",
    "busybox",
    "toybox",
    "osascript",
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "sed",
    "gsed",
    "ed",
    "ex",
    "vi",
    "vim",
    "nvim",
    "emacs",
    "tclsh",
    "expect",
    "eval",
    "exec",
    "source",
    ".",
    "command",
    "builtin",
    "trap",
    "alias",
    "xargs",
    "parallel",
    "ssh",
    "mosh",
    "sudo",
    "su",
    "doas",
    "pkexec",
    "runuser",
    "nohup",
    "timeout",
    "gtimeout",
    "watch",
    "entr",
    "nice",
    "ionice",
    "env",
    "printenv",
    "time",
    "stdbuf",
    "setsid",
    "chroot",
    "unshare",
    "nsenter",
    "strace",
    "gdb",
    "lldb",
    "script",
    "flock",
    "tmux",
    "screen",
    "crontab",
    "at",
    "caffeinate",
];
/// Take away, put something else in the place of what is there, or lead away.
const TAKERS: &[&str] = &[
    "rm", "rmdir", "unlink", "shred", "srm", "truncate", "dd", "mv", "ln", "link", "install", "rsync",
    "mkfs", "wipefs", "dropdb", "kill", "pkill", "killall", "shutdown", "reboot", "halt", "poweroff",
    "trash", "rename", "tar", "bsdtar", "cpio", "unzip",
];
/// Interpreters, with the letters of their options that take a program as text, and words that do the same.
const INTERPRETERS: &[(&str, &str, &[&str])] = &[
    ("python", "c", &[]),
    ("pypy", "c", &[]),
    ("node", "ep", &["--eval", "--print"]),
    ("nodejs", "ep", &["--eval", "--print"]),
    ("bun", "ep", &["--eval", "--print"]),
    ("deno", "", &["eval", "repl"]),
    ("perl", "eE", &[]),
    ("ruby", "e", &[]),
    ("php", "rBRE", &["--run", "--process-begin", "--process-code", "--process-end"]),
    ("lua", "e", &[]),
    ("rscript", "e", &[]),
    ("julia", "eE", &["--eval", "--print"]),
];
/// Programs of which only what they are to do says something.
const WIDE: &[&str] = &["git", "find", "npx", "bunx", "uvx", "pipx", "npm", "pnpm", "yarn", "uv", "poetry"];
/// Words with which a program runs another one.
const LENDERS: &[(&str, &[&str])] = &[
    ("npx", &[]),
    ("bunx", &[]),
    ("uvx", &[]),
    ("pipx", &[]),
    ("npm", &["exec", "x", "explore"]),
    ("pnpm", &["exec", "dlx"]),
    ("yarn", &["exec", "dlx", "node"]),
    ("uv", &["run", "tool"]),
    ("poetry", &["run"]),
];
/// Options that name programs, or settings that do, whatever the program.
const NAMERS: &[&str] = &[
    "--config",
    "--config-env",
    "--config-file",
    "--configfile",
    "--userconfig",
    "--globalconfig",
    "--script-shell",
    "--shell",
    "--call",
    "--node-options",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "--init-script",
    "--rcfile",
    "--exec",
    "--exec-batch",
    "--exec-path",
    "--pager",
    "--ext-diff",
    "--open-files-in-pager",
    "--upload-pack",
    "--receive-pack",
    "--rsh",
    "--checkpoint-action",
    "--to-command",
    "--use-compress-program",
    "--compress-program",
    "--pre",
    "--eval",
];
/// The same, short, of one program.
const SHORT_NAMERS: &[(&str, &[&str])] = &[
    ("cargo", &["-Z"]),
    ("git", &["-c", "-x", "-O"]),
    ("find", &["-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls"]),
    ("fd", &["-x", "-X"]),
    ("npx", &["-c"]),
    ("npm", &["-c"]),
    ("pnpm", &["-c"]),
    ("node", &["-r"]),
    ("ruby", &["-r"]),
    ("make", &["-E"]),
    ("gradle", &["-I"]),
];
/// What git does by means of other programs, or to its own settings.
const GIT: &[&str] =
    &["config", "filter-branch", "difftool", "mergetool", "submodule", "bisect", "hook", "credential", "rm"];

/// Why a command of these words is always asked about; nothing: it need not be.
pub(crate) fn barred(words: &[String]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let program = name(first);
    let has = |list: &[&str]| list.contains(&program.as_str());
    if has(RUNNERS) {
        return Some(format!("{first} runs whatever it is given"));
    }
    if has(TAKERS) || program.starts_with("mkfs.") {
        return Some(format!("{first} takes away or puts something else in its place"));
    }
    if let Some((_, letters, longer)) = INTERPRETERS.iter().find(|(one, ..)| *one == program) {
        let is_code = |word: &&String| {
            let cluster = word.strip_prefix('-').filter(|cluster| !cluster.starts_with('-'));
            cluster.is_some_and(|cluster| cluster.contains(|c| letters.contains(c)))
                || longer.iter().any(|long| is_option(word, long))
                || word.contains("://")
        };
        if let Some(word) = rest.iter().find(is_code) {
            return Some(format!("{first} {word} runs whatever it is given"));
        }
        if rest.iter().all(|word| word.starts_with('-')) {
            return Some(format!("{first} runs whatever it is given; name its script"));
        }
    }
    let short = SHORT_NAMERS.iter().filter(|(one, _)| *one == program).flat_map(|(_, options)| *options);
    let namers: Vec<&str> = NAMERS.iter().chain(short).copied().collect();
    if let Some(word) = rest.iter().find(|word| namers.iter().any(|namer| is_option(word, namer))) {
        return Some(format!("{word} names other programs, or settings that do"));
    }
    if program == "git" {
        let act = rest.first().map_or("", String::as_str);
        if act.starts_with('-') || GIT.contains(&act) {
            return Some(format!("git {act} can run other programs, change its settings or take away"));
        }
    }
    if matches!(program.as_str(), "make" | "gmake" | "just") && rest.iter().any(|word| word.contains('=')) {
        return Some(format!("{first} runs what its variables say"));
    }
    let lends = LENDERS.iter().any(|(one, acts)| {
        *one == program && (acts.is_empty() || rest.iter().any(|word| acts.contains(&word.as_str())))
    });
    // What it runs is one of its words; which one, only the program knows.
    let lent = (0..rest.len()).filter(|_| lends).find_map(|at| barred(&rest[at..]));
    lent.map(|why| format!("{first} runs other programs, and {why}"))
}

/// Says why a rule of these words alone would be too wide.
pub(crate) fn too_wide(words: &[String]) -> Option<String> {
    let program = name(words.first()?);
    let acts = LENDERS.iter().find(|(one, _)| *one == program).map(|(_, acts)| *acts);
    let lends = acts.is_some_and(|acts| words.last().is_some_and(|last| acts.contains(&last.as_str())));
    let is_bare = words.iter().skip(1).all(|word| word.starts_with('-'));
    ((WIDE.contains(&program.as_str()) && is_bare) || lends)
        .then(|| format!("{} alone would allow nearly everything; give more words", words.join(" ")))
}

/// What a program is called: without its place, its version, and however it is written.
fn name(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or(program).to_lowercase();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    if bare.is_empty() { name } else { bare.to_owned() }
}

/// `--option`, `--option=value`, and what an option of one letter or dash has at its end.
fn is_option(word: &str, option: &str) -> bool {
    let Some(rest) = word.strip_prefix(option) else {
        // Many programs take the beginning of a long option for the whole.
        let shortened = word.split('=').next().unwrap_or(word);
        return shortened.len() >= 5 && option.starts_with("--") && option.starts_with(shortened);
    };
    let is_letter = option.len() == 2;
    rest.is_empty() || rest.starts_with('=') || is_letter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::simple_commands;

    fn why(command: &str) -> Option<String> {
        let words = simple_commands(command).pop().unwrap();
        barred(&words).or_else(|| too_wide(&words))
    }

    #[test]
    fn what_runs_others_or_takes_away_is_barred() {
        let table = "
            bash -c x|sh x.sh|/bin/sh x|BASH x|zsh -c x|dash x|ksh x|fish -c x|python -c x|python3 -c x|python3.12 -Bc x
            python3|python3 -m|node -e x|node --eval=x|node -pe x|perl -e x|perl -ne x|ruby -e x|php -r x|deno eval x
            deno run https://x|osascript -e x|eval x|exec x|xargs x|parallel x|ssh h|sudo x|doas x|su x|nohup x|timeout 5 x
            watch x|nice x|env x|env|busybox rm x|awk x f|sed 1d f|printenv X
            rm a.txt|rmdir d|unlink a|shred a|truncate -s 0 a|dd if=a of=b|mv a b|ln -s a b|kill 1|mkfs.ext4 x
            cargo test --config a=b|cargo test --config=a|cargo test -Z x|cargo -Zx test|npm test --script-shell x
            npm test --script-shell=x|npm --script-she=x test|find . -delete|find . -exec x|find . -execdir x|fd -x a
            rg --pre x y|sort --compress-program=x|tar -I x -xf y|git -c a=b status|git -C x status|git config a b
            git rebase -x y|git grep -Ox y|git difftool|git rm a|git bisect run x|git|find|npx|npm|npm exec|uv run
            make CC=x|npx rm x|npm exec -- bash x|npx -c x|uv run python -c x|poetry run rm x|pnpm exec sh x";
        for command in table.split(['|', '\n']).map(str::trim).filter(|command| !command.is_empty()) {
            assert!(why(command).is_some(), "{command}");
        }
    }

    #[test]
    fn what_does_one_thing_is_not() {
        let table = "cargo test|cargo test --all -- --nocapture|npm test|npm run build|git status|git diff --stat|git log -5
            python3 -m pytest|python manage.py test|node server.js|ruby spec/all.rb|npx eslint src|uv run pytest|make test
            ls -la|cat a.txt|grep -rn x src|find . -name x|./run.sh|go test|touch a|mkdir -p a/b|date|true";
        for command in table.split(['|', '\n']).map(str::trim) {
            assert_eq!(why(command), None, "{command}");
        }
    }
}

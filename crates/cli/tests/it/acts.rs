//! Acts on sessions: done, shown, taken back, and refused where somebody is at it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use marline_lab::fixtures;
use serde_json::{Value, json};

use crate::home::{Home, answer, place, prompt, snapshot};

/// A home with the sessions that real agents wrote, and one session of each agent.
fn fixtures_home() -> (Home, Vec<(String, Value)>) {
    let home = Home::new();
    fixtures::copy_home(&home.path()).unwrap();
    let sessions = home.sessions();
    let of = |source: &str| {
        let mut own = sessions.iter().filter(|(_, session)| {
            session["source"] == source
                && session["kind"] == "main"
                && session["archived"] == false
                && session["counts"]["prompts"].as_u64() > Some(0)
                && !session["files"][0]["path"].as_str().unwrap().contains("storage")
                && !is_inherited(&sessions, session)
        });
        own.next_back().map(|(id, session)| (id.clone(), session.clone()))
    };
    let some: Vec<_> = ["claude", "codex", "gemini", "opencode", "qwen"].into_iter().filter_map(of).collect();
    assert_eq!(some.len(), 5);
    (home, some)
}

fn is_inherited(sessions: &std::collections::BTreeMap<String, Value>, session: &Value) -> bool {
    sessions.values().any(|other| other["forkedFromId"] == session["id"])
}

/// All bytes of the agents' files; of databases, what stands in them.
fn bytes(home: &Home) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for (path, _) in snapshot(&home.path()) {
        let path = home.path().join(path);
        let name = path.to_string_lossy().into_owned();
        if name.ends_with(".lock") || name.ends_with("-shm") || name.ends_with("-wal") || !path.is_file() {
            continue;
        }
        if name.ends_with(".db") {
            let database = rusqlite::Connection::open(&path).unwrap();
            let mut text = String::new();
            for table in ["session", "message", "part"] {
                let mut query = database.prepare(&format!("SELECT * FROM {table} ORDER BY id")).unwrap();
                let columns = query.column_count();
                let mut rows = query.query([]).unwrap();
                while let Some(row) = rows.next().unwrap() {
                    for column in 0..columns {
                        text += &format!("{:?}|", row.get_ref(column).unwrap());
                    }
                }
            }
            found.push((path, text.into_bytes()));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.retain(|(path, bytes)| !(bytes.is_empty() && path.ends_with("session_index.jsonl")));
    found.sort();
    found
}

fn done(home: &Home, words: &[&str]) -> Value {
    let output = home.run(&[words, &["--json"]].concat());
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_name_is_given_in_the_agents_own_way_and_taken_back() {
    let (home, sessions) = fixtures_home();
    for (raw, session) in sessions {
        let id = session["id"].as_str().unwrap();
        let before = bytes(&home);
        let plan = done(&home, &["rename", id, "A light rope", "--dry-run"]);
        assert_eq!(plan["session"], id);
        assert_eq!(bytes(&home), before, "{id}: a dry run does nothing");
        let told = done(&home, &["rename", id, "A light rope"]);
        assert_eq!(told["session"]["title"], "A light rope", "{id}");
        assert_eq!(home.sessions()[&raw]["title"], "A light rope", "{id}");
        assert_ne!(bytes(&home), before, "{id}");
        done(&home, &["undo"]);
        assert_eq!(home.sessions()[&raw]["title"], session["title"], "{id}");
        if session["source"] != "codex" {
            // Codex' index of names is only ever appended to.
            assert_eq!(bytes(&home), before, "{id}: every byte is as it was");
        }
    }
    let output = home.run(&["undo"]);
    assert_eq!(output.status.code(), Some(2), "there is nothing more to take back");
}

#[test]
fn what_is_deleted_comes_back_byte_for_byte() {
    let (home, sessions) = fixtures_home();
    for (raw, session) in sessions {
        let id = session["id"].as_str().unwrap();
        let before = bytes(&home);
        let told = done(&home, &["delete", id]);
        let listed = home.sessions();
        // What is kept of it is out of the way.
        let is_away = |session: &Value| session["missing"] == true && session["archived"] == true;
        assert!(listed.get(&raw).is_none_or(is_away), "{id}: {told}");
        done(&home, &["undo", &told["act"]["number"].to_string()]);
        assert_eq!(bytes(&home), before, "{id}");
        let again = &home.sessions()[&raw];
        for field in ["title", "counts", "usage", "archived", "missing"] {
            assert_eq!(again[field], session[field], "{id} {field}");
        }
    }
}

#[test]
fn what_is_put_away_is_among_the_archived_ones() {
    let (home, sessions) = fixtures_home();
    for (raw, session) in sessions {
        let id = session["id"].as_str().unwrap();
        let is_own = matches!(session["source"].as_str(), Some("codex" | "opencode"));
        let before = bytes(&home);
        let told = done(&home, &["archive", id, "--dry-run"]);
        assert_eq!(told["shownBy"].is_string(), is_own, "{id}: who keeps it is said");
        done(&home, &["archive", id]);
        assert_eq!(home.sessions()[&raw]["archived"], true, "{id}");
        assert_eq!(home.run(&["archive", id]).status.code(), Some(3), "{id}");
        // It stays so when the catalogue is made anew.
        fs::remove_dir_all(home.path().parent().unwrap().join("marline/index")).unwrap();
        assert_eq!(home.sessions()[&raw]["archived"], true, "{id}");
        assert_eq!(
            bytes(&home) == before,
            !is_own,
            "{id}: what Marline alone keeps changes no file of the agent's"
        );
        done(&home, &["unarchive", id]);
        assert_eq!(home.sessions()[&raw]["archived"], false, "{id}");
        done(&home, &["undo"]);
        assert_eq!(home.sessions()[&raw]["archived"], true, "{id}: the last act is taken back");
    }
}

#[test]
fn a_fork_has_what_was_before_a_prompt_and_leaves_its_origin_alone() {
    let home = Home::new();
    let text = (0..3)
        .map(|n| {
            [prompt("s1", n * 2, &format!("Prompt {n}")), answer("s1", n * 2 + 1, &format!("Answer {n}"))]
                .concat()
        })
        .collect::<String>();
    home.write(&place("s1"), &text);
    home.sessions();
    for (words, prompts) in [(&["--nth-message", "2"][..], 1), (&["--at", "4"], 2), (&[], 3)] {
        let told = done(&home, &[&["fork", "s1"], words].concat());
        let fork = &told["session"];
        assert_eq!(fork["forkedFromId"], "claude:s1", "{words:?}: {told}");
        assert_eq!(fork["inherited"]["prompts"], prompts, "{words:?}");
        assert_eq!(fork["counts"]["prompts"], 0, "{words:?}");
        assert_eq!(fs::read_to_string(home.path().join(place("s1"))).unwrap(), text);
    }
    assert_eq!(home.sessions().len(), 4);
    for (words, why) in [
        (&["fork", "s1", "--nth-message", "9"][..], "no prompt number 9"),
        (&["fork", "s1", "--at", "99"], "no item 99"),
        (&["fork", "s1", "--nth-message", "1"], "nothing before"),
        (&["handoff", "s1", "--to", "codex", "--as", "native", "--print"], "--as brief"),
        (&["resume", "s1", "--print", "--cwd", "/nowhere"], "/nowhere is no directory"),
    ] {
        let output = home.run(words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(why), "{words:?}: {error}");
    }
    let printed = home.run(&["handoff", "s1", "--to", "codex", "--print"]);
    assert!(
        String::from_utf8_lossy(&printed.stdout).contains("# Hand-over"),
        "what is printed is a document"
    );
    done(&home, &["undo"]);
    assert_eq!(
        home.sessions().len(),
        3,
        "a fork that was taken back without a word of its own is not remembered"
    );
}

/// A process that is called as an agent is: it runs a script, has a file open, and was told words.
fn agent(home: &Home, words: &[&str]) -> std::process::Child {
    let program = home.path().parent().unwrap().join("claude");
    if !program.exists() {
        fs::copy("/bin/sh", &program).unwrap();
    }
    std::process::Command::new(program)
        .args(["-c", &format!("exec 9< \"$0\"; {}", words[0])])
        .args(&words[1..])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_session_in_use_is_left_alone() {
    let home = Home::new();
    let file = home.write(&place("s1"), prompt("s1", 0, "Hello"));
    home.sessions();
    let mut agent = agent(&home, &["read -r _", &file.display().to_string()]);
    // An agent has it open; whoever else has, does not count.
    let _open = File::open(&file).unwrap();
    for words in [&["rename", "s1", "Name"][..], &["delete", "s1"], &["delete", "s1", "--dry-run"]] {
        let output = home.run(words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {error}");
        assert!(error.contains("in use") && error.contains(&agent.id().to_string()), "{error}");
    }
    agent.kill().unwrap();
    agent.wait().unwrap();
    done(&home, &["rename", "s1", "Name"]);
    // What was written since is not taken back over.
    home.append(&place("s1"), answer("s1", 1, "Gone on"));
    let output = home.run(&["undo"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("written since"));
    assert_eq!(home.sessions()["s1"]["title"], "Name");
}

/// An act on a session that something happened to since can't be taken back over it.
#[test]
fn what_is_not_as_the_act_left_it_is_not_taken_back() {
    let (home, sessions) = fixtures_home();
    let refused = |number: &Value, why: &str| {
        let before = bytes(&home);
        let output = home.run(&["undo", &number.to_string()]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && error.contains(why), "{error}");
        assert_eq!(bytes(&home), before, "{why}");
    };
    for (raw, session) in &sessions {
        let id = session["id"].as_str().unwrap();
        // A later name stands.
        {
            let first = done(&home, &["rename", id, "First"])["act"]["number"].clone();
            let second = done(&home, &["rename", id, "Second"])["act"]["number"].clone();
            refused(&first, "since");
            assert_eq!(home.sessions()[raw]["title"], "Second", "{id}");
            done(&home, &["undo", &second.to_string()]);
            done(&home, &["undo", &first.to_string()]);
            let again = home.run(&["undo", &first.to_string()]);
            assert!(String::from_utf8_lossy(&again.stderr).contains("taken back already"), "{id}");
        }
        // A file that was cut since is not filled up.
        if matches!(session["source"].as_str(), Some("claude" | "qwen")) {
            let number = done(&home, &["rename", id, "Name"])["act"]["number"].clone();
            let file = session["files"][0]["path"].as_str().unwrap();
            let length = session["files"][0]["bytes"].as_u64().unwrap();
            let whole = fs::read(file).unwrap();
            File::options().write(true).open(file).unwrap().set_len(length - 10).unwrap();
            refused(&number, "written since");
            fs::write(file, whole).unwrap();
            done(&home, &["undo", &number.to_string()]);
        }
        // A fork that was gone on with stays.
        if matches!(session["source"].as_str(), Some("claude" | "qwen" | "codex")) {
            let told = done(&home, &["fork", id]);
            let number = told["act"]["number"].clone();
            let file = told["session"]["files"][0]["path"].as_str().unwrap().to_owned();
            let whole = fs::read(&file).unwrap();
            let line = json!({"timestamp": "2026-11-21T10:00:00.000Z", "ordinal": 100_000, "type": "event_msg",
                "payload": {"type": "user_message", "message": "Go on"}});
            fs::write(&file, [&whole[..], format!("{line}\n").as_bytes()].concat()).unwrap();
            refused(&number, "since");
            fs::write(&file, whole).unwrap();
            done(&home, &["undo", &number.to_string()]);
            assert!(!PathBuf::from(&file).exists(), "{id}");
        }
    }
}

#[test]
fn what_is_deleted_for_good_leaves_nothing_to_take_back() {
    let (home, sessions) = fixtures_home();
    for (raw, session) in sessions {
        let id = session["id"].as_str().unwrap();
        let words = ["search", &format!("session:{id}"), "--limit", "1000"];
        assert!(home.json(&words)["total"].as_u64() > Some(0), "{id}");
        let told = done(&home, &["delete", id, "--now"]);
        assert_eq!(told["act"]["outcome"], "final", "{id}");
        assert_eq!(home.json(&words)["total"], 0, "{id}: no word of it is found");
        assert!(!home.sessions().contains_key(&raw), "{id} is in no list");
        let output = home.run(&["undo", &told["act"]["number"].to_string()]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains("for good"), "{id}: {error}");
        let aside = home.path().parent().unwrap().join("marline/board/acts/aside");
        assert!(!aside.exists() || fs::read_dir(aside).unwrap().next().is_none(), "{id}: nothing is kept");
    }
    assert_eq!(home.run(&["undo"]).status.code(), Some(2));
}

#[test]
fn a_fork_of_codex_keeps_the_name_and_begins_before_a_later_prompt() {
    let (home, sessions) = fixtures_home();
    let (_, codex) = sessions.iter().find(|(_, session)| session["source"] == "codex").unwrap();
    let id = codex["id"].as_str().unwrap();
    let output = home.run(&["fork", id, "--nth-message", "1"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("nothing before that prompt"), "{error}");
    let told = done(&home, &["fork", id]);
    assert_eq!(told["session"]["title"], codex["title"], "as its origin is called");
    let header = fs::read_to_string(told["session"]["files"][0]["path"].as_str().unwrap()).unwrap();
    assert!(header.contains("\"source\":\"cli\""), "Codex lists it: {header}");
    done(&home, &["rename", id, "A rope"]);
    let told = done(&home, &["fork", id]);
    assert_eq!(told["session"]["title"], "A rope");
    let names = fs::read_to_string(home.path().join(".codex/session_index.jsonl")).unwrap();
    assert!(names.contains(told["session"]["sourceSessionId"].as_str().unwrap()), "{names}");
}

/// The act before a failed one is not taken back in its stead.
#[test]
fn after_an_act_that_failed_nothing_else_is_taken_back() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "Hello"));
    home.sessions();
    done(&home, &["rename", "s1", "First"]);
    // A file is in the way of the directory that is laid aside.
    let aside = home.path().parent().unwrap().join("marline/board/acts/aside");
    fs::write(&aside, "").unwrap();
    assert_eq!(home.run(&["delete", "s1"]).status.code(), Some(4));
    let output = home.run(&["undo"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && error.contains("failed") && error.contains("undo 1"),
        "{error}"
    );
    assert_eq!(home.sessions()["s1"]["title"], "First");
    done(&home, &["undo", "1"]);
    done(&home, &["rename", "s1", "Second"]);
}

#[test]
fn names_that_are_none_are_refused() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "Hello"));
    home.sessions();
    let long = "x".repeat(4000);
    for name in ["", "  ", "two\nlines", "a\u{7}bell", &long] {
        assert_eq!(home.run(&["rename", "s1", name]).status.code(), Some(2), "{name:?}");
    }
    assert_eq!(home.run(&["rename", "nobody", "Name"]).status.code(), Some(1));
}

#[test]
fn an_act_that_is_killed_is_done_or_not_done() {
    let (home, sessions) = fixtures_home();
    let whole = bytes(&home);
    for (_, session) in sessions {
        let id = session["id"].as_str().unwrap();
        for wait in [0, 1, 2, 4, 8, 16, 32] {
            let mut child =
                home.command(&["delete", id]).stdout(std::process::Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(wait * 3));
            let _ = child.kill();
            let was_done = child.wait().unwrap().success();
            // The next act finds what was cut off, and takes it back first; the last one that was done goes back, too.
            let undone = home.run(&["undo"]).status.success();
            assert!(undone || !was_done, "{id} after {wait}");
            assert_eq!(bytes(&home), whole, "{id} after {wait}");
        }
    }
}

#[test]
fn resume_prints_what_one_would_type_and_says_what_is_gone() {
    let home = Home::new();
    let cwd = home.path().join("a project");
    fs::create_dir(&cwd).unwrap();
    let line = prompt("s1", 0, "Hello").replace("/projects/shop", &cwd.display().to_string());
    home.write(&place("s1"), line);
    home.write(&place("s2"), prompt("s2", 0, "Its directory is gone"));
    home.sessions();
    let programs = home.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let run = |words: &[&str]| home.command(words).env("PATH", &programs).output().unwrap();
    let output = run(&["resume", "s1", "--print"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("Claude Code is not installed"), "{error}");
    let program = programs.join("claude");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = run(&["resume", "s1", "--print"]);
    let wanted = format!("cd '{}' && claude --resume s1\n", cwd.display());
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted);
    let output = run(&["resume", "s2", "--print"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && error.contains("is gone") && error.contains("--cwd"),
        "{error}"
    );
    let output = run(&["resume", "s2", "--print", "--cwd", &cwd.display().to_string()]);
    assert!(output.status.success());
    let output = run(&["resume", "s1"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"));
    assert_eq!(json!(output.status.code()), json!(2));
}

#[test]
fn a_session_is_opened_in_a_window_of_tmux() {
    let home = Home::new();
    let cwd = home.path().join("project");
    fs::create_dir(&cwd).unwrap();
    let line = prompt("s1", 0, "Hello").replace("/projects/shop", &cwd.display().to_string());
    home.write(&place("s1"), line);
    home.sessions();
    let programs = home.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let program = programs.join("claude");
    fs::write(&program, "#!/bin/sh\necho \"$PWD with $*\"\nread -r _\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    // A server of its own: its socket lies in this home.
    let alone = |command: &mut std::process::Command| {
        command.env("PATH", &path).env("TMUX_TMPDIR", home.path()).env_remove("TMUX").output().unwrap()
    };
    let output = alone(&mut home.command(&["resume", "s1", "--in", "tmux"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tmux = |words: &[&str]| alone(std::process::Command::new("tmux").args(words));
    let wanted = format!("{} with --resume s1", cwd.display());
    let is_shown = || {
        let shown = tmux(&["capture-pane", "-p", "-J", "-t", "claude-s1"]);
        String::from_utf8_lossy(&shown.stdout).contains(&wanted)
    };
    let is_found = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        is_shown()
    });
    let twice = alone(&mut home.command(&["resume", "s1", "--in", "tmux"]));
    tmux(&["kill-server"]);
    assert!(is_found, "the agent runs in its session's directory");
    let error = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(!twice.status.success() && error.contains("duplicate session"), "{error}");
}

/// A file that may not grow any further is what a full disk looks like to a writer.
#[test]
fn a_full_disk_in_the_middle_of_an_act_leaves_everything_as_it_was() {
    let home = Home::new();
    let project = home.path().join("project");
    fs::create_dir(&project).unwrap();
    // A session that is larger than any file may get: the catalogue is far smaller.
    let line = |n: u32, text: &str| {
        [prompt("s1", n * 2, text), answer("s1", n * 2 + 1, &"so it is ".repeat(60_000))]
            .concat()
            .replace("/projects/shop", &project.display().to_string())
    };
    let text: String = (0..6).map(|n| line(n, &format!("Prompt {n}"))).collect();
    assert!(text.len() > 3 << 20);
    home.write(&place("s1"), &text);
    home.sessions();
    let before = bytes(&home);
    for words in [
        &["rename", "s1", "A name"][..],
        &["fork", "s1"],
        &["handoff", "s1", "--to", "codex"],
        &["handoff", "s1", "--to", "codex", "--from", "2"],
    ] {
        let command = home.command(words);
        let mut limited = std::process::Command::new("sh");
        // 512 bytes a block in some shells, 1,024 in others: 1.5 or 3 MB.
        limited.args(["-c", "trap '' XFSZ; ulimit -f 3000; exec \"$0\" \"$@\""]).arg(command.get_program());
        limited.args(command.get_args()).env_clear();
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = limited.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{words:?}: {error}");
        assert!(error.contains("too large") || error.contains("os error 27"), "{words:?}: {error}");
        assert_eq!(bytes(&home), before, "{words:?}");
    }
    // With room again, all of it can be done.
    done(&home, &["rename", "s1", "A name"]);
    done(&home, &["fork", "s1"]);
    done(&home, &["handoff", "s1", "--to", "codex"]);
}

#[test]
fn two_hand_overs_at_once_make_two_sessions() {
    let home = Home::new();
    let project = home.path().join("project");
    fs::create_dir(&project).unwrap();
    let text = [prompt("s1", 0, "Tune the rope"), answer("s1", 1, "It is tuned")].concat();
    home.write(&place("s1"), text.replace("/projects/shop", &project.display().to_string()));
    home.sessions();
    let before = bytes(&home);
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = home.command(&["handoff", "s1", "--to", "codex", "--json"]);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let made: std::collections::BTreeSet<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let told: Value = serde_json::from_slice(&output.stdout).unwrap();
            told["act"]["plan"]["makes"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(made.len(), 4);
    assert_eq!(home.sessions().len(), 5);
    for _ in 0..4 {
        done(&home, &["undo"]);
    }
    let left = bytes(&home).into_iter().filter(|(path, _)| !path.to_string_lossy().contains(".codex/"));
    assert_eq!(left.collect::<Vec<_>>(), before);
    assert_eq!(home.sessions().len(), 1);
}

#[test]
fn a_session_that_an_agent_was_started_on_is_left_alone() {
    let (home, sessions) = fixtures_home();
    for (raw, session) in sessions {
        let id = session["id"].as_str().unwrap();
        let mut agent = agent(&home, &["read -r _", "/dev/null", "--resume", &raw]);
        // What merely names it is no agent.
        let words = ["-c", "read -r _", "tail", "-f", &raw];
        let mut other =
            std::process::Command::new("sh").args(words).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let told = |words: &[&str]| {
            let output = home.run(words);
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (code, error) = told(&["rename", id, "A name"]);
        let _ = agent.kill();
        agent.wait().unwrap();
        assert!(code == Some(3) && error.contains("was started on it"), "{id}: {error}");
        assert_eq!(told(&["rename", id, "A name"]).0, Some(0), "{id}");
        let _ = other.kill();
        other.wait().unwrap();
    }
}

//! Bad input gets a clear word, and nothing around it is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::home::{Home, answer, place, prompt, snapshot};

#[test]
fn broken_records_are_counted_and_named_and_the_rest_is_kept() {
    let home = Home::new();
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(prompt("s1", 0, "One").replace('\n', "\r\n").bytes());
    bytes.extend(b"\0\0\0\0\n{\"torn\": \n\n");
    bytes.extend(prompt("s1", 1, "two").trim_end().bytes());
    bytes.extend(answer("s1", 2, "twin on one line").bytes());
    bytes.extend(prompt("s1", 3, "lone XX surrogate").replace("XX", "\\ud800").bytes());
    bytes.extend(b"{\"type\":\"user\",\"uuid\":\"x\",\"message\":{\"content\":\"bad \xff\xfe byte\"}}\n");
    bytes.extend(b"{\"type\":\"never-seen\",\"uuid\":\"y\",\"note\":\"strangeword\"}\n");
    home.write(&place("s1"), bytes);
    let session = &home.sessions()["s1"];
    assert_eq!(session["counts"]["prompts"], 4);
    assert_eq!(session["counts"]["answers"], 1);
    assert_eq!(session["skippedRecords"], 2);
    assert_eq!(home.found("surrogate"), ["claude:s1"]);
    assert_eq!(home.found("strangeword"), ["claude:s1"], "an unknown kind is kept and found");
    let sources = home.json(&["sources"]);
    assert_eq!(sources["sources"][0]["skipped"]["NUL bytes"], 1);
    assert_eq!(sources["sources"][0]["unknown"]["never-seen"], 1);
    assert_eq!(sources["sources"][0]["withoutSession"], json!({}));
    let path = sources["sources"][0]["skippedIn"]["NUL bytes"].as_str().unwrap().to_owned();
    assert!(path.ends_with("/s1.jsonl"), "{path}");
    for (command, words) in [
        ("sources", format!("skipped 1: NUL bytes, as in {path}\n")),
        ("doctor", format!("1 record could not be read (NUL bytes), as in {path}.")),
        ("doctor", "1 record of an unknown kind, never-seen.".to_owned()),
    ] {
        let told = String::from_utf8(home.run(&[command]).stdout).unwrap();
        assert!(told.contains(&words), "{told}");
    }
}

#[test]
fn a_torn_last_line_is_read_when_it_is_whole() {
    let home = Home::new();
    let line = prompt("s1", 1, "completedword");
    for cut in [1, line.len() / 2, line.len() - 2] {
        home.write(&place("s1"), [&prompt("s1", 0, "first"), &line[..cut]].concat());
        assert_eq!(home.sessions()["s1"]["counts"]["prompts"], 1, "cut at {cut}");
        assert!(home.found("completedword").is_empty());
        home.append(&place("s1"), &line[cut..]);
        assert_eq!(home.found("completedword"), ["claude:s1"]);
        let session = &home.sessions()["s1"];
        assert_eq!((&session["counts"]["prompts"], &session["skippedRecords"]), (&2.into(), &0.into()));
    }
}

#[test]
fn a_gigabyte_in_one_line_is_passed_over() {
    let home = Home::new();
    let path = home.write(&place("s1"), prompt("s1", 0, "before"));
    // A hole takes no room on disk; to a reader it is a gigabyte of zeros.
    fs::File::options().append(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    home.append(&place("s1"), format!("\n{}", prompt("s1", 1, "behind")));
    let session = &home.sessions()["s1"];
    assert_eq!(session["counts"]["prompts"], 2);
    assert_eq!(session["skippedRecords"], 1);
    assert_eq!(home.found("behind"), ["claude:s1"]);
}

#[test]
fn files_that_change_while_they_are_read_are_right_in_the_end() {
    let home = Home::new();
    let text =
        |n: u32, words: &str| (0..n).map(|i| prompt("s1", i, &format!("{words} {i}"))).collect::<String>();
    let other = |n: u32| (0..n).map(|i| prompt("s2", i, "other")).collect::<String>();
    for round in 0..30u32 {
        let mut child = home.command(&["index"]).spawn().unwrap();
        match round % 5 {
            // Cut, replaced by another file, removed, appended to.
            0 => drop(home.write(&place("s1"), text(500, "long"))),
            1 => drop(home.write(&place("s1"), text(20, "cut"))),
            2 => {
                let new = home.write("new", text(300, "moved"));
                fs::rename(new, home.path().join(place("s1"))).unwrap();
            }
            3 => home.append(&place("s1"), prompt("s1", 900, "appended")),
            _ => drop(fs::remove_file(home.path().join(place("s1")))),
        }
        home.write(&place("s2"), other(1 + round * 7 % 40));
        assert!(child.wait().unwrap().success(), "round {round}");
    }
    home.write(&place("s1"), text(123, "final"));
    let session = &home.sessions()["s1"];
    assert_eq!((&session["counts"]["prompts"], &session["missing"]), (&123.into(), &false.into()));
    assert_eq!(home.sessions()["s2"]["counts"]["prompts"], 1 + 29 * 7 % 40);
    assert!(home.found("moved").is_empty() && home.found("appended").is_empty());
    assert_eq!(home.json(&["search", "final", "--limit", "500"])["total"], 123);
}

#[test]
fn a_full_disk_is_told_and_the_next_refresh_makes_it_good() {
    let home = Home::new();
    for n in 0..40 {
        let id = format!("s{n}");
        let lines: String = (0..60)
            .map(|i| prompt(&id, i, &format!("words of session {n} number {i} {}", "x".repeat(99))))
            .collect();
        home.write(&place(&id), lines);
    }
    let marline = home.command(&["index"]);
    // A file that may not grow any further is what a full disk looks like to a writer.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" index"]).arg(marline.get_program());
    limited.env_clear();
    for (name, value) in marline.get_envs() {
        limited.env(name, value.unwrap());
    }
    let output = limited.output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("room on the disk"), "{output:?}");
    let sessions = home.sessions();
    assert_eq!(sessions.len(), 40);
    assert!(sessions.values().all(|session| session["counts"]["prompts"] == 60));
    assert_eq!(home.json(&["search", "words", "--limit", "1"])["total"], 40 * 60);
}

#[test]
fn a_replaced_or_cut_file_is_read_anew() {
    let home = Home::new();
    home.write(&place("s1"), [prompt("s1", 0, "alpha"), prompt("s1", 1, "beta")].concat());
    assert_eq!(home.sessions()["s1"]["counts"]["prompts"], 2);
    home.write(&place("s1"), prompt("s1", 0, "gamma"));
    assert_eq!(home.sessions()["s1"]["counts"]["prompts"], 1);
    assert!(home.found("alpha").is_empty());
    assert_eq!(home.found("gamma"), ["claude:s1"]);
}

#[test]
fn empty_summary_only_and_warm_up_files_are_no_sessions() {
    let home = Home::new();
    home.write(&place("empty"), "");
    home.write(
        &place("summary"),
        "{\"type\":\"summary\",\"summary\":\"Said elsewhere\",\"leafUuid\":\"x\"}\n",
    );
    let warm_up = [prompt("s1", 0, "Warmup"), answer("s1", 1, "Ready")].concat();
    home.write(&place("agent-a0179a7"), warm_up.replace("\"isSidechain\":false", "\"isSidechain\":true"));
    assert!(home.sessions().is_empty());
    let sources = home.json(&["sources"]);
    let reasons = json!({"empty": 1, "no conversation in it": 1, "a warm-up alone": 1});
    assert_eq!(sources["sources"][0]["withoutSession"], reasons);
    let told = String::from_utf8(home.run(&["sources"]).stdout).unwrap();
    assert!(told.contains("  without a session 1: empty\n"), "{told}");
}

#[test]
fn a_loop_of_links_and_a_forbidden_directory_are_survived() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "reachable"));
    let projects = home.path().join(".claude/projects");
    std::os::unix::fs::symlink(&projects, projects.join("-projects-shop/loop")).unwrap();
    let closed = projects.join("-closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(home.found("reachable"), ["claude:s1"]);
    // For root nothing is forbidden; for everybody else the doctor names the place.
    if fs::read_dir(&closed).is_err() {
        let doctor = home.run(&["doctor"]);
        assert!(String::from_utf8_lossy(&doctor.stdout).contains("-closed"));
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn wrong_use_is_told_with_a_hint() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "words"));
    for (words, code) in [
        (&["show", "nothing-like-it"][..], 1),
        (&["search", "kind:nonsense"], 2),
        (&["search", "--regex", "("], 2),
        (&["ls", "--cursor", "made up"], 2),
        (&["ls", "--since", "sometime"], 2),
        (&["nonsense"], 2),
    ] {
        let output = home.run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "), "{words:?}");
    }
}

#[test]
fn an_agents_database_with_everything_in_its_log_is_read_and_not_touched() {
    let home = Home::new();
    let path = home.write(".local/share/opencode/opencode.db", "");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            r#"PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
            CREATE TABLE session (id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, title TEXT, version TEXT,
                time_created INTEGER, time_updated INTEGER, time_archived INTEGER);
            CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
            CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER,
                time_updated INTEGER, data TEXT);
            INSERT INTO session VALUES ('ses_1', NULL, '/projects/shop', 'A basket', '1.18.33', 1795209721393, 1795209732286, NULL);
            INSERT INTO message VALUES ('msg_1', 'ses_1', 1, 1, '{"role":"user","time":{"created":1795209721619}}');
            INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_1', 1, 1, '{"type":"text","text":"\"Mend the basket\""}');"#,
        )
        .unwrap();
    let before = snapshot(&home.path());
    let session = &home.sessions()["ses_1"];
    assert_eq!(session["firstPrompt"], "Mend the basket", "the quotes of the command line are no part of it");
    assert_eq!(home.found("basket"), ["opencode:ses_1"]);
    assert_eq!(snapshot(&home.path()), before);
    drop(connection);
    fs::write(&path, "no database at all, and long enough to be looked at").unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    assert_eq!(home.run(&["ls"]).status.code(), Some(0), "what was read before stays");
    assert!(String::from_utf8_lossy(&home.run(&["doctor"]).stdout).contains("opencode.db"));
}

#[test]
fn an_agents_database_that_is_locked_or_of_another_release_is_told() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "elsewhere"));
    let path = home.write(".local/share/opencode/opencode.db", "");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE session (id TEXT PRIMARY KEY, new_name TEXT)").unwrap();
    assert_eq!(home.found("elsewhere"), ["claude:s1"], "the others are not held up");
    let doctor = home.run(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("opencode.db"), "{doctor:?}");
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    home.append(&place("s1"), prompt("s1", 1, "afterwards"));
    assert_eq!(home.found("afterwards"), ["claude:s1"]);
}

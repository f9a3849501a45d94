//! Providers are kept, switched to and back: what becomes of agents' settings, keys and sessions.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::home::{Home, snapshot};

mod agents;

/// A home with a Codex that is configured, and one profile.
fn configured(config: &str) -> Home {
    let home = Home::new();
    home.write(".codex/config.toml", config);
    home.write(".codex/sessions/.keep", "");
    add(
        &home,
        "gateway",
        &["--agent", "codex", "--base-url", "https://gateway.example/v1"],
        Some("sk-secret"),
    );
    home
}

fn add(home: &Home, name: &str, words: &[&str], key: Option<&str>) {
    let output = kept(home, &[&["provider", "add", name], words].concat(), key);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn kept(home: &Home, words: &[&str], key: Option<&str>) -> Output {
    let stdin: &[&str] = if key.is_some() { &["--key-stdin"] } else { &[] };
    let mut command = home.command(&[words, stdin].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(key.unwrap_or_default().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn failed(home: &Home, words: &[&str], code: i32, why: &str) {
    let output = home.run(words);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(code) && error.contains(why),
        "{words:?}: {:?} {error}",
        output.status
    );
}

#[test]
fn a_switch_keeps_what_it_does_not_change_and_is_taken_back_byte_for_byte() {
    for config in [
        "",
        "# only a comment",
        "model_provider = 'old' # mine\r\n\r\n[model_providers.old]\r\nbase_url = \"x\"\r\n[tui]\r\nx = 1\r\n",
        "model_providers = { old = { base_url = \"x\" } }\n",
        "[model_providers.gateway]\nname = \"Mine\" # keep\nenv_key = \"OLD\"\nstream_max_retries = 9\n",
        "profiles = {}\n\n[[list]]\na = 1\n\n[[list]]\na = 2",
    ] {
        let home = configured(config);
        let path = home.path().join(".codex/config.toml");
        let auth = home.path().join(".codex/auth.json");
        home.write(
            ".codex/auth.json",
            r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"id_token":"t"},"x":1}"#,
        );
        let before = (fs::read(&path).unwrap(), fs::read(&auth).unwrap());
        let output = home.run(&["provider", "use", "gateway"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            // What can't be changed without writing it anew is named, and nothing is changed.
            assert!(
                config.starts_with("model_providers = {") && error.contains("writing it anew"),
                "{config}: {error}"
            );
            assert_eq!((fs::read(&path).unwrap(), fs::read(&auth).unwrap()), before);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for line in
            config.lines().filter(|line| !line.starts_with("model_provider =") && !line.contains("env_key"))
        {
            let line = line.split(" = \"Mine\"").next().unwrap();
            assert!(text.contains(line), "{line:?} of {config:?} in {text}");
        }
        assert_eq!(text.matches('\r').count() > 0, config.contains('\r'), "line ends stay");
        assert!(text.contains("requires_openai_auth = true") && !text.contains("OLD"), "{text}");
        let told: Value = serde_json::from_slice(&fs::read(&auth).unwrap()).unwrap();
        assert_eq!(
            (&told["OPENAI_API_KEY"], &told["tokens"]["id_token"], &told["x"]),
            (&json!("sk-secret"), &json!("t"), &json!(1))
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&auth).unwrap().permissions());
        assert_eq!(mode & 0o077, fs::metadata(&path).map(|_| mode & 0o077).unwrap(), "the mode stays");
        assert!(home.run(&["provider", "undo"]).status.success());
        assert_eq!((fs::read(&path).unwrap(), fs::read(&auth).unwrap()), before, "{config}");
    }
}

#[test]
fn a_link_is_followed_and_stays_and_broken_settings_are_left_alone() {
    let home = configured("");
    let path = home.path().join(".codex/config.toml");
    let dotfile = home.write("dotfiles/codex.toml", "# mine\n");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&dotfile, &path).unwrap();
    assert!(home.run(&["provider", "use", "gateway"]).status.success());
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::read_to_string(&dotfile).unwrap().contains("gateway"));
    // Somebody writes the file: the switch is not taken back over that.
    let text = fs::read_to_string(&dotfile).unwrap() + "more = 1\n";
    fs::write(&dotfile, &text).unwrap();
    failed(&home, &["provider", "undo"], 3, "written since");
    assert_eq!(fs::read_to_string(&dotfile).unwrap(), text);
    fs::write(&dotfile, "model = \n").unwrap();
    failed(&home, &["provider", "use", "gateway"], 2, "can't be read");
    fs::write(&dotfile, "cli_auth_credentials_store = \"keyring\"\n").unwrap();
    failed(&home, &["provider", "use", "gateway"], 3, "keyring");
    assert_eq!(fs::read_to_string(&dotfile).unwrap(), "cli_auth_credentials_store = \"keyring\"\n");
}

#[test]
fn what_is_no_provider_is_refused_before_it_can_be_used() {
    let home = configured("");
    fn codex<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["provider", "add", "x", "--agent", "codex", "--no-key"][..], more].concat()
    }
    let url = ["--base-url", "https://x.example"];
    for (words, why) in [
        (codex(&["--base-url", "ftp://x"]), "https://"),
        (codex(&[]), "needs an address"),
        (codex(&[&url[..], &["--wire-api", "chat"]].concat()), "responses"),
        (codex(&[&url[..], &["--id", "openai"]].concat()), "built into"),
        (codex(&[&url[..], &["--id", &"i".repeat(300)]].concat()), "no provider id"),
        (codex(&[&url[..], &["--header", "Bad Name=1"]].concat()), "no header"),
        ([&["provider", "add", "x", "--agent", "codex", "--key-env", "A B"][..], &url].concat(), "variable"),
        (codex(&[&url[..], &["--header", "Authorization=Bearer x"]].concat()), "in clear"),
        (codex(&["--base-url", "https://user:word@x.example"]), "no password"),
        (vec!["provider", "remove", "nobody"], "no provider"),
        (vec!["rehome", "--mode", "sync", "--to", "nobody", "--yes"], "no provider"),
        (
            vec!["provider", "add", "a b", "--agent", "codex", "--base-url", "https://x", "--no-key"],
            "no name",
        ),
        (vec!["provider", "add", "x", "--agent", "codex", "--base-url", "https://x"], "Which key"),
        (codex(&["--base-url", "https://x.example/v1?api-version=1&Api_Key=abc"]), "Api_Key"),
        (codex(&["--base-url", "https://x.example/v1?sig=abc"]), "in clear"),
        (vec!["provider", "add", "x", "--agent", "qwen"], "can be switched"),
        (vec!["provider", "use", "nobody"], "no provider"),
    ] {
        failed(&home, &words, 2, why);
    }
    failed(
        &home,
        &["provider", "add", "gateway", "--agent", "codex", "--base-url", "https://x"],
        3,
        "already",
    );
    let empty = kept(&home, &[&["provider", "add", "x", "--agent", "codex"][..], &url].concat(), Some(" \n"));
    assert_eq!(empty.status.code(), Some(2), "a key must be there");
    // Its key is in no file but one that only its owner reads, and printed to nobody but who asks for it.
    for (path, (bytes, ..)) in snapshot(&home.path().parent().unwrap().join("marline")) {
        if String::from_utf8_lossy(&bytes).contains("sk-secret") {
            assert!(path.ends_with("secrets.json"), "{}", path.display());
        }
    }
    for words in [&["provider", "list", "--json"][..], &["provider", "use", "gateway", "--dry-run", "--json"]]
    {
        assert!(!String::from_utf8_lossy(&home.run(words).stdout).contains("sk-secret"), "{words:?}");
    }
    assert_eq!(home.run(&["provider", "key", "gateway"]).stdout, b"sk-secret\n");
}

#[test]
fn a_provider_whose_key_is_not_there_or_whose_id_is_needed_is_refused_unless_that_is_meant() {
    let home = configured("model_provider = \"gateway\"\n");
    marline_lab::fixtures::copy_home(&home.path()).unwrap();
    let url = ["--agent", "codex", "--base-url", "https://x.example/v1"];
    add(&home, "far", &[&url[..], &["--key-env", "FAR_KEY"]].concat(), None);
    failed(&home, &["provider", "use", "far"], 3, "FAR_KEY");
    assert!(home.run(&["provider", "use", "far", "--yes"]).status.success());
    add(&home, "mine", &[&url[..], &["--id", "lab", "--no-key"]].concat(), None);
    failed(&home, &["provider", "edit", "mine", "--id", "other"], 3, "sessions bear the id \"lab\"");
    failed(&home, &["provider", "edit", "far", "--id", "other"], 3, "in use");
    assert!(home.run(&["provider", "edit", "mine", "--id", "other", "--yes"]).status.success());
    // Nobody has said what the sessions' provider is: they can't be resumed.
    let told = home.json(&["doctor"]).to_string();
    assert!(told.contains("no entry of the provider \\\"lab\\\""), "{told}");
}

#[test]
fn only_codex_sessions_are_given_a_provider() {
    let home = configured("");
    marline_lab::fixtures::copy_home(&home.path()).unwrap();
    home.write(".claude/settings.json", "{}");
    for (name, agent) in [("a", "claude"), ("g", "gemini")] {
        add(&home, name, &["--agent", agent, "--base-url", "https://x.example"], Some("sk-x"));
    }
    let before = snapshot(&home.path());
    for name in ["a", "g"] {
        for more in [&["--sync-sessions", "--yes"][..], &["--alias", "lab"]] {
            failed(&home, &[&["provider", "use", name], more].concat(), 2, "bear no provider");
        }
    }
    assert_eq!(snapshot(&home.path()), before);
}

#[test]
fn a_switch_that_is_killed_is_done_or_not_done() {
    let home = configured("model = \"m\"\n");
    home.write(".codex/auth.json", r#"{"auth_mode":"chatgpt"}"#);
    let state = || {
        let read = |name: &str| fs::read(home.path().join(".codex").join(name)).unwrap();
        (read("config.toml"), read("auth.json"))
    };
    let before = state();
    home.run(&["provider", "use", "gateway"]);
    let after = state();
    home.run(&["provider", "undo"]);
    assert_eq!(state(), before);
    for n in 0..24u64 {
        let mut child = home.command(&["provider", "use", "gateway"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(n % 12));
        let _ = child.kill();
        child.wait().unwrap();
        // Whoever comes next finds what was cut off and takes it back.
        home.run(&["provider", "undo"]);
        assert!(state() == before || state() == after, "{n}");
        if state() == after {
            home.run(&["provider", "undo"]);
        }
        assert_eq!(state(), before, "{n}");
    }
}

#[test]
fn providers_that_others_know_are_offered_and_taken_over() {
    let home =
        configured("[model_providers.corp]\nbase_url = \"https://corp.example/v1\"\nenv_key = \"CORP\"\n");
    home.write(
        ".claude/settings.json",
        r#"{"env":{"ANTHROPIC_BASE_URL":"https://a.example","ANTHROPIC_AUTH_TOKEN":"sk-claude"}}"#,
    );
    home.write(
        ".ufomiao/zcf/config.toml",
        "[claudeCode.profiles.Work]\nbaseUrl = \"https://z.example\"\napiKey = \"sk-zcf\"\n",
    );
    fs::create_dir_all(home.path().join(".cc-switch")).unwrap();
    let database = rusqlite::Connection::open(home.path().join(".cc-switch/cc-switch.db")).unwrap();
    database.execute_batch("CREATE TABLE providers (id TEXT, app_type TEXT, name TEXT, settings_config TEXT, is_current INTEGER)").unwrap();
    let codex = json!({"auth": {"OPENAI_API_KEY": "sk-switch"},
        "config": "model_provider = \"custom\"\nmodel = \"m\"\n[model_providers.custom]\nbase_url = \"https://s.example/v1\"\n"});
    database
        .execute("INSERT INTO providers VALUES ('1', 'codex', 'My Switch', ?1, 1)", [codex.to_string()])
        .unwrap();
    let listed = home.json(&["provider", "import"]);
    let names: Vec<&str> =
        listed["offers"].as_array().unwrap().iter().map(|offer| offer["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["corp", "claude", "my-switch", "work"]);
    assert!(!listed.to_string().contains("sk-"), "keys are not told");
    assert!(home.run(&["provider", "import", "--all"]).status.success());
    assert_eq!(home.json(&["provider", "import"])["offers"], json!([]), "nothing is offered twice");
    for (name, key) in [("claude", "sk-claude"), ("my-switch", "sk-switch"), ("work", "sk-zcf")] {
        assert_eq!(home.run(&["provider", "key", name]).stdout, format!("{key}\n").as_bytes(), "{name}");
    }
    let told = home.json(&["provider", "list"]);
    let corp = told["providers"].as_array().unwrap().iter().find(|one| one["name"] == "corp").unwrap();
    assert_eq!(corp["profile"]["key"], json!({"env": "CORP"}));
}

#[test]
fn what_can_not_be_taken_over_is_named_and_the_rest_is_taken() {
    let home = configured(
        "[model_providers.bad]\nbase_url = \"https://b.example\"\nwire_api = \"chat\"\n\
         [model_providers.good]\nbase_url = \"https://g.example\"\nenv_key = \"GOOD\"\n",
    );
    home.write(".cc-switch/cc-switch.db", "this is no database, however long one looks at it");
    let output = home.run(&["provider", "import", "--all", "--json"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["imported"]), (Some(4), &json!(["good"])), "{told} {error}");
    assert_eq!(told["failed"][0]["name"], "bad");
    assert!(error.contains("cc-switch.db can't be read"), "{error}");
}

#[test]
fn doctor_tells_why_codex_does_not_show_a_session() {
    let home = configured("model_provider = \"gateway\"\n");
    marline_lab::fixtures::copy_home(&home.path()).unwrap();
    let sessions = home.sessions();
    let codex = |archived: bool| {
        let found = sessions.values().find(|one| {
            one["source"] == "codex"
                && one["archived"] == archived
                && one["kind"] == "main"
                && one["counts"]["prompts"] != 0
        });
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let told = home.json(&["doctor", &codex(false)]).to_string();
    for words in ["is gone", "\\\"lab\\\"", "no entry of its provider", "database"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert!(home.json(&["doctor", &codex(true)]).to_string().contains("archived"));
    let child = sessions.values().find(|one| one["source"] == "codex" && one["kind"] == "subagent").unwrap();
    let told = home.json(&["doctor", child["id"].as_str().unwrap()]).to_string();
    assert!(told.contains("a sub-agent's session") && !told.contains("resume"), "{told}");
    failed(&home, &["doctor", "nobody"], 1, "nobody");
}

#[test]
fn a_session_that_was_synced_is_listed_and_resumed_under_its_new_provider() {
    let home = configured("");
    marline_lab::fixtures::copy_home(&home.path()).unwrap();
    let providers = || -> Vec<String> {
        let sessions = home.sessions().into_values();
        let codex = sessions.filter(|one| one["source"] == "codex" && one["kind"] == "main");
        codex.map(|one| one["provider"].as_str().unwrap().to_owned()).collect()
    };
    assert!(providers().iter().all(|provider| provider == "lab"));
    assert!(home.run(&["provider", "use", "gateway"]).status.success());
    let told = home.json(&["rehome", "--mode", "sync", "--to", "gateway", "--yes"]);
    let updated = told["updated"].as_u64().unwrap() as usize;
    let now = providers();
    assert_eq!(
        now.iter().filter(|provider| *provider == "gateway").count(),
        updated.min(now.len()),
        "{told}"
    );
    let session = home.sessions().into_values().find(|one| one["provider"] == "gateway").unwrap();
    let cwd = home.path();
    let words = ["resume", session["id"].as_str().unwrap(), "--print", "--cwd", cwd.to_str().unwrap()];
    let bin = home.write("bin/codex", "#!/bin/sh\n");
    fs::set_permissions(&bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let typed = || {
        let output = home.command(&words).env("PATH", home.path().join("bin")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // The one that Codex is set to goes without saying.
    assert!(typed().contains("codex resume") && !typed().contains("model_provider"), "{}", typed());
    assert!(home.run(&["restore"]).status.success());
    assert!(providers().iter().all(|provider| provider == "lab"), "{:?}", providers());
    assert!(typed().contains("model_provider=\"lab\""), "{}", typed());
}

#[test]
fn a_switch_is_taken_back_with_the_sessions_that_were_synced_to_it() {
    let home =
        configured("model_provider = \"lab\"\n[model_providers.lab]\nbase_url = \"http://127.0.0.1:1\"\n");
    marline_lab::fixtures::copy_home(&home.path()).unwrap();
    home.sessions();
    let state = || -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let all = snapshot(&home.path().join(".codex")).into_iter().map(|(path, (bytes, ..))| (path, bytes));
        all.filter(|(path, _)| path.is_file() && !path.ends_with("auth.json")).collect()
    };
    let before = state();
    let use_it = ["provider", "use", "gateway", "--sync-sessions", "--json"];
    let planned = home.json(&use_it[..4].iter().copied().chain(["--dry-run"]).collect::<Vec<_>>());
    assert!(state() == before, "a dry run does nothing");
    let told = home.json(&[&use_it[..4], &["--yes"]].concat());
    assert!(told["updated"].as_u64() > Some(1), "{told}");
    assert_eq!(planned["sessions"]["updated"], told["updated"]);
    assert_eq!((&told["switch"]["hides"], planned["plan"]["steps"].as_array().is_some()), (&json!(0), true));
    let (number, refused) =
        (told["switch"]["act"]["number"].to_string(), told["refused"].as_array().unwrap());
    let shown = home.run(&["provider", "use", "gateway", "--sync-sessions", "--dry-run"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for one in refused {
        assert!(shown.contains(one["thread"].as_str().unwrap()), "{shown}");
    }
    failed(&home, &["undo"], 2, "nothing to take back");
    assert!(home.run(&["undo", &number]).status.success());
    assert!(state() == before, "sessions and settings are as they were");
    let told = home.json(&["provider", "sessions"]);
    let lab = told["providers"].as_array().unwrap().iter().find(|one| one["provider"] == "lab").unwrap();
    assert!(lab["listed"].as_u64() < lab["sessions"].as_u64(), "{lab}");
}

/// A real keyring, on a bus of its own.
#[test]
fn where_there_is_a_keyring_keys_stand_in_it() {
    let home = Home::new();
    home.write(".codex/config.toml", "# mine\n");
    let inside = |words: &[&str], input: &str| {
        let command = home.command(words);
        let mut session = std::process::Command::new("dbus-run-session");
        // The daemon is there a little later; who asks before has the bus start another one, which is locked for good.
        let script = "unlock() { printf x | gnome-keyring-daemon --replace --unlock --components=secrets >/dev/null 2>&1; }
            unlock
            tries=0
            until printf x | secret-tool store --label=Test probe x 2>/dev/null || [ $tries -ge 60 ]; do
                tries=$((tries + 1)); unlock; sleep 0.5
            done
            exec \"$0\" \"$@\"";
        session.args(["--", "sh", "-c", script]).arg(command.get_program()).args(command.get_args());
        session.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.env("PATH", std::env::var_os("PATH").unwrap());
        session.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = session.spawn().expect("dbus-run-session is installed");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let words =
        ["provider", "add", "work", "--agent", "codex", "--base-url", "https://x.example", "--key-stdin"];
    let added = inside(&words, "sk-in-the-ring");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let kept = fs::read_to_string(home.path().parent().unwrap().join("marline/board/secrets.json")).unwrap();
    assert_eq!(kept, r#"{"work":"keyring"}"#, "the file only says where it is");
    // A daemon that the bus starts by itself prints where it is, before anything of ours.
    let printed = inside(&["provider", "key", "work"], "").stdout;
    let key = printed.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    assert_eq!(key, b"sk-in-the-ring\n", "{}", String::from_utf8_lossy(&printed));
    assert!(inside(&["provider", "use", "work"], "").status.success());
    assert!(fs::read_to_string(home.path().join(".codex/auth.json")).unwrap().contains("sk-in-the-ring"));
    // Without the keyring, that is said.
    failed(&home, &["provider", "use", "work"], 2, "no key for work");
    assert!(inside(&["provider", "undo"], "").status.success());
    assert!(inside(&["provider", "remove", "work"], "").status.success());
    assert_eq!(inside(&["provider", "key", "work"], "").status.code(), Some(2));
}

#[test]
fn only_the_last_switches_are_kept() {
    let home = configured("");
    add(&home, "second", &["--agent", "codex", "--base-url", "https://second.example/v1"], Some("sk-second"));
    for n in 0..26 {
        let name = ["gateway", "second"][n % 2];
        assert!(home.run(&["provider", "use", name]).status.success(), "{n}");
    }
    let secrets = fs::read(home.path().parent().unwrap().join("marline/board/secrets.json")).unwrap();
    let secrets: Value = serde_json::from_slice(&secrets).unwrap();
    let laid_aside = secrets.as_object().unwrap().keys().filter(|name| name.starts_with("before "));
    assert!(laid_aside.count() <= 20, "two files a switch, and pruned");
    for _ in 0..10 {
        assert!(home.run(&["provider", "undo"]).status.success());
    }
    failed(&home, &["provider", "undo"], 2, "nothing to take back");
}

#[test]
fn a_login_comes_back_whatever_became_of_the_keys_meanwhile() {
    let home = configured("");
    let auth = home.path().join(".codex/auth.json");
    home.write(".codex/auth.json", r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-own"}"#);
    add(&home, "plain", &["--agent", "codex", "--base-url", "http://127.0.0.1:1/v1", "--no-key"], None);
    let key = || {
        let auth: Value = serde_json::from_slice(&fs::read(&auth).unwrap()).unwrap();
        auth["OPENAI_API_KEY"].as_str().map(str::to_owned)
    };
    let used = |name: &str| assert!(home.run(&["provider", "use", name]).status.success(), "{name}");
    used("gateway");
    // Its key is another one then, and another provider comes and goes.
    assert!(kept(&home, &["provider", "edit", "gateway"], Some("sk-later")).status.success());
    used("gateway");
    assert_eq!(key().as_deref(), Some("sk-later"));
    used("plain");
    assert_eq!(key().as_deref(), Some("sk-own"), "the person's own key");
    // One without a key is sent none, and no login either.
    let config = fs::read_to_string(home.path().join(".codex/config.toml")).unwrap();
    let plain = &config[config.find("[model_providers.plain]").unwrap()..];
    assert!(!plain.contains("requires_openai_auth"), "{plain}");
    failed(&home, &["provider", "remove", "plain"], 3, "in use");
    // A key that is written is for its owner's eyes alone.
    std::fs::set_permissions(&auth, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    used("gateway");
    let mode = |path: &Path| {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
    };
    assert_eq!(mode(&auth), 0o600);
    assert!(home.run(&["provider", "undo"]).status.success());
    assert_eq!((mode(&auth), key().as_deref()), (0o644, Some("sk-own")), "as it was");
}

#[test]
fn what_claude_code_was_told_by_hand_comes_back() {
    let home = Home::new();
    let own = "{\n  \"env\": {\n    \"ANTHROPIC_API_KEY\": \"sk-own\",\n    \"A\": \"1\"\n  },\n  \"apiKeyHelper\": \"mine\"\n}\n";
    home.write(".claude/settings.json", own);
    add(&home, "gateway", &["--agent", "claude", "--base-url", "https://gateway.example"], Some("sk-secret"));
    add(&home, "back", &["--agent", "claude"], None);
    let settings = || -> Value {
        serde_json::from_slice(&fs::read(home.path().join(".claude/settings.json")).unwrap()).unwrap()
    };
    assert!(home.run(&["provider", "use", "gateway"]).status.success());
    let told = settings();
    assert!(told["env"].get("ANTHROPIC_API_KEY").is_none() && told["env"]["A"] == "1", "{told}");
    let helper = told["apiKeyHelper"].as_str().unwrap().to_owned();
    // What it says is a command, whatever the directory is called.
    let answered =
        std::process::Command::new("sh").args(["-c", &helper]).env("HOME", home.path()).output().unwrap();
    assert_eq!(answered.stdout, b"sk-secret\n", "{helper}: {}", String::from_utf8_lossy(&answered.stderr));
    assert!(home.run(&["provider", "use", "back"]).status.success());
    assert_eq!(settings(), serde_json::from_str::<Value>(own).unwrap());
}

#[test]
fn twenty_at_once_are_all_kept() {
    let home = Home::new();
    let children: Vec<_> = (0..20)
        .map(|n| {
            let name = format!("p{n}");
            let words = [
                "provider",
                "add",
                &name,
                "--agent",
                "codex",
                "--base-url",
                "https://x.example",
                "--key-stdin",
            ];
            let mut child = home.command(&words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(format!("sk-{n}").as_bytes()).unwrap();
            child
        })
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(home.json(&["provider", "list"])["providers"].as_array().unwrap().len(), 20);
    for n in 0..20 {
        assert_eq!(home.run(&["provider", "key", &format!("p{n}")]).stdout, format!("sk-{n}\n").as_bytes());
    }
}

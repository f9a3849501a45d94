//! Sessions are found, listed, shown, searched and summed up.

use serde_json::{Value, json};

use crate::home::{Home, answer, claude, place, prompt, snapshot};

#[test]
fn an_empty_home_is_told_and_no_error() {
    let home = Home::new();
    let output = home.run(&["ls"]);
    assert_eq!(output.status.code(), Some(1), "nothing found");
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("No session"));
    assert_eq!(home.run(&["search", "word"]).status.code(), Some(1));
    assert_eq!(home.run(&["doctor"]).status.code(), Some(0));
}

#[test]
fn without_a_home_nothing_is_done() {
    let output = Home::new().command(&["ls"]).env_remove("HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("HOME"));
}

#[test]
fn one_session_is_listed_shown_searched_and_summed_up() {
    let home = Home::new();
    let tool = claude(
        "s1",
        2,
        "assistant",
        json!({
            "id": "msg-t", "role": "assistant", "model": "claude-opus-5-5",
            "content": [{"type": "tool_use", "id": "call-1", "name": "Bash", "input": {"command": "cargo test getUserToken"}}],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }),
    );
    let output = claude(
        "s1",
        3,
        "user",
        json!({
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "call-1", "content": "Exit code 101\nerror[E0308]: mismatched", "is_error": true}],
        }),
    );
    home.write(
        &place("s1"),
        [prompt("s1", 0, "Mend the basket"), answer("s1", 1, "I look at it"), tool, output].concat(),
    );
    let before = snapshot(&home.path());

    let session = &home.sessions()["s1"];
    assert_eq!(session["id"], "claude:s1");
    assert_eq!(session["title"], "Mend the basket");
    assert_eq!(session["project"], "shop");
    assert_eq!(
        session["counts"],
        json!({"prompts": 1, "answers": 1, "toolCalls": 1, "errors": 0, "subagents": 0})
    );
    assert_eq!(session["usage"]["inputTokens"], 11);
    assert_eq!(session["usage"]["cachedInputTokens"], 2);

    let shown = home.json(&["show", "s1"]);
    let tool = &shown["items"][2]["tool"];
    assert_eq!(tool["name"], "Bash");
    assert_eq!(tool["status"], "failed");
    assert_eq!(tool["exitCode"], 101);
    assert!(tool["output"].as_str().unwrap().contains("E0308"));

    for query in [
        "basket",
        "usertoken",
        "getUserToken",
        "token",
        "error[E0308]",
        "\"mismatched\"",
        "bask*",
        "tool:bash cargo",
    ] {
        let found = home.found(query);
        assert_eq!(found, ["claude:s1"], "{query}");
    }
    for query in ["\"basket the\"", "basket -mend", "source:codex basket", "kind:answer basket"] {
        assert!(home.found(query).is_empty(), "{query}");
    }
    let usage = home.json(&["usage", "--by", "model"]);
    assert_eq!(usage["lines"][0]["key"], "claude-opus-5-5");
    assert_eq!(usage["total"]["usage"]["outputTokens"], 6);
    assert!(usage["lines"][0]["costMicroUsd"].as_u64() > Some(0));
    assert_eq!(snapshot(&home.path()), before, "no byte and no time of an agent's file has changed");
}

#[test]
fn a_model_without_a_price_is_named_and_not_priced() {
    let home = Home::new();
    let unknown = answer("s1", 1, "Done").replace("claude-opus-5-5", "somebodys-model");
    home.write(&place("s1"), [prompt("s1", 0, "Mend the basket"), unknown].concat());
    let usage = home.json(&["usage", "--by", "model"]);
    for line in [&usage["lines"][0], &usage["total"]] {
        assert_eq!(line["costMicroUsd"], Value::Null, "{line}");
    }
    assert_eq!(usage["unpricedModels"], json!(["somebodys-model"]));
    let output = home.run(&["usage", "--by", "model"]);
    let (told, noted) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(told.lines().skip(1).all(|line| line.trim_end().ends_with(" -")), "{told}");
    assert!(noted.contains("Without a price, so not in the cost: somebodys-model."), "{noted}");
}

#[test]
fn an_appended_line_is_read_and_what_was_read_stays() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "First words"));
    assert_eq!(home.found("second"), [] as [&str; 0]);
    let appended = prompt("s1", 1, "Second words");
    let (half, rest) = appended.split_at(appended.len() / 2);
    home.append(&place("s1"), half);
    assert_eq!(home.sessions()["s1"]["counts"]["prompts"], 1, "half a line is nothing yet");
    home.append(&place("s1"), rest);
    assert_eq!(home.sessions()["s1"]["counts"]["prompts"], 2);
    assert_eq!(home.found("second"), ["claude:s1"]);
    assert_eq!(home.found("first"), ["claude:s1"]);
}

#[test]
fn the_same_id_under_two_agents_is_two_sessions() {
    let home = Home::new();
    let id = "01a1fad5-a2e9-7193-9d1a-b8b6b9123f03";
    home.write(&place(id), prompt(id, 0, "Hello from one"));
    let lines = [
        json!({"timestamp": "2026-11-20T10:00:00.000Z", "type": "session_meta", "payload": {"id": id, "cwd": "/projects/shop", "cli_version": "0.80.0"}}),
        json!({"timestamp": "2026-11-20T10:00:01.000Z", "type": "event_msg", "payload": {"type": "user_message", "message": "Hello from two"}}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    home.write(&format!(".codex/sessions/2026/11/20/rollout-2026-11-20T10-00-00-{id}.jsonl"), lines);
    assert_eq!(home.found("hello"), [format!("claude:{id}"), format!("codex:{id}")]);
    assert_eq!(home.run(&["show", id]).status.code(), Some(2), "the id alone names two");
    assert_eq!(home.run(&["show", &format!("codex:{}", &id[..8])]).status.code(), Some(0));
}

#[test]
fn a_removed_file_leaves_its_prompts_and_answers() {
    let home = Home::new();
    let path = home
        .write(&place("s1"), [prompt("s1", 0, "Keep these words"), answer("s1", 1, "I keep them")].concat());
    home.sessions();
    std::fs::remove_file(path).unwrap();
    assert_eq!(home.sessions()["s1"]["missing"], true);
    assert_eq!(home.found("keep these"), ["claude:s1"]);
    let shown = home.json(&["show", "s1"]);
    assert_eq!(shown["items"][1]["text"], "I keep them");
}

#[test]
fn a_fork_counts_only_its_own() {
    let home = Home::new();
    let shared = [prompt("s1", 0, "Shared words"), answer("s1", 1, "Shared answer")].concat();
    home.write(&place("s1"), format!("{shared}{}", prompt("s1", 2, "Origin goes on")));
    // A fork repeats the records with the same uuids; its own come later.
    let own = prompt("s1", 5, "Another way").replace("s1-5", "fork-5");
    home.write(&place("s2"), format!("{shared}{own}"));
    let sessions = home.sessions();
    assert_eq!(sessions["s2"]["forkedFromId"], "claude:s1");
    assert_eq!(sessions["s2"]["counts"]["prompts"], 1);
    assert_eq!(sessions["s2"]["inherited"], json!({"prompts": 1, "answers": 1, "toolCalls": 0}));
    assert_eq!(sessions["s1"]["usage"]["outputTokens"], 5);
    assert_eq!(sessions["s2"]["usage"]["outputTokens"], 0, "a copied request is counted once");
}

#[test]
fn a_fork_of_a_compacted_session_begins_with_the_compaction_and_knows_its_origin() {
    let home = Home::new();
    let before = [prompt("s1", 0, "The beginning"), answer("s1", 1, "Summed up later")].concat();
    let boundary = json!({
        "type": "system", "subtype": "compact_boundary", "uuid": "s1-2", "parentUuid": null,
        "logicalParentUuid": "s1-1", "timestamp": "2026-11-20T10:00:02.000Z", "content": "Conversation compacted",
        "compactMetadata": {"trigger": "manual", "preTokens": 9000}, "cwd": "/projects/shop", "sessionId": "s1",
    });
    let after = [format!("{boundary}\n"), prompt("s1", 3, "Going on"), answer("s1", 4, "Gladly")].concat();
    home.write(&place("s1"), format!("{before}{after}"));
    let own = prompt("s1", 9, "Another way").replace("s1-9", "fork-9");
    home.write(&place("s2"), format!("{after}{own}").replace("\"sessionId\":\"s1\"", "\"sessionId\":\"s2\""));
    let sessions = home.sessions();
    assert_eq!(sessions["s2"]["forkedFromId"], "claude:s1");
    assert_eq!(sessions["s1"]["forkedFromId"], Value::Null);
    assert_eq!(sessions["s2"]["counts"]["prompts"], 1);
    assert_eq!(sessions["s2"]["inherited"], json!({"prompts": 1, "answers": 1, "toolCalls": 0}));
    assert_eq!(sessions["s2"]["usage"]["outputTokens"], 0, "a copied request is counted once");
}

#[test]
fn a_minus_before_a_word_excludes_it_quoted_or_not() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, "apples and pears"));
    home.write(&place("s2"), prompt("s2", 0, "apples and plums"));
    for words in
        [&["search", "apples", "-plums"][..], &["search", "apples -plums"], &["search", "-plums", "apples"]]
    {
        let hits = home.json(words);
        assert_eq!(hits["total"], 1, "{words:?}");
        assert_eq!(hits["hits"][0]["session"]["id"], "claude:s1", "{words:?}");
    }
    let output = home.run(&["search", "apples", "--plums"]);
    assert_eq!(output.status.code(), Some(2), "an option that is none stays an error");
}

#[test]
fn what_is_misspelt_is_found_and_says_for_which_word() {
    let home = Home::new();
    home.write(&place("s1"), prompt("s1", 0, &format!("{} The height of a tide", "It goes on. ".repeat(40))));
    let told = home.json(&["search", "heigth"]);
    assert_eq!(told["notes"], json!(["Nothing matches as typed; these are spelt alike: height."]));
    let hit = &told["hits"][0];
    let place = &hit["highlights"][0];
    let (from, to) = (place[0].as_u64().unwrap() as usize, place[1].as_u64().unwrap() as usize);
    assert_eq!(&hit["snippet"].as_str().unwrap()[from..to], "height");
}

#[test]
fn a_side_conversation_that_a_fork_repeats_is_its_origins() {
    let home = Home::new();
    let aside = |n: u32, kind: &str, session: &str| {
        let message =
            json!({"role": kind, "id": "msg-aside", "content": [{"type": "text", "text": "aside"}]});
        let line = claude("aside", n, kind, message).replace("\"isSidechain\":false", "\"isSidechain\":true");
        line.replace("\"sessionId\":\"aside\"", &format!("\"sessionId\":\"{session}\""))
    };
    let shared = |session: &str| {
        let renamed =
            |line: String| line.replace("\"sessionId\":\"s1\"", &format!("\"sessionId\":\"{session}\""));
        let (first, last) = (renamed(prompt("s1", 0, "first")), renamed(answer("s1", 2, "shared")));
        [first, aside(0, "user", session), aside(1, "assistant", session), last].concat()
    };
    let origin = [shared("s1"), prompt("s1", 30, "the origin goes on")].concat();
    let fork = [shared("s2"), prompt("s2", 40, "the fork goes on"), answer("s2", 41, "at length")].concat();
    // Whichever is the larger or the first to be read.
    for more in [0, 20] {
        home.write(
            &place("s1"),
            origin.clone() + &(0..more).map(|n| answer("s1", 31 + n, "more")).collect::<String>(),
        );
        home.write(&place("s2"), &fork);
        let sessions = home.sessions();
        let counts = |id: &str| sessions[id]["counts"]["subagents"].clone();
        assert_eq!((counts("s1"), counts("s2")), (json!(1), json!(0)), "{more} more");
        assert_eq!(sessions["s2"]["forkedFromId"], "claude:s1");
        assert_eq!(sessions["aside-0"]["parentId"], "claude:s1");
    }
}

#[test]
fn a_long_document_is_read_whole_though_its_id_stands_last() {
    let home = Home::new();
    let message = |n: u32| {
        let (kind, id) = (if n.is_multiple_of(2) { "user" } else { "gemini" }, format!("m{n}"));
        json!({"id": id, "timestamp": "2026-11-20T10:00:00.000Z", "type": kind, "content": format!("words {n}")})
    };
    let messages: Vec<_> = (0..9000).map(message).collect();
    let document = format!(
        "{{\"messages\":{},\"startTime\":\"2026-11-20T10:00:00.000Z\",\"sessionId\":\"0a0a0a0a-0000-4000-8000-000000000001\"}}",
        json!(messages)
    );
    home.write(".gemini/tmp/shop/chats/session-2026-11-20T10-00-0a0a0a0a.json", document);
    let counts = &home.sessions()["0a0a0a0a-0000-4000-8000-000000000001"]["counts"];
    assert_eq!((&counts["prompts"], &counts["answers"]), (&json!(4500), &json!(4500)));
}

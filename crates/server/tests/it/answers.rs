//! What it answers.

use serde_json::{Value, json};

use crate::board::TestBoard;

fn ids(page: &Value) -> Vec<String> {
    page["sessions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn encoded(id: &str) -> String {
    id.replace(':', "%3A")
}

#[test]
fn a_list_in_pages_is_the_list() {
    let board = TestBoard::on_fixtures();
    let whole = board.get("/api/v1/sessions?all=true&limit=500").json();
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page =
            board.get(&format!("/api/v1/sessions?all=true&limit=7&cursor={}", encoded(&cursor))).json();
        assert_eq!(page["total"], whole["total"]);
        paged.extend(ids(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.replace('/', "%2F"),
            None => break,
        }
    }
    assert_eq!(paged, ids(&whole));
    for session in whole["sessions"].as_array().unwrap() {
        let id = format!(
            "{}:{}",
            session["source"].as_str().unwrap(),
            session["sourceSessionId"].as_str().unwrap()
        );
        assert_eq!(session["id"], id.as_str());
    }
}

#[test]
fn a_cursor_goes_on_in_its_own_order_alone() {
    let board = TestBoard::on_fixtures();
    let page = |query: &str| board.get(&format!("/api/v1/sessions?all=true&limit=3{query}"));
    for sort in ["updated", "started", "cost", "size"] {
        let first = page(&format!("&sort={sort}")).json();
        let cursor = encoded(first["nextCursor"].as_str().unwrap()).replace('/', "%2F");
        let second = page(&format!("&sort={sort}&cursor={cursor}")).json();
        assert!(ids(&second).iter().all(|id| !ids(&first).contains(id)), "{sort}");
        let other = if sort == "cost" { "size" } else { "cost" };
        let refused = page(&format!("&sort={other}&cursor={cursor}"));
        assert_eq!(refused.status, 400, "{sort}");
        let words = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(words.contains("is a cursor of another order. Read the list from its beginning."), "{words}");
    }
}

#[test]
fn filters_select() {
    let board = TestBoard::on_fixtures();
    let of = |query: &str| ids(&board.get(&format!("/api/v1/sessions?limit=500&{query}")).json());
    let (claude, codex) = (of("source=claude"), of("source=codex"));
    assert!(!claude.is_empty() && claude.iter().all(|id| id.starts_with("claude:")));
    let mut both = of("source=claude&source=codex");
    let mut joined = [claude, codex].concat();
    both.sort();
    joined.sort();
    assert_eq!(both, joined);
    let first = &joined[0];
    assert_eq!(of(&format!("q={}", encoded(first))), std::slice::from_ref(first), "the id names it");
    assert_eq!(of("q=nothing-is-called-so"), [] as [&str; 0]);
    let projects = board.get("/api/v1/projects?per=2").json();
    let sum: u64 =
        projects["projects"].as_array().unwrap().iter().map(|one| one["total"].as_u64().unwrap()).sum();
    assert_eq!(sum, board.get("/api/v1/sessions").json()["total"].as_u64().unwrap());
}

#[test]
fn a_transcript_in_pages_is_the_transcript_both_ways_and_over_forks() {
    let board = TestBoard::on_fixtures();
    let sessions = board.get("/api/v1/sessions?all=true&limit=500").json();
    let mut forks_seen = 0;
    for session in sessions["sessions"].as_array().unwrap() {
        let id = encoded(session["id"].as_str().unwrap());
        let keys = |page: &Value| -> Vec<String> {
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["key"].as_str().unwrap().to_owned())
                .collect()
        };
        let pages = |first: &str, word: &str, cursor: &str| {
            let mut page = board.get(&format!("/api/v1/sessions/{id}/items?limit=5&{first}")).json();
            let mut all = vec![keys(&page)];
            while let Some(next) = page[cursor].as_str() {
                page = board.get(&format!("/api/v1/sessions/{id}/items?limit=5&{word}={next}")).json();
                all.push(keys(&page));
            }
            all
        };
        let down = pages("at=start", "after", "nextCursor").concat();
        let mut up = pages("at=end", "before", "previousCursor");
        up.reverse();
        assert_eq!(up.concat(), down, "{id}");
        forks_seen += usize::from(down.iter().any(|key| key.contains('.')));
        if let Some(middle) = down.get(down.len() / 2) {
            let around = board.get(&format!("/api/v1/sessions/{id}/items?limit=5&around={middle}")).json();
            assert!(keys(&around).contains(middle));
            let one = board.get(&format!("/api/v1/sessions/{id}/items/{middle}")).json();
            assert_eq!(one["key"], middle.as_str());
            assert_eq!(board.get(&format!("/api/v1/sessions/{id}/items/{middle}/raw")).status, 200);
        }
        let outline = board.get(&format!("/api/v1/sessions/{id}/outline")).json();
        for mark in outline["marks"].as_array().unwrap() {
            let words = mark["text"].as_str().unwrap();
            assert!(mark["kind"] != "failed_tool" || words.contains(' '), "{id}: {mark}");
            assert!(down.contains(&mark["key"].as_str().unwrap().to_owned()), "{id}: {mark}");
        }
    }
    assert!(forks_seen > 1, "the fixtures hold forks that share by reference");
}

#[test]
fn a_call_leads_to_the_child_that_it_started() {
    let board = TestBoard::on_fixtures();
    let sessions = board.get("/api/v1/sessions?all=true&limit=500").json();
    let mut linked = std::collections::BTreeSet::new();
    for session in sessions["sessions"].as_array().unwrap() {
        if session["counts"]["subagents"] == 0 {
            continue;
        }
        let id = encoded(session["id"].as_str().unwrap());
        let children = ids(&board.get(&format!("/api/v1/sessions/{id}/children")).json());
        let page = board.get(&format!("/api/v1/sessions/{id}/items?at=start&limit=200")).json();
        for item in page["items"].as_array().unwrap() {
            if let Some(child) = item["childId"].as_str() {
                assert!(children.contains(&child.to_owned()));
                linked.insert(session["source"].as_str().unwrap().to_owned());
            }
        }
    }
    // Codex does not record which call started which thread.
    assert_eq!(linked.into_iter().collect::<Vec<_>>(), ["claude", "gemini", "opencode", "qwen"]);
}

#[test]
fn pictures_are_what_their_bytes_say() {
    let board = TestBoard::on_fixtures();
    let sessions = board.get("/api/v1/sessions?all=true&limit=500").json();
    let mut seen = 0;
    for session in sessions["sessions"].as_array().unwrap() {
        let id = encoded(session["id"].as_str().unwrap());
        let page = board.get(&format!("/api/v1/sessions/{id}/items?limit=200")).json();
        for item in page["items"].as_array().unwrap() {
            for n in 0..item["images"].as_u64().unwrap_or(0) {
                let address =
                    format!("/api/v1/sessions/{id}/items/{}/images/{n}", item["key"].as_str().unwrap());
                let image = board.get(&address);
                assert_eq!(image.header("content-type"), Some("image/png"));
                assert!(image.body.starts_with(b"\x89PNG"));
                assert!(image.header("content-security-policy").unwrap().contains("sandbox"));
                seen += 1;
            }
            for text in [&item["text"], &item["tool"]["output"]] {
                assert!(!text.as_str().unwrap_or_default().contains("[image]"), "{item}");
            }
        }
    }
    assert!(seen > 0, "the fixtures hold a picture");
}

#[test]
fn a_search_says_what_it_means_and_how_it_spreads() {
    let board = TestBoard::on_fixtures();
    let answer = board.get("/api/v1/search?q=zebra%20-nothing&limit=5").json();
    assert_eq!(answer["meaning"][0]["type"], "word");
    assert_eq!(answer["meaning"][1]["type"], "not");
    let counted: u64 = answer["facets"]["source"]
        .as_array()
        .unwrap()
        .iter()
        .map(|facet| facet["count"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, answer["total"].as_u64().unwrap());
    let hit = &answer["hits"][0];
    let snippet: Vec<u16> = hit["snippet"].as_str().unwrap().encode_utf16().collect();
    let [from, to] = [0, 1].map(|n| hit["highlights"][0][n].as_u64().unwrap() as usize);
    assert_eq!(String::from_utf16_lossy(&snippet[from..to]).to_lowercase(), "zebra");
    let id = hit["session"]["id"].as_str().unwrap();
    let within = board.get(&format!("/api/v1/search?q=zebra&session={}&order=place", encoded(id))).json();
    let places: Vec<u64> =
        within["hits"].as_array().unwrap().iter().map(|hit| hit["seq"].as_u64().unwrap()).collect();
    assert!(!places.is_empty() && places.is_sorted());
}

#[test]
fn finding_within_a_session_finds_what_it_inherits_at_its_place() {
    let board = TestBoard::on_fixtures();
    let sessions = board.get("/api/v1/sessions?all=true&source=codex&limit=500").json();
    let mut inherited = 0;
    for session in sessions["sessions"].as_array().unwrap() {
        let id = session["id"].as_str().unwrap();
        let page = board.get(&format!("/api/v1/sessions/{}/items?at=start&limit=200", encoded(id))).json();
        let of = |value: &Value| value["key"].as_str().unwrap().to_owned();
        let prompts: Vec<(String, String)> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["kind"] == "prompt")
            .map(|item| (of(item), item["text"].as_str().unwrap().to_owned()))
            .collect();
        let Some(word) = prompts
            .iter()
            .find(|(key, _)| key.contains('.'))
            .and_then(|(_, text)| text.split(|c: char| !c.is_ascii_alphabetic()).find(|word| word.len() > 3))
        else {
            continue;
        };
        let query = format!("q={word}%20kind:prompt&session={}&order=place", encoded(id));
        let found = board.get(&format!("/api/v1/search?{query}")).json();
        let found: Vec<String> = found["hits"].as_array().unwrap().iter().map(of).collect();
        let stands = |text: &str| {
            let text = text.to_lowercase();
            text.split(|c: char| !c.is_ascii_alphanumeric()).any(|other| other == word.to_lowercase())
        };
        let expected: Vec<&String> =
            prompts.iter().filter(|(_, text)| stands(text)).map(|(key, _)| key).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{id}: {word}");
        inherited += found.iter().filter(|key| key.contains('.')).count();
    }
    assert!(inherited > 1, "the fixtures hold forks that share by reference");
}

#[test]
fn usage_cut_in_two_sums_up_to_the_same() {
    let board = TestBoard::on_fixtures();
    let whole = board.get("/api/v1/usage?by=source").json();
    for and in ["day", "model", "project", "session"] {
        let cut = board.get(&format!("/api/v1/usage?by=source&and={and}")).json();
        assert_eq!(cut["total"], whole["total"], "{and}");
        let sum: u64 =
            cut["lines"].as_array().unwrap().iter().map(|line| line["requests"].as_u64().unwrap()).sum();
        assert_eq!(sum, whole["total"]["requests"].as_u64().unwrap(), "{and}");
    }
    let csv = board.get("/api/v1/usage.csv?by=day&and=model");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(String::from_utf8(csv.body).unwrap().lines().count() > 1);
}

/// A session of Claude's with an answer of each of these models; without a model's tokens, it used none.
fn answered(session: &str, answers: &[(&str, u64)]) -> String {
    let record = |n: usize, kind: &str, message: Value| {
        let at = format!("2026-11-21T04:15:{n:02}.000Z");
        let uuid = format!("{session}-{n}");
        json!({"type": kind, "uuid": uuid, "sessionId": session, "timestamp": at, "cwd": "/p", "message": message})
            .to_string()
            + "\n"
    };
    let mut text = record(0, "user", json!({"role": "user", "content": "Mend it"}));
    for (n, (model, tokens)) in answers.iter().enumerate() {
        let usage = json!({"input_tokens": tokens, "output_tokens": tokens});
        let content = json!([{"type": "text", "text": "Done"}]);
        let message = json!({"id": format!("msg-{session}-{n}"), "role": "assistant", "model": model,
            "content": content, "usage": usage});
        text += &record(n + 1, "assistant", message);
    }
    text
}

#[test]
fn what_has_no_price_has_no_cost() {
    let board = TestBoard::on(|home| {
        let folder = home.join(".claude/projects/-p");
        std::fs::create_dir_all(&folder).unwrap();
        for (session, answers) in [
            ("priced", &[("claude-sonnet-4", 1_000)][..]),
            ("mixed", &[("claude-sonnet-4", 1_000), ("lab-model", 1_000)]),
            ("unpriced", &[("lab-model", 1_000), ("claude-sonnet-4", 0)]),
            ("unused", &[("lab-model", 0)]),
        ] {
            std::fs::write(folder.join(format!("{session}.jsonl")), answered(session, answers)).unwrap();
        }
    });
    board.wait_until_idle();
    let report = board.get("/api/v1/usage?by=session").json();
    let costs: Vec<(&str, &Value)> = report["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["key"].as_str().unwrap(), &line["costMicroUsd"]))
        .collect();
    let (none, some) = (Value::Null, json!(18_000));
    for line in [
        ("claude:priced", &some),
        ("claude:mixed", &some),
        ("claude:unpriced", &none),
        ("claude:unused", &json!(0)),
    ] {
        assert!(costs.contains(&line), "{line:?} is not of {costs:?}");
    }
    assert_eq!(report["total"]["costMicroUsd"], 36_000);
    assert_eq!(report["unpricedModels"], json!(["lab-model"]));
    let csv = String::from_utf8(board.get("/api/v1/usage.csv?by=model").body).unwrap();
    for line in
        ["\"claude-sonnet-4\",\"\",3,2000,0,0,2000,0,0.036000", "\"lab-model\",\"\",3,2000,0,0,2000,0,"]
    {
        assert!(csv.lines().any(|found| found == line), "{line} is not in {csv}");
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let board = TestBoard::on_fixtures();
    let first = board.get("/api/v1/sessions");
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(board.ask("GET", "/api/v1/sessions", &[("if-none-match", &tag)]).status, 304);
    let id = encoded(&ids(&first.json())[0]);
    for (path, is_tagged) in [
        ("/api/v1/projects", true),
        ("/api/v1/search?q=zebra", true),
        ("/api/v1/usage", true),
        ("/api/v1/usage.csv", true),
        (&format!("/api/v1/sessions/{id}"), true),
        (&format!("/api/v1/sessions/{id}/items"), true),
        (&format!("/api/v1/sessions/{id}/outline"), true),
        (&format!("/api/v1/sessions/{id}/draft"), false),
        ("/api/v1/status", false),
        ("/api/v1/sources", false),
        ("/api/v1/live", false),
        ("/api/v1/devices", false),
    ] {
        let answer = board.get(path);
        assert_eq!((answer.status, answer.header("etag").is_some()), (200, is_tagged), "{path}");
        let kept = answer.header("cache-control");
        assert_eq!(kept, Some(if is_tagged { "private, no-cache" } else { "no-store" }), "{path}");
    }
    let packed = board.ask("GET", "/api/v1/sessions", &[("accept-encoding", "gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < first.body.len() / 3);
}

#[test]
fn what_makes_no_sense_gets_a_clear_answer() {
    let board = TestBoard::on_fixtures();
    let long = "x".repeat(9_000);
    for (path, status) in [
        ("/api/v1/sessions/claude:no-such", 404),
        ("/api/v1/sessions/vim:x", 404),
        ("/api/v1/sessions/no-colon", 404),
        ("/api/v1/sessions/claude:..%2F..%2Fetc%2Fpasswd", 404),
        ("/api/v1/sessions/%FF", 400),
        ("/api/v1/sessions?limit=-1", 400),
        ("/api/v1/sessions?cursor=from-an-older-catalogue", 400),
        ("/api/v1/sessions?since=sometime", 400),
        ("/api/v1/sessions?source=vim", 400),
        ("/api/v1/search", 400),
        ("/api/v1/search?q=kind:nonsense", 400),
        ("/api/v1/usage?by=moon", 400),
        ("/api/v1/events?after=zz", 400),
        ("/api/v1/nothing", 404),
        ("/assets/none.js", 404),
        (&format!("/api/v1/search?q={long}"), 414),
        (&format!("/api/v1/search?q={}", &long[..4_000]), 400),
    ] {
        let answer = board.get(path);
        assert_eq!(answer.status, status, "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{path}");
        assert!(problem["title"].is_string() && problem["type"].is_string(), "{path}");
    }
    let readonly = board.ask_as_owner("POST", "/api/v1/sessions");
    assert_eq!(readonly.status, 405);
    assert_eq!(
        board.ask("POST", "/api/v1/sessions", &[]).status,
        403,
        "a device only does what was thought of"
    );
    assert_eq!(board.ask("PUT", "/", &[]).status, 405);
}

#[test]
fn what_makes_no_sense_is_named_in_the_askers_own_words() {
    let board = TestBoard::on_fixtures();
    let first = board.get("/api/v1/sessions?limit=1").json();
    let id = ids(&first).remove(0);
    let (of, long) = (format!("/api/v1/sessions/{}", encoded(&id)), "x".repeat(4_000));
    for (path, words) in [
        (
            "/api/v1/sessions?limit=abc",
            "The parameter `limit` is not understood: invalid digit found in string.",
        ),
        (
            "/api/v1/sessions?sort=foo",
            "The parameter `sort` is not understood: unknown variant `foo`, expected one of \
            `updated`, `started`, `cost`, `size`.",
        ),
        (
            "/api/v1/sessions?source=claude&source=vim",
            "The parameter `source` is not understood: \"vim\" is not a known source.",
        ),
        (
            "/api/v1/sessions?since=blah",
            "The parameter `since` is not understood: it takes 2026-11-20, a time, or 7d, \
            12h, 30m, not `blah`.",
        ),
        (
            "/api/v1/search?q=kind:bogus",
            "`kind:bogus` is not understood; it takes prompt, answer, reasoning, tool, \
            file_change, compaction, context, notice or error.",
        ),
        (
            &format!("/api/v1/search?q={long}"),
            "The query is longer than allowed: 4000 bytes, and 2000 at most.",
        ),
        (&format!("{of}/items/9999"), &format!("The session {id} has no item 9999.")),
        (&format!("{of}/items/9999/raw"), &format!("The session {id} has no item 9999.")),
        (&format!("{of}/items/0/images/99"), &format!("The session {id} has no picture 99 in item 0.")),
        ("/api/v1/sessions/claude:none/items/0/raw", "No session is called claude:none."),
    ] {
        assert_eq!(board.get(path).json()["detail"], words, "{path}");
    }
}

#[test]
fn an_empty_home_is_an_answer() {
    let board = TestBoard::on(|_| ());
    board.wait_until_idle();
    assert_eq!(board.get("/api/v1/sessions").json()["total"], 0);
    let sources = board.get("/api/v1/sources").json();
    assert!(sources["places"].as_array().unwrap().iter().all(|place| place["exists"] == false));
    assert_eq!(board.get("/api/v1/doctor").status, 200);
}

#[test]
fn no_odd_value_of_any_parameter_fails_inside() {
    let board = TestBoard::on_fixtures();
    let first = board.get("/api/v1/sessions?limit=1").json();
    let id = encoded(first["sessions"][0]["id"].as_str().unwrap());
    let odd = [
        "",
        "%00",
        "-1",
        "1e999",
        "18446744073709551616",
        "%F0%9F%A6%80",
        "%FF",
        "..%2F..",
        "'%3B--",
        "%25",
        "null",
    ];
    let document = serde_json::to_value(marline_server::document()).unwrap();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get").filter(|_| !path.contains("events")) else { continue };
        let named = path.replace("{id}", &id).replace("{key}", "0").replace("{number}", "0");
        for value in odd {
            let mut addresses: Vec<String> = ["{id}", "{key}", "{number}"]
                .iter()
                .filter(|name| path.contains(**name))
                .map(|name| {
                    let path = path.replace(name, value);
                    path.replace("{id}", &id).replace("{key}", "0").replace("{number}", "0")
                })
                .collect();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "query" {
                    addresses.push(format!("{named}?{}={value}", parameter["name"].as_str().unwrap()));
                }
            }
            for address in addresses {
                let status = board.get(&address).status;
                assert!(status < 500, "{address}: {status}");
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "{asked} addresses were asked");
}

#[test]
fn a_patch_has_the_line_numbers_that_a_record_of_its_outcome_tells() {
    let id = "01a1fc50-0000-7000-8000-000000000001";
    let patch = "*** Begin Patch\n*** Update File: /p/a.rs\n@@\n one\n-two\n+2\n*** End Patch\n";
    let record = |kind: &str, payload: Value| {
        json!({"timestamp": "2026-11-21T04:15:04.000Z", "type": kind, "payload": payload}).to_string() + "\n"
    };
    let changes =
        json!({"/p/a.rs": {"type": "update", "unified_diff": "@@ -30,2 +30,2 @@\n one\n-two\n+2\n"}});
    let other = json!({"/p/a.rs": {"type": "update", "unified_diff": "@@ -7,2 +7,2 @@\n one\n-two\n+2\n"}});
    let text = [
        record(
            "session_meta",
            json!({"id": id, "timestamp": "2026-11-21T04:15:04.000Z", "cwd": "/p", "cli_version": "0.118.0"}),
        ),
        record(
            "response_item",
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Mend it"}]}),
        ),
        record("event_msg", json!({"type": "user_message", "message": "Mend it"})),
        record(
            "response_item",
            json!({"type": "custom_tool_call", "call_id": "call_1", "name": "apply_patch", "input": patch}),
        ),
        record(
            "event_msg",
            json!({"type": "patch_apply_end", "call_id": "call_2", "success": true, "changes": other}),
        ),
        record(
            "event_msg",
            json!({"type": "patch_apply_end", "call_id": "call_1", "success": true, "changes": changes}),
        ),
        record(
            "response_item",
            json!({"type": "custom_tool_call_output", "call_id": "call_1", "output": "Success."}),
        ),
    ];
    let board = TestBoard::on(|home| {
        let folder = home.join(".codex/sessions/2026/11/21");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("rollout-2026-11-21T04-15-04-{id}.jsonl")), text.concat())
            .unwrap();
    });
    board.wait_until_idle();
    let page = board.get(&format!("/api/v1/sessions/codex:{id}/items?at=end")).json();
    let items = page["items"].as_array().unwrap();
    let edit = items.iter().find(|item| item["kind"] == "tool").unwrap_or_else(|| panic!("{page:#}"));
    let hunk = &edit["tool"]["action"]["files"][0]["hunks"][0];
    assert_eq!((&hunk["oldStart"], &hunk["newStart"]), (&json!(30), &json!(30)), "{edit:#}");
}

//! Reviews over the API. The agents themselves are not here: there is no program of theirs on the path of these boards.

use serde_json::{Value, json};

use crate::board::{TestBoard, wait_until};

fn post(board: &TestBoard, path: &str, body: &Value) -> Value {
    let answer = board.post(path, body);
    assert_eq!(answer.status, 200, "{path}: {}", answer.json());
    answer.json()
}

fn refused(board: &TestBoard, path: &str, body: &Value, status: u16, words: &str) {
    let answer = board.post(path, body);
    assert_eq!(answer.status, status, "{path}: {}", answer.json());
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains(words), "{path}: {detail}");
}

/// A session that has an answer, and its id.
fn reviewable(board: &TestBoard) -> String {
    let list = board.get("/api/v1/sessions?limit=100").json();
    let all = list["sessions"].as_array().unwrap();
    let has_words =
        |session: &&Value| session["counts"]["answers"].as_u64() > Some(0) && session["cwd"].is_string();
    all.iter().find(has_words).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_review_is_previewed_begun_once_and_says_why_it_failed() {
    let board = TestBoard::on_fixtures();
    board.wait_until_idle();
    let session = reviewable(&board);
    let shown = json!({"session": session, "anchor": {"what": "last"}});
    let preview = post(&board, "/api/v1/reviews/preview", &shown);
    assert_eq!(preview["anchor"]["what"], "item", "it is said which answer is the last: {preview}");
    let prompt = preview["prompt"].as_str().unwrap();
    for part in preview["parts"].as_array().unwrap() {
        assert!(prompt.contains(part["text"].as_str().unwrap().trim_end()));
    }
    assert!(board.get("/api/v1/reviews").json()["reviews"].as_array().unwrap().is_empty());

    let begin = json!({"key": "begin-key", "session": session, "anchor": preview["anchor"],
        "reviewers": [{"agent": "codex"}, {"agent": "claude", "model": "opus"}]});
    let mut events = board.events(None);
    let begun = post(&board, "/api/v1/reviews", &begin);
    events.next_of("work");
    let again = post(&board, "/api/v1/reviews", &begin);
    let ids = |answer: &Value| -> Vec<String> {
        let all = answer["reviews"].as_array().unwrap().iter();
        all.map(|review| review["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids(&begun).len(), ids(&begun)), (2, ids(&again)));
    let of = format!("/api/v1/reviews?session={session}");
    assert_eq!(ids(&board.get(&of).json()), ids(&begun));
    assert!(
        board.get("/api/v1/reviews?session=claude:other").json()["reviews"].as_array().unwrap().is_empty()
    );
    let one = format!("/api/v1/reviews/{}", ids(&begun)[0]);
    // Nobody is there to review, or nowhere to do it; a failure is a state with its reason, and no round.
    wait_until("the failure", || board.get(&one).json()["state"] == "failed");
    let failed = board.get(&one).json();
    assert!(!failed["rounds"][0]["why"].as_str().unwrap().is_empty(), "{failed}");
    assert_eq!((&failed["roundsLeft"], &failed["rounds"][0]["prompt"]), (&json!(3), &preview["prompt"]));
    // It is in no list of groups and queues.
    assert!(board.get("/api/v1/groups").json()["groups"].as_array().unwrap().is_empty());
    assert!(board.get("/api/v1/queues").json()["queues"].as_array().unwrap().is_empty());
    assert!(board.get("/api/v1/approvals").json()["open"].as_array().unwrap().is_empty());

    let ask = |key: &str| json!({"key": key, "text": "And now?"});
    let asked = post(&board, &format!("{one}/ask"), &ask("ask-key-1"));
    assert_eq!(asked["rounds"].as_array().unwrap().len(), 2);
    wait_until("the second failure", || board.get(&one).json()["state"] == "failed");
    let asked = post(&board, &format!("{one}/ask"), &ask("ask-key-1"));
    assert_eq!(asked["rounds"].as_array().unwrap().len(), 2, "under one key it is asked once");

    // Nobody has the session open.
    let back = json!({"key": "send-key-1", "prompt": "Put it right"});
    refused(&board, &format!("{one}/send-back"), &back, 409, "no agent has the session open");
    let dry = json!({"key": "send-key-2", "prompt": "Put it right", "dryRun": true});
    assert_eq!(post(&board, &format!("{one}/send-back"), &dry)["prompt"], "Put it right");
    assert!(board.get(&one).json()["sentBack"].as_array().unwrap().is_empty());
    let headless = json!({"key": "send-key-3", "prompt": "Put it right", "headless": true});
    let sent = post(&board, &format!("{one}/send-back"), &headless);
    assert_eq!(sent["review"]["sentBack"][0]["outcome"]["outcome"], "running");
    wait_until("the refusal", || board.get(&one).json()["sentBack"][0]["outcome"]["outcome"] == "refused");

    assert_eq!(post(&board, &format!("{one}/end"), &json!({}))["state"], "ended");
    refused(&board, &format!("{one}/ask"), &ask("ask-key-2"), 409, "ended");
    // After another start all of it is there.
    let board = TestBoard::start(board.end(), Vec::new());
    assert_eq!(ids(&board.get(&of).json()), ids(&begun));
    assert_eq!(board.get(&one).json()["state"], "ended");
}

#[test]
fn what_makes_no_sense_begins_nothing() {
    let board = TestBoard::on_fixtures();
    board.wait_until_idle();
    let session = reviewable(&board);
    let with = |more: Value| {
        let mut body = json!({"key": "begin-key", "session": session, "anchor": {"what": "last"},
            "reviewers": [{"agent": "codex"}]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let path = "/api/v1/reviews";
    refused(&board, path, &with(json!({"key": "short"})), 400, "8 to 100");
    refused(&board, path, &with(json!({"reviewers": []})), 400, "reviewers");
    refused(&board, path, &with(json!({"maxRounds": 0})), 400, "rounds");
    refused(&board, path, &with(json!({"anchor": {"what": "item", "key": "x"}})), 404, "item x");
    refused(&board, path, &with(json!({"anchor": {"what": "item", "key": "99999"}})), 404, "99999");
    refused(&board, path, &with(json!({"session": "claude:nobody"})), 404, "nobody");
    refused(&board, path, &with(json!({"anchor": {"what": "project"}})), 400, "changes");
    refused(&board, path, &with(json!({"cwd": "/etc"})), 400, "cwd");
    assert!(board.get(path).json()["reviews"].as_array().unwrap().is_empty());
    refused(&board, "/api/v1/reviews/nothing/ask", &json!({"key": "ask-key-1", "text": "x"}), 404, "review");
    assert_eq!(board.get("/api/v1/reviews/nothing").status, 404);
}

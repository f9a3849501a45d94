//! Devices: what each may do, and how it comes and goes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use serde_json::{Value, json};

use crate::board::TestBoard;

/// Every operation of the document, with something in the place of what varies.
fn operations() -> Vec<(String, String)> {
    let document = serde_json::to_value(marline_server::document()).unwrap();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "claude:x" } else { part }).collect();
            all.push((method.to_uppercase(), path.join("/")));
        }
    }
    all
}

fn is_refused(board: &TestBoard, cookie: &str, method: &str, path: &str) -> bool {
    let answer = board.send_as(cookie, method, path, &Value::Null);
    answer.status == 403 && answer.json()["type"] == "not-allowed"
}

#[test]
fn who_may_look_changes_nothing_by_any_route() {
    let board = TestBoard::on(|_| ());
    let (viewer, _) = board.pair("view");
    // What a reviewer would be told is shown, and begins nothing.
    let own = ["/presence", "/push", "/reviews/preview"];
    for (method, path) in operations() {
        if path.ends_with("/events") || path.ends_with("/socket") {
            continue;
        }
        // What a device says of itself alone is no change of anything else.
        let is_open = method == "GET" || own.iter().any(|own| path.contains(own));
        assert_eq!(is_refused(&board, &viewer, &method, &path), !is_open, "{method} {path}");
    }
    assert!(is_refused(&board, &viewer, "POST", "/api/v1/not/thought/of"));
}

#[test]
fn who_may_reply_says_something_and_decides_nothing() {
    let board = TestBoard::on(|_| ());
    let (writer, _) = board.pair("reply");
    let send = |command: Value| board.send_as(&writer, "POST", "/api/v1/live/claude:x", &command);
    // Nobody has that session open: it was looked for, so it was allowed.
    assert_eq!(send(json!({"command": "send", "key": "12345678", "text": "x"})).status, 404);
    assert_eq!(send(json!({"command": "interrupt", "key": "12345678"})).status, 404);
    for command in [
        json!({"command": "approve", "key": "12345678", "question": "q"}),
        json!({"command": "deny", "key": "12345678", "question": "q"}),
        json!({"command": "stop", "key": "12345678"}),
    ] {
        let answer = send(command);
        assert_eq!((answer.status, answer.json()["type"].as_str()), (403, Some("not-allowed")));
    }
    assert!(is_refused(&board, &writer, "POST", "/api/v1/devices/links"));
    assert!(is_refused(&board, &writer, "POST", "/api/v1/approvals/1"));
    assert!(!is_refused(&board, &writer, "POST", "/api/v1/queues/x/prompts"));
}

#[test]
fn devices_are_listed_changed_and_taken_out() {
    let board = TestBoard::on(|_| ());
    let (cookie, id) = board.pair("view");
    let devices = board.get("/api/v1/devices").json();
    let device =
        devices["devices"].as_array().unwrap().iter().find(|device| device["id"] == id.as_str()).unwrap();
    assert_eq!((&device["name"], &device["scopes"]), (&json!("view"), &json!(["view"])));
    assert!(device["lastSeenAt"].is_string());

    let path = format!("/api/v1/devices/{id}");
    let changed = board.send("PATCH", &path, &json!({"name": "My phone", "scopes": ["reply", "view"]}));
    assert_eq!(changed.json()["scopes"], json!(["view", "reply"]));
    assert!(!is_refused(&board, &cookie, "POST", "/api/v1/queues/x/prompts"));
    assert_eq!(board.send("PATCH", &path, &json!({"scopes": ["root"]})).status, 400);
    assert_eq!(board.send("PATCH", &path, &json!({"name": "\u{7}"})).status, 400);
    assert_eq!(board.send("PATCH", "/api/v1/devices/none", &json!({})).status, 404);

    assert_eq!(board.ask("DELETE", &path, &[]).status, 204);
    let old = board.send_as(&cookie, "GET", "/api/v1/status", &Value::Null);
    assert_eq!((old.status, old.json()["type"].as_str()), (401, Some("no-access")), "an old token");
}

#[test]
fn what_a_device_has_open_is_closed_when_it_may_no_longer_look() {
    let board = TestBoard::on(|_| ());
    for is_revoked in [true, false] {
        let (cookie, id) = board.pair("approve");
        let mut stream = board.connect();
        let head = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\ncookie: {cookie}\r\n\r\n",
            board.port
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut socket = board.connect();
        let head = format!(
            "GET /api/v1/events/socket HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncookie: {cookie}\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            board.port
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains("200"), "{line}");
        let mut socket = BufReader::new(socket);
        line.clear();
        socket.read_line(&mut line).unwrap();
        assert!(line.contains("101"), "{line}");
        let path = format!("/api/v1/devices/{id}");
        if is_revoked {
            assert_eq!(board.ask("DELETE", &path, &[]).status, 204);
        } else {
            assert_eq!(board.send("PATCH", &path, &json!({"scopes": []})).status, 200);
        }
        // Both end; one that went on would run into the time that reading may take.
        lines.read_to_end(&mut Vec::new()).unwrap();
        socket.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a_link_leads_only_where_this_board_is() {
    let dir = tempfile::tempdir().unwrap();
    let board = TestBoard::start(dir, vec!["desk.example".to_owned()]);
    let link = |url: &str| board.post("/api/v1/devices/links", &json!({"url": url}));
    assert!(
        link("https://desk.example:7443/").json()["url"]
            .as_str()
            .unwrap()
            .starts_with("https://desk.example:7443/login")
    );
    for foreign in [
        "https://evil.example",
        "javascript:alert(1)",
        "https://desk.example/elsewhere",
        "https://a@desk.example",
    ] {
        assert_eq!(link(foreign).status, 400, "{foreign}");
    }
    assert_eq!(board.post("/api/v1/devices/links", &json!({"scope": "root"})).status, 400);
}

#[test]
fn drafts_are_the_same_on_every_device_and_none_is_lost_unseen() {
    let board = TestBoard::on(|_| ());
    let ((desk, _), (phone, _)) = (board.pair("reply"), board.pair("reply"));
    let path = "/api/v1/sessions/claude:0000aaaa-1111-4222-8333-444455556667/draft";
    let put = |cookie: &str, text: &str, revision: u64| {
        board.send_as(cookie, "PUT", path, &json!({"text": text, "revision": revision})).json()
    };
    let get = |cookie: &str| board.send_as(cookie, "GET", path, &Value::Null).json();
    assert_eq!((&get(&desk)["text"], &get(&desk)["revision"]), (&json!(""), &json!(0)));
    let first = put(&desk, "At the desk", 0);
    assert_eq!((&first["kept"], &get(&phone)["text"]), (&json!(true), &json!("At the desk")));
    let other = put(&phone, "On the phone", 0);
    assert_eq!((&other["kept"], &other["text"]), (&json!(false), &json!("At the desk")));
    let won = put(&phone, "On the phone", other["revision"].as_u64().unwrap());
    assert_eq!(won["kept"], true);
    // A request that is replayed changes nothing.
    assert_eq!(put(&phone, "On the phone", 1)["revision"], won["revision"]);
    assert_eq!(put(&desk, "At the desk", 0)["kept"], false);
    let (viewer, _) = board.pair("view");
    assert!(is_refused(&board, &viewer, "PUT", path));
    let long = board.send_as(&desk, "PUT", path, &json!({"text": "x".repeat(200_001), "revision": 0}));
    assert_eq!(long.status, 413);
}

#[test]
fn a_link_that_is_replayed_lets_nobody_in() {
    let board = TestBoard::on(|_| ());
    let link = board.ask("POST", "/api/v1/devices/links", &[]).json()["url"].as_str().unwrap().to_owned();
    board.enter(&link);
    let path = &link[link.find("/login").unwrap()..];
    assert_eq!(board.ask_plainly("GET", path, &[]).status, 403);
    let prefetch = board.ask_plainly("GET", path, &[("sec-purpose", "prefetch")]);
    assert_eq!(prefetch.status, 503, "a browser that looks ahead");
}

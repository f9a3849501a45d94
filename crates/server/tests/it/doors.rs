//! Who gets in.

use crate::board::TestBoard;

#[test]
fn nothing_of_a_session_is_told_without_access() {
    let board = TestBoard::on(|_| ());
    for path in [
        "/api/v1/status",
        "/api/v1/sessions",
        "/api/v1/search?q=x",
        "/api/v1/openapi.json",
        "/api/v1/events",
        "/api/nothing",
    ] {
        let answer = board.ask_plainly("GET", path, &[]);
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    let wrong = format!("marline-{}=0000", board.port);
    assert_eq!(board.ask_plainly("GET", "/api/v1/status", &[("cookie", &wrong)]).status, 401);
    assert_eq!(board.get("/api/v1/status").status, 200);
    assert_eq!(board.ask_plainly("GET", "/healthz", &[]).body, b"ok");
}

#[test]
fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let board = TestBoard::on(|_| ());
    let link = board.ask("POST", "/api/v1/devices/links", &[]).json();
    let path = link["url"].as_str().unwrap().split_once(&format!(":{}", board.port)).unwrap().1;
    let welcome = board.ask_plainly("GET", path, &[]);
    let cookie = welcome.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(board.ask_plainly("GET", path, &[]).status, 403, "a link works once");
    assert!(link["qrSvg"].as_str().unwrap().contains("<svg"));
}

#[test]
fn a_link_that_was_used_leads_who_has_access_to_the_board_and_tells_others_what_to_do() {
    let board = TestBoard::on(|_| ());
    let link = board.ask("POST", "/api/v1/devices/links", &[]).json()["url"].as_str().unwrap().to_owned();
    let path = &link[link.find("/login").unwrap()..];
    let cookie = board.enter(&link);
    let again = board.ask_plainly("GET", path, &[("cookie", &cookie)]);
    assert_eq!((again.status, again.header("location")), (303, Some("/")));
    assert_eq!(again.header("set-cookie"), None, "it is no other device");

    let wrong = format!("marline-{}=0000", board.port);
    for headers in [&[][..], &[("cookie", wrong.as_str())]] {
        let stranger = board.ask_plainly("GET", path, headers);
        assert_eq!(stranger.status, 403);
        assert_eq!(stranger.header("content-type"), Some("text/html; charset=utf-8"));
        let page = String::from_utf8(stranger.body).unwrap();
        for words in ["This link was used already", ">marline up</code>"] {
            assert!(page.contains(words), "{page}");
        }
        assert!(!page.contains("<script") && !page.contains("style="), "the policy allows none: {page}");
        let app = String::from_utf8(board.get("/").body).unwrap();
        assert_eq!(page.contains("rel=\"stylesheet\""), app.contains("rel=\"stylesheet\""), "{page}");
    }
}

#[test]
fn a_link_that_works_gives_more_to_who_has_access_already() {
    let board = TestBoard::on(|_| ());
    let (viewer, id) = board.pair("view");
    let link = board.post("/api/v1/devices/links", &serde_json::json!({"scope": "reply"})).json();
    let url = link["url"].as_str().unwrap();
    let welcome = board.ask_plainly("GET", &url[url.find("/login").unwrap()..], &[("cookie", &viewer)]);
    let cookie = welcome.header("set-cookie").unwrap().split(';').next().unwrap();
    let status = board.ask_plainly("GET", "/api/v1/status", &[("cookie", cookie)]).json();
    assert_eq!(status["scopes"], serde_json::json!(["view", "reply"]));
    assert_ne!(status["device"], id.as_str());
}

#[test]
fn other_sites_and_other_names_are_turned_away() {
    let board = TestBoard::on(|_| ());
    let own = format!("http://127.0.0.1:{}", board.port);
    let status = |headers: &[(&str, &str)]| board.ask("GET", "/api/v1/status", headers).status;
    assert_eq!(status(&[("host", "evil.example")]), 403, "a name that was made to point here");
    assert_eq!(status(&[("origin", "https://evil.example")]), 403);
    assert_eq!(status(&[("origin", "null")]), 403);
    assert_eq!(status(&[("origin", &own)]), 200);
    assert_eq!(status(&[("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(status(&[("sec-fetch-site", "same-site")]), 403, "another port of this machine");
    assert_eq!(status(&[("sec-fetch-site", "same-origin")]), 200);
    let post = board.ask("POST", "/api/v1/devices/links", &[("origin", "http://localhost:1")]);
    assert_eq!(post.status, 403);
    // A link on another site may lead to the app, which holds nothing by itself.
    assert_eq!(board.ask_plainly("GET", "/", &[("sec-fetch-site", "cross-site")]).status, 200);
    for socket in ["https://evil.example", "null"] {
        let headers = [("origin", socket), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
        assert_eq!(board.ask("GET", "/api/v1/events/socket", &headers).status, 403);
    }
}

#[test]
fn every_answer_forbids_what_is_not_ours() {
    let board = TestBoard::on(|_| ());
    for path in ["/", "/s/claude:x", "/api/v1/status", "/api/v1/nothing", "/login?token=x"] {
        let answer = board.get(path);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
}

#[test]
fn the_owners_socket_needs_no_cookie_and_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let board = TestBoard::on(|_| ());
    assert_eq!(board.ask_as_owner("GET", "/api/v1/status").status, 200);
    assert!(board.ask_as_owner("POST", "/api/v1/devices/links").json()["url"].is_string());
    let mode = std::fs::metadata(board.dir.path().join("board/sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn access_can_be_taken_away() {
    let board = TestBoard::on(|_| ());
    let devices = board.get("/api/v1/devices").json();
    let device = &devices["devices"][0];
    assert_eq!(device["current"], true);
    let path = format!("/api/v1/devices/{}", device["id"].as_str().unwrap());
    assert_eq!(board.ask("DELETE", &path, &[]).status, 204);
    assert_eq!(board.get("/api/v1/status").status, 401);
}

#[test]
fn access_lasts_over_a_restart() {
    let board = TestBoard::on(|_| ());
    let cookie = board.cookie().split_once('=').unwrap().1.to_owned();
    let again = TestBoard::start(board.end(), vec!["desk.example".to_owned()]);
    let cookie = format!("marline-{}={cookie}", again.port);
    assert_eq!(again.ask_plainly("GET", "/api/v1/status", &[("cookie", &cookie)]).status, 200);
    let named = [("cookie", cookie.as_str()), ("host", "desk.example")];
    assert_eq!(again.ask_plainly("GET", "/api/v1/status", &named).status, 200, "a name of ours");
}

#[test]
fn guessing_links_is_slowed_down() {
    let board = TestBoard::on(|_| ());
    let statuses: Vec<u16> =
        (0..12).map(|n| board.ask_plainly("GET", &format!("/login?token={n}"), &[]).status).collect();
    assert_eq!(statuses[0], 403);
    assert_eq!(statuses[11], 429);
}

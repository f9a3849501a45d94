//! Acts over the API.

use serde_json::{Value, json};

use crate::board::{TestBoard, wait_until};

fn encoded(id: &str) -> String {
    id.replace(':', "%3A")
}

fn title(board: &TestBoard, id: &str) -> Value {
    board.get(&format!("/api/v1/sessions/{}", encoded(id))).json()["session"]["title"].clone()
}

#[test]
fn a_name_is_given_shown_and_taken_back() {
    let board = TestBoard::on_fixtures();
    let list = board.get("/api/v1/sessions?source=claude&limit=1").json();
    let id = list["sessions"][0]["id"].as_str().unwrap().to_owned();
    let before = title(&board, &id);
    let path = format!("/api/v1/sessions/{}/acts", encoded(&id));
    let dry = board.post(&path, &json!({"act": "rename", "name": "A light rope", "dryRun": true}));
    assert_eq!((dry.status, &dry.json()["number"]), (200, &Value::Null));
    assert_eq!(title(&board, &id), before, "a dry run does nothing");
    let done = board.post(&path, &json!({"act": "rename", "name": "A light rope"}));
    assert_eq!(done.status, 200, "{}", done.json());
    wait_until("the name is shown", || title(&board, &id) == "A light rope");
    let undone = board.post("/api/v1/acts/undo", &json!({"number": done.json()["number"]}));
    assert_eq!(undone.status, 200);
    wait_until("the name is taken back", || title(&board, &id) == before);
    let again = board.post("/api/v1/acts/undo", &json!({"number": done.json()["number"]}));
    assert_eq!(again.status, 400, "{}", again.json());
}

#[test]
fn a_fork_from_before_a_prompt_is_a_session() {
    let board = TestBoard::on_fixtures();
    let list = board.get("/api/v1/sessions?source=claude&limit=100").json();
    let long = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .max_by_key(|one| one["counts"]["prompts"].as_u64())
        .unwrap();
    let id = long["id"].as_str().unwrap();
    let outline = board.get(&format!("/api/v1/sessions/{}/outline", encoded(id))).json();
    let prompts: Vec<&Value> =
        outline["marks"].as_array().unwrap().iter().filter(|mark| mark["kind"] == "prompt").collect();
    let path = format!("/api/v1/sessions/{}/acts", encoded(id));
    let done = board.post(&path, &json!({"act": "fork", "before": prompts[1]["key"]})).json();
    let fork = done["makes"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
    let address = format!("/api/v1/sessions/{}", encoded(&fork));
    wait_until("the fork is there", || board.get(&address).status == 200);
    wait_until("its origin is known", || board.get(&address).json()["session"]["forkedFromId"] == id);
}

#[test]
fn a_session_is_handed_over_to_another_agent() {
    let board = TestBoard::on_fixtures();
    let list = board.get("/api/v1/sessions?source=codex&limit=100").json();
    let session = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["counts"]["prompts"].as_u64() > Some(0) && one["cwd"].is_string());
    let id = session.unwrap()["id"].as_str().unwrap();
    let cwd = session.unwrap()["cwd"].as_str().unwrap();
    let path = format!("/api/v1/sessions/{}/handoff", encoded(id));
    let gone = board.post(&path, &json!({"to": "claude", "way": "native"}));
    let told = gone.json();
    assert!(gone.status == 400 && told["detail"].as_str().unwrap().contains("is gone"), "{cwd}: {told}");
    let elsewhere =
        board.post(&path, &json!({"to": "claude", "way": "native", "cwd": "/nobody/worked/here"}));
    let told = elsewhere.json();
    assert!(elsewhere.status == 400 && told["detail"].as_str().unwrap().contains("worked in"), "{told}");
    let own = board.post(&path, &json!({"to": "codex", "way": "native"})).json();
    assert!(own["detail"].as_str().unwrap().contains("marline fork"), "{own}");
}

#[test]
fn a_hand_over_is_shown_made_and_taken_back() {
    let id = "0b0b0b0b-0000-4000-8000-000000000001";
    let board = TestBoard::on(|home| {
        let (project, folder) = (home.join("project"), home.join(".claude/projects/-project"));
        std::fs::create_dir_all(&project).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let record = |uuid: &str, kind: &str, message: Value| {
            json!({"type": kind, "uuid": uuid, "sessionId": id, "cwd": project, "message": message,
                "timestamp": "2026-11-21T10:00:00.000Z"})
        };
        let prompt = record("u1", "user", json!({"role": "user", "content": "Tune the rope"}));
        let content = json!([{"type": "text", "text": "It is tuned."}]);
        let answer = record("u2", "assistant", json!({"role": "assistant", "id": "m1", "content": content}));
        std::fs::write(folder.join(format!("{id}.jsonl")), format!("{prompt}\n{answer}\n")).unwrap();
    });
    let path = format!("/api/v1/sessions/claude%3A{id}/handoff");
    wait_until("the session is there", || {
        board.get(&format!("/api/v1/sessions/claude%3A{id}")).status == 200
    });
    for way in ["brief", "pack"] {
        let told = board.post(&path, &json!({"to": "gemini", "way": way})).json();
        assert!(told["document"].as_str().unwrap().contains("Tune the rope"), "{told}");
        assert_eq!(told["command"], format!("marline handoff claude:{id} --to gemini --as {way}"));
        assert_eq!((&told["number"], &told["makes"]), (&Value::Null, &Value::Null));
    }
    let asked = json!({"to": "codex", "way": "native", "dryRun": true});
    let dry = board.post(&path, &asked).json();
    assert_eq!(
        (&dry["makes"], &dry["report"]["lines"][0]["fate"]),
        (&Value::Null, &json!("carried")),
        "{dry}"
    );
    let done = board.post(&path, &json!({"to": "codex", "way": "native"})).json();
    let made = done["makes"].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
    assert_eq!(done["command"], format!("marline resume {made}"));
    let address = format!("/api/v1/sessions/{}", encoded(&made));
    wait_until("the new session is there", || board.get(&address).status == 200);
    let session = board.get(&address).json()["session"].clone();
    assert_eq!(session["forkedFromId"], format!("claude:{id}"), "{session}");
    assert_eq!((&session["inherited"]["prompts"], &session["counts"]["prompts"]), (&json!(1), &json!(0)));
    let undone = board.post("/api/v1/acts/undo", &json!({"number": done["number"]}));
    assert_eq!(undone.status, 200, "{}", undone.json());
    wait_until("it is gone", || board.get(&address).json()["session"]["missing"] == true);
}

#[test]
fn a_session_whose_directory_is_gone_is_handed_over_in_another_one() {
    let (gone, there) = ("0b0b0b0b-0000-4000-8000-000000000002", "0b0b0b0b-0000-4000-8000-000000000003");
    let mut project = std::path::PathBuf::new();
    let board = TestBoard::on(|home| {
        project = home.join("the project");
        let folder = home.join(".claude/projects/-project");
        std::fs::create_dir_all(&project).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        for (id, cwd) in [(gone, home.join("gone")), (there, project.clone())] {
            let prompt = json!({"type": "user", "uuid": "u1", "sessionId": id, "cwd": cwd,
                "message": {"role": "user", "content": "Tune the rope"}, "timestamp": "2026-11-21T10:00:00.000Z"});
            std::fs::write(folder.join(format!("{id}.jsonl")), format!("{prompt}\n")).unwrap();
        }
    });
    for id in [gone, there] {
        let path = format!("/api/v1/sessions/claude%3A{id}");
        wait_until("the session is there", || board.get(&path).status == 200);
    }
    let path = format!("/api/v1/sessions/claude%3A{gone}/handoff");
    let brief = board.post(&path, &json!({"to": "gemini", "way": "brief", "cwd": project})).json();
    let command = brief["command"].as_str().unwrap();
    assert!(command.ends_with(&format!("--as brief --cwd '{}'", project.display())), "{command}");
    let done = board.post(&path, &json!({"to": "codex", "way": "native", "cwd": project})).json();
    let made =
        format!("/api/v1/sessions/{}", encoded(done["makes"].as_str().unwrap_or_else(|| panic!("{done}"))));
    wait_until("the new session is there", || board.get(&made).status == 200);
    assert_eq!(board.get(&made).json()["session"]["cwd"], json!(project.canonicalize().unwrap()));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let board = TestBoard::on_fixtures();
    let list = board.get("/api/v1/sessions?source=gemini&limit=1").json();
    let id = list["sessions"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/sessions/{}/acts", encoded(id));
    for (body, status, words) in [
        (json!({"act": "dance"}), 400, "dance"),
        (json!({"act": "rename"}), 400, "name is missing"),
        (json!({"act": "rename", "name": "x", "more": 1}), 400, "more"),
        (json!({"act": "rename", "name": "two\nlines"}), 400, "one line"),
        (json!({"act": "unarchive"}), 409, "not archived"),
        (json!({"act": "fork", "before": "x"}), 400, "no item"),
    ] {
        let answer = board.post(&path, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.json());
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{body}: {}", answer.json());
    }
    let all = board.get("/api/v1/sessions?source=gemini&limit=100").json();
    let old = all["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["files"][0]["path"].as_str().unwrap().ends_with(".json"));
    let path = format!("/api/v1/sessions/{}/acts", encoded(old.unwrap()["id"].as_str().unwrap()));
    let answer = board.post(&path, &json!({"act": "fork"}));
    assert_eq!(answer.status, 422, "{}", answer.json());
    assert_eq!(board.post("/api/v1/sessions/claude%3Anobody/acts", &json!({"act": "delete"})).status, 404);
    assert_eq!(board.post("/api/v1/acts/undo", &json!({"number": 99})).status, 400);
}

#[test]
fn a_provider_is_kept_switched_to_and_the_switch_taken_back() {
    let board = TestBoard::on(|home| {
        let codex = home.join(".codex/sessions");
        std::fs::create_dir_all(codex).unwrap();
        std::fs::write(home.join(".codex/config.toml"), "# mine\n").unwrap();
    });
    let profile = |key: Value| json!({"agent": "codex", "baseUrl": "https://gateway.example/v1", "key": key});
    let put = |name: &str, body: &Value| board.put(&format!("/api/v1/providers/{name}"), body);
    let refused = put("gateway", &json!({"profile": profile(json!("kept"))}));
    assert!(refused.status == 400 && refused.json()["detail"].as_str().unwrap().contains("no key"));
    let kept = put("gateway", &json!({"profile": profile(json!("kept")), "key": "sk-not-told"}));
    assert_eq!(kept.status, 200, "{}", kept.json());
    assert_eq!(kept.json()["providers"][0]["used"], false);
    let path = "/api/v1/providers/gateway/use";
    let dry = board.post(path, &json!({"dryRun": true})).json();
    assert_eq!((&dry["number"], dry["files"].as_array().map(Vec::len)), (&Value::Null, Some(2)), "{dry}");
    let done = board.post(path, &json!({})).json();
    assert_eq!(board.get("/api/v1/providers").json()["providers"][0]["used"], true, "{done}");
    let undone = board.post("/api/v1/acts/undo", &json!({"number": done["number"]}));
    assert_eq!(undone.status, 200, "{}", undone.json());
    let told = board.get("/api/v1/providers").json();
    assert_eq!(told["providers"][0]["used"], false);
    assert!(!told.to_string().contains("sk-not-told") && !done.to_string().contains("sk-not-told"));
    let unknown = board.post("/api/v1/rehome", &json!({"to": "gateway"}));
    assert_eq!(unknown.status, 400, "its sessions could not be resumed any more");
    let rehomed = board.post("/api/v1/rehome", &json!({"to": "openai"})).json();
    assert_eq!((&rehomed["updated"], &rehomed["failed"]), (&json!(0), &json!([])), "{rehomed}");
}

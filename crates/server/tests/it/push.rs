//! Notifications, from what happens to what a browser decrypts, over a push service that believes nothing.

use std::time::Duration;

use marline_agents::talk::Question;
use marline_lab::push::{Instead, PushService, Pushed};
use marline_model::{Source, Timestamp};
use marline_store::work::{Asked, Change, LocalWorkStore, WorkStore as _};
use serde_json::{Value, json};

use crate::board::{TestBoard, now, wait_until};

struct Phone {
    board: TestBoard,
    service: PushService,
    cookie: String,
    id: String,
    browser: usize,
}

impl Phone {
    fn new() -> Self {
        let (board, service) = (TestBoard::on(|_| ()), PushService::start().unwrap());
        let (cookie, id) = board.pair("view");
        let mut phone = Phone { board, service, cookie, id, browser: 0 };
        let key = phone.ask("GET", "/api/v1/push", &Value::Null).1["key"].as_str().unwrap().to_owned();
        let (browser, subscription) = phone.service.subscribe(&key);
        phone.browser = browser;
        let mut target = subscription;
        target.as_object_mut().unwrap().remove("expirationTime");
        let (status, answer) =
            phone.ask("PUT", "/api/v1/push", &json!({"subscription": target, "closes": true}));
        assert_eq!((status, &answer["endpoint"]), (200, &target["endpoint"]), "{answer}");
        phone
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.board.send_as(&self.cookie, method, path, body);
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    fn test(&self) {
        assert_eq!(self.ask("POST", "/api/v1/push/test", &Value::Null).0, 202);
    }

    fn has_subscription(&self) -> bool {
        self.ask("GET", "/api/v1/push", &Value::Null).1["endpoint"].is_string()
    }

    fn store(&self) -> LocalWorkStore {
        LocalWorkStore::open(&self.board.dir.path().join("data/marline.db")).unwrap()
    }

    fn questions(&self, is_open: bool) -> Vec<Asked> {
        self.store().questions(is_open, 10).unwrap()
    }
}

fn question(name: &str) -> Asked {
    let question = Question {
        id: "q".to_owned(),
        tool: "Bash".to_owned(),
        what: "touch x".to_owned(),
        cwd: None,
        files: Vec::new(),
        why: None,
        diff: None,
        for_session: false,
    };
    Asked {
        number: 0,
        run: "run".to_owned(),
        name: name.to_owned(),
        task: format!("task of {name}"),
        attempt: 1,
        source: Source::Claude,
        session: None,
        question,
        at: now(),
        until: Timestamp::from_millis(now().as_millis() + 600_000),
        decision: None,
        by: None,
        is_open: true,
        revision: 0,
    }
}

#[test]
fn a_notification_arrives_signed_and_can_be_read_by_its_browser_alone() {
    let phone = Phone::new();
    phone.test();
    let pushed: Pushed = phone.service.wait_for(1).remove(0);
    assert_eq!(pushed.browser, phone.browser);
    assert_eq!(pushed.said["title"], "Marline can reach you");
    assert_eq!((pushed.topic.unwrap().len(), pushed.urgency.as_deref()), (24, Some("normal")));
    assert!(pushed.ttl > 0 && pushed.contact.starts_with("mailto:"));
    assert!(phone.service.refused().is_empty());
    let devices = phone.board.get("/api/v1/devices").json();
    let is_told = |device: &&Value| device["id"] == phone.id.as_str() && device["notified"] == true;
    assert_eq!(devices["devices"].as_array().unwrap().iter().filter(is_told).count(), 1);
}

#[test]
fn what_needs_somebody_is_told_together_and_taken_away_when_answered() {
    let phone = Phone::new();
    let store = phone.store();
    // Who comes new is told of what happens from then on, so the first one may be known already.
    let mut asked = 0;
    wait_until("a question is told", || {
        asked += 1;
        store.commit(&[Change::Question(question(&format!("Fixes {asked}")))]).unwrap();
        phone.service.comes(1, Duration::from_secs(4))
    });
    let pushed = phone.service.wait_for(1);
    let said = &pushed[0].said;
    assert_eq!(
        (&said["kind"], &said["title"]),
        (&json!("needsYou"), &json!(format!("Fixes {asked} needs you")))
    );
    assert_eq!((&said["body"], &said["url"]), (&json!("Bash: touch x"), &json!("/approvals")));
    assert_eq!(pushed[0].urgency.as_deref(), Some("high"));
    store.commit(&[Change::Question(question("Tests"))]).unwrap();
    let pushed = phone.service.wait_for(2);
    assert_eq!(pushed[1].said["title"], "2 sessions need you");
    assert_eq!(pushed[1].topic, pushed[0].topic, "it takes the place of the first");
    for mut asked in phone.questions(true) {
        asked.is_open = false;
        store.commit(&[Change::Question(asked)]).unwrap();
    }
    let last = phone.service.wait_for(3).pop().unwrap();
    assert!(last.said.get("kind").is_none() && last.topic == pushed[0].topic, "{last:?}");
}

#[test]
fn a_subscription_that_ended_is_forgotten_and_one_that_is_busy_is_tried_again() {
    let phone = Phone::new();
    let busy = |status, after: &str| Instead { status, retry_after: Some(after.to_owned()), date: None };
    phone.service.instead(busy(429, "1"));
    phone.service.instead(busy(503, "0"));
    phone.test();
    assert_eq!(phone.service.wait_for(1).len(), 1);
    assert_eq!(phone.service.asked(), 3);

    phone.service.instead(Instead { status: 413, retry_after: None, date: None });
    phone.test();
    let problem = || phone.ask("GET", "/api/v1/push", &Value::Null).1["problem"].clone();
    wait_until("it is said that it was given up", || problem().is_string());
    assert!(phone.has_subscription());

    phone.service.instead(Instead { status: 410, retry_after: None, date: None });
    phone.test();
    wait_until("the subscription is forgotten", || !phone.has_subscription());
    assert_eq!(phone.ask("POST", "/api/v1/push/test", &Value::Null).0, 409);
}

#[test]
fn a_clock_that_is_off_by_hours_is_noticed_and_made_up_for() {
    let phone = Phone::new();
    phone.service.be_ahead(20 * 3600);
    phone.test();
    assert_eq!(phone.service.wait_for(1).len(), 1);
    assert_eq!(phone.service.refused().len(), 1, "what was signed for the wrong day");
    phone.test();
    phone.service.wait_for(2);
    assert_eq!(phone.service.refused().len(), 1, "it is known from then on");
}

#[test]
fn a_device_that_was_taken_out_is_told_nothing() {
    let phone = Phone::new();
    let file = phone.board.dir.path().join("board/push.json");
    assert!(std::fs::read_to_string(&file).unwrap().contains(&phone.id));
    assert_eq!(phone.board.ask("DELETE", &format!("/api/v1/devices/{}", phone.id), &[]).status, 204);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&phone.id));
    assert_eq!(phone.ask("POST", "/api/v1/push/test", &Value::Null).0, 401);
}

#[test]
fn nothing_but_a_push_service_is_subscribed() {
    let phone = Phone::new();
    let keys = json!({"p256dh": "x", "auth": "y"});
    for endpoint in ["http://192.168.1.1/", "https://localhost/x", "ftp://x", "https://push.example/x"] {
        let body = json!({"subscription": {"endpoint": endpoint, "keys": keys}});
        assert_eq!(phone.ask("PUT", "/api/v1/push", &body).0, 400, "{endpoint}");
    }
    let quiet =
        json!({"wishes": {"kinds": ["needsYou"], "quiet": {"from": "22", "to": "07:00", "zone": "UTC"}}});
    assert_eq!(phone.ask("PUT", "/api/v1/push", &quiet).0, 400);
    let quiet =
        json!({"wishes": {"kinds": [], "quiet": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}}});
    let (status, answer) = phone.ask("PUT", "/api/v1/push", &quiet);
    assert_eq!((status, &answer["wishes"]["quiet"]["zone"]), (200, &json!("Europe/Berlin")));
    assert_eq!(phone.board.ask_as_owner("DELETE", "/api/v1/push").status, 400, "a program is no device");
    assert_eq!(phone.ask("DELETE", "/api/v1/push", &Value::Null).0, 204);
    assert!(!phone.has_subscription());
}

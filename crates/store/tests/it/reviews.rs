//! Reviews: one document, one truth, and the sessions that lists leave out.

use std::path::Path;

use marline_model::{SessionId, Source, Timestamp, Usage};
use marline_store::reviews::{
    Anchor, ContextPart, Finding, PartKind, Review, ReviewState, ReviewStore as _, Reviews, Round,
    RoundState, Severity,
};
use marline_store::work::{Change, LocalWorkStore, Task, WorkError, WorkStore as _};

const NOW: Timestamp = Timestamp::from_millis(1_795_300_000_000);

fn open(dir: &Path) -> LocalWorkStore {
    LocalWorkStore::open(&dir.join("marline.db")).unwrap()
}

fn session(id: &str) -> SessionId {
    id.parse().unwrap()
}

fn round(state: RoundState) -> Round {
    Round {
        prompt: "Review this".to_owned(),
        key: None,
        run: "run".to_owned(),
        task: "task".to_owned(),
        state,
        why: None,
        text: None,
        findings: Vec::new(),
        is_structured: false,
        usage: Usage::default(),
        cost_micro_usd: None,
        started_at: NOW,
        ended_at: None,
    }
}

fn review(id: &str) -> Review {
    Review {
        id: id.to_owned(),
        key: None,
        parent: session("claude:parent"),
        anchor: Anchor::Item { key: "12".to_owned() },
        context: vec![ContextPart { kind: PartKind::Text, bytes: 10, cut_bytes: 0 }],
        source: Source::Codex,
        model: None,
        cwd: "/projects/shop".to_owned(),
        child: None,
        state: ReviewState::Running,
        rounds: vec![round(RoundState::Running)],
        max_rounds: 3,
        sent_back: Vec::new(),
        created_at: NOW,
        ended_at: None,
        revision: 0,
    }
}

#[test]
fn a_review_is_there_from_its_beginning_and_its_reviewer_is_known_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(&[Change::Review(review("a-1")), Change::Review(review("a-2"))]).unwrap();
    assert_eq!(store.reviewers().unwrap(), []);
    let mut one = store.review("a-1").unwrap();
    assert_eq!((one.revision, one.state), (1, ReviewState::Running));
    one.child = Some(session("codex:child"));
    one.rounds[0].state = RoundState::Answered;
    let line = Some(7);
    let found = Finding {
        severity: Severity::Major,
        file: Some("src/a.rs".to_owned()),
        line,
        text: "It is wrong".to_owned(),
    };
    one.rounds[0].findings.push(found);
    store.commit(&[Change::Review(one.clone())]).unwrap();
    // Another process, another time.
    let store = open(dir.path());
    assert_eq!(store.reviewers().unwrap(), [session("codex:child")]);
    let by = store.reviews(Reviews::By(&session("codex:child"))).unwrap();
    assert_eq!(by.len(), 1);
    assert_eq!((by[0].state, by[0].rounds[0].findings[0].line), (ReviewState::Answered, Some(7)));
    let of = store.reviews(Reviews::Of(&session("claude:parent"))).unwrap();
    assert_eq!(of.iter().map(|review| review.id.as_str()).collect::<Vec<_>>(), ["a-1", "a-2"]);
    assert!(store.reviews(Reviews::Of(&session("claude:other"))).unwrap().is_empty());
    assert_eq!(store.reviews(Reviews::Last(1)).unwrap()[0].id, "a-2");
}

#[test]
fn a_review_is_found_by_a_beginning_that_names_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let all = ["abc", "abcd", "b%"].map(|id| Change::Review(review(id)));
    store.commit(&all).unwrap();
    for (given, found) in [("abc", "abc"), ("abcd", "abcd"), ("b", "b%")] {
        assert_eq!(store.review(given).unwrap().id, found);
    }
    assert!(matches!(store.review("a"), Err(WorkError::Invalid { .. })));
    for none in ["", "c", "%", "abce"] {
        assert!(matches!(store.review(none), Err(WorkError::NotFound { .. })), "{none}");
    }
}

#[test]
fn of_two_writers_one_is_refused_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(&[Change::Review(review("one"))]).unwrap();
    let (mut mine, mut theirs) = (store.review("one").unwrap(), store.review("one").unwrap());
    mine.ended_at = Some(NOW);
    store.commit(&[Change::Review(mine)]).unwrap();
    theirs.child = Some(session("codex:child"));
    let task = Task::new("task".to_owned(), "run", Source::Codex, 1, "Review".to_owned(), NOW);
    let refused = store.commit(&[Change::Task(task), Change::Review(theirs)]);
    assert!(matches!(refused, Err(WorkError::Conflict { .. })), "{refused:?}");
    assert!(store.task("task").is_err(), "what was written with it is taken back");
    let now = store.review("one").unwrap();
    assert_eq!((now.state, now.child), (ReviewState::Ended, None));
    // One of the same id is not begun twice.
    assert!(matches!(store.commit(&[Change::Review(review("one"))]), Err(WorkError::Conflict { .. })));
}

#[test]
fn a_round_that_failed_costs_a_try_and_no_round() {
    let mut one = review("one");
    one.rounds = vec![round(RoundState::Failed), round(RoundState::Answered), round(RoundState::Stopped)];
    assert_eq!((one.rounds_left(), one.state_now()), (1, ReviewState::Failed));
    one.rounds.push(round(RoundState::Running));
    assert_eq!((one.rounds_left(), one.state_now()), (0, ReviewState::Running));
}

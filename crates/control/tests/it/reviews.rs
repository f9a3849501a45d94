//! Reviews without an agent: what is begun under which key, what is shown, what goes back.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use marline_agents::Env;
use marline_control::live::Steered;
use marline_control::reviews::{
    Context, ContextError, NewReview, Part, Reviewer, Sending, Wanted, context, review_prompt,
    send_back_prompt,
};
use marline_control::work::Desk;
use marline_index::{Filter, Index, Sort};
use marline_model::{ItemKind, SessionId, Source};
use marline_store::reviews::{
    Anchor, Finding, PartKind, Review, ReviewState, RoundState, SendOutcome, Severity,
};
use marline_store::work::{Change, LocalWorkStore, Run, Runs, Status, Task, WorkError};

use crate::{now, random};

fn desk(dir: &Path) -> Desk {
    Desk::new(Box::new(LocalWorkStore::open(&dir.join("marline.db")).unwrap()), now, random)
}

fn wanted(key: Option<&str>) -> NewReview {
    let session: SessionId = "claude:parent".parse().unwrap();
    let part = Part { kind: PartKind::Text, text: "It is done".to_owned(), cut_bytes: 0 };
    let context =
        Context { session, anchor: Anchor::Last, cwd: "/projects/shop".to_owned(), parts: vec![part] };
    let reviewer = |source| Reviewer { source, model: None };
    NewReview {
        context,
        reviewers: vec![reviewer(Source::Codex), reviewer(Source::Claude)],
        max_rounds: 2,
        key: key.map(str::to_owned),
    }
}

/// As if the reviewer had answered.
fn answer(desk: &Desk, id: &str, findings: Vec<Finding>) -> Review {
    let mut review = desk.store().review(id).unwrap();
    let run = desk.store().runs(Runs::Of(id, 1)).unwrap().remove(0);
    let task = desk.store().tasks(&run.id).unwrap().remove(0);
    let round = review.rounds.last_mut().unwrap();
    (round.state, round.is_structured, round.findings) = (RoundState::Answered, true, findings);
    review.child = Some("codex:child".parse().unwrap());
    let over = Change::Run(Run { ended_at: Some(now()), ..run });
    let done = Change::Task(Task { status: Status::Completed, ..task });
    desk.store().commit(&[Change::Review(review), over, done]).unwrap();
    desk.store().review(id).unwrap()
}

fn finding(text: &str, file: Option<&str>, line: Option<u64>) -> Finding {
    Finding { severity: Severity::Major, file: file.map(str::to_owned), line, text: text.to_owned() }
}

#[test]
fn what_is_begun_twice_under_one_key_is_begun_once() {
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path());
    let first = desk.begin_reviews(&wanted(Some("key-of-one")), None).unwrap();
    let again = desk.begin_reviews(&wanted(Some("key-of-one")), None).unwrap();
    assert_eq!(first, again);
    assert_eq!(first.iter().map(|review| review.source).collect::<Vec<_>>(), [Source::Codex, Source::Claude]);
    assert_eq!(desk.store().runs(Runs::Open).unwrap().len(), 2, "a run each");
    // Its doer died before anything was begun: nobody begins it under that key any more.
    desk.store().begin_command("review claude:parent key-of-two", now()).unwrap();
    let left = desk.begin_reviews(&wanted(Some("key-of-two")), None);
    assert!(matches!(left, Err(WorkError::Conflict { .. })), "{left:?}");
    // Without a key each is another one.
    assert_eq!(desk.begin_reviews(&wanted(None), None).unwrap().len(), 2);
    assert_eq!(desk.store().runs(Runs::Open).unwrap().len(), 4);
    // A run of a review is no group's and no queue's, and may read alone.
    let runs = desk.store().runs(Runs::Open).unwrap();
    assert!(runs.iter().all(|run| run.is_review && !run.is_queue && run.options.approval_seconds == 0));
    assert!(runs.iter().all(|run| run.options.permission == Some(marline_agents::talk::Permission::Read)));
    assert!(desk.store().groups().unwrap().is_empty() && desk.store().queues().unwrap().is_empty());
}

#[test]
fn a_reviewer_is_asked_one_thing_at_a_time_and_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path());
    let id = desk.begin_reviews(&wanted(None), None).unwrap().remove(0).id;
    let refused = |asked: Result<Review, WorkError>, words: &str| match asked {
        Err(WorkError::Conflict { message }) => assert!(message.contains(words), "{message}"),
        other => panic!("{words}: {other:?}"),
    };
    refused(desk.ask_reviewer(&id, "And?", None, None), "at its work");
    answer(&desk, &id, Vec::new());
    let asked = desk.ask_reviewer(&id, "And?", Some("key-of-ask"), None).unwrap();
    assert_eq!((asked.rounds.len(), asked.rounds_left()), (2, 0));
    let task = desk.store().task(&asked.rounds[1].task).unwrap();
    assert_eq!(task.session, Some("codex:child".parse().unwrap()), "it is said in the reviewer's session");
    assert!(task.prompt.starts_with("And?"));
    assert_eq!(desk.ask_reviewer(&id, "And?", Some("key-of-ask"), None).unwrap().rounds.len(), 2);
    answer(&desk, &id, Vec::new());
    refused(desk.ask_reviewer(&id, "More?", None, None), "used up");
    assert_eq!(desk.end_reviews_of(&"claude:parent".parse().unwrap()).unwrap(), 2);
    refused(desk.ask_reviewer(&id, "More?", None, None), "ended");
    assert_eq!(desk.store().review(&id).unwrap().state, ReviewState::Ended);
    assert_eq!(desk.end_reviews_of(&"claude:parent".parse().unwrap()).unwrap(), 0);
}

#[test]
fn what_goes_back_goes_once_and_what_was_refused_may_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path());
    let id = desk.begin_reviews(&wanted(None), None).unwrap().remove(0).id;
    let found = vec![finding("One", Some("a.rs"), Some(3)), finding("Two\nlines", None, None)];
    let review = answer(&desk, &id, found);
    let all = send_back_prompt(&review, &[]);
    assert!(all.ends_with("\n1. [major] a.rs:3: One\n2. [major] Two\n   lines"), "{all}");
    let one = send_back_prompt(&review, &[1, 7]);
    assert!(one.ends_with("\n1. [major] Two\n   lines"), "{one}");

    let begin = |key: &str| desk.begin_send_back(&id, key, "Put it right").unwrap();
    assert_eq!(begin("first"), Sending::Type);
    // Whoever was to type it died: it is not typed again.
    assert!(matches!(begin("first"), Sending::Before(SendOutcome::Unknown { .. })));
    let proof = "it stands in the transcript".to_owned();
    desk.end_send_back(&id, "first", Steered::Delivered { proof: proof.clone() }).unwrap();
    assert_eq!(begin("first"), Sending::Before(SendOutcome::Delivered { proof }));
    assert_eq!(begin("second"), Sending::Type);
    desk.end_send_back(&id, "second", Steered::Refused { why: "it asks something".to_owned() }).unwrap();
    assert_eq!(begin("second"), Sending::Type, "nothing had come about");

    let sent = desk.send_back_without_terminal(&id, "third", "Put it right", None).unwrap();
    let task = desk.store().task(sent.sent_back[2].task.as_ref().unwrap()).unwrap();
    assert_eq!(task.session, Some("claude:parent".parse().unwrap()));
    let again = desk.send_back_without_terminal(&id, "third", "Put it right", None).unwrap();
    assert_eq!(again.sent_back.len(), 3);
    let other = desk.send_back_without_terminal(&id, "fourth", "Put it right", None);
    assert!(matches!(other, Err(WorkError::Conflict { .. })), "{other:?}");
    // That is the session's work: the end of the review does not stop it.
    desk.end_review(&id).unwrap();
    let run = desk.store().runs(Runs::Of(&id, 1)).unwrap().remove(0);
    assert_eq!(run.wish, marline_store::work::Wish::Run);
}

#[test]
fn a_reviewer_is_shown_what_was_said_and_edited_and_what_led_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab/fixtures/home");
    let index = Index::open(&dir.path().join("index")).unwrap();
    index.refresh(&Env::new(home, []), &AtomicBool::new(false), &|_| {}).unwrap();
    let filter = Filter { all: true, ..Filter::default() };
    let sessions = index.sessions(&filter, Sort::Updated, 500, None).unwrap().sessions;
    let (mut answers, mut edits) = (0, 0);
    for session in sessions {
        let shown = |anchor: Anchor, parts: &[PartKind]| {
            let wanted = Wanted { anchor, parts: parts.to_vec(), task: None };
            context(&index, &session, &wanted)
        };
        let page = index.items(&session.id, marline_index::Window::Start, 2_000).unwrap();
        let last = page.items.iter().rev().find(|item| item.kind == ItemKind::Answer);
        match (shown(Anchor::Last, &[]), last) {
            (Ok(context), Some(answer)) if session.cwd.is_some() => {
                answers += 1;
                assert_eq!(context.anchor, Anchor::Item { key: answer.key.to_string() });
                let text = context.parts.iter().find(|part| part.kind == PartKind::Text);
                assert!(text.is_none_or(|text| text.text == answer.text || text.cut_bytes > 0));
                edits += usize::from(context.parts.iter().any(|part| part.kind == PartKind::Diff));
                let prompt = review_prompt(session.source, &context);
                assert!(context.parts.iter().all(|part| prompt.contains(part.text.trim_end())));
                let only = shown(Anchor::Last, &[PartKind::Text]).unwrap();
                assert!(only.parts.iter().all(|part| part.kind == PartKind::Text));
            }
            (Ok(_), None) => panic!("{} has no answer", session.id),
            (Ok(_), Some(_)) | (Err(ContextError::Nothing(_)), _) => {}
            (Err(error), _) => panic!("{}: {error}", session.id),
        }
        // From the first to the last, in whatever order they are given.
        if let (Some(first), Some(end)) = (page.items.first(), page.items.last())
            && session.cwd.is_some()
        {
            let (from, to) = (first.key.to_string(), end.key.to_string());
            let there = shown(Anchor::Stretch { from: from.clone(), to: to.clone() }, &[]);
            let back = shown(Anchor::Stretch { from: to, to: from }, &[]);
            match (there, back) {
                (Ok(there), Ok(back)) => assert_eq!(there.parts, back.parts),
                (Err(_), Err(_)) => {}
                _ => panic!("{}: it depends on the order", session.id),
            }
        }
        let none = shown(Anchor::Item { key: "99999999".to_owned() }, &[]);
        assert!(matches!(none, Err(ContextError::Index(_) | ContextError::Nothing(_))));
    }
    assert!(answers > 10 && edits > 0, "{answers} answers, {edits} with edits");
}

#[test]
fn a_projects_changes_are_shown_without_running_what_its_settings_name() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let git = |words: &[&str]| {
        let own = ["-c", "user.name=a", "-c", "user.email=a@b", "-C"];
        let mut git = Command::new("git");
        git.args(own).arg(&project).args(words).env("HOME", dir.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        assert!(git.output().unwrap().status.success(), "{words:?}");
    };
    git(&["init", "--quiet"]);
    std::fs::write(project.join("a.txt"), "one\n").unwrap();
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    std::fs::write(project.join("a.txt"), "two\n").unwrap();
    std::fs::write(project.join("new.txt"), "new\n").unwrap();
    let trap = dir.path().join("trap");
    let script = dir.path().join("script");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat \"$1\"\n", trap.display())).unwrap();
    Command::new("chmod").arg("+x").arg(&script).status().unwrap();
    let script = script.display().to_string();
    for setting in ["diff.external", "core.fsmonitor", "diff.x.textconv", "core.pager"] {
        git(&["config", setting, &script]);
    }
    std::fs::write(project.join(".gitattributes"), "*.txt diff=x\n").unwrap();

    // A session of that directory, as an agent writes one.
    let home = dir.path().join("home");
    let folder = home.join(".claude/projects/-p");
    std::fs::create_dir_all(&folder).unwrap();
    let line = serde_json::json!({"type": "user", "uuid": "u1", "parentUuid": null, "sessionId": "0000bbbb-1111-4222-8333-444455556666",
        "cwd": project, "timestamp": "2026-11-20T10:00:00.000Z", "version": "2.1.0",
        "message": {"role": "user", "content": "Make it two"}});
    std::fs::write(folder.join("0000bbbb-1111-4222-8333-444455556666.jsonl"), format!("{line}\n")).unwrap();
    let index = Index::open(&dir.path().join("index")).unwrap();
    index.refresh(&Env::new(home, []), &AtomicBool::new(false), &|_| {}).unwrap();
    let session = index.session("0000bbbb").unwrap();
    let wanted = Wanted { anchor: Anchor::Project, parts: Vec::new(), task: None };
    let shown = context(&index, &session, &wanted).unwrap();
    assert_eq!(shown.parts[0].text, "Make it two");
    let changes = &shown.parts[1].text;
    assert!(changes.contains("-one\n+two") && changes.contains("new.txt"), "{changes}");
    assert!(!trap.exists(), "nothing of the repository's was run");
    // Where there is no repository, that is said.
    std::fs::remove_dir_all(project.join(".git")).unwrap();
    assert!(matches!(context(&index, &session, &wanted), Err(ContextError::Project { .. })));
}

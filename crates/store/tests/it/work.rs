//! Groups, queues and runs: two writers, one truth.

use std::path::Path;
use std::sync::Barrier;

use marline_agents::talk::{Decision, Question};
use marline_model::{Source, Timestamp};
use marline_store::work::{
    Asked, Change, Claim, CommandEnd, Counts, Group, Holder, LocalWorkStore, Logged, Mode, Options, Place,
    Queue, Run, Runs, Status, Task, Wish, WorkError, WorkEvent, WorkStore,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_300_000_000);

fn open(dir: &Path) -> LocalWorkStore {
    LocalWorkStore::open(&dir.join("below/marline.db")).unwrap()
}

fn group(name: &str) -> Group {
    Group {
        id: format!("id of {name}"),
        name: name.to_owned(),
        description: None,
        members: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        revision: 0,
    }
}

fn queue(name: &str) -> Queue {
    Queue {
        id: format!("id of {name}"),
        name: name.to_owned(),
        project: "/projects/shop".to_owned(),
        source: Source::Codex,
        mode: Mode::Fresh,
        stops_on_failure: false,
        options: Options::default(),
        session: None,
        created_at: NOW,
        updated_at: NOW,
        revision: 0,
    }
}

fn run(id: &str, list: &str) -> Run {
    Run {
        id: id.to_owned(),
        number: 0,
        list: list.to_owned(),
        is_queue: true,
        is_review: false,
        name: "a name".to_owned(),
        prompt: None,
        options: Options::default(),
        max_concurrency: 1,
        place: Place::Own,
        wish: Wish::Run,
        interrupted: Vec::new(),
        claim: None,
        counts: Counts::default(),
        created_at: NOW,
        ended_at: None,
        revision: 0,
    }
}

fn task(id: &str, queue: &Queue, position: u64) -> Task {
    Task::new(id.to_owned(), &queue.id, queue.source, position, format!("do {id}"), NOW)
}

fn is_conflict(outcome: Result<(), WorkError>, words: &str) {
    match outcome {
        Err(WorkError::Conflict { message }) => assert!(message.contains(words), "{message}"),
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn a_write_from_an_old_reading_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (open(dir.path()), open(dir.path()));
    here.commit(&[Change::Group(group("one")), Change::Queue(queue("one"))]).unwrap();
    let (mine, theirs) = (here.group("one").unwrap(), there.group("id of one").unwrap());
    assert_eq!((mine.revision, &mine), (1, &theirs));
    there.commit(&[Change::Group(Group { description: Some("theirs".to_owned()), ..theirs })]).unwrap();
    // All of it or nothing.
    let new = Change::Group(group("another"));
    is_conflict(
        here.commit(&[new, Change::Group(Group { name: "mine".to_owned(), ..mine })]),
        "somebody else",
    );
    let now = here.groups().unwrap();
    assert_eq!((now.len(), now[0].name.as_str(), now[0].revision), (1, "one", 2));
    assert_eq!(now[0].description.as_deref(), Some("theirs"));
    // Names are had once.
    let twin = Group { id: "other".to_owned(), ..group("one") };
    is_conflict(here.commit(&[Change::Group(twin)]), "already");
    assert!(matches!(here.group("none"), Err(WorkError::NotFound { .. })));
}

#[test]
fn a_list_has_one_run_and_a_queue_one_prompt_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let queue = queue("q");
    store
        .commit(&[
            Change::Queue(queue.clone()),
            Change::Run(run("r-1", &queue.id)),
            Change::Task(task("b", &queue, 2)),
            Change::Task(task("a", &queue, 1)),
        ])
        .unwrap();
    is_conflict(store.commit(&[Change::Run(run("r-2", &queue.id))]), "runs already");
    let tasks = store.tasks(&queue.id).unwrap();
    let named: Vec<_> = tasks.iter().map(|task| (task.id.as_str(), task.number)).collect();
    assert_eq!(named, [("a", 2), ("b", 1)], "in order of their places, numbered as they came");
    let held = |task: &Task, status| Change::Task(Task { status, ..task.clone() });
    store.commit(&[held(&tasks[0], Status::Claimed)]).unwrap();
    is_conflict(store.commit(&[held(&tasks[1], Status::Running)]), "another prompt");
    let first = store.task("a").unwrap();
    store.commit(&[held(&first, Status::Completed), held(&tasks[1], Status::Claimed)]).unwrap();
    let open = store.runs(Runs::Open).unwrap();
    assert_eq!((open.len(), open[0].number), (1, 1));
    store
        .commit(&[
            Change::Run(Run { ended_at: Some(NOW), ..open[0].clone() }),
            Change::Run(run("r-2", &queue.id)),
        ])
        .unwrap();
    let numbers: Vec<u64> =
        store.runs(Runs::Of(&queue.id, 9)).unwrap().iter().map(|run| run.number).collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(store.run("2").unwrap().id, "r-2");
}

#[test]
fn of_many_who_claim_one_gets_it() {
    const PROMPTS: usize = 60;
    let dir = tempfile::tempdir().unwrap();
    let queue = queue("q");
    let member = |at: usize| Task { member: Some(at), ..task(&format!("t-{at:02}"), &queue, at as u64) };
    open(dir.path()).commit(&(0..PROMPTS).map(|at| Change::Task(member(at))).collect::<Vec<_>>()).unwrap();
    let start = Barrier::new(4);
    let claimed: Vec<Vec<String>> = std::thread::scope(|scope| {
        let work = |pid: u32| {
            let store = open(dir.path());
            start.wait();
            let mut mine = Vec::new();
            loop {
                let tasks = store.tasks(&queue.id).unwrap();
                let Some(task) = tasks.into_iter().find(|task| task.status == Status::Pending) else {
                    return mine;
                };
                let holder = Holder { host: "here".to_owned(), pid, began: 1 };
                let claim = Some(Claim { holder, until: NOW });
                let id = task.id.clone();
                match store.commit(&[Change::Task(Task { status: Status::Claimed, claim, ..task })]) {
                    Ok(()) => mine.push(id),
                    Err(WorkError::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let threads: Vec<_> = (1..=4).map(|pid| scope.spawn(move || work(pid))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all: Vec<String> = claimed.concat();
    all.sort();
    assert_eq!(all, (0..PROMPTS).map(|at| format!("t-{at:02}")).collect::<Vec<_>>());
}

#[test]
fn events_are_told_in_order_and_questions_keep_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (open(dir.path()), open(dir.path()));
    let event = |run: &str, text: &str| {
        Change::Event(Logged {
            seq: 0,
            run: run.to_owned(),
            task: None,
            at: NOW,
            event: WorkEvent::Note { text: text.to_owned() },
        })
    };
    let before = there.version().unwrap();
    for at in 0..10 {
        here.commit(&[event("r", &at.to_string()), event("another", "x")]).unwrap();
    }
    assert_ne!(there.version().unwrap(), before);
    let still = there.version().unwrap();
    there.commit(&[event("another", "its own")]).unwrap();
    assert_eq!(there.version().unwrap(), still, "what one writes oneself is no news");
    let first = there.events("r", 0, 4).unwrap();
    let rest = there.events("r", first.last().unwrap().seq, 100).unwrap();
    let words: Vec<String> = first
        .iter()
        .chain(&rest)
        .map(|logged| match &logged.event {
            WorkEvent::Note { text } => text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words, (0..10).map(|at| at.to_string()).collect::<Vec<_>>());

    let asked = |question: &str| Asked {
        number: 0,
        run: "r".to_owned(),
        name: "a name".to_owned(),
        task: "t".to_owned(),
        attempt: 1,
        source: Source::Claude,
        session: None,
        question: Question {
            id: question.to_owned(),
            tool: "Bash".to_owned(),
            what: "touch made".to_owned(),
            cwd: None,
            files: Vec::new(),
            why: None,
            diff: None,
            for_session: false,
        },
        at: NOW,
        until: NOW,
        decision: None,
        by: None,
        is_open: true,
        revision: 0,
    };
    here.commit(&[Change::Question(asked("q-1"))]).unwrap();
    is_conflict(there.commit(&[Change::Question(asked("q-1"))]), "same time");
    there.commit(&[Change::Question(asked("q-2"))]).unwrap();
    let open = here.questions(true, 10).unwrap();
    assert_eq!(open.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
    // Of two who answer one is heard.
    let answer = |decision| Change::Question(Asked { decision: Some(decision), ..open[0].clone() });
    here.commit(&[answer(Decision::Allow)]).unwrap();
    is_conflict(there.commit(&[answer(Decision::Deny { reason: None })]), "answered by somebody else");
    assert_eq!(there.question(1).unwrap().decision, Some(Decision::Allow));
}

#[test]
fn what_is_deleted_takes_its_own_along_and_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (one, two) = (queue("one"), queue("two"));
    for queue in [&one, &two] {
        let id = format!("run of {}", queue.name);
        let told = Logged {
            seq: 0,
            run: id.clone(),
            task: None,
            at: NOW,
            event: WorkEvent::Note { text: "x".to_owned() },
        };
        store
            .commit(&[
                Change::Queue(queue.clone()),
                Change::Task(task(&format!("task of {}", queue.name), queue, 1)),
                Change::Run(Run { ended_at: Some(NOW), ..run(&id, &queue.id) }),
                Change::Event(told),
            ])
            .unwrap();
    }
    store.commit(&[Change::DeleteQueue(store.queue("one").unwrap())]).unwrap();
    assert_eq!(store.queues().unwrap().len(), 1);
    assert!(store.tasks(&one.id).unwrap().is_empty() && store.events("run of one", 0, 9).unwrap().is_empty());
    assert_eq!(
        (store.tasks(&two.id).unwrap().len(), store.events("run of two", 0, 9).unwrap().len()),
        (1, 1)
    );
    // A number is never given twice, also when the last one was deleted: branches and directories bear it.
    store.commit(&[Change::DeleteQueue(store.queue("two").unwrap())]).unwrap();
    store.commit(&[Change::Run(run("later", "a group"))]).unwrap();
    assert_eq!(store.run("later").unwrap().number, 3);
}

#[test]
fn a_database_of_the_first_version_goes_on_with_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("below/marline.db");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("work_1.sql")).unwrap();
    let queue = queue("old");
    let running = Task { number: 1, status: Status::Running, ..task("runs", &queue, 1) };
    let waiting = Task { number: 2, ..task("waits", &queue, 2) };
    let run = Run { number: 7, ..run("its run", &queue.id) };
    let body = |value: serde_json::Result<String>| value.unwrap();
    old.execute(
        "INSERT INTO queues VALUES (?, ?, 1, ?)",
        [&queue.id, &queue.name, &body(serde_json::to_string(&queue))],
    )
    .unwrap();
    for (task, is_held) in [(&running, 1), (&waiting, 0)] {
        let values: [&dyn rusqlite::ToSql; 6] = [
            &task.id,
            &task.list,
            &(task.number as i64),
            &(task.position as i64),
            &is_held,
            &body(serde_json::to_string(task)),
        ];
        old.execute("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, 1, ?)", values).unwrap();
    }
    let values: [&dyn rusqlite::ToSql; 4] =
        [&run.id, &(run.number as i64), &run.list, &body(serde_json::to_string(&run))];
    old.execute("INSERT INTO runs VALUES (?, ?, ?, 1, 1, ?)", values).unwrap();
    drop(old);

    let store = open(dir.path());
    let held: Vec<String> = store.held().unwrap().into_iter().map(|task| task.id).collect();
    assert_eq!(held, ["runs"]);
    let second = Task { status: Status::Running, ..store.task("waits").unwrap() };
    assert!(store.commit(&[Change::Task(second)]).is_err(), "one at a time, as before");
    store.commit(&[Change::Run(self::run("next", "a group"))]).unwrap();
    assert_eq!(store.run("next").unwrap().number, 8, "numbers go on");
    assert_eq!(store.begin_command("key", NOW).unwrap(), None);
}

#[test]
fn a_command_is_begun_once_and_its_end_is_known_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(store.begin_command("key", NOW).unwrap(), None, "it is ours to do");
    assert_eq!(
        store.begin_command("key", NOW).unwrap(),
        Some(CommandEnd::Unknown),
        "somebody is at it, or died"
    );
    store.end_command("key", "done").unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.begin_command("key", NOW).unwrap(), Some(CommandEnd::Known("done".to_owned())));
    assert_eq!(store.begin_command("another", NOW).unwrap(), None);
    let later = Timestamp::from_millis(NOW.as_millis() + 30 * 24 * 3_600_000);
    assert_eq!(store.begin_command("key", later).unwrap(), None, "a month later nobody says it again");
}

#[test]
fn it_is_the_owners_alone_and_a_newer_one_is_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = dir.path().join("below/marline.db");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = LocalWorkStore::open(&path).err().unwrap();
    assert!(format!("{:?}", error).contains("99"), "{error:?}");
}

//! The real Codex and this store on one home: each takes up what the other wrote.

use std::ops::ControlFlow;
use std::sync::Arc;

use marline_agents::codex::write::TurnWriter;
use marline_lab::agents::CODEX;
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use marline_model::{Change, HistoryMode, ThreadId, ThreadMetadataPatch};
use marline_store::{
    HistoryItem, ListThreads, LiveThread, LocalThreadStore, NewThread, Places, ResumeThread, StoreError,
    ThreadStore,
};
use serde_json::{Value, json};

use crate::homes::{id, now};

const PROJECT: &str = "alpha";

fn store(lab: &Lab) -> Arc<dyn ThreadStore> {
    let home = lab.home().join(".codex");
    let places = Places {
        databases: home.clone(),
        default_provider: Some("lab".to_owned()),
        ..crate::homes::places(&home)
    };
    Arc::new(LocalThreadStore::new(places))
}

/// Says something to a thread in the real Codex, and returns the thread's id.
fn exec(lab: &Lab, words: &[&str], prompt: &str, answer: &str) -> String {
    let prompt = Prompt::new(prompt).say(answer);
    let words = [&["exec", "--json", "--skip-git-repo-check"], words, &[prompt.text()]].concat();
    let printed = lab.run(&CODEX, PROJECT, &words, "").unwrap();
    let lines = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let thread = lines.into_iter().find_map(|line| Some(line["thread_id"].as_str()?.to_owned()));
    assert!(!printed.contains("\"error\"") && printed.contains("turn.completed"), "{printed}");
    thread.unwrap_or_else(|| panic!("no thread: {printed}"))
}

/// What the model was sent with a prompt.
fn heard(lab: &Lab, prompt: &str) -> Vec<String> {
    let asked = lab.server().asked();
    let request = asked.iter().rev().find(|asked| asked.prompt.contains(prompt));
    request.unwrap_or_else(|| panic!("{prompt} was not asked")).heard.clone()
}

/// Whether texts were heard in this order.
fn in_order(heard: &[String], wanted: &[&str]) -> bool {
    let mut rest = heard.iter();
    wanted.iter().all(|text| rest.any(|heard| heard.contains(text)))
}

fn written(thread: &ThreadId, mode: HistoryMode, cwd: &str) -> Vec<HistoryItem> {
    let mut writer = TurnWriter::new(thread.as_str(), mode, cwd, Some("gpt-5.5"));
    for n in 1..=2 {
        writer.prompt(&format!("Marline asks {n}"), &[], now());
        writer.answer(&format!("Marline answers {n}"), now());
    }
    writer.end(now());
    let records = writer.into_records().into_iter();
    records
        .map(|record| HistoryItem::new(record.kind, record.payload.to_string()).unwrap().at(record.at))
        .collect()
}

const NAME: &str = "real_codex::each_takes_up_what_the_other_wrote";

#[test]
fn each_takes_up_what_the_other_wrote() {
    let Some(agents) = alone::test(NAME, &[CODEX]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let cwd = lab.project(PROJECT).display().to_string();
    // The home's own first thread, so that there is a database.
    let theirs: ThreadId = exec(&lab, &[], "Theirs", "A plan").parse().unwrap();
    let store = store(&lab);

    // Ours, in both modes: listed and gone on with by Codex, whose model hears all of it.
    for (n, mode) in [(1, HistoryMode::Legacy), (2, HistoryMode::Paginated)] {
        let mut new = NewThread::new(id(n), &cwd, "lab");
        (new.history_mode, new.metadata.cli_version) = (mode, Some("0.169.0".to_owned()));
        let live = LiveThread::create(store.clone(), new).unwrap();
        live.append(&written(&id(n), mode, &cwd), now()).unwrap();
        live.shutdown().unwrap();
        let listed =
            lab.codex(PROJECT, &[("thread/list", json!({"sourceKinds": ["cli"]}))]).unwrap().remove(0);
        let ours =
            listed["data"].as_array().into_iter().flatten().find(|thread| thread["id"] == id(n).as_str());
        let ours = ours.unwrap_or_else(|| panic!("{mode:?} is not listed: {listed}"));
        assert_eq!(ours["preview"], "Marline asks 1", "{mode:?}");
        let prompt = format!("Codex asks {n}");
        let resumed = exec(&lab, &["resume", id(n).as_str()], &prompt, &format!("Codex answers {n}"));
        assert_eq!(resumed, id(n).as_str(), "{mode:?}");
        let told = ["Marline asks 1", "Marline answers 1", "Marline asks 2", "Marline answers 2", &prompt];
        assert!(in_order(&heard(&lab, &prompt), &told), "{mode:?}: {:?}", heard(&lab, &prompt));
        let mut items = Vec::new();
        let visit = &mut |item: marline_store::StoredItem| {
            items.push(item.item.payload.get().to_owned());
            ControlFlow::Continue(())
        };
        let lineage = store.load_history(&id(n), visit).unwrap();
        assert_eq!((lineage.skipped, lineage.missing.len()), (0, 0), "{mode:?}");
        assert!(in_order(&items, &["Marline answers 2", &prompt, &format!("Codex answers {n}")]), "{mode:?}");
        if mode == HistoryMode::Paginated {
            let read =
                lab.codex(PROJECT, &[("thread/turns/list", json!({"threadId": id(n)}))]).unwrap().remove(0);
            assert_eq!(read["data"].as_array().map(Vec::len), Some(3), "{read}");
        }
    }

    // Theirs: read, appended to, gone on with.
    let thread = store.read_thread(&theirs).unwrap();
    assert_eq!(thread.metadata.model_provider.as_deref(), Some("lab"));
    let live = LiveThread::resume(store.clone(), &theirs, ResumeThread::default()).unwrap();
    assert!(matches!(store.archive_thread(&theirs, now()), Err(StoreError::Conflict { .. })));
    let refused = lab.codex(PROJECT, &[("thread/resume", json!({"threadId": theirs}))]);
    assert!(refused.is_err(), "Codex sees our lock: {refused:?}");
    live.append(&written(&theirs, thread.history_mode, &cwd), now()).unwrap();
    live.shutdown().unwrap();
    exec(&lab, &["resume", theirs.as_str()], "After us", "Good");
    let heard_after = heard(&lab, "After us");
    let told = ["Theirs", "A plan", "Marline answers 2", "After us"];
    assert!(in_order(&heard_after, &told), "{heard_after:?}");

    // Names, archives and forks of either are seen by both.
    let name = ThreadMetadataPatch { name: Change::Set("a light rope".to_owned()), ..Default::default() };
    store.update_thread_metadata(&theirs, &name).unwrap();
    let read = lab.codex(PROJECT, &[("thread/read", json!({"threadId": theirs}))]).unwrap().remove(0);
    assert_eq!(read["thread"]["name"], "a light rope", "{read}");
    lab.codex(PROJECT, &[("thread/name/set", json!({"threadId": id(1), "name": "by codex"}))]).unwrap();
    assert_eq!(store.read_thread(&id(1)).unwrap().metadata.name.as_deref(), Some("by codex"));
    store.archive_thread(&theirs, now()).unwrap();
    let archived = lab
        .codex(PROJECT, &[("thread/list", json!({"archived": true, "sourceKinds": ["exec"]}))])
        .unwrap()
        .remove(0);
    assert!(archived.to_string().contains(theirs.as_str()), "{archived}");
    lab.codex(PROJECT, &[("thread/unarchive", json!({"threadId": theirs}))]).unwrap();
    assert_eq!(store.read_thread(&theirs).unwrap().archived_at, None);
    lab.codex(PROJECT, &[("thread/archive", json!({"threadId": id(2)}))]).unwrap();
    assert!(store.read_thread(&id(2)).unwrap().archived_at.is_some());
    store.unarchive_thread(&id(2)).unwrap();
    let fork = exec(&lab, &["fork", id(2).as_str()], "A fork", "Forked").parse::<ThreadId>().unwrap();
    assert_eq!(store.read_thread(&fork).unwrap().forked_from, Some(id(2)));
    assert!(in_order(&heard(&lab, "A fork"), &["Marline asks 1", "Codex answers 2", "A fork"]));
    let mut count = 0;
    let lineage = store.load_history(&fork, &mut |item| {
        count += usize::from(item.is_inherited);
        ControlFlow::Continue(())
    });
    assert_eq!(lineage.unwrap().origins, [id(2)]);
    assert!(count > 10, "{count}");

    // What Codex takes back, it keeps in another segment: read as one thread, without what was taken back.
    let talk: ThreadId = exec(&lab, &[], "Kept prompt", "Kept answer").parse().unwrap();
    exec(&lab, &["resume", talk.as_str()], "Prompt taken back", "Answer taken back");
    let turns = store.list_turns(&talk, marline_store::PageOf::first(10)).unwrap().turns;
    assert_eq!(turns.len(), 2, "{turns:?}");
    let revert = json!({"threadId": talk, "beforeTurnId": turns[1].id});
    lab.codex(PROJECT, &[("thread/resume", json!({"threadId": talk})), ("thread/revert", revert)]).unwrap();
    exec(&lab, &["resume", talk.as_str()], "Prompt instead", "Answer instead");
    assert!(!heard(&lab, "Prompt instead").iter().any(|words| words.contains("Prompt taken back")));
    let mut texts = Vec::new();
    let lineage = store.load_history(&talk, &mut |item| {
        texts.push(item.item.payload.get().to_owned());
        ControlFlow::Continue(())
    });
    assert_eq!(lineage.unwrap().missing.len(), 0);
    assert!(
        in_order(&texts, &["Kept prompt", "Kept answer", "Prompt instead", "Answer instead"]),
        "{texts:#?}"
    );
    assert!(!texts.iter().any(|text| text.contains("Prompt taken back")), "{texts:#?}");
    store.delete_thread(&talk).unwrap();
    assert!(matches!(store.read_thread(&talk), Err(StoreError::NotFound { .. })), "no segment is left");

    // The database and the files tell the same.
    let by_files = Arc::new(LocalThreadStore::new(Places {
        databases: dir.path().join("nowhere"),
        ..crate::homes::places(&lab.home().join(".codex"))
    }));
    let told = |store: &dyn ThreadStore, archived| {
        let list = ListThreads { archived, sort: marline_store::SortKey::Created, ..ListThreads::all() };
        let threads = store.list_threads(&list).unwrap().threads.into_iter();
        let facts = threads.map(|thread| {
            let metadata = thread.metadata;
            (
                thread.id,
                metadata.name,
                metadata.first_user_message,
                metadata.cwd,
                metadata.model_provider,
                metadata.source,
            )
        });
        facts.collect::<Vec<_>>()
    };
    for archived in [false, true] {
        assert_eq!(told(&*store, archived), told(&*by_files, archived));
    }
    assert_eq!(told(&*store, false).len(), 4);
}

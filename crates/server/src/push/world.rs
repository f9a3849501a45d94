//! How things stand now, as notifications see it: from the lookout, from groups and queues, from the index.

use std::collections::BTreeMap;

use marline_control::live::{Control, LiveSession};
use marline_index::{Index, Window};
use marline_model::{ItemKind, SessionId, Timestamp};
use marline_store::work::{Run, Runs, Status, Task, Wish, WorkError};

use super::notify::{Live, Question, RunSeen, World};
use crate::board::Board;
use crate::problem::Problem;

/// So many of the last items are looked through for what was said last.
const LAST: usize = 12;

/// Looks at everything that somebody might be told of; `before` says which runs went on.
pub async fn look(board: &Board, before: &World) -> Result<World, Problem> {
    let known: Vec<String> =
        before.runs.iter().filter(|(_, run)| !run.is_over).map(|(id, _)| id.clone()).collect();
    let now = board.now();
    let (runs, asked) = board
        .desk(move |desk| {
            let store = desk.store();
            let mut runs = store.runs(Runs::Open)?;
            runs.retain(|run| !run.is_review);
            for id in known {
                if runs.iter().any(|run| run.id == id) {
                    continue;
                }
                match store.run(&id) {
                    Ok(run) => runs.push(run),
                    // Its group or queue was deleted.
                    Err(WorkError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let seen = runs.into_iter().map(|run| {
                let limited = limited(&store.tasks(run.list_of_tasks())?, now);
                Ok((run.id.clone(), of_run(run, limited)))
            });
            let runs = seen.collect::<Result<BTreeMap<_, _>, WorkError>>()?;
            Ok((runs, store.questions(true, usize::MAX >> 1)?))
        })
        .await?;
    let (live, reviewers) = (board.lookout.now(), board.reviewers().await?);
    let mut open: Vec<LiveSession> = live.sessions.clone();
    // What reviewers do is told with their reviews.
    open.retain(|live| !reviewers.contains(&live.id));
    let sessions = board
        .readers
        .ask(move |index| {
            Ok(open.into_iter().map(|live| of_session(index, live)).collect::<BTreeMap<_, _>>())
        })
        .await?;
    let questions = asked.into_iter().filter(|asked| {
        let session = asked.session.as_ref().and_then(|id| sessions.get(id));
        session.is_none_or(|live| !live.state.needs_you())
    });
    let questions = questions.map(|asked| {
        let words = format!("{}: {}", asked.question.tool, asked.question.what);
        (asked.number, Question { title: asked.name, words })
    });
    Ok(World { questions: questions.collect(), sessions, runs })
}

/// The prompts that wait for the end of a limit. One that failed and is tried again waits, too: that counts as a failure.
fn limited(tasks: &[Task], now: Timestamp) -> BTreeMap<String, String> {
    let waits = |task: &&Task| {
        task.status == Status::Pending
            && task.attempt > 0
            && task.failures == 0
            && task.not_before.is_some_and(|until| until.as_millis() > now.as_millis())
    };
    let why = |task: &Task| (task.id.clone(), task.why.clone().unwrap_or_default());
    tasks.iter().filter(waits).map(why).collect()
}

fn of_run(run: Run, limited: BTreeMap<String, String>) -> RunSeen {
    RunSeen {
        is_over: run.ended_at.is_some(),
        is_stopped: run.wish == Wish::Stop,
        completed: run.counts.completed,
        failed: run.counts.failed + run.counts.interrupted,
        name: run.name,
        limited,
    }
}

fn of_session(index: &Index, live: LiveSession) -> (SessionId, Live) {
    let title = index.session_by_id(&live.id).ok().and_then(|session| session.title);
    let last = last(index, &live.id);
    let asks = live.asks.as_ref();
    let words = asks.map(|asks| match &asks.what {
        Some(what) => [vec![what.what.clone()], what.files.clone()].concat().join(" "),
        None => format!("{} {}", asks.question, asks.about.join(" ")),
    });
    let seen = Live {
        title: title.or(live.name).unwrap_or_else(|| live.source.to_string()),
        state: live.state,
        key: asks.map(|asks| asks.key.clone()),
        words: words.or(last.as_ref().map(|(_, text)| text.clone())).unwrap_or_default(),
        has_failed: last.is_some_and(|(kind, _)| kind == ItemKind::Error),
        is_of_run: matches!(live.control, Control::Marline { .. }),
    };
    (live.id, seen)
}

/// What was said last, and whether that was an answer or an error.
fn last(index: &Index, id: &SessionId) -> Option<(ItemKind, String)> {
    let page = index.items(id, Window::End, LAST).ok()?;
    let said = page.items.into_iter().rev().find(|item| {
        matches!(item.kind, ItemKind::Answer | ItemKind::Error) && !item.text.trim().is_empty()
    })?;
    Some((said.kind, said.text))
}

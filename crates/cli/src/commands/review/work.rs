//! Waiting for reviewers, and working at what they do where nobody else does.

use std::time::{Duration, Instant};

use marline_control::work::{Engine, is_alive};
use marline_store::reviews::{Review, ReviewState, ReviewStore as _};
use marline_store::work::{Run, Runs, WorkError, WorkStore};

use crate::commands::work::{desk, engine, store};
use crate::context::{Places, now};
use crate::failure::Failure;
use crate::signals::Signals;
use crate::terminal::note;

/// How often agents are heard.
const TICK: Duration = Duration::from_millis(15);
/// How often it is asked whether anybody works at a run.
const ASK: Duration = Duration::from_secs(1);
/// How long it may be impossible to write down what happens.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until nothing of some reviews runs any more, and tells each as soon as that is so. `own` works at them; without one,
/// and where nobody else does, one is made.
pub fn wait(
    places: &Places,
    own: Option<Engine>,
    ids: &[String],
    tell: &mut dyn FnMut(&Review) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let store = store(places)?;
    let mut left: Vec<String> = ids.to_vec();
    let mut own = match own {
        Some(own) => own,
        None => engine(places)?,
    };
    let (mut looked, mut seen, mut is_stopping) = (None::<Instant>, None, false);
    let mut failing: Option<Instant> = None;
    loop {
        if looked.is_none_or(|looked| looked.elapsed() > ASK) {
            looked = Some(Instant::now());
            take(&store, &mut own, &left)?;
        }
        match own.step() {
            Ok(_) => failing = None,
            Err(error) if failing.get_or_insert_with(Instant::now).elapsed() > PATIENCE => {
                return Err(error.into());
            }
            Err(_) => std::thread::sleep(ASK),
        }
        let version = store.version()?;
        if seen != Some(version) {
            seen = Some(version);
            let mut still = Vec::new();
            for id in &left {
                let review = store.review(id)?;
                // An ended one is over when its agent is gone, too.
                if open_run(&store, id)?.is_some() || review.state == ReviewState::Running {
                    still.push(id.clone());
                } else {
                    tell(&review)?;
                }
            }
            left = still;
        }
        if left.is_empty() {
            return Ok(());
        }
        if signals.is_told_to_go() || signals.interrupts() > 1 {
            own.let_go()?;
            let hint = "They go on with `marline up`, or with `marline review show --wait`.";
            return Err(Failure::refused("Reviewers work on without this command.", hint));
        }
        if signals.interrupts() == 1 && !is_stopping {
            is_stopping = true;
            note("Stopping. Ctrl-C again leaves the reviewers working.");
            for id in &left {
                desk(places)?.stop_reviewer(&store.review(id)?)?;
            }
        }
        std::thread::sleep(TICK);
    }
}

fn open_run(store: &dyn WorkStore, review: &str) -> Result<Option<Run>, WorkError> {
    Ok(store.runs(Runs::Of(review, 1))?.pop().filter(|run| run.ended_at.is_none()))
}

/// Takes the runs that nobody works at, or that were begun for this engine.
fn take(store: &dyn WorkStore, own: &mut Engine, ids: &[String]) -> Result<(), Failure> {
    for id in ids {
        let Some(run) = open_run(store, id)? else { continue };
        let holder = own.claim().holder;
        let is_others =
            run.claim.as_ref().is_some_and(|claim| claim.holder != holder && is_alive(claim, now()));
        if is_others || own.works_at(&run.id) {
            continue;
        }
        match own.take(&run.id) {
            // A board was faster.
            Ok(()) | Err(WorkError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

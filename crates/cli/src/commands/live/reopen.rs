//! Opening again what was open.

use std::path::Path;
use std::process::ExitCode;

use marline_control::live::Opened;
use marline_model::SessionId;
use marline_store::{OpenSession, OpenSessions};
use serde_json::json;

use super::look;
use super::steer::opened;
use crate::args::ReadArgs;
use crate::args::live::StartArgs;
use crate::ask::{Answer, ask};
use crate::commands::{print_json, print_line};
use crate::context::{Places, now};
use crate::failure::Failure;
use crate::terminal::{ago, harmless, note};

fn book(places: &Places) -> Result<OpenSessions, Failure> {
    Ok(OpenSessions::open(&places.data.join("marline.db"))?)
}

/// Opens all that was open and is not now, in Marline's own tmux.
pub fn run(is_dry: bool, is_json: bool) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let lost = lost(&places)?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for one in &lost {
        let seen = one.facts.seen_at.map_or_else(|| "some time ago".to_owned(), |seen| ago(seen, now()));
        if is_dry {
            if !is_json {
                let cwd = one.facts.cwd.as_deref().unwrap_or("?");
                print_line(&format!("{} in {}, {seen}", one.id, harmless(cwd)))?;
            }
            continue;
        }
        let wanted = StartArgs {
            agent: None,
            resume: Some(one.id.to_string()),
            cwd: None,
            prompt: None,
            model: None,
            name: one.window_name.clone(),
            worktree: None,
            json: is_json,
        };
        match opened(&wanted) {
            Ok(Opened { id, .. }) => {
                if !is_json {
                    print_line(&format!("{id} is open again."))?;
                }
                done.push(id);
            }
            Err(failure) => {
                note(&format!("{} could not be opened: {}", one.id, failure.message()));
                failed.push(json!({"id": one.id, "why": failure.message()}));
            }
        }
    }
    if is_json {
        let wanted: Vec<_> = lost.iter().map(|one| &one.id).collect();
        print_json(&json!({"lost": wanted, "opened": done, "failed": failed}))?;
    } else if lost.is_empty() {
        note("Nothing was open that is not open now.");
    }
    Ok(match (lost.is_empty(), failed.is_empty()) {
        (true, _) => ExitCode::from(1),
        (_, true) => ExitCode::SUCCESS,
        (_, false) => ExitCode::from(4),
    })
}

/// The sessions that were open, and are not. One in which nothing was said can't be opened again: there is none.
fn lost(places: &Places) -> Result<Vec<OpenSession>, Failure> {
    let look = look(&ReadArgs::FRESH)?;
    let is_live = |one: &OpenSession| look.now.sessions.iter().any(|live| live.id == one.id);
    let is_said = |one: &OpenSession| look.context.index.session_by_id(&one.id).is_ok();
    // A board that is up has seen who ended an agent since, and who did not.
    let told = ask(&places.socket, "GET", "/api/v1/live", None).ok().and_then(Answer::good);
    let offered = told.as_ref().and_then(|told| told["lost"].as_array());
    let is_offered = |one: &OpenSession| {
        offered.is_none_or(|lost| lost.iter().any(|lost| lost["id"] == one.id.to_string()))
    };
    let all = book(places)?.all()?.into_iter();
    Ok(all.filter(|one| one.is_open && !is_live(one) && is_said(one) && is_offered(one)).collect())
}

/// Takes it that what was open stays closed.
pub fn forget(is_json: bool) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let lost = lost(&places)?;
    // A board that is up offers them, too.
    let told = ask(&places.socket, "POST", "/api/v1/live/lost", Some(&json!({"resume": false})));
    if told.ok().and_then(Answer::good).is_none() {
        let closed: Vec<OpenSession> =
            lost.iter().map(|one| OpenSession { is_open: false, ..one.clone() }).collect();
        book(&places)?.write(&closed, now())?;
    }
    if is_json {
        let ids: Vec<_> = lost.iter().map(|one| &one.id).collect();
        print_json(&json!({"forgotten": ids}))?;
    } else {
        lost.iter().try_for_each(|one| print_line(&format!("{} stays closed.", one.id)))?;
        if lost.is_empty() {
            note("Nothing was open that is not open now.");
        }
    }
    Ok(if lost.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Notes that a session was ended on purpose: nobody wants it opened again.
pub fn closed(id: &SessionId) -> Result<(), Failure> {
    let places = Places::read()?;
    if places.data.join("marline.db").exists() {
        book(&places)?.close(id, now())?;
    }
    Ok(())
}

/// Takes over which sessions are open from another product's database.
pub fn import(file: &Path) -> Result<ExitCode, Failure> {
    let imported = book(&Places::read()?)?.import(file)?;
    for id in &imported.taken {
        print_line(&id.to_string())?;
    }
    for (row, why) in &imported.left {
        note(&format!("{} was left: {why}.", harmless(row)));
    }
    note(&format!("{} taken over; `marline live reopen` opens them.", imported.taken.len()));
    Ok(if imported.taken.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

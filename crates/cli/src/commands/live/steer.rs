//! Acting on live sessions.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_agents::live::LiveMode;
use marline_agents::talk::Decision;
use marline_control::Target;
use marline_control::live::{
    Beginning, Claims, Command, Control, LiveSession, MOST_PICTURES, Opened, Steered, Wanted, Windows,
    is_said, keep_picture,
};
use marline_control::work::Answered;
use marline_model::{SessionId, Source, Timestamp};
use serde_json::json;

use super::{look, reopen};
use crate::args::live::{LiveArgs, LiveCommand, ModeArg, ReviewsArg, StartArgs};
use crate::args::{Lasting, ReadArgs};
use crate::ask::{Answer, ask};
use crate::commands::act::acts;
use crate::commands::work::approvals::BY;
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::{clock, harmless, note};

/// What was said is looked for in the transcript for so long.
const UNTIL_SAID: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(250);
/// Longer than this nobody is away without saying so again.
const LONGEST_AWAY: Duration = Duration::from_secs(24 * 3600);

pub fn run(command: &LiveCommand) -> Result<ExitCode, Failure> {
    match command {
        LiveCommand::Ls { .. } => Ok(ExitCode::SUCCESS),
        LiveCommand::Start(args) => start(args),
        LiveCommand::Send(args) => {
            let text = match args.text.as_str() {
                "-" => {
                    let mut text = String::new();
                    std::io::stdin().read_to_string(&mut text).map_err(|error| {
                        Failure::usage(
                            &format!("Standard input could not be read: {error}."),
                            "Pipe text in.",
                        )
                    })?;
                    text
                }
                text => text.to_owned(),
            };
            let since = now();
            let send = Command::Send { text, images: pictures(&args.image)? };
            let (one, steered) = steered(&args.live, &send)?;
            let words = send.words(&one).unwrap_or_default();
            told(args.live.json, &one.id, &proven(steered, &one.id, &words, since))
        }
        LiveCommand::Interrupt(live) => steer(live, &Command::Interrupt),
        LiveCommand::Approve { live, key, for_session } => {
            let decision = if *for_session { Decision::AllowForSession } else { Decision::Allow };
            steer(live, &Command::Answer { question: key.clone(), decision })
        }
        LiveCommand::Deny { live, key, reason } => {
            let decision = Decision::Deny { reason: reason.clone() };
            steer(live, &Command::Answer { question: key.clone(), decision })
        }
        LiveCommand::Choose { live, answers, text, key } => {
            let places = answers.iter().map(|number| usize::from(*number) - 1).collect();
            steer(live, &Command::Choose { question: key.clone(), places, words: text.clone() })
        }
        LiveCommand::Model { live, model } => steer(live, &Command::Model { model: model.clone() }),
        LiveCommand::Mode { live, mode } => {
            let mode = match mode {
                ModeArg::Ask => LiveMode::Ask,
                ModeArg::Edits => LiveMode::Edits,
                ModeArg::Plan => LiveMode::Plan,
                ModeArg::Auto => LiveMode::Auto,
            };
            steer(live, &Command::Mode { mode })
        }
        LiveCommand::Away { session, lasts } => away(session.as_deref(), Some(*lasts)),
        LiveCommand::Back { session } => away(session.as_deref(), None),
        LiveCommand::Reopen { forget: true, json, .. } => reopen::forget(*json),
        LiveCommand::Reopen { dry_run, json, .. } => reopen::run(*dry_run, *json),
        LiveCommand::Import { file } => reopen::import(file),
        LiveCommand::Attach { session } => attach(session),
        LiveCommand::Stop { live, reviews } => {
            let (one, stopped) = steered(live, &Command::Stop)?;
            if matches!(stopped, Steered::Delivered { .. }) {
                reopen::closed(&one.id)?;
            }
            if *reviews == ReviewsArg::End && matches!(stopped, Steered::Delivered { .. }) {
                crate::commands::work::desk(&Places::read()?)?.end_reviews_of(&one.id)?;
            }
            told(live.json, &one.id, &stopped)
        }
    }
}

/// Keeps pictures where agents find them.
fn pictures(files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if files.len() > MOST_PICTURES {
        return Err(Failure::usage(
            &format!("{MOST_PICTURES} pictures go with a message at most."),
            "Send two messages.",
        ));
    }
    let dir = Places::read()?.data;
    let keep = |file: &PathBuf| {
        let kept = std::fs::read(file).and_then(|bytes| keep_picture(&dir, &bytes));
        kept.map_err(|error| {
            Failure::usage(&format!("{}: {error}.", file.display()), "Give another --image.")
        })
    };
    files.iter().map(keep).collect()
}

/// Says that somebody is away from a session or from all; or that they are back.
fn away(session: Option<&str>, lasts: Option<Lasting>) -> Result<ExitCode, Failure> {
    let claims = Claims::at(&Places::read()?.state);
    let id = session.map(|session| -> Result<SessionId, Failure> {
        Ok(look(&ReadArgs::FRESH)?.find(session)?.id.clone())
    });
    let id = id.transpose()?;
    let whom = id.as_ref().map_or_else(|| "all agents".to_owned(), ToString::to_string);
    let failed = |error: std::io::Error| Failure::because("That could not be written down:", &error);
    let Some(lasts) = lasts else {
        // Who is back is back from all of them.
        let held = claims.now(now());
        let ended = held.iter().filter(|claim| id.is_none() || claim.session == id);
        let mut was_away = false;
        for claim in ended {
            was_away |= claims.release(claim.session.as_ref()).map_err(failed)?;
        }
        let from_all = held.iter().any(|claim| claim.session.is_none());
        if id.is_some() && from_all {
            note("You are still away from all agents: marline live back");
        }
        let words =
            if was_away { "ask in their terminals again" } else { "asked in their terminals all the time" };
        print_line(&format!("{whom} {words}."))?;
        return Ok(ExitCode::SUCCESS);
    };
    let lasts = match lasts {
        Lasting::For(lasts) => lasts,
        Lasting::Ever => Duration::MAX,
    };
    if lasts.is_zero() || lasts > LONGEST_AWAY {
        return Err(Failure::usage(
            "Somebody is away for some time, and for a day at most.",
            "Say --for 30m, 2h or 24h; say it again when it is over.",
        ));
    }
    let claim = claims.claim(id.as_ref(), lasts, now()).map_err(failed)?;
    let whom = id.as_ref().map_or_else(|| "agents with hooks ask".to_owned(), |id| format!("{id} asks"));
    print_line(&format!(
        "Until {}, {whom} on the board first. You are back: marline live back",
        clock(claim.until)
    ))?;
    if ask(&Places::read()?.socket, "GET", "/api/v1/away", None).is_err() {
        note("No board is up, and they ask in their terminals until one is: marline up");
    }
    let hooks = acts()?.hook_status()?;
    let without = hooks.iter().filter(|status| !status.missing.is_empty() && status.source != Source::Gemini);
    for status in without {
        note(&format!(
            "{} has no hooks of Marline, and asks in its terminal: marline hooks install",
            status.source
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Steers a session by whatever way it has.
fn steered(live: &LiveArgs, command: &Command) -> Result<(LiveSession, Steered), Failure> {
    let look = look(&ReadArgs::FRESH)?;
    let one = look.find(&live.session)?;
    let key = acts()?.uuid();
    let places = Places::read()?;
    match &one.control {
        Control::Marline { .. } => {
            let is_said = matches!(command, Command::Send { .. });
            if is_said && ask(&places.socket, "GET", "/api/v1/away", None).is_err() {
                return Err(Failure::refused(
                    &format!("Marline works in {}, and no board is up that could say it afterwards.", one.id),
                    "marline up",
                ));
            }
            let steered = crate::commands::work::desk(&places)?.steer_held(one, command, BY)?;
            return Ok((one.clone(), steered));
        }
        Control::None { why, command: open } if *command != Command::Stop => {
            let hint = open.as_ref().map_or_else(
                || "Open it in tmux to steer it.".to_owned(),
                |open| format!("End it there, and open it so: {open}"),
            );
            return Err(Failure::refused(&format!("{} can only be read: {why}.", one.id), &hint));
        }
        _ => {}
    }
    // What a hook waits with is known to the board alone.
    if let Command::Answer { question, decision } = command
        && Claims::at(&places.state).holds(&one.id, now())
        && let Some(steered) = by_board(&places, &one.id, &key, question.as_deref(), decision)
    {
        return Ok((one.clone(), steered));
    }
    let steered = one.steer(look.tmux.as_deref(), &places.state, &key, command);
    // An answer that failed half-way may have been heard; the log says that, too.
    let unknown = |error: &std::io::Error| Steered::Unknown { seen: error.to_string() };
    let came = steered.as_ref().map_or_else(unknown, Steered::clone);
    if let Some(answered) = Answered::to(one, command, &came, BY.to_owned(), None) {
        crate::commands::work::desk(&places)?.note(answered)?;
    }
    let failed = |error: std::io::Error| Failure::because("It could not be said:", &error);
    Ok((one.clone(), steered.map_err(failed)?))
}

/// Has the board answer what a session's hook waits with.
fn by_board(
    places: &Places,
    id: &SessionId,
    key: &str,
    question: Option<&str>,
    decision: &Decision,
) -> Option<Steered> {
    let told = ask(&places.socket, "GET", "/api/v1/live", None).ok()?.good()?;
    let all = told["sessions"].as_array()?;
    let asks = &all.iter().find(|one| one["live"]["id"] == id.to_string())?["live"]["asks"];
    let question = question.or(asks["key"].as_str())?;
    let command = match decision {
        Decision::Allow => json!({"command": "approve", "key": key, "question": question}),
        Decision::AllowForSession => {
            json!({"command": "approve", "key": key, "question": question, "forSession": true})
        }
        Decision::Deny { reason } => {
            json!({"command": "deny", "key": key, "question": question, "reason": reason})
        }
    };
    let path = format!("/api/v1/live/{id}");
    // From here on it may have been heard, whatever comes back.
    let answer = ask(&places.socket, "POST", &path, Some(&command)).ok().and_then(Answer::good);
    let steered = answer.and_then(|answer| serde_json::from_value(answer).ok());
    Some(
        steered
            .unwrap_or_else(|| Steered::Unknown { seen: "the board did not say what came of it".to_owned() }),
    )
}

fn steer(live: &LiveArgs, command: &Command) -> Result<ExitCode, Failure> {
    let (one, steered) = steered(live, command)?;
    told(live.json, &one.id, &steered)
}

/// Looks for what was sent in the transcript, which is the proof; what waits in a queue of the agent's own is not in it yet.
pub fn proven(steered: Steered, id: &SessionId, text: &str, since: Timestamp) -> Steered {
    let began = Instant::now();
    while matches!(steered, Steered::Delivered { .. }) && began.elapsed() < UNTIL_SAID {
        if Context::read(&ReadArgs::FRESH).is_ok_and(|context| is_said(&context.index, id, text, since)) {
            return Steered::Delivered { proof: "it stands in the transcript".to_owned() };
        }
        sleep(LOOK);
    }
    steered
}

fn told(is_json: bool, id: &SessionId, steered: &Steered) -> Result<ExitCode, Failure> {
    let (words, code) = match steered {
        Steered::Delivered { proof } => (format!("Done: {proof}."), 0),
        Steered::Refused { why } => (format!("Refused: {why}."), 3),
        Steered::Unknown { seen } => (format!("Unknown: {seen}. Nothing is tried again."), 4),
    };
    if is_json {
        let mut value = json!(steered);
        value["id"] = json!(id);
        print_json(&value)?;
    } else {
        print_line(&harmless(&words))?;
    }
    Ok(ExitCode::from(code))
}

fn attach(session: &str) -> Result<ExitCode, Failure> {
    let look = look(&ReadArgs::FRESH)?;
    let one = look.find(session)?;
    let (Some(pane), Some(tmux)) = (one.control.pane(), look.tmux.as_deref()) else {
        let hint = match &one.control {
            Control::Service { pane: None, .. } => format!("marline live start --resume {}", one.id),
            _ => format!("End it (marline live stop {0}), then: marline live start --resume {0}", one.id),
        };
        return Err(Failure::refused(&format!("{} shows in no tmux that is known.", one.id), &hint));
    };
    let mut command = std::process::Command::new(tmux);
    command.arg("-S").arg(&pane.socket);
    let is_inside = std::env::var("TMUX").is_ok_and(|tmux| tmux.starts_with(&*pane.socket.to_string_lossy()));
    command.args(["select-window", "-t", &pane.window_id, ";", "select-pane", "-t", &pane.pane_id, ";"]);
    command.args([if is_inside { "switch-client" } else { "attach-session" }, "-t", &pane.pane_id]);
    if !is_inside {
        // A terminal inside another tmux than its own.
        command.env_remove("TMUX");
    }
    let error = command.exec();
    Err(Failure::because("tmux could not be started:", &error))
}

fn start(args: &StartArgs) -> Result<ExitCode, Failure> {
    let Opened { id, pane, name, .. } = opened(args)?;
    if args.json {
        print_json(&json!({"id": id, "source": id.source(), "pane": pane}))?;
    } else {
        print_line(&format!("{id} runs in {name}. Take it over: marline live attach {id}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens an agent, and waits until its session is known.
pub(super) fn opened(args: &StartArgs) -> Result<Opened, Failure> {
    let places = Places::read()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tmux = marline_control::find_program("tmux", &path).ok_or_else(|| {
        Failure::usage("tmux is not installed, and agents are opened in it.", "Install the package tmux.")
    })?;
    let wanted = wanted(args, &places, &path)?;
    let (socket, env): (_, Vec<_>) = (places.tmux(), crate::context::variables());
    let windows = Windows { tmux: &tmux, socket: &socket, env: &env };
    let opened = wanted.open(&windows, args.name.clone(), || {
        sleep(LOOK);
        let look =
            look(&ReadArgs::FRESH).map_err(|failure| io::Error::other(failure.message().to_owned()))?;
        Ok(Arc::new(look.now))
    });
    let failed = |error: io::Error| Failure::because("The agent could not be opened in tmux:", &error);
    let mut opened = opened.map_err(failed)?;
    // It would end with this process.
    if let Some(tidying) = opened.tidying.take() {
        let _ = tidying.join();
    }
    Ok(opened)
}

fn wanted(args: &StartArgs, places: &Places, path: &OsStr) -> Result<Wanted, Failure> {
    if let Some(given) = &args.resume {
        let look = look(&ReadArgs::FRESH)?;
        let session = look.context.index.session(given);
        if let (Err(_), Ok(live)) = (&session, look.find(given)) {
            return Err(Failure::refused(
                &format!("{} is open already, and nothing was said in it.", live.id),
                &format!("Talk to it there, or end it: marline live stop {}", live.id),
            ));
        }
        let session = session?;
        // What a daemon holds without a terminal is joined by one.
        let is_open = |live: &&LiveSession| !matches!(live.control, Control::Service { pane: None, .. });
        if let Some(live) = look.find(&session.id.to_string()).ok().filter(is_open) {
            let hint = match live.control.pane() {
                Some(_) => format!("marline live attach {}", live.id),
                None => {
                    format!("It shows in no tmux: end it first, there or by `marline live stop {}`", live.id)
                }
            };
            return Err(Failure::refused(&format!("{} is open already.", live.id), &hint));
        }
        let target = acts()?.as_it_is(Target::of(&session)?);
        return Ok(Wanted::again(target, args.cwd.as_deref(), path)?);
    }
    let Some(source) = args.agent else {
        return Err(Failure::usage("Which agent?", "Give --agent or --resume."));
    };
    let gone = |dir: &Path| {
        Failure::usage(&format!("{} is no directory that is there.", dir.display()), "Give --cwd.")
    };
    let cwd = args.cwd.clone().unwrap_or_else(|| PathBuf::from("."));
    let project = cwd.canonicalize().ok().filter(|cwd| cwd.is_dir()).ok_or_else(|| gone(&cwd))?;
    let beginning = Beginning {
        source,
        prompt: args.prompt.as_deref(),
        model: args.model.as_deref(),
        project: &project,
        branch: args.worktree.as_deref(),
    };
    Ok(Wanted::anew(&beginning, &acts()?, &places.data.join("worktrees"), path)?)
}

//! Acting on live sessions.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use marline_agents::drive::Opening;
use marline_agents::registry;
use marline_control::live::{
    Control, LiveSession, MOST_PICTURES, Pane, Steered, Terminal, close, is_said, keep_picture, open, stop,
    with_pictures,
};
use marline_control::{Started, Target};
use marline_model::{SessionId, Source, Timestamp};
use serde_json::json;

use super::{Look, look};
use crate::args::ReadArgs;
use crate::args::live::{LiveArgs, LiveCommand, StartArgs};
use crate::commands::act::acts;
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places, now};
use crate::failure::Failure;
use crate::terminal::harmless;

/// The id of a new session has so long to appear.
const UNTIL_NAMED: Duration = Duration::from_secs(15);
/// What was said is looked for in the transcript for so long.
const UNTIL_SAID: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(250);

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
            let (since, pictures) = (now(), pictures(&args.image)?);
            steer(&args.live, |terminal| {
                let parts = with_pictures(terminal.session.source(), &text, &pictures);
                let words = parts.last().cloned().unwrap_or_default();
                Ok(proven(terminal.send_parts(&parts)?, terminal.session, &words, since))
            })
        }
        LiveCommand::Interrupt(live) => steer(live, |terminal| terminal.interrupt()),
        LiveCommand::Approve { live, key } => steer(live, |terminal| terminal.approve(key.as_deref())),
        LiveCommand::Deny { live, key, reason } => {
            steer(live, |terminal| terminal.deny(key.as_deref(), reason.as_deref()))
        }
        LiveCommand::Attach { session } => attach(session),
        LiveCommand::Stop(live) => {
            let look = look(&fresh())?;
            let one = look.find(&live.session)?;
            let (pid, started_at) = one.pid.zip(one.started_at).ok_or_else(|| by_marline(one))?;
            told(live.json, &one.id, &stop(pid, started_at))
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

/// As `ls` does by default.
fn fresh() -> ReadArgs {
    ReadArgs { json: false, no_refresh: false }
}

fn by_marline(one: &LiveSession) -> Failure {
    Failure::refused(
        &format!("Marline works with {} without a terminal.", one.id),
        "`marline approvals` answers it; `marline group` and `marline queue` pause and stop it.",
    )
}

/// The terminal that a session's agent runs in.
fn terminal<'a>(look: &'a Look, one: &'a LiveSession) -> Result<Terminal<'a>, Failure> {
    match (&one.control, one.pid.zip(one.started_at), look.tmux.as_deref()) {
        (Control::Tmux { pane }, Some((pid, started_at)), Some(tmux)) => {
            Ok(Terminal { session: &one.id, pid, started_at, pane, tmux })
        }
        (Control::None { why, command }, ..) => {
            let hint = command.as_ref().map_or_else(
                || "Open it in tmux to steer it.".to_owned(),
                |command| format!("End it there, and open it so: {command}"),
            );
            Err(Failure::refused(&format!("{} can only be read: {why}.", one.id), &hint))
        }
        _ => Err(by_marline(one)),
    }
}

fn steer(
    live: &LiveArgs,
    act: impl FnOnce(&Terminal<'_>) -> std::io::Result<Steered>,
) -> Result<ExitCode, Failure> {
    let look = look(&fresh())?;
    let one = look.find(&live.session)?;
    let terminal = terminal(&look, one)?;
    let steered = act(&terminal).map_err(|error| Failure::agent("tmux failed.", &error.to_string()))?;
    told(live.json, &one.id, &steered)
}

/// Looks for what was sent in the transcript, which is the proof; what waits in a queue of the agent's own is not in it yet.
fn proven(steered: Steered, id: &SessionId, text: &str, since: Timestamp) -> Steered {
    let began = Instant::now();
    while matches!(steered, Steered::Delivered { .. }) && began.elapsed() < UNTIL_SAID {
        if Context::read(&fresh()).is_ok_and(|context| is_said(&context.index, id, text, since)) {
            return Steered::Delivered { proof: "it stands in the transcript".to_owned() };
        }
        std::thread::sleep(LOOK);
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
    let look = look(&fresh())?;
    let one = look.find(session)?;
    let Terminal { pane, tmux, .. } = terminal(&look, one)?;
    let mut command = Command::new(tmux);
    command.arg("-S").arg(&pane.socket);
    let is_inside = std::env::var("TMUX").is_ok_and(|tmux| tmux.starts_with(&*pane.socket.to_string_lossy()));
    command.args(["select-window", "-t", &pane.window_id, ";", "select-pane", "-t", &pane.pane_id, ";"]);
    command.args([if is_inside { "switch-client" } else { "attach-session" }, "-t", &pane.pane_id]);
    if !is_inside {
        // A terminal inside another tmux than its own.
        command.env_remove("TMUX");
    }
    let error = command.exec();
    Err(Failure::agent("tmux could not be started.", &error.to_string()))
}

/// What is opened: an agent's new session, or one that is there.
struct Wanted {
    source: Source,
    id: Option<SessionId>,
    started: Started,
}

fn start(args: &StartArgs) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tmux = marline_control::find_program("tmux", &path).ok_or_else(|| {
        Failure::usage("tmux is not installed, and agents are opened in it.", "Install the package tmux.")
    })?;
    let wanted = wanted(args, &path)?;
    let name = args.name.clone().unwrap_or_else(|| {
        let folder = wanted.started.cwd.file_name().map(|name| name.to_string_lossy().into_owned());
        format!("{} {}", wanted.source, folder.unwrap_or_default())
    });
    let socket = places.tmux();
    let failed =
        |error: std::io::Error| Failure::agent("The agent could not be opened in tmux.", &error.to_string());
    let pane = open(&tmux, &socket, &name, &wanted.started, std::env::vars()).map_err(failed)?;
    match named(&wanted, &pane) {
        Ok(id) => {
            if args.json {
                print_json(&json!({"id": id, "source": wanted.source, "pane": pane}))?;
            } else {
                print_line(&format!("{id} runs in {name}. Take it over: marline live attach {id}"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            close(&tmux, &pane);
            Err(failure)
        }
    }
}

fn wanted(args: &StartArgs, path: &std::ffi::OsStr) -> Result<Wanted, Failure> {
    if let Some(given) = &args.resume {
        let look = look(&fresh())?;
        let session = look.context.index.session(given)?;
        if let Ok(live) = look.find(&session.id.to_string()) {
            return Err(Failure::refused(
                &format!("{} is open already.", live.id),
                &format!("marline live attach {}", live.id),
            ));
        }
        let target = Target::of(&session)?;
        let started = Started::resume(&target, args.cwd.as_deref(), path)?;
        return Ok(Wanted { source: session.source, id: Some(session.id), started });
    }
    let Some(source) = args.agent else {
        return Err(Failure::usage("Which agent?", "Give --agent or --resume."));
    };
    let gone = |dir: &Path| {
        Failure::usage(&format!("{} is no directory that is there.", dir.display()), "Give --cwd.")
    };
    let cwd = args.cwd.clone().unwrap_or_else(|| PathBuf::from("."));
    let cwd = cwd.canonicalize().ok().filter(|cwd| cwd.is_dir()).ok_or_else(|| gone(&cwd))?;
    let live = registry::agent(source).expect("every source has an adapter").live();
    let uuid = if live.takes_id() { Some(acts()?.uuid()) } else { None };
    if !live.is_named_at_start() && args.prompt.is_none() {
        return Err(Failure::usage(
            "That agent begins a session with the first prompt.",
            "Give it one with --prompt.",
        ));
    }
    let opening =
        Opening { id: uuid.as_deref(), prompt: args.prompt.as_deref(), model: args.model.as_deref() };
    let started = Started::open(source, &opening, &cwd, path)?;
    let id = uuid.map(|uuid| SessionId::new(source, &uuid).expect("a UUID is an id"));
    Ok(Wanted { source, id, started })
}

/// Waits until the session that runs in a terminal is known by its own id.
fn named(wanted: &Wanted, pane: &Pane) -> Result<SessionId, Failure> {
    let began = Instant::now();
    loop {
        let look = look(&fresh())?;
        let is_it = |live: &&LiveSession| matches!(&live.control, Control::Tmux { pane: its } if its.pane_id == pane.pane_id && its.socket == pane.socket);
        let found = look.now.sessions.iter().find(is_it);
        if let Some(live) = found.filter(|live| wanted.id.as_ref().is_none_or(|id| *id == live.id)) {
            return Ok(live.id.clone());
        }
        let tmux = look.tmux.as_deref().unwrap_or(Path::new("tmux"));
        let is_there = marline_control::live::Server::new(tmux, &pane.socket)
            .panes()
            .iter()
            .any(|one| one.pane_id == pane.pane_id && !one.is_dead);
        if !is_there {
            return Err(Failure::agent("The agent ended at once.", &wanted.started.typed()));
        }
        if began.elapsed() > UNTIL_NAMED {
            return Err(Failure::agent(
                "The agent did not say within 15 s which session it has; it was ended.",
                &wanted.started.typed(),
            ));
        }
        std::thread::sleep(LOOK);
    }
}

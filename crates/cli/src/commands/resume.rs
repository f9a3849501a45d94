//! `marline resume`: a session in its own agent, in a terminal or for one prompt.

use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use marline_control::{ActError, Started, Target, user_of};
use marline_index::Transcript;
use marline_model::{ItemKind, SessionId};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::args::{Inside, ReadArgs, ResumeArgs};
use crate::commands::act::acts;
use crate::commands::{print_json, print_line, show};
use crate::context::Context;
use crate::failure::Failure;
use crate::signals::Signals;

/// How often the transcript is looked at while the agent works.
const LOOK: Duration = Duration::from_millis(150);
/// An agent that is told to end has so long to do so.
const GRACE: Duration = Duration::from_secs(3);
/// Items of one look.
const PAGE: usize = 500;
/// Of what an agent says on standard error, so much is kept.
const LAST_WORDS: usize = 2_000;

pub fn run(args: &ResumeArgs) -> Result<ExitCode, Failure> {
    let context = Context::read(&ReadArgs { json: args.json, no_refresh: false })?;
    let session = context.index.session(&args.id)?;
    let target = acts()?.as_it_is(Target::of(&session)?);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let started = match &args.prompt {
        Some(prompt) => Started::turn(&target, prompt, args.cwd.as_deref(), &path)?,
        None => Started::resume(&target, args.cwd.as_deref(), &path)?,
    };
    if args.print {
        print_line(&started.typed())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(by) = user_of(&target.id, &target.file, &context.env) {
        return Err(ActError::InUse { session: target.id.to_string(), by }.into());
    }
    if args.prompt.is_some() {
        let outcome = turn(args, context, &target.id, &started);
        Started::tidy(&target);
        return outcome;
    }
    if args.inside == Some(Inside::Tmux) {
        return in_tmux(&started, &target);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "An agent needs a terminal, and this is none.",
            "Say what it is to do (--prompt), print the command (--print), or open a window (--in tmux).",
        ));
    }
    // From here on this process is the agent.
    Err(Failure::file(&started.program, &started.command().exec()))
}

fn in_tmux(started: &Started, target: &Target) -> Result<ExitCode, Failure> {
    let name: String = target.id.to_string().replace([':', '.'], "-").chars().take(24).collect();
    let is_inside = std::env::var_os("TMUX").is_some();
    let mut tmux = Command::new("tmux");
    if is_inside {
        tmux.args(["new-window", "-n", &name]);
    } else {
        tmux.args(["new-session", "-d", "-s", &name]);
    }
    tmux.arg("-c").arg(&started.cwd).arg("--").arg(&started.program).args(&started.launch.words);
    let output = tmux.output().map_err(|error| {
        Failure::refused(
            &format!("tmux could not be started: {error}."),
            "Install tmux, or leave --in tmux out.",
        )
    })?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::refused(&format!("tmux: {}.", words.trim()), "Is it open already? tmux attach"));
    }
    let how =
        if is_inside { "in a new window".to_owned() } else { format!("in tmux: tmux attach -t {name}") };
    print_line(&format!("{} is open {how}", target.id))?;
    Ok(ExitCode::SUCCESS)
}

/// An agent that ends with this process, and all that it started with it.
struct Running(Child);

impl Running {
    fn start(started: &Started) -> io::Result<Self> {
        let mut command = started.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        command.spawn().map(Running)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.0.id() as i32) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < GRACE && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
        self.signal(Signal::KILL);
        let _ = self.0.wait();
    }
}

/// Runs one turn and prints what is written into the transcript meanwhile: that is what happened.
fn turn(args: &ResumeArgs, context: Context, id: &SessionId, started: &Started) -> Result<ExitCode, Failure> {
    let mut next = context.index.item_count(id)?;
    let signals = Signals::listen()?;
    let mut running = Running::start(started).map_err(|error| Failure::file(&started.program, &error))?;
    let stderr = running.0.stderr.take();
    // What nobody reads would stop the agent.
    let words = std::thread::spawn(move || {
        let mut words = Vec::new();
        let mut block = [0; 4096];
        let Some(mut stderr) = stderr else { return words };
        while let Ok(read @ 1..) = stderr.read(&mut block) {
            words.extend_from_slice(&block[..read]);
            let over = words.len().saturating_sub(LAST_WORDS);
            words.drain(..over);
        }
        words
    });
    let (mut answers, mut errors) = (0, 0);
    loop {
        let status = running.0.try_wait().map_err(|error| Failure::file(&started.program, &error))?;
        context.index.refresh(&context.env, &AtomicBool::new(false), &|_| {})?;
        loop {
            let page = context.index.transcript(&id.to_string(), Transcript::From(next, PAGE))?;
            let own: Vec<_> =
                page.items.into_iter().filter(|item| !item.inherited && item.seq >= next).collect();
            for item in &own {
                next = next.max(item.seq + 1);
                answers += u64::from(item.kind == ItemKind::Answer);
                errors += u64::from(item.kind == ItemKind::Error);
                if args.json {
                    print_json(item)?;
                } else {
                    print_line(show::entry(item, false).trim_end())?;
                }
            }
            if own.len() < PAGE {
                break;
            }
        }
        if let Some(status) = status {
            let words = words.join().unwrap_or_default();
            if answers > 0 && errors == 0 {
                return Ok(ExitCode::SUCCESS);
            }
            let words = String::from_utf8_lossy(&words);
            return Err(Failure::agent(&format!("The turn failed ({status})."), words.trim()));
        }
        if signals.are_heard() {
            drop(running);
            return Err(Failure::agent("The turn was interrupted.", ""));
        }
        std::thread::sleep(LOOK);
    }
}

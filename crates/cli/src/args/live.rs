//! The command line of live sessions.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use marline_model::Source;

use super::{ReadArgs, source};

/// See and steer the agents that run
///
/// Every agent that runs on this machine is found, whoever started it. Those in tmux can be talked to, answered and
/// interrupted from here, while their terminal stays what it is; those that Marline works through groups and queues with are
/// steered there.
#[derive(Subcommand)]
pub enum LiveCommand {
    /// List the sessions that agents have open, those that need you first
    Ls {
        /// Tell for each what says so
        #[arg(long)]
        why: bool,
        #[command(flatten)]
        read: ReadArgs,
    },
    Start(StartArgs),
    Send(SendArgs),
    /// Interrupt what an agent does
    Interrupt(LiveArgs),
    /// Allow what an agent asks, this once
    Approve {
        #[command(flatten)]
        live: LiveArgs,
        /// Allow such things for the rest of the session, where the agent offers that
        #[arg(long)]
        for_session: bool,
        /// The question's key, as `live ls --json` tells it: nothing else will be allowed
        #[arg(long)]
        key: Option<String>,
    },
    /// Refuse what an agent asks
    Deny {
        #[command(flatten)]
        live: LiveArgs,
        /// The question's key, as `live ls --json` tells it
        #[arg(long)]
        key: Option<String>,
        /// A word to the agent
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Answer a question of an agent's that asks for no leave
    ///
    /// A question that a menu answers, such as which way to go or whether a plan is to be followed. `live ls` shows the answers.
    Choose {
        #[command(flatten)]
        live: LiveArgs,
        /// The number of the answer, from 1; of a question that takes several, all that are to be chosen
        #[arg(value_name = "NUMBER", required_unless_present = "text", value_parser = clap::value_parser!(u8).range(1..=9))]
        answers: Vec<u8>,
        /// Answer in your own words, where the question takes them
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// The question's key, as `live ls --json` tells it: nothing else will be answered
        #[arg(long)]
        key: Option<String>,
    },
    /// Have an agent go on with another model
    Model {
        #[command(flatten)]
        live: LiveArgs,
        /// The model, as the agent calls it
        model: String,
    },
    /// Have an agent ask for more or for less
    Mode {
        #[command(flatten)]
        live: LiveArgs,
        /// What it may do without asking
        #[arg(value_enum)]
        mode: ModeArg,
    },
    /// Say that you are away: agents that have hooks ask on the board first
    ///
    /// While you are away, Claude Code and Codex wait for an answer on the board or on your phone before they ask in their
    /// terminals, ten minutes at most; Codex' terminal waits meanwhile, Claude Code's takes an answer, too. `marline live back` ends it.
    Away {
        /// From this session; without it, from all
        session: Option<String>,
        /// For how long: 30m, 2h; a day at most
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = super::lasting)]
        lasts: super::Lasting,
    },
    /// Say that you are back
    Back {
        /// From this session alone; without it, from all
        session: Option<String>,
    },
    /// Open again what was open before Marline, or the machine, was started anew
    Reopen {
        /// Tell which sessions, and open none
        #[arg(long)]
        dry_run: bool,
        /// Open none, and offer them no more
        #[arg(long, conflicts_with = "dry_run")]
        forget: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take over which sessions are open from the database of ClawTap
    Import {
        /// The database
        file: PathBuf,
    },
    /// Take an agent's terminal over
    Attach {
        /// The session's id, or the beginning of it
        session: String,
    },
    /// End an agent; its session stays
    Stop {
        #[command(flatten)]
        live: LiveArgs,
        /// What becomes of the reviews of its work that are not ended
        #[arg(long, value_enum, default_value_t = ReviewsArg::Keep)]
        reviews: ReviewsArg,
    },
}

/// What becomes of reviews when their session is ended.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReviewsArg {
    /// They stay as they are
    Keep,
    /// They are ended, too
    End,
}

/// What an agent may do without asking.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ModeArg {
    /// Nothing
    Ask,
    /// Change files of its project
    Edits,
    /// Look and plan, and change nothing
    Plan,
    /// What it decides by itself
    Auto,
}

/// Open an agent in a terminal of Marline's own tmux
#[derive(Args)]
pub struct StartArgs {
    /// Who: claude, codex, gemini, opencode, qwen
    #[arg(long, value_name = "AGENT", value_parser = source, required_unless_present = "resume")]
    pub agent: Option<Source>,
    /// Take up this session instead of a new one
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["agent", "prompt", "model"])]
    pub resume: Option<String>,
    /// Where it works [default: here, or where the session worked]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// What it is told first
    #[arg(long, allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// The model
    #[arg(long)]
    pub model: Option<String>,
    /// What the window is called
    #[arg(long)]
    pub name: Option<String>,
    /// Work in a git worktree of its own, on a branch of this name
    #[arg(long, value_name = "BRANCH", conflicts_with = "resume")]
    pub worktree: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Say something to an agent, as if it was typed
#[derive(Args)]
pub struct SendArgs {
    #[command(flatten)]
    pub live: LiveArgs,
    /// What to say; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// A picture that goes with it; can be given up to four times
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
}

#[derive(Args)]
pub struct LiveArgs {
    /// The session's id, or the beginning of it
    pub session: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Have agents tell what they do, at once
///
/// Claude Code, Codex and Gemini CLI call a program of yours when a prompt comes, when they ask for leave and when they are
/// done. With these hooks that program is Marline, which sends it to the board and ends within milliseconds, whether the
/// board is up or not. What changes in your settings is shown first; your own hooks stay.
#[derive(Subcommand)]
pub enum HooksCommand {
    /// Put them into the agents' settings
    Install(HookArgs),
    /// Take them out again
    Uninstall(HookArgs),
    /// Tell which agents have them
    Status(super::work::JsonArgs),
}

#[derive(Args)]
pub struct HookArgs {
    /// Only this agent: claude, codex, gemini
    #[arg(long, value_name = "AGENT", value_parser = source)]
    pub agent: Option<Source>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

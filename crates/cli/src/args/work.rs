//! The command line of groups, queues and approvals.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use marline_agents::talk::Permission;
use marline_control::work::MAX_CONCURRENCY;
use marline_model::Source;
use marline_store::work::{HalfDone, Mode, Options, Place};

use super::source;

/// Run one prompt across many sessions
///
/// A group is a named set of sessions, of any agents. A run takes each of them up again, without a terminal, says the
/// prompt, and shows what happens. It is kept with all its events, goes on after a crash, and ends with a table.
/// Agents run headless then: with a login by subscription, see whether its terms allow that (docs/headless.md).
#[derive(Subcommand)]
pub enum GroupCommand {
    /// Make a group
    Create {
        /// What to call it
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        members: MemberArgs,
    },
    /// List groups
    List(JsonArgs),
    /// Show a group, its sessions and its last run
    Show(NameArgs),
    /// Add sessions to a group
    Add {
        /// The group
        name: String,
        #[command(flatten)]
        members: MemberArgs,
    },
    /// Take sessions out of a group
    Remove {
        /// The group
        name: String,
        /// Ids of sessions, or the beginnings of them
        #[arg(required = true, value_name = "SESSION")]
        sessions: Vec<String>,
    },
    /// Call a group something else
    Rename {
        /// The group
        name: String,
        /// Its new name
        new: String,
    },
    /// Delete a group and its runs; its sessions stay
    Delete {
        /// The group
        name: String,
    },
    Run(GroupRunArgs),
    /// List a group's runs, or show one
    Runs {
        /// The group
        name: String,
        /// The run's number
        run: Option<u64>,
        /// Show everything that happened in it
        #[arg(long, requires = "run")]
        events: bool,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// Follow a run that goes on
    Watch(NameArgs),
    /// Let those that run finish, and begin no more
    Pause(NameArgs),
    /// Go on with a run that was paused, or whose Marline is gone
    Resume(NameArgs),
    /// Interrupt what runs, and end
    Stop(NameArgs),
    /// Write a group as JSON
    Export(ExportArgs),
    /// Read groups from JSON, such as codex-agent's groups.json
    Import(ImportArgs),
}

/// Run prompts one after the other
///
/// A queue holds prompts for one project. They are said strictly one at a time, each in a session of its own or all in
/// one; what became of each is kept. A kill at any moment loses none and runs none twice. At a usage limit the queue
/// waits for its end. Agents run headless then: see docs/headless.md.
#[derive(Subcommand)]
pub enum QueueCommand {
    Create(QueueCreateArgs),
    /// List queues
    List(JsonArgs),
    /// Show a queue and its prompts
    Show(NameArgs),
    Add(QueueAddArgs),
    Update(QueueUpdateArgs),
    /// Move a prompt
    Move {
        /// The queue
        name: String,
        /// The prompt's number
        prompt: u64,
        /// Before this one; else to the end
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
    /// Take a prompt out of a queue
    Remove {
        /// The queue
        name: String,
        /// The prompt's number
        prompt: u64,
    },
    /// Change how a queue's prompts are run
    Set(QueueSetArgs),
    /// Work through a queue
    Run {
        /// The queue
        name: String,
        /// Tell what would be run, in which order
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// List a queue's runs, or show what happened in one
    Runs {
        /// The queue
        name: String,
        /// The run's number
        run: Option<u64>,
        /// Show everything that happened in it
        #[arg(long, requires = "run")]
        events: bool,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// Follow a queue that is worked through
    Watch(NameArgs),
    /// Let the prompt that runs finish, and begin no more
    Pause(NameArgs),
    /// Go on with a queue that was paused, or whose Marline is gone
    Resume(NameArgs),
    /// Interrupt what runs, and end
    Stop(NameArgs),
    /// Call a queue something else
    Rename {
        /// The queue
        name: String,
        /// Its new name
        new: String,
    },
    /// Delete a queue and its prompts; sessions stay
    Delete {
        /// The queue
        name: String,
    },
    /// Write a queue as JSON
    Export(ExportArgs),
    /// Read queues from JSON, such as codex-agent's queues.json
    Import(ImportArgs),
}

/// Answer what agents ask
#[derive(Subcommand)]
pub enum ApprovalCommand {
    /// List what agents ask now
    List(JsonArgs),
    /// Allow it
    Allow {
        /// The question's number
        number: u64,
        /// From now on in that session
        #[arg(long)]
        session: bool,
    },
    /// Refuse it
    Deny {
        /// The question's number
        number: u64,
        /// A word to the agent
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Tell what was allowed and refused, by whom, and what came of it
    Log {
        /// At most so many, the last first
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// List what is always allowed
    Rules(JsonArgs),
    /// Allow a command without asking, for a while, in one directory
    ///
    /// A rule is the words that a command begins with. It never allows lines of several commands, and nothing that leaves the
    /// directory (links are followed), touches secrets or git's own files, deletes, holds patterns, or makes its words while it
    /// runs: such things are asked as ever. No rule is made for shells, for programs that run others or delete, for options
    /// that name programs or settings, and none for the home directory as a whole.
    Always {
        /// The words that a command begins with, such as "cargo test"
        command: String,
        /// Where it holds, with what lies below [default: here]
        #[arg(long = "in", value_name = "DIR")]
        directory: Option<PathBuf>,
        /// For how long: 30m, 2h, 7d, 90d at most; `ever`: until it is taken away
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = super::lasting)]
        lasts: super::Lasting,
        /// Of this agent alone
        #[arg(long, value_name = "AGENT", value_parser = super::source)]
        agent: Option<Source>,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// Take a rule away
    Never {
        /// The rule's id, or its beginning or end, as `rules` shows it
        id: String,
    },
}

#[derive(Args)]
pub struct JsonArgs {
    /// Print JSON (docs/cli-json.md)
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct NameArgs {
    /// Its name
    pub name: String,
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Args)]
pub struct MemberArgs {
    /// Ids of sessions, or the beginnings of them
    #[arg(value_name = "SESSION")]
    pub sessions: Vec<String>,
    /// New sessions of this agent: claude, codex, gemini, opencode, qwen
    #[arg(long, value_name = "AGENT", value_parser = source)]
    pub agent: Option<Source>,
    /// How many new ones
    #[arg(long, default_value_t = 1, requires = "agent", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub count: u16,
    /// Where new ones work [default: here]
    #[arg(long, value_name = "DIR", requires = "agent")]
    pub cwd: Option<PathBuf>,
}

/// Run one prompt across a group
#[derive(Args)]
pub struct GroupRunArgs {
    /// The group
    pub name: String,
    /// What every session is told; `-` reads it from standard input
    #[arg(long, allow_hyphen_values = true)]
    pub prompt: String,
    /// A picture that belongs to it
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
    /// At most so many sessions at a time
    #[arg(long, value_name = "N", default_value_t = MAX_CONCURRENCY)]
    pub max_concurrent: usize,
    /// Each session in a git worktree and branch of its own, which stay
    #[arg(long, conflicts_with_all = ["per_session_dir", "same_dir_parallel"])]
    pub worktree: bool,
    /// Each new session in a directory of its own, below its working directory
    #[arg(long, conflicts_with = "same_dir_parallel")]
    pub per_session_dir: bool,
    /// Sessions of one directory side by side, too
    #[arg(long)]
    pub same_dir_parallel: bool,
    #[command(flatten)]
    pub options: OptionArgs,
    #[command(flatten)]
    pub json: JsonArgs,
}

impl GroupRunArgs {
    /// Where its sessions work.
    pub fn place(&self) -> Place {
        match (self.worktree, self.per_session_dir, self.same_dir_parallel) {
            (true, ..) => Place::Worktree,
            (_, true, _) => Place::Directory,
            (.., true) => Place::Shared,
            _ => Place::Own,
        }
    }
}

/// Make a queue
#[derive(Args)]
pub struct QueueCreateArgs {
    /// What to call it
    pub name: String,
    /// The directory that its prompts work in
    #[arg(long, value_name = "DIR")]
    pub project: PathBuf,
    /// Who works: claude, codex, gemini, opencode, qwen
    #[arg(long, value_name = "AGENT", value_parser = source, default_value = "codex")]
    pub agent: Source,
    /// Where prompts are said
    #[arg(long, value_enum, default_value_t = ModeArg::Fresh)]
    pub mode: ModeArg,
    /// Say all in this session, which exists
    #[arg(long, value_name = "SESSION", conflicts_with = "mode")]
    pub session: Option<String>,
    /// Stop when a prompt fails, instead of going on with the next
    #[arg(long)]
    pub stop_on_failure: bool,
    #[command(flatten)]
    pub options: OptionArgs,
}

/// Add a prompt at the end of a queue, which may run
#[derive(Args)]
pub struct QueueAddArgs {
    /// The queue
    pub name: String,
    /// What the agent is told; `-` reads it from standard input
    #[arg(long, allow_hyphen_values = true)]
    pub prompt: String,
    /// A picture that belongs to it
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
    /// Only once that prompt is completed
    #[arg(long, value_name = "NUMBER")]
    pub after: Option<String>,
    /// It waits until you release it
    #[arg(long)]
    pub manual: bool,
    /// Follow the queue
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Change a prompt that does not run
#[derive(Args)]
pub struct QueueUpdateArgs {
    /// The queue
    pub name: String,
    /// The prompt's number
    pub prompt: u64,
    /// Its words; `-` reads them from standard input
    #[arg(long = "prompt", id = "text", value_name = "TEXT", allow_hyphen_values = true)]
    pub text: Option<String>,
    /// Its pictures
    #[arg(long, value_name = "FILE")]
    pub image: Option<Vec<PathBuf>>,
    /// It waits until you release it
    #[arg(long, conflicts_with = "release")]
    pub manual: bool,
    /// It has its turn, also if it was manual, or is at an end already
    #[arg(long)]
    pub release: bool,
    /// Take it back
    #[arg(long, conflicts_with_all = ["manual", "release"])]
    pub cancel: bool,
}

#[derive(Args)]
pub struct QueueSetArgs {
    /// The queue
    pub name: String,
    /// Where prompts are said
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// Stop when a prompt fails
    #[arg(long, overrides_with = "go_on")]
    pub stop_on_failure: bool,
    /// Go on with the next when a prompt fails
    #[arg(long)]
    pub go_on: bool,
    #[command(flatten)]
    pub options: OptionArgs,
}

#[derive(Args)]
pub struct ExportArgs {
    /// Its name; nothing: all of them
    pub name: Option<String>,
    /// Write into this file, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Args)]
pub struct ImportArgs {
    /// The file; nothing: codex-agent's own
    pub file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ModeArg {
    /// Each in a session of its own
    Fresh,
    /// All in one session
    Continue,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Fresh => Mode::Fresh,
            ModeArg::Continue => Mode::Continue,
        }
    }
}

/// How prompts are run.
#[derive(Args)]
#[command(next_help_heading = "How prompts are run")]
pub struct OptionArgs {
    /// The model [default: the session's own]
    #[arg(long)]
    pub model: Option<String>,
    /// What the agent may do without asking [default: what its settings say]
    #[arg(long, value_enum, visible_alias = "sandbox")]
    pub permission: Option<PermissionArg>,
    /// Interrupt a prompt that takes longer: 90s, 10m, 2h [default: 2h]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub timeout: Option<u64>,
    /// Answer with no what nobody answers for so long [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub approval_timeout: Option<u64>,
    /// Try a prompt that failed, or took too long, so many times again [default: 0]
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,
    /// At a usage limit [default: wait]
    #[arg(long, value_enum)]
    pub on_limit: Option<OnLimit>,
    /// How long to wait where the agent does not say when there is more [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub limit_pause: Option<u64>,
    /// What to do with a prompt whose agent died in the middle of it [default: interrupt]
    #[arg(long, value_enum)]
    pub half_done: Option<HalfDoneArg>,
    /// Take the agent's way that only prints: nothing can be asked or allowed
    #[arg(long)]
    pub plain: bool,
    /// A variable for the agent
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// One more word for the agent's program
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub arg: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PermissionArg {
    /// Look at files
    #[value(alias = "read-only")]
    Read,
    /// Nothing that changes anything: it asks each time
    Ask,
    /// Change files
    #[value(alias = "workspace-write")]
    Edits,
    /// Everything
    #[value(alias = "danger-full-access")]
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnLimit {
    /// Wait for its end
    Wait,
    /// Fail
    Fail,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum HalfDoneArg {
    /// Mark it as interrupted
    Interrupt,
    /// Tell its session to go on
    Resume,
}

impl OptionArgs {
    /// Lays what was said over what is.
    pub fn over(&self, mut options: Options) -> Options {
        if let Some(permission) = self.permission {
            options.permission = Some(match permission {
                PermissionArg::Read => Permission::Read,
                PermissionArg::Ask => Permission::Ask,
                PermissionArg::Edits => Permission::Edits,
                PermissionArg::All => Permission::All,
            });
        }
        if let Some(half_done) = self.half_done {
            options.half_done = match half_done {
                HalfDoneArg::Interrupt => HalfDone::Interrupt,
                HalfDoneArg::Resume => HalfDone::Resume,
            };
        }
        options.model = self.model.clone().or(options.model);
        options.timeout_seconds = self.timeout.unwrap_or(options.timeout_seconds);
        options.approval_seconds = self.approval_timeout.unwrap_or(options.approval_seconds);
        options.retries = self.retries.unwrap_or(options.retries);
        options.waits_for_limit = self.on_limit.map_or(options.waits_for_limit, |on| on == OnLimit::Wait);
        options.limit_seconds = self.limit_pause.unwrap_or(options.limit_seconds);
        options.is_plain |= self.plain;
        options.env.extend(self.env.iter().cloned().collect::<BTreeMap<_, _>>());
        if !self.arg.is_empty() {
            options.arguments.clone_from(&self.arg);
        }
        options
    }
}

/// A time as seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("say it as 90s, 10m, 2h or 1d".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "say it as 90s, 10m, 2h or 1d".to_owned())?;
    number
        .checked_mul(factor)
        .filter(|seconds| *seconds > 0 && *seconds < 366 * 86_400)
        .ok_or_else(|| "it must be more than nothing and less than a year".to_owned())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("say it as NAME=VALUE")?;
    if name.is_empty() || text.contains('\0') {
        return Err("say it as NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

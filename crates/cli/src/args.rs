//! The command line.

pub mod live;
pub mod pair;
pub mod provider;
pub mod review;
pub mod up;
pub mod work;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use marline_index::{Filter, QueryError, Sort, UsageBy};
use marline_model::{Source, Timestamp};

use live::{HooksCommand, LiveCommand};
use pair::PairArgs;
use provider::{ProviderCommand, RehomeArgs, RestoreArgs};
use review::ReviewCommand;
use up::UpArgs;
use work::{ApprovalCommand, GroupCommand, QueueCommand};

/// Keeps the sessions of every coding agent on your machines
///
/// Marline finds the sessions of Claude Code, Codex, Gemini CLI, OpenCode and Qwen Code; it lists, shows, searches and
/// sums them up, forks them, hands them over to another agent, takes them up again, and works through groups of them and
/// queues of prompts. It writes to an agent's files only where a command says so, with --dry-run to see what would be
/// done and a way back.
#[derive(Parser)]
#[command(name = "marline", version, about, long_about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    Up(UpArgs),
    Pair(PairArgs),
    /// Bring the catalogue and the search index up to date
    Index(IndexArgs),
    /// List sessions, the last active first
    Ls(LsArgs),
    /// Show a session's transcript
    Show(ShowArgs),
    /// Search everything that was said and done
    Search(SearchArgs),
    Resume(ResumeArgs),
    Fork(ForkArgs),
    Handoff(HandoffArgs),
    Rename(RenameArgs),
    /// Put a session away
    Archive(ActArgs),
    /// Take a session back that was put away
    Unarchive(ActArgs),
    Delete(DeleteArgs),
    Undo(UndoArgs),
    /// Switch the model provider behind an agent
    ///
    /// Sessions are left alone: Marline shows those of every provider, and resumes each under its own.
    Provider {
        #[command(subcommand)]
        command: ProviderCommand,
    },
    Rehome(RehomeArgs),
    Restore(RestoreArgs),
    Live {
        #[command(subcommand)]
        command: LiveCommand,
    },
    Hooks {
        #[command(subcommand)]
        command: HooksCommand,
    },
    Review {
        #[command(subcommand)]
        command: ReviewCommand,
    },
    Group {
        #[command(subcommand)]
        command: GroupCommand,
    },
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
    },
    Approvals {
        #[command(subcommand)]
        command: ApprovalCommand,
    },
    /// Become the agent of a talk
    #[command(name = "__agent", hide = true)]
    Agent {
        /// Its folder
        dir: PathBuf,
    },
    /// Sum up tokens and cost
    Usage(UsageArgs),
    /// Tell what was found where
    Sources(ReadArgs),
    Doctor(DoctorArgs),
    /// Print shell completions
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
    /// Write man pages into a directory
    Man {
        /// Where to write them
        dir: PathBuf,
    },
}

/// Lets `marline search this -that` mean what it says: to the parser of options, `-that` would be one.
///
/// A short option of `search` itself stays one, and so does everything behind `--`.
pub fn with_negations(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    if words.get(1).is_none_or(|command| command != "search") {
        return words;
    }
    for word in words.iter_mut().skip(2) {
        let Some(text) = word.to_str() else { continue };
        if text == "--" {
            break;
        }
        let is_negation = text
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(|c: char| c != '-') && !matches!(rest, "h" | "V"));
        if is_negation {
            *word = format!("−{}", &text[1..]).into();
        }
    }
    words
}

/// What every reading command takes.
#[derive(Args)]
pub struct ReadArgs {
    /// Print JSON (docs/cli-json.md)
    #[arg(long)]
    pub json: bool,
    /// Answer from what is indexed, without looking for changes first
    #[arg(long)]
    pub no_refresh: bool,
}

impl ReadArgs {
    /// As a command reads that is asked for nothing else.
    pub const FRESH: ReadArgs = ReadArgs { json: false, no_refresh: false };
}

/// Which sessions are meant.
#[derive(Args)]
pub struct FilterArgs {
    /// Only this agent's sessions: claude, codex, gemini, opencode, qwen
    #[arg(long, value_name = "AGENT", value_parser = source)]
    pub source: Vec<Source>,
    /// Only sessions with this in their project's name or directory
    #[arg(long, value_name = "NAME")]
    pub project: Vec<String>,
    /// Only sessions on this git branch
    #[arg(long, value_name = "BRANCH")]
    pub branch: Vec<String>,
    /// Only sessions whose model's name contains this
    #[arg(long, value_name = "MODEL")]
    pub model: Vec<String>,
    /// Only sessions that read or wrote a file with this in its path
    #[arg(long, value_name = "PATH")]
    pub file: Vec<String>,
    /// Only sessions active since then: 2026-11-20, 7d, 12h
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only sessions begun before then
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Only archived sessions
    #[arg(long)]
    pub archived: bool,
}

/// An act on one session
#[derive(Args)]
pub struct ActArgs {
    /// The session's id, or any beginning of it that names one session
    pub id: String,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Delete a session
///
/// It is laid aside, and `marline undo` takes it back, unless --now is given.
#[derive(Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    pub act: ActArgs,
    /// Delete it for good: nothing is laid aside
    #[arg(long)]
    pub now: bool,
}

/// Give a session another name
///
/// In the agent's own way, so that the agent shows it, too; where it has none, in Marline alone, which is said.
#[derive(Args)]
pub struct RenameArgs {
    #[command(flatten)]
    pub act: ActArgs,
    /// The name
    pub name: String,
}

/// Make a new session that goes on from one
///
/// The origin is left alone. Without --at and --nth-message the new session has all of its history.
#[derive(Args)]
pub struct ForkArgs {
    #[command(flatten)]
    pub act: ActArgs,
    /// Fork from before this item, a prompt of yours
    #[arg(long, value_name = "SEQ", conflicts_with = "nth_message")]
    pub at: Option<u64>,
    /// Fork from before your Nth prompt, the first being 1
    #[arg(long, value_name = "N")]
    pub nth_message: Option<usize>,
}

/// Hand the work of a session over to another agent
///
/// native writes a session of the other agent's own, with the history in its context: claude and codex can be given one.
/// brief starts the other agent on a document that sums the work up; pack on one that tells how to read the original when
/// it is needed. Says what is carried, changed and dropped. The original is left alone.
#[derive(Args)]
pub struct HandoffArgs {
    #[command(flatten)]
    pub act: ActArgs,
    /// The agent that goes on: claude, codex, gemini, opencode, qwen
    #[arg(long, value_name = "AGENT", value_parser = source)]
    pub to: Source,
    /// How it is handed over; native where the agent can be given a history, else brief
    #[arg(long = "as", value_enum, value_name = "WAY")]
    pub way: Option<WayArg>,
    /// Begin with this item
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// End with this item
    #[arg(long, value_name = "SEQ")]
    pub to_seq: Option<u64>,
    /// Go on in this directory instead of its own
    #[arg(long, value_name = "DIRECTORY")]
    pub cwd: Option<PathBuf>,
    /// With brief and pack: print the document, and start nothing
    #[arg(long)]
    pub print: bool,
    /// With brief and pack: run one turn without a terminal, and name the session that came of it
    #[arg(long, conflicts_with = "print")]
    pub run: bool,
}

/// A way of handing over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WayArg {
    /// A session of the other agent's own, with the history
    Native,
    /// A document that sums the work up
    Brief,
    /// A document that tells how to read the original
    Pack,
}

/// Tell what is wrong and what to do, or why an agent does not show a session
///
/// With a session: why its own agent does not list it, or would not resume it.
#[derive(Args)]
pub struct DoctorArgs {
    /// A session's id, or any beginning of it that names one session
    pub id: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Take the last act on a session back
///
/// A switch of providers is taken back by `marline provider undo`.
#[derive(Args)]
pub struct UndoArgs {
    /// The act's number, by default the last one's
    pub number: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Take a session up again, in its own agent
///
/// Opens it under its own provider and in its own directory; this process becomes the agent. With --prompt it runs one
/// turn without a terminal, and prints what happens. (Vendors' terms for that differ between subscriptions and API keys.)
#[derive(Args)]
pub struct ResumeArgs {
    /// The session's id, or any beginning of it that names one session
    pub id: String,
    /// Go on in this directory instead of its own
    #[arg(long, value_name = "DIRECTORY")]
    pub cwd: Option<PathBuf>,
    /// Print the command instead
    #[arg(long)]
    pub print: bool,
    /// Open it somewhere else than in this terminal
    #[arg(long = "in", value_enum, value_name = "WHERE", conflicts_with_all = ["print", "prompt"])]
    pub inside: Option<Inside>,
    /// Say this to it, and end with its turn
    #[arg(long)]
    pub prompt: Option<String>,
    /// With --prompt: print each item as a line of JSON
    #[arg(long, requires = "prompt")]
    pub json: bool,
}

/// What holds the agent's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Inside {
    /// A window of tmux, or a new session of it where none runs
    Tmux,
}

#[derive(Args)]
pub struct IndexArgs {
    /// Forget everything that can be read again, and read it again
    #[arg(long)]
    pub full: bool,
    /// Keep watching for changes until interrupted
    #[arg(long)]
    pub watch: bool,
    /// Print one JSON object a line as the work goes on
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct LsArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Archived sessions, sub-agents', reviewers' and sessions without a word too
    #[arg(long)]
    pub all: bool,
    /// Only sessions of reviewers
    #[arg(long)]
    pub reviews: bool,
    /// What to order by
    #[arg(long, value_enum, default_value_t = SortArg::Updated)]
    pub sort: SortArg,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Where to go on, as the page before said
    #[arg(long)]
    pub cursor: Option<String>,
}

#[derive(Args)]
pub struct ShowArgs {
    /// The session's id, or any beginning of it that names one session
    pub id: String,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print the output of tools in full
    #[arg(long)]
    pub tools: bool,
    /// Print the records as the agent wrote them
    #[arg(long)]
    pub raw: bool,
    /// Begin at this item
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub from: u64,
    /// Print so many items at most
    #[arg(long)]
    pub limit: Option<usize>,
    /// Print the last items only, 50 or as many as --limit says
    #[arg(long, conflicts_with = "from")]
    pub tail: bool,
}

#[derive(Args)]
pub struct SearchArgs {
    /// Words, "phrases", -not, OR, prefix*, and filters such as source:codex kind:prompt tool:bash since:7d
    #[arg(required = true)]
    pub query: Vec<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only items of this kind: prompt, answer, reasoning, tool, error, …
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// Only calls of this tool
    #[arg(long, value_name = "TOOL")]
    pub tool: Vec<String>,
    /// Take the query as a regular expression and look into the texts themselves
    #[arg(long)]
    pub regex: bool,
    /// How many hits at most
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
}

#[derive(Args)]
pub struct UsageArgs {
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What to sum up by
    #[arg(long, value_enum, default_value_t = UsageByArg::Day)]
    pub by: UsageByArg,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SortArg {
    /// Last activity
    Updated,
    /// First activity
    Started,
    /// Cost
    Cost,
    /// Bytes on disk
    Size,
}

impl From<SortArg> for Sort {
    fn from(sort: SortArg) -> Self {
        match sort {
            SortArg::Updated => Sort::Updated,
            SortArg::Started => Sort::Started,
            SortArg::Cost => Sort::Cost,
            SortArg::Size => Sort::Size,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum UsageByArg {
    /// Day, UTC
    Day,
    /// Model
    Model,
    /// Project
    Project,
    /// Agent
    Source,
    /// Session
    Session,
}

impl From<UsageByArg> for UsageBy {
    fn from(by: UsageByArg) -> Self {
        match by {
            UsageByArg::Day => UsageBy::Day,
            UsageByArg::Model => UsageBy::Model,
            UsageByArg::Project => UsageBy::Project,
            UsageByArg::Source => UsageBy::Source,
            UsageByArg::Session => UsageBy::Session,
        }
    }
}

fn source(word: &str) -> Result<Source, String> {
    word.parse().map_err(|_: marline_model::ParseIdError| {
        let all: Vec<&str> = Source::ALL.iter().map(|source| source.as_str()).collect();
        format!("no agent is called that; there are {}", all.join(", "))
    })
}

impl FilterArgs {
    /// Makes a filter of the flags.
    pub fn filter(&self, now: Timestamp) -> Result<Filter, QueryError> {
        let time = |name: &str, given: &Option<String>| {
            given
                .as_ref()
                .map(|value| {
                    marline_index::time(value, now).ok_or_else(|| QueryError::Filter {
                        filter: format!("--{name}"),
                        value: value.clone(),
                        expected: "it takes 2026-11-20, a time, or 7d, 12h, 30m",
                    })
                })
                .transpose()
        };
        Ok(Filter {
            sources: self.source.clone(),
            projects: self.project.clone(),
            branches: self.branch.clone(),
            models: self.model.clone(),
            files: self.file.clone(),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            archived: self.archived,
            ..Filter::default()
        })
    }
}

/// How long something lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// So long.
    For(std::time::Duration),
    /// Until it is ended.
    Ever,
}

/// Reads `90s`, `30m`, `2h`, `7d` or `ever`.
fn lasting(text: &str) -> Result<Lasting, String> {
    if text == "ever" {
        return Ok(Lasting::Ever);
    }
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("say 90s, 30m, 2h, 7d or ever".to_owned()),
    };
    let number: u32 = number.parse().map_err(|_| "that is no number".to_owned())?;
    Ok(Lasting::For(std::time::Duration::from_secs(u64::from(number) * unit)))
}

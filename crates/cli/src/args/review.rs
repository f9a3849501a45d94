//! The command line of reviews.

use clap::{Args, Subcommand};
use marline_control::reviews::{ROUNDS, Reviewer};
use marline_store::reviews::{Anchor, PartKind};

use super::work::JsonArgs;

/// Have another agent review what one has done
///
/// The reviewer is shown what you choose (an answer, a stretch of the session, edits, the project's changes), works in a
/// session of its own, may read and not write, and gives its findings with severity, file and line. You can ask on, and send
/// findings back into the session. Reviewers run headless: see docs/headless.md.
#[derive(Subcommand)]
pub enum ReviewCommand {
    Start(StartArgs),
    /// List reviews, the last begun first
    Ls {
        /// Of this session alone
        session: Option<String>,
        #[command(flatten)]
        json: JsonArgs,
    },
    /// Show a review with its findings
    Show {
        #[command(flatten)]
        review: IdArgs,
        /// Wait until the reviewer is done, and work at it where nobody does
        #[arg(long)]
        wait: bool,
        /// Show what the reviewer was told, too
        #[arg(long)]
        prompts: bool,
    },
    /// Ask the reviewer on, in its session
    Ask {
        #[command(flatten)]
        review: IdArgs,
        /// What to say; `-` reads it from standard input
        #[arg(allow_hyphen_values = true)]
        text: String,
        /// Leave it to the board, instead of waiting
        #[arg(long)]
        detach: bool,
    },
    SendBack(SendBackArgs),
    /// End a review; its findings stay
    End {
        #[command(flatten)]
        review: IdArgs,
    },
}

/// Which review.
#[derive(Args)]
pub struct IdArgs {
    /// The review's id, or the beginning of it
    pub id: String,
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Have a session's work reviewed
///
/// Without --item, --from or --diff it is the last answer, with the edits that belong to it. Example:
/// marline review start claude:6cfb --with codex,claude:opus
#[derive(Args)]
pub struct StartArgs {
    /// The session's id, or any beginning of it that names one session
    pub session: String,
    /// Who reviews: claude, codex, gemini, opencode, qwen; with a model behind a colon
    #[arg(long, value_name = "AGENT[:MODEL]", value_delimiter = ',', required = true, value_parser = reviewer)]
    pub with: Vec<Reviewer>,
    /// This answer or edit, by the key that `show --json` tells
    #[arg(long, value_name = "KEY", conflicts_with_all = ["from", "diff", "last"])]
    pub item: Option<String>,
    /// The last answer
    #[arg(long, conflicts_with_all = ["from", "diff"])]
    pub last: bool,
    /// All from this item on
    #[arg(long, value_name = "KEY", requires = "to", conflicts_with = "diff")]
    pub from: Option<String>,
    /// Up to this one
    #[arg(long, value_name = "KEY", requires = "from")]
    pub to: Option<String>,
    /// What has changed in the project since the last commit
    #[arg(long)]
    pub diff: bool,
    /// What was to be done, instead of the prompt that led to it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub task: Option<String>,
    /// Only these parts: task, text, diff, project [default: those that belong to it]
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = part)]
    pub part: Vec<PartKind>,
    /// How many rounds it may have
    #[arg(long, default_value_t = ROUNDS)]
    pub rounds: u32,
    /// Print what the reviewer would be told, and begin nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Leave it to the board, instead of waiting
    #[arg(long)]
    pub detach: bool,
    #[command(flatten)]
    pub json: JsonArgs,
}

impl StartArgs {
    /// What of the session is meant.
    pub fn anchor(&self) -> Anchor {
        match (&self.item, &self.from, &self.to) {
            (Some(key), ..) => Anchor::Item { key: key.clone() },
            (None, Some(from), Some(to)) => Anchor::Stretch { from: from.clone(), to: to.clone() },
            _ if self.diff => Anchor::Project,
            _ => Anchor::Last,
        }
    }
}

/// Send findings back into the session as a prompt
///
/// They are typed into the terminal of the agent that has the session open, as `live send` does. While it works that is
/// refused, unless it can wait there (--queue). Where nobody has it open, --headless has the session taken up without a
/// terminal for one turn.
#[derive(Args)]
pub struct SendBackArgs {
    #[command(flatten)]
    pub review: IdArgs,
    /// This finding, by its number [default: all]
    #[arg(long, value_name = "NUMBER")]
    pub finding: Vec<usize>,
    /// Say this instead; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// Let it wait behind what the agent is at
    #[arg(long, conflicts_with = "headless")]
    pub queue: bool,
    /// Take the session up without a terminal
    #[arg(long)]
    pub headless: bool,
    /// Print what would be said, and say nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn reviewer(text: &str) -> Result<Reviewer, String> {
    let (name, model) = text.split_once(':').map_or((text, None), |(name, model)| (name, Some(model)));
    let source = super::source(name)?;
    let model = model.map(str::trim).filter(|model| !model.is_empty()).map(str::to_owned);
    Ok(Reviewer { source, model })
}

fn part(word: &str) -> Result<PartKind, String> {
    match word {
        "task" => Ok(PartKind::Task),
        "text" => Ok(PartKind::Text),
        "diff" => Ok(PartKind::Diff),
        "project" => Ok(PartKind::Project),
        _ => Err("it is task, text, diff or project".to_owned()),
    }
}

//! The command line of providers, and of sessions that come under another one.

use clap::{Args, Subcommand, ValueEnum};
use marline_model::Source;

use super::source;

/// What is done with providers.
#[derive(Subcommand)]
pub enum ProviderCommand {
    /// List the providers
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a provider; nothing is switched
    Add(ProfileArgs),
    /// Change a provider; what is not given stays
    Edit(ProfileArgs),
    /// Take over providers that agents, cc-switch and zcf know; without names, list them
    Import {
        /// Their names, as the list has them
        name: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "name")]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a provider and its key; the agent's own configuration stays as it is
    Remove {
        /// Its name
        name: String,
    },
    /// Tell what each agent uses now
    Current {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Switch an agent to a provider
    Use(UseArgs),
    /// Take the last switch back, byte for byte, with the sessions that were synced to it
    Undo {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make one request to a provider: is it there, and does it take the key?
    Test {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell how many of Codex' sessions each provider has, and which of them Codex shows
    Sessions {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a key, for the agent that asks for it
    #[command(hide = true)]
    Key {
        /// The provider's name
        name: String,
    },
}

/// A provider
#[derive(Args)]
pub struct ProfileArgs {
    /// Its name
    pub name: String,
    /// Whose provider it is: codex, claude, gemini, opencode
    #[arg(long, value_name = "AGENT", value_parser = source)]
    pub agent: Option<Source>,
    /// Its address
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Its id in Codex' configuration and sessions, by default its name
    #[arg(long)]
    pub id: Option<String>,
    /// The model that is set with it
    #[arg(long)]
    pub model: Option<String>,
    /// How Codex speaks to it; `responses` is all that it knows
    #[arg(long, value_name = "API")]
    pub wire_api: Option<String>,
    /// A header of each request
    #[arg(long, value_name = "NAME=VALUE")]
    pub header: Vec<String>,
    /// The variable that holds its key
    #[arg(long, value_name = "VARIABLE", conflicts_with = "key_stdin")]
    pub key_env: Option<String>,
    /// Read its key from standard input, and keep it
    #[arg(long)]
    pub key_stdin: bool,
    /// Send the agent's own login to it
    #[arg(long, conflicts_with_all = ["key_stdin", "key_env"])]
    pub login: bool,
    /// It takes no key
    #[arg(long, conflicts_with_all = ["key_stdin", "key_env", "login"])]
    pub no_key: bool,
    /// Give it another id although sessions have the old one
    #[arg(long)]
    pub yes: bool,
}

/// Switch an agent to a provider
#[derive(Args)]
pub struct UseArgs {
    /// The provider's name
    pub name: String,
    /// Let the agent know it by this id, which its sessions bear already: nothing is hidden, nothing rewritten
    #[arg(long, value_name = "ID")]
    pub alias: Option<String>,
    /// Give Codex' sessions this provider, too (marline rehome --mode sync)
    #[arg(long)]
    pub sync_sessions: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask, also where the variable that its key comes from is not set here
    #[arg(long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How sessions come under another provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// They do not: their history is not touched
    Keep,
    /// New sessions under the other provider go on from them; they stay as they are
    Fork,
    /// The provider's address and key change behind the id that they bear: marline provider use NAME --alias ID
    Alias,
    /// The provider's name is changed in their headers and rows
    Sync,
}

/// Give Codex' sessions another provider
///
/// Codex lists only the sessions of the provider that it is configured for, and refuses to resume others; Marline shows
/// all of them and resumes each under its own, so that nothing has to be rewritten (keep). A fork goes on from a session
/// under the other provider, and leaves it as it is (fork). One id can stay in sessions and configuration while address
/// and key change behind it (alias). And the name can be changed in the sessions themselves (sync): in the header and in
/// the database together, without moving a byte behind the header, under Codex' own lock; what is in use is left for
/// later, what has no room is refused and named, and `marline restore` brings every first byte back.
#[derive(Args)]
pub struct RehomeArgs {
    /// How
    #[arg(long, value_enum, default_value_t = ModeArg::Keep)]
    pub mode: ModeArg,
    /// The provider's id
    #[arg(long, value_name = "PROVIDER")]
    pub to: Option<String>,
    /// Only sessions of this provider
    #[arg(long, value_name = "PROVIDER")]
    pub from: Vec<String>,
    /// Only this session
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Give every session its first provider back
#[derive(Args)]
pub struct RestoreArgs {
    /// Only this session
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

//! What `main` reads once: the environment, the clock, the index.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use marline_agents::Env;
use marline_index::{Index, Overlay, Refreshed};
use marline_model::Timestamp;

use crate::args::ReadArgs;
use crate::failure::Failure;
use crate::terminal::note;

/// Variables that agents and Marline honour.
const VARIABLES: [&str; 12] = [
    "MARLINE_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "CODEX_SQLITE_HOME",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "GEMINI_CLI_HOME",
    "QWEN_HOME",
    "OPENCODE_DATA_DIR",
];

/// Where things lie.
pub struct Places {
    pub env: Env,
    /// The catalogue and the search index.
    pub index: PathBuf,
    /// What the board must remember: who has access, its certificate.
    pub state: PathBuf,
    /// A person's own settings of Marline.
    pub config: PathBuf,
    /// What can't be made again: groups, queues, and what runs of them.
    pub data: PathBuf,
    /// The board's socket for the owner's own programs.
    pub socket: PathBuf,
}

impl Places {
    /// Reads the environment.
    pub fn read() -> Result<Self, Failure> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).ok_or_else(|| {
            Failure::usage(
                "HOME is not set, so there is no telling where sessions lie.",
                "Set HOME to your home directory.",
            )
        })?;
        let vars = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let env = Env::new(PathBuf::from(home), vars);
        let below = |home: PathBuf| (home.join("index"), home.join("board"), home.join("board").join("sock"));
        let (index, state, socket) = match (env.var("MARLINE_HOME"), env.var("XDG_RUNTIME_DIR")) {
            (Some(home), _) => below(PathBuf::from(home)),
            (None, runtime) => {
                let state = env.dir("XDG_STATE_HOME", ".local/state").join("marline");
                let run = runtime.map_or_else(|| state.clone(), |run| PathBuf::from(run).join("marline"));
                // All of the index can be made again, so it is a cache.
                (env.dir("XDG_CACHE_HOME", ".cache").join("marline").join("index"), state, run.join("sock"))
            }
        };
        let config = match env.var("MARLINE_HOME") {
            Some(home) => PathBuf::from(home).join("config"),
            None => env.dir("XDG_CONFIG_HOME", ".config").join("marline"),
        };
        let data = match env.var("MARLINE_HOME") {
            Some(home) => PathBuf::from(home),
            None => env.dir("XDG_DATA_HOME", ".local/share").join("marline"),
        };
        Ok(Places { env, index, state, config, data, socket })
    }

    /// The socket of Marline's own tmux, in which it opens agents.
    pub fn tmux(&self) -> PathBuf {
        self.socket.with_file_name("tmux")
    }

    /// The socket to which agents' hooks speak.
    pub fn hooks(&self) -> PathBuf {
        self.socket.with_file_name("hooks")
    }

    /// The places of the bundled sessions, apart from those of the user's own.
    pub fn of_demo(self) -> Self {
        let dir = self.index.with_file_name("demo");
        let (index, state) = (dir.join("index"), dir.join("board"));
        let (socket, config, data) = (state.join("sock"), dir.join("config"), dir.join("data"));
        Places { env: Env::new(dir.join("home"), []), index, state, config, data, socket }
    }
}

/// The time.
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// Bytes of the system's.
pub fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.expect("the system has random bytes");
    bytes
}

/// The program that speaks to the system's keyring, where it is there.
pub fn keyring() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    marline_control::find_program("secret-tool", &path).filter(|_| has_bus)
}

/// The environment, for agents that are opened; a value that is no text is left out.
pub fn variables() -> Vec<(String, String)> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Where the sun stands here.
pub fn utc_offset_seconds() -> i64 {
    i64::from(jiff::Zoned::now().offset().seconds())
}

/// What a command stands on.
pub struct Context {
    pub env: Env,
    pub now: Timestamp,
    pub index: Index,
}

impl Context {
    /// Reads the environment and opens the index.
    pub fn open() -> Result<Self, Failure> {
        let places = Places::read()?;
        let index = Index::open(&places.index)?;
        if let Some(aside) = index.set_aside() {
            note(&format!(
                "The catalogue was set aside as {} because {}; it is made anew.",
                aside.path.display(),
                aside.reason
            ));
        }
        match Overlay::read(&places.state) {
            Ok(overlay) => index.overlay(&overlay)?,
            Err(error) => note(&format!("What Marline alone says of sessions could not be read: {error}.")),
        }
        Ok(Context { env: places.env, now: now(), index })
    }

    /// Opens the index and brings it up to date, unless asked not to.
    pub fn read(args: &ReadArgs) -> Result<Self, Failure> {
        let context = Context::open()?;
        if args.no_refresh {
            return Ok(context);
        }
        let bar = crate::commands::index::Bar::new(false);
        match context.index.refresh(&context.env, &AtomicBool::new(false), &|progress| bar.show(progress)) {
            Ok(Refreshed::Done(_) | Refreshed::Busy) => {}
            // What is indexed can be read all the same.
            Err(error) => note(&format!(
                "The index could not be brought up to date: {}.",
                marline_control::chain(&error)
            )),
        }
        bar.clear();
        Ok(context)
    }
}

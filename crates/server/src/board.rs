//! What all requests share.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use marline_agents::Env;
use marline_control::{Acts, Places};
use marline_model::Timestamp;
use marline_store::work::WorkError;

use crate::access::{Access, AccessError, Offer};
use crate::away::Away;
use crate::changes::Feed;
use crate::doors::{self, Door, DoorError, Stop};
use crate::indexer::Indexer;
use crate::lookout::Lookout;
use crate::pool::Readers;
use crate::push::Push;
use crate::tls::Authority;
use crate::worker::Worker;

/// What a board needs to know.
pub struct Config {
    /// Where the index lies, or is to be made.
    pub index_dir: PathBuf,
    /// Where the board keeps who has access. Only the owner should be able to look into it.
    pub state_dir: PathBuf,
    /// Where a person's own settings of Marline stand.
    pub config_dir: PathBuf,
    /// Where groups, queues and what runs of them are kept.
    pub data_dir: PathBuf,
    /// The program that this is, which agents are started through.
    pub marline: PathBuf,
    /// Where agents' programs lie.
    pub path: OsString,
    /// The socket of Marline's own tmux.
    pub tmux_socket: PathBuf,
    /// The socket to which agents' hooks speak.
    pub hook_socket: PathBuf,
    /// The environment of agents that are opened there.
    pub agent_env: Vec<(String, String)>,
    /// The program that speaks to the system's keyring, where it is there.
    pub keyring: Option<PathBuf>,
    /// Where agents keep their sessions.
    pub env: Env,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// What browsers on this machine open: scheme, host and port, without a slash at the end.
    pub address: String,
    /// The same for devices elsewhere, the best first; none: nobody can reach this board from elsewhere.
    pub ways: Vec<String>,
    /// A reverse proxy that speaks TLS and passes requests on to loopback, as browsers know it: `https://desk.tail.net`.
    pub public_url: Option<String>,
    /// The authority behind the board's own certificate.
    pub authority: Option<Authority>,
    /// Push services may be on loopback, in clear: a test's.
    pub pushes_to_loopback: bool,
    /// Host names that requests may bear, beside `localhost` and literal addresses.
    pub hosts: Vec<String>,
    /// A good source of random bytes.
    pub random: fn() -> [u8; 16],
    /// Seconds east of UTC: some agents file sessions under local dates.
    pub utc_offset_seconds: i64,
    /// The sessions are the bundled ones.
    pub is_demo: bool,
    /// Marline's version.
    pub version: &'static str,
}

/// Why a board could not be opened or ended.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// It can't be looked after who has access. Nothing was started.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Groups and queues can't be read. Nothing was started.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// It can't be told who wants to be notified. Nothing was started.
    #[error("notifications can't be looked after")]
    Push(#[source] std::io::Error),
    /// A door could not be kept open.
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// The board of one user.
#[derive(Clone)]
pub struct Board {
    pub(crate) config: Arc<Config>,
    pub(crate) access: Arc<Access>,
    pub(crate) acts: Arc<Acts>,
    pub(crate) worker: Arc<Worker>,
    pub(crate) readers: Readers,
    pub(crate) indexer: Arc<Indexer>,
    pub(crate) lookout: Arc<Lookout>,
    pub(crate) away: Arc<Away>,
    pub(crate) push: Arc<Push>,
    pub(crate) feed: Feed,
    pub(crate) stop: Stop,
}

impl Board {
    /// Prepares a board; nothing is read or served yet.
    ///
    /// # Errors
    /// [`BoardError::Access`], [`BoardError::Work`], [`BoardError::Push`].
    pub fn open(config: Config) -> Result<Self, BoardError> {
        let access = Access::open(&config.state_dir)?;
        let readers = Readers::new(config.index_dir.clone());
        let acts = Acts::new(Places {
            env: config.env.clone(),
            state: config.state_dir.clone(),
            config: config.config_dir.clone(),
            keyring: config.keyring.clone(),
            now: config.now,
            random: config.random,
            utc_offset_seconds: config.utc_offset_seconds,
        });
        let worker = Worker::open(&config)?;
        let push = Push::open(&config).map_err(BoardError::Push)?;
        Ok(Board {
            worker: Arc::new(worker),
            away: Arc::new(Away::at(&config.state_dir)),
            config: Arc::new(config),
            access: Arc::new(access),
            acts: Arc::new(acts),
            readers,
            indexer: Arc::default(),
            lookout: Arc::default(),
            push: Arc::new(push),
            feed: Feed::default(),
            stop: Stop::default(),
        })
    }

    /// Makes a link that gives one browser access to everything, once.
    ///
    /// # Errors
    /// [`BoardError::Access`].
    pub fn link(&self) -> Result<String, BoardError> {
        self.link_for(Offer::all(), self.config.ways.first().unwrap_or(&self.config.address))
    }

    /// Makes a link for what is offered, below an address of ours.
    pub(crate) fn link_for(&self, offer: Offer, address: &str) -> Result<String, BoardError> {
        let secret = self.access.link(offer)?;
        Ok(format!("{address}{}?token={}", crate::LOGIN_PATH, secret.reveal()))
    }

    /// Returns what makes [`Board::run`] end.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Indexes, watches and serves until it is stopped; returns when all has ended.
    ///
    /// # Errors
    /// [`BoardError::Door`] when a door fails; everything has ended then.
    pub async fn run(self, doors: Vec<Door>) -> Result<(), BoardError> {
        // Where the catalogue stands before anything is indexed: from here on every change is told.
        let start = self.readers.ask(|index| Ok(index.position()?)).await.ok();
        let indexing = self.indexer.start(&self);
        let working = self.worker.start(&self);
        Away::start(&self);
        let looking = self.lookout.start(&self);
        let telling = tokio::spawn(self.feed.clone().run(self.clone(), start));
        let notifying = tokio::spawn({
            let board = self.clone();
            async move { board.push.run(&board).await }
        });
        let served = doors::serve(&self, doors).await;
        self.stop.now();
        let _ = telling.await;
        let _ = notifying.await;
        let _ = tokio::task::spawn_blocking(move || (working.join(), looking.join(), indexing.join())).await;
        Ok(served?)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.config.now)()
    }
}

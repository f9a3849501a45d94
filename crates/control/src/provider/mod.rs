//! Switching the model provider behind an agent, without losing sight of a session.
//!
//! A [`Profile`] says what a provider is; [`Acts::use_provider`] makes a plan of the files that change, which is wholly done
//! or wholly undone through the journal, byte for byte. Sessions are left alone: Marline shows those of every provider, and
//! resumes each under its own. [`Acts::rehome`] gives sessions another provider when that is asked for.

pub(crate) mod files;
mod import;
mod probe;
mod profiles;
mod rehome;
pub(crate) mod secrets;
mod toml;
mod why;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use marline_agents::codex::config::Config;
use marline_model::{Source, ThreadId};
use marline_store::WriterLock;
use serde::Serialize;
use utoipa::ToSchema;

pub use self::import::Offer;
pub use self::probe::Probed;
pub use self::profiles::{KeyFrom, Profile, Profiles};
pub use self::rehome::{ProviderSessions, Rehome, Synced};
use self::secrets::Secrets;
use crate::launch::quoted;
use crate::step::Vault;
use crate::surgery::Sum;
use crate::target::agent;
use crate::{ActError, Acts, Entry, Journal, Plan, Step};

/// The provider that Codex takes where nothing is said.
const DEFAULT: &str = "openai";

/// So many switches can be taken back; of older ones nothing is kept.
const KEPT_SWITCHES: usize = 10;

/// A switch that is prepared.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    /// Whose.
    pub agent: Source,
    /// The key that is written into Codex' login; it is printed to nobody.
    #[serde(skip)]
    key: Option<String>,
    /// The files that change.
    pub plan: Plan,
    /// Sessions that the agent will list then.
    pub shows: u64,
    /// Sessions that the agent will hide then; Marline shows them all the same.
    pub hides: u64,
    /// Sessions that run, and keep the provider that they began with until they are restarted.
    pub running: u64,
}

/// What an agent uses now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    /// The agent.
    pub agent: Source,
    /// The profile that it was switched to, if it is one.
    pub profile: Option<String>,
    /// The provider's id, or its address.
    pub provider: Option<String>,
}

pub(crate) fn read(path: &Path) -> Result<Option<String>, ActError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ActError::file(path)(error)),
    }
}

impl Acts {
    /// The profiles.
    ///
    /// # Errors
    /// [`ActError::Failed`] when they can't be read.
    pub fn profiles(&self) -> Result<Profiles, ActError> {
        Profiles::read(&self.places.config)
    }

    /// Adds a profile, or changes one, with the key that is to be kept for it.
    ///
    /// # Errors
    /// [`ActError::Invalid`] for one that can't be used.
    pub fn keep_profile(&self, name: &str, profile: Profile, key: Option<String>) -> Result<(), ActError> {
        profile.check(name)?;
        let _alone = self.alone()?;
        let mut secrets = self.secrets()?;
        if let Some(key) = &key {
            let key = key.trim();
            if key.is_empty() || key.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(ActError::invalid("a key is one word"));
            }
            secrets.set(name, Some(key))?;
        }
        if profile.key == KeyFrom::Kept && secrets.get(name).is_none() {
            return Err(ActError::Invalid {
                message: format!("there is no key for {name}"),
                hint: Some("Say which: --key-stdin reads one, --key-env names a variable.".to_owned()),
            });
        }
        let mut profiles = self.profiles()?;
        profiles.by_name.insert(name.to_owned(), profile);
        profiles.write(&self.places.config)
    }

    /// Forgets a profile and its key. The agent's own configuration keeps its entry: sessions may name it.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when there is none.
    pub fn forget_profile(&self, name: &str) -> Result<Profile, ActError> {
        let _alone = self.alone()?;
        let mut profiles = self.profiles()?;
        profiles.get(name)?;
        if self.current_providers()?.iter().any(|one| one.profile.as_deref() == Some(name)) {
            return Err(ActError::changed(format!("{name} is in use; switch to another one first")));
        }
        let profile = profiles.by_name.remove(name).expect("it was found");
        profiles.write(&self.places.config)?;
        let mut secrets = self.secrets()?;
        secrets.set(name, None)?;
        Ok(profile)
    }

    /// Returns the key of a profile: for the agent that asks for it, and for nobody to look at.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when there is none.
    pub fn key_of(&self, name: &str) -> Result<String, ActError> {
        let key = self.secrets()?.get(name);
        key.ok_or_else(|| ActError::invalid(format!("there is no key for {name}")))
    }

    fn secrets(&self) -> Result<Secrets, ActError> {
        Secrets::read(&self.places.state, self.places.keyring.as_deref())
    }

    fn home_of(&self, source: Source) -> PathBuf {
        agent(source).home(&self.places.env)
    }

    /// What each agent uses now.
    ///
    /// # Errors
    /// [`ActError::Failed`] when profiles or settings can't be read.
    pub fn current_providers(&self) -> Result<Vec<Current>, ActError> {
        let profiles = self.profiles()?;
        let of = |source: Source| profiles.by_name.iter().filter(move |(_, profile)| profile.agent == source);
        let mut current = Vec::new();
        let home = self.home_of(Source::Codex);
        if home.is_dir() {
            let provider = Config::read(&home).model_provider.unwrap_or_else(|| DEFAULT.to_owned());
            let profile = of(Source::Codex).find(|(name, profile)| profile.codex_id(name) == provider);
            let profile = profile.map(|(name, _)| name.clone());
            current.push(Current { agent: Source::Codex, profile, provider: Some(provider) });
        }
        let home = self.home_of(Source::Claude);
        if home.is_dir() {
            let settings = read(&home.join("settings.json"))?.unwrap_or_default();
            let settings: serde_json::Value =
                jsonc_parser::parse_to_serde_value(&settings, &Default::default()).unwrap_or_default();
            let address = settings["env"]["ANTHROPIC_BASE_URL"].as_str().map(str::to_owned);
            let helper = settings["apiKeyHelper"].as_str().unwrap_or_default();
            let profile = of(Source::Claude).find(|(name, profile)| {
                profile.base_url == address
                    && (profile.key != KeyFrom::Kept || helper.ends_with(&format!(" key {name}")))
            });
            let profile =
                profile.map(|(name, _)| name.clone()).filter(|_| address.is_some() || !helper.is_empty());
            current.push(Current { agent: Source::Claude, profile, provider: address });
        }
        let home = self.home_of(Source::Gemini);
        if home.is_dir() {
            let env = read(&home.join(".env"))?.unwrap_or_default();
            let value = |name: &str| {
                env.lines()
                    .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
            };
            let address = value("GOOGLE_GEMINI_BASE_URL");
            let secrets = self.secrets()?;
            let key = value("GEMINI_API_KEY");
            let profile = of(Source::Gemini)
                .find(|(name, profile)| profile.base_url == address && secrets.get(name) == key);
            let profile =
                profile.map(|(name, _)| name.clone()).filter(|_| address.is_some() || key.is_some());
            current.push(Current { agent: Source::Gemini, profile, provider: address });
        }
        let config = read(&self.opencode_config())?;
        if let Some(config) = config {
            let config: serde_json::Value =
                jsonc_parser::parse_to_serde_value(&config, &Default::default()).unwrap_or_default();
            let provider =
                config["model"].as_str().and_then(|model| Some(model.split_once('/')?.0.to_owned()));
            let profile = of(Source::OpenCode)
                .map(|(name, _)| name)
                .find(|name| provider.as_ref() == Some(*name))
                .cloned();
            current.push(Current { agent: Source::OpenCode, profile, provider });
        }
        Ok(current)
    }

    /// Prepares a switch to a profile; `known_as` is the provider id that sessions bear already, behind which only address
    /// and key change.
    ///
    /// # Errors
    /// [`ActError::Invalid`] for a profile that can't be used now; [`ActError::Unsupported`] for credentials that the agent
    /// keeps elsewhere.
    pub fn use_provider(
        &self,
        name: &str,
        known_as: Option<&str>,
        marline: &str,
    ) -> Result<Switch, ActError> {
        let profiles = self.profiles()?;
        let mut profile = profiles.get(name)?.clone();
        if let Some(id) = known_as {
            profile.only_codex(name)?;
            profile.id = Some(id.to_owned());
        }
        profile.check(name)?;
        let secrets = self.secrets()?;
        let key = match &profile.key {
            KeyFrom::Kept => Some(secrets.get(name).ok_or_else(|| {
                ActError::invalid(format!(
                    "there is no key for {name}; give it one: marline provider edit {name} --key-stdin"
                ))
            })?),
            _ => None,
        };
        let aside = format!("before {}", self.uuid());
        let steps = match profile.agent {
            Source::Codex => self.switch_codex(name, &profile, key.as_deref(), &secrets, &aside)?,
            Source::Claude => self.switch_claude(name, &profile, marline, &aside)?,
            Source::Gemini => self.switch_gemini(&profile, key.as_deref(), &aside)?,
            Source::OpenCode => self.switch_opencode(name, &profile, key.clone(), &aside)?,
            _ => return Err(ActError::invalid(format!("{name} is no profile that can be used"))),
        };
        let (shows, hides) = match profile.agent {
            Source::Codex => self.shown_and_hidden(profile.codex_id(name))?,
            _ => (0, 0),
        };
        let who = agent(profile.agent).name();
        let plan = Plan {
            act: "provider".to_owned(),
            session: None,
            says: format!("{who} uses {name}"),
            shown_by: Some(who.to_owned()),
            makes: None,
            file: PathBuf::new(),
            discards: None,
            synced: None,
            steps,
        };
        let running = self.running(profile.agent);
        Ok(Switch { agent: profile.agent, key, plan, shows, hides, running })
    }

    /// Sessions of an agent that run.
    fn running(&self, source: Source) -> u64 {
        let home = self.home_of(source);
        let found = match source {
            Source::Codex => fs::read_dir(home.join("thread-writer-locks"))
                .into_iter()
                .flatten()
                .flatten()
                .filter(|entry| {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let id = name.strip_suffix(".lock").and_then(|id| id.parse::<ThreadId>().ok());
                    id.is_some_and(|id| WriterLock::is_held(&home, &id))
                })
                .count(),
            Source::Claude => crate::in_use::claudes(&home).len(),
            _ => 0,
        };
        found as u64
    }

    fn switch_codex(
        &self,
        name: &str,
        profile: &Profile,
        key: Option<&str>,
        secrets: &Secrets,
        aside: &str,
    ) -> Result<Vec<Step>, ActError> {
        let home = self.home_of(Source::Codex);
        let path = home.join("config.toml");
        let before = read(&path)?;
        let text = before.clone().unwrap_or_default();
        let config = files::codex_config(&text, name, profile)
            .map_err(|error| ActError::invalid(format!("{}: {error}", path.display())))?;
        let mut steps = Vec::from_iter(self.replace(&path, before, config, false, aside)?);
        let path = home.join("auth.json");
        let auth = read(&path)?;
        let is_ours = auth.as_deref().is_some_and(|auth| has_key_of(auth, secrets));
        if key.is_some() || is_ours {
            let store = Config::read(&home).credentials_store;
            if store.as_deref().is_some_and(|store| store != "file") {
                return Err(ActError::Unsupported {
                    agent: "Codex",
                    cannot: format!(
                        "keeps its login in {:?} (cli_auth_credentials_store), which is not written; name a variable instead: --key-env VAR",
                        store.unwrap_or_default()
                    ),
                });
            }
            let login = secrets.get(LOGIN);
            let new = files::codex_auth(auth.as_deref().unwrap_or_default(), key, login.as_deref())?;
            steps.extend(self.replace(&path, auth, new, true, aside)?);
        }
        Ok(steps)
    }

    fn switch_claude(
        &self,
        name: &str,
        profile: &Profile,
        marline: &str,
        aside: &str,
    ) -> Result<Vec<Step>, ActError> {
        let path = self.home_of(Source::Claude).join("settings.json");
        let before = read(&path)?;
        let helper = match &profile.key {
            KeyFrom::Kept => Some(format!("{} provider key {name}", self.own_command(marline))),
            KeyFrom::Env(variable) => Some(format!("printenv {variable}")),
            KeyFrom::Login | KeyFrom::None => None,
        };
        let text = before.clone().unwrap_or_default();
        let login = match is_claude_ours(&text) {
            true => self.secrets()?.get(LOGIN_OF_CLAUDE).and_then(|login| serde_json::from_str(&login).ok()),
            false => Some(files::claude_login(&text)),
        };
        let new = files::claude_settings(&text, profile, helper.as_deref(), &login.unwrap_or_default())
            .map_err(|error| ActError::invalid(format!("{}: {error}", path.display())))?;
        Ok(Vec::from_iter(self.replace(&path, before, new, false, aside)?))
    }

    fn switch_gemini(
        &self,
        profile: &Profile,
        key: Option<&str>,
        aside: &str,
    ) -> Result<Vec<Step>, ActError> {
        if let KeyFrom::Env(variable) = &profile.key
            && variable != "GEMINI_API_KEY"
        {
            return Err(ActError::invalid(
                "Gemini CLI reads its key from GEMINI_API_KEY alone; keep it instead: --key-stdin",
            ));
        }
        let home = self.home_of(Source::Gemini);
        let path = home.join(".env");
        let before = read(&path)?;
        let new = files::gemini_env(before.as_deref().unwrap_or_default(), profile, key);
        let mut steps = Vec::from_iter(self.replace(&path, before, new, true, aside)?);
        let path = home.join("settings.json");
        let before = read(&path)?;
        let new = files::gemini_settings(
            before.as_deref().unwrap_or_default(),
            !matches!(profile.key, KeyFrom::Login | KeyFrom::None),
        )
        .map_err(|error| ActError::invalid(format!("{}: {error}", path.display())))?;
        steps.extend(self.replace(&path, before, new, false, aside)?);
        Ok(steps)
    }

    /// Marline as a shell calls it, with the home that it has.
    fn own_command(&self, marline: &str) -> String {
        match self.places.env.var("MARLINE_HOME") {
            Some(home) => format!("MARLINE_HOME={} {}", quoted(home), quoted(marline)),
            None => quoted(marline),
        }
    }

    /// OpenCode's settings, which have no place of their own among those of its sessions.
    fn opencode_config(&self) -> PathBuf {
        let folder = self.places.env.dir("XDG_CONFIG_HOME", ".config").join("opencode");
        let commented = folder.join("opencode.jsonc");
        if commented.exists() { commented } else { folder.join("opencode.json") }
    }

    fn switch_opencode(
        &self,
        name: &str,
        profile: &Profile,
        key: Option<String>,
        aside: &str,
    ) -> Result<Vec<Step>, ActError> {
        let mut steps = Vec::new();
        let told = match &profile.key {
            KeyFrom::Env(variable) => Some(format!("{{env:{variable}}}")),
            KeyFrom::None | KeyFrom::Login => None,
            KeyFrom::Kept => {
                // It reads a key from a file that only its owner can read.
                let path = self.places.state.join("keys").join(name);
                let before = read(&path)?;
                let told = Some(format!("{{file:{}}}", path.display()));
                steps.extend(self.replace(&path, before, key.unwrap_or_default(), true, aside)?);
                told
            }
        };
        let path = self.opencode_config();
        let before = read(&path)?;
        let new =
            files::opencode_config(before.as_deref().unwrap_or_default(), name, profile, told.as_deref())
                .map_err(|error| ActError::invalid(format!("{}: {error}", path.display())))?;
        steps.extend(self.replace(&path, before, new, false, aside)?);
        Ok(steps)
    }

    /// A step that gives a file other bytes; none where they are the same. A link is followed, and stays. What was in it
    /// is laid among the secrets: it may hold some.
    pub(crate) fn replace(
        &self,
        path: &Path,
        before: Option<String>,
        after: String,
        is_secret: bool,
        aside: &str,
    ) -> Result<Option<Step>, ActError> {
        if before.as_deref() == Some(after.as_str()) || (before.is_none() && after.trim().is_empty()) {
            return Ok(None);
        }
        let is_link = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink());
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(_) if is_link => {
                return Err(ActError::invalid(format!("{} is a link that leads nowhere", path.display())));
            }
            Err(_) => path.to_owned(),
        };
        let facts = fs::metadata(&path).ok();
        if facts.as_ref().is_some_and(|facts| facts.permissions().readonly()) {
            return Err(ActError::invalid(format!("{} is read-only", path.display())));
        }
        let old_mode = facts.map(|facts| facts.permissions().mode() & 0o7777);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Some(Step::Replace {
            vault: Vault { dir: self.places.state.clone(), keyring: self.places.keyring.clone() },
            aside: format!("{aside} {name}"),
            old: before.map(|text| Sum::of(text.as_bytes())),
            new: Sum::of(after.as_bytes()),
            old_mode,
            mode: if is_secret { 0o600 } else { old_mode.unwrap_or(0o600) },
            path,
            content: after.into_bytes(),
        }))
    }

    /// Does a switch. The login that is left is kept as it is now, so that it comes back with tokens that were rotated.
    ///
    /// # Errors
    /// Those of its steps; what was begun is taken back.
    pub fn switch(&self, switch: &Switch) -> Result<Entry, ActError> {
        let _alone = self.alone()?;
        let mut secrets = self.secrets()?;
        match switch.agent {
            Source::Codex => {
                let auth = read(&self.home_of(Source::Codex).join("auth.json"))?;
                if let Some(auth) = auth.filter(|auth| !has_key_of(auth, &secrets)) {
                    secrets.set(LOGIN, Some(&auth))?;
                }
                if let Some(key) = &switch.key {
                    let written = secrets.get(WRITTEN).unwrap_or_default();
                    let others = written.lines().filter(|one| one != key).take(KEPT_SWITCHES);
                    let all: Vec<&str> = std::iter::once(key.as_str()).chain(others).collect();
                    secrets.set(WRITTEN, Some(&all.join("\n")))?;
                }
            }
            Source::Claude => {
                let settings = read(&self.home_of(Source::Claude).join("settings.json"))?.unwrap_or_default();
                if !is_claude_ours(&settings) {
                    secrets.set(LOGIN_OF_CLAUDE, Some(&files::claude_login(&settings).to_string()))?;
                }
            }
            _ => {}
        }
        let entry = self.carry_out_free(switch.plan.clone())?;
        Journal::open(&self.places.state, self.codex())?.prune("provider", KEPT_SWITCHES)?;
        Ok(entry)
    }

    /// Nobody else changes profiles and secrets while it is held.
    fn alone(&self) -> Result<fs::File, ActError> {
        let path = self.places.state.join("providers.lock");
        fs::create_dir_all(&self.places.state).map_err(ActError::file(&self.places.state))?;
        let open = || {
            let file = fs::File::options().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(ActError::file(&path))
    }

    /// Takes the last switch back, byte for byte.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when there is none; [`ActError::Changed`] when somebody has written the files since.
    pub fn undo_switch(&self) -> Result<Entry, ActError> {
        let journal = Journal::open(&self.places.state, self.codex())?;
        if let Some(entry) = journal.recovered.iter().find(|entry| entry.plan.act == "provider") {
            return Ok(entry.clone());
        }
        let entry = journal.find_last("provider")?;
        self.switch_back(&journal, entry)
    }

    /// Takes a switch back, with the sessions that were given its provider: they first, for they could not be resumed else.
    pub(crate) fn switch_back(&self, journal: &Journal, entry: Entry) -> Result<Entry, ActError> {
        if let Some(synced) = &entry.plan.synced {
            self.give_back(synced)?;
        }
        journal.take_back(entry)
    }

    /// Does a plan that needs no session to be free.
    ///
    /// # Errors
    /// Those of its steps; what was begun is taken back.
    pub fn carry_out_free(&self, plan: Plan) -> Result<Entry, ActError> {
        Journal::open(&self.places.state, self.codex())?.carry_out(plan, (self.places.now)())
    }
}

/// Under this name the login stands that was there before a key.
const LOGIN: &str = "login of codex";
/// Under this name, the keys stand that were written into the login: they may have been forgotten or changed since.
const WRITTEN: &str = "written for codex";
/// Under this name, what a person's own settings of Claude Code said of their provider.
const LOGIN_OF_CLAUDE: &str = "login of claude";

/// Says whether a login is a key of ours.
fn has_key_of(auth: &str, secrets: &Secrets) -> bool {
    let auth: serde_json::Value = serde_json::from_str(auth).unwrap_or_default();
    let written = secrets.get(WRITTEN).unwrap_or_default();
    let is_ours = |key: &str| written.lines().any(|one| one == key) || secrets.holds(key);
    auth["OPENAI_API_KEY"].as_str().is_some_and(is_ours)
}

/// Says whether a profile of ours was put into Claude Code's settings.
fn is_claude_ours(settings: &str) -> bool {
    let settings: serde_json::Value =
        jsonc_parser::parse_to_serde_value(settings, &Default::default()).unwrap_or_default();
    settings["apiKeyHelper"].as_str().is_some_and(|helper| helper.contains(" provider key "))
}

//! Profiles of model providers: `providers.toml`, without secrets, to be read and edited by people.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use marline_agents::codex::config::BUILT_IN;
use marline_model::Source;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ActError;
use crate::target::agent;

/// Headers with one of these in their name hold secrets.
const SECRET_HEADERS: [&str; 6] = ["authorization", "key", "token", "secret", "cookie", "password"];

/// The parameter of an address that looks like a secret.
fn secret_parameter(address: &str) -> Option<&str> {
    let (_, query) = address.split_once('?')?;
    query.split(['&', ';', '#']).map(|one| one.split('=').next().unwrap_or_default()).find(|name| {
        let name = name.to_ascii_lowercase();
        let is_short = ["sig", "signature", "auth", "code", "pass", "pwd"].contains(&name.as_str());
        is_short || SECRET_HEADERS.iter().any(|part| name.contains(part))
    })
}

fn has_password(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    host.split('/').next().unwrap_or_default().contains('@')
}

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyFrom {
    /// A variable of the agent's environment.
    Env(String),
    /// Marline's own keeping.
    Kept,
    /// The agent's own login, which is sent to the provider's address.
    Login,
    /// It takes none.
    None,
}

/// A model provider, or an account with one, as an agent is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Whose.
    pub agent: Source,
    /// The provider's id in Codex' configuration and sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its address; the agent's own, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "base_url")]
    pub base_url: Option<String>,
    /// The model that is set with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How Codex speaks to it; `responses` is all that it knows.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "wire_api")]
    pub wire_api: Option<String>,
    /// Where its key comes from.
    pub key: KeyFrom,
    /// Headers of each request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl Profile {
    /// The id that Codex knows it by.
    pub fn codex_id<'a>(&'a self, name: &'a str) -> &'a str {
        self.id.as_deref().unwrap_or(name)
    }

    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`ActError::Invalid`]
    pub fn check(&self, name: &str) -> Result<(), ActError> {
        let invalid = |message: String| Err(ActError::invalid(message));
        if name.is_empty()
            || name.len() > 64
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return invalid(format!("{name:?} is no name: letters, digits, - _ and . alone, at most 64"));
        }
        if let Some(url) = &self.base_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return invalid(format!("{url:?} is no address: it begins with https://"));
        }
        if let Some(name) = self.base_url.as_deref().and_then(secret_parameter) {
            return invalid(format!(
                "{name:?} in the address would stand in clear in the profile; keep it as a key (--key-stdin)"
            ));
        }
        if self.base_url.as_deref().is_some_and(has_password) {
            return invalid("an address must hold no password; keep it as a key (--key-stdin)".to_owned());
        }
        for (header, value) in &self.headers {
            let name = header.to_ascii_lowercase();
            if SECRET_HEADERS.iter().any(|part| name.contains(part)) {
                return invalid(format!(
                    "{header:?} would stand in clear in the profile; keep it as a key (--key-stdin)"
                ));
            }
            let is_plain = header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if header.is_empty() || !is_plain || value.chars().any(char::is_control) {
                return invalid(format!("{header:?} is no header"));
            }
        }
        if let KeyFrom::Env(variable) = &self.key
            && (variable.is_empty()
                || !variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        {
            return invalid(format!("{variable:?} is no name of a variable"));
        }
        match self.agent {
            Source::Codex => self.check_codex(name),
            Source::Claude | Source::Gemini | Source::OpenCode
                if self.wire_api.is_some() || self.id.is_some() =>
            {
                invalid("an id and a wire API are Codex' alone".to_owned())
            }
            Source::Gemini if !self.headers.is_empty() => invalid("Gemini CLI takes no headers".to_owned()),
            Source::Claude | Source::Gemini => Ok(()),
            Source::OpenCode if self.base_url.is_none() || self.model.is_none() => {
                invalid("OpenCode needs an address and a model (--base-url, --model)".to_owned())
            }
            Source::OpenCode if matches!(self.key, KeyFrom::Login) => {
                invalid("OpenCode needs a key for it (--key-stdin, --key-env)".to_owned())
            }
            Source::OpenCode => Ok(()),
            Source::Qwen => {
                invalid("only Codex, Claude Code, Gemini CLI and OpenCode can be switched".to_owned())
            }
        }
    }

    /// Says that sessions of its agent bear no provider, if they don't.
    pub(super) fn only_codex(&self, name: &str) -> Result<(), ActError> {
        if self.agent == Source::Codex {
            return Ok(());
        }
        Err(ActError::Invalid {
            message: format!("{name} is {}'s, whose sessions bear no provider", agent(self.agent).name()),
            hint: Some(format!("Switch to it as it is: marline provider use {name}")),
        })
    }

    fn check_codex(&self, name: &str) -> Result<(), ActError> {
        let id = self.codex_id(name);
        let invalid = |message: String| Err(ActError::invalid(message));
        if id.trim().is_empty()
            || id.chars().count() > 100
            || id.chars().any(|c| c.is_control() || c == '"' || c == '\\')
        {
            return invalid(format!(
                "{id:?} is no provider id: one line of at most 100 characters, without quotes"
            ));
        }
        if self.wire_api.as_deref().is_some_and(|api| api != "responses") {
            return invalid(
                "Codex speaks the wire API `responses` alone, and does not start on another".to_owned(),
            );
        }
        match (BUILT_IN.contains(&id), &self.base_url) {
            (true, Some(_)) => invalid(format!(
                "{id} is built into Codex and can't have another address; give it another --id"
            )),
            (false, None) => invalid(format!("{id} needs an address (--base-url)")),
            _ => Ok(()),
        }
    }
}

/// All profiles, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profiles {
    /// The profiles.
    pub by_name: BTreeMap<String, Profile>,
}

impl Profiles {
    fn path(dir: &Path) -> PathBuf {
        dir.join("providers.toml")
    }

    /// Reads them from a directory.
    ///
    /// # Errors
    /// [`ActError::Failed`] when they can't be read.
    pub fn read(dir: &Path) -> Result<Self, ActError> {
        let path = Self::path(dir);
        match fs::read_to_string(&path) {
            Ok(text) => toml_edit::de::from_str(&text)
                .map_err(|error| ActError::failed(path.display().to_string(), error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Profiles::default()),
            Err(error) => Err(ActError::file(&path)(error)),
        }
    }

    /// Writes them, whole or not at all.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn write(&self, dir: &Path) -> Result<(), ActError> {
        let path = Self::path(dir);
        let text = toml_edit::ser::to_string_pretty(self);
        let text = text.map_err(|error| ActError::failed(path.display().to_string(), error))?;
        private(&path, text.as_bytes()).map_err(ActError::file(&path))
    }

    /// Finds one.
    ///
    /// # Errors
    /// [`ActError::Invalid`]
    pub fn get(&self, name: &str) -> Result<&Profile, ActError> {
        self.by_name.get(name).ok_or_else(|| ActError::Invalid {
            message: format!("there is no provider {name:?}"),
            hint: Some("marline provider list".to_owned()),
        })
    }
}

/// Writes a file that only its owner can read, whole or not at all.
pub(super) fn private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let next = path.with_extension(format!("{}.next", std::process::id()));
    let _ = fs::remove_file(&next);
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(next, path)
}

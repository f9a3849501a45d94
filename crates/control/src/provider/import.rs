//! Providers that other programs know already: an agent's own configuration, cc-switch, zcf.
//!
//! They are offered, and taken over when they are asked for. Sources: Codex 0.169, Claude Code 2.1, cc-switch 3.20
//! (`~/.cc-switch/cc-switch.db`, or `config.json` before), zcf 3.7 (`~/.ufomiao/zcf/config.toml`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use marline_model::Source;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use serde_json::Value;

use super::profiles::{KeyFrom, Profile};
use crate::{ActError, Acts};

/// A provider that was found and is none of the profiles yet.
#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    /// A name that it can have.
    pub name: String,
    /// Where it was found.
    pub from: &'static str,
    /// What it is.
    pub profile: Profile,
    /// Its key, if one was found; it is printed to nobody.
    #[serde(skip)]
    key: Option<String>,
}

fn toml(text: &str) -> Value {
    toml_edit::de::from_str(text).unwrap_or_default()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A name as profiles have it.
fn plain(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .take(64)
        .collect();
    let name = name.trim_matches('-').to_lowercase();
    if name.is_empty() { "provider".to_owned() } else { name }
}

/// Reads an entry of `model_providers`.
fn codex_entry(id: &str, entry: &Value, model: Option<String>) -> (Profile, Option<String>) {
    let token = text(&entry["experimental_bearer_token"]);
    let variable = text(&entry["env_key"]).or_else(|| text(&entry["temp_env_key"]));
    let key = match (&token, variable) {
        (Some(_), _) => KeyFrom::Kept,
        (None, Some(variable)) => KeyFrom::Env(variable),
        (None, None) if entry["requires_openai_auth"] == true => KeyFrom::Login,
        (None, None) => KeyFrom::None,
    };
    let headers = entry["http_headers"].as_object().into_iter().flatten();
    let profile = Profile {
        agent: Source::Codex,
        id: Some(id.to_owned()),
        base_url: text(&entry["base_url"]),
        model,
        wire_api: text(&entry["wire_api"]),
        key,
        headers: headers.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect(),
    };
    (profile, token)
}

/// Reads the environment that Claude Code or Gemini CLI is given.
fn from_env(agent: Source, env: &Value) -> (Profile, Option<String>) {
    let (address, model, keys): (_, _, &[&str]) = match agent {
        Source::Gemini => ("GOOGLE_GEMINI_BASE_URL", "GEMINI_MODEL", &["GEMINI_API_KEY"]),
        _ => ("ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", &["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"]),
    };
    let key = keys.iter().find_map(|name| text(&env[*name]));
    let profile = Profile {
        agent,
        id: None,
        base_url: text(&env[address]),
        model: text(&env[model]),
        wire_api: None,
        key: if key.is_some() { KeyFrom::Kept } else { KeyFrom::Login },
        headers: BTreeMap::new(),
    };
    (profile, key)
}

/// Reads what cc-switch keeps of a provider.
fn cc_switch(agent: &str, settings: &Value) -> Option<(Profile, Option<String>)> {
    match agent {
        "claude" => Some(from_env(Source::Claude, &settings["env"])),
        "gemini" => Some(from_env(Source::Gemini, &settings["env"])),
        "codex" => {
            let config = toml(settings["config"].as_str()?);
            let id = text(&config["model_provider"])?;
            let (mut profile, token) =
                codex_entry(&id, &config["model_providers"][&id], text(&config["model"]));
            let key = token.or_else(|| text(&settings["auth"]["OPENAI_API_KEY"]));
            if key.is_some() {
                profile.key = KeyFrom::Kept;
            }
            Some((profile, key))
        }
        _ => None,
    }
}

fn cc_switch_rows(path: &Path) -> rusqlite::Result<Vec<(String, String, Value)>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let read = || -> rusqlite::Result<Vec<(String, String, String)>> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut query = connection.prepare("SELECT app_type, name, settings_config FROM providers")?;
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    };
    let rows = read()?.into_iter();
    let parsed =
        rows.filter_map(|(agent, name, settings)| Some((agent, name, serde_json::from_str(&settings).ok()?)));
    Ok(parsed.collect())
}

impl Acts {
    /// Finds providers that other programs know and that are no profiles yet; beside them, what could not be read.
    ///
    /// # Errors
    /// [`ActError::Failed`] when the profiles can't be read.
    pub fn offers(&self) -> Result<(Vec<Offer>, Vec<String>), ActError> {
        let mut unread = Vec::new();
        let profiles = self.profiles()?;
        let mut offers: Vec<Offer> = Vec::new();
        let mut offer = |name: &str, from: &'static str, (profile, key): (Profile, Option<String>)| {
            let is_known =
                profiles.by_name.values().chain(offers.iter().map(|offer| &offer.profile)).any(|known| {
                    (known.agent, &known.base_url, &known.model)
                        == (profile.agent, &profile.base_url, &profile.model)
                });
            if is_known || profile.base_url.is_none() {
                return;
            }
            let base = plain(name);
            let is_taken = |name: &String| {
                profiles.by_name.contains_key(name) || offers.iter().any(|offer| offer.name == *name)
            };
            let numbered = (2..).map(|n| format!("{base}-{n}"));
            let name =
                std::iter::once(base.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(base);
            offers.push(Offer { name, from, profile, key });
        };
        let home = self.places.env.home();
        let config = toml(&read(&self.home_of(Source::Codex).join("config.toml")));
        for (id, entry) in config["model_providers"].as_object().into_iter().flatten() {
            offer(id, "Codex", codex_entry(id, entry, None));
        }
        let settings = read(&self.home_of(Source::Claude).join("settings.json"));
        let settings: Value =
            jsonc_parser::parse_to_serde_value(&settings, &Default::default()).unwrap_or_default();
        offer("claude", "Claude Code", from_env(Source::Claude, &settings["env"]));
        let folder = home.join(".cc-switch");
        let database = folder.join("cc-switch.db");
        let rows = cc_switch_rows(&database).unwrap_or_else(|error| {
            unread.push(format!("{} can't be read: {error}", database.display()));
            Vec::new()
        });
        for (agent, name, settings) in rows {
            if let Some(found) = cc_switch(&agent, &settings) {
                offer(&name, "cc-switch", found);
            }
        }
        let old: Value = serde_json::from_str(&read(&folder.join("config.json"))).unwrap_or_default();
        for agent in ["claude", "codex", "gemini"] {
            for provider in
                old[agent]["providers"].as_object().into_iter().flatten().map(|(_, provider)| provider)
            {
                let name = provider["name"].as_str().unwrap_or_default();
                if let Some(found) = cc_switch(agent, &provider["settingsConfig"]) {
                    offer(name, "cc-switch", found);
                }
            }
        }
        let zcf = toml(&read(&home.join(".ufomiao/zcf/config.toml")));
        for (name, profile) in zcf["claudeCode"]["profiles"].as_object().into_iter().flatten() {
            let key = text(&profile["apiKey"]);
            let found = Profile {
                agent: Source::Claude,
                id: None,
                base_url: text(&profile["baseUrl"]),
                model: text(&profile["primaryModel"]),
                wire_api: None,
                key: if key.is_some() { KeyFrom::Kept } else { KeyFrom::Login },
                headers: BTreeMap::new(),
            };
            offer(name, "zcf", (found, key));
        }
        Ok((offers, unread))
    }

    /// Takes an offer over.
    ///
    /// # Errors
    /// As for [`Acts::keep_profile`].
    pub fn accept(&self, offer: &Offer) -> Result<(), ActError> {
        self.keep_profile(&offer.name, offer.profile.clone(), offer.key.clone())
    }
}

//! Codex' own settings, as far as they are looked at: `config.toml` below its home.

use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Item};

/// Providers that Codex has built in. Source: 0.169.
pub const BUILT_IN: [&str; 4] = ["openai", "amazon-bedrock", "ollama", "lmstudio"];

/// What a new thread begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The model, if it is set.
    pub model: Option<String>,
    /// The model provider, if it is set; Codex takes `openai` else.
    pub model_provider: Option<String>,
    /// The profile that is chosen, whose settings stand above these.
    pub profile: Option<String>,
    /// Where the login is kept, if that is set; in a file else.
    pub credentials_store: Option<String>,
    /// The providers that it has entries of.
    pub providers: Vec<String>,
}

impl Config {
    /// Reads the settings of a home. What is not there or can't be read says nothing.
    pub fn read(home: &Path) -> Self {
        let text = fs::read_to_string(home.join("config.toml")).unwrap_or_default();
        let Ok(document) = text.parse::<DocumentMut>() else { return Config::default() };
        let text = |name: &str| document.get(name).and_then(Item::as_str).map(str::to_owned);
        let providers = document.get("model_providers").and_then(Item::as_table_like);
        Config {
            model: text("model"),
            model_provider: text("model_provider"),
            profile: text("profile"),
            credentials_store: text("cli_auth_credentials_store"),
            providers: providers
                .map_or(Vec::new(), |table| table.iter().map(|(id, _)| id.to_owned()).collect()),
        }
    }

    /// Says whether a new thread would be a provider's, whatever else is said.
    pub fn begins_with(&self, provider: &str) -> bool {
        self.profile.is_none() && self.model_provider.as_deref().unwrap_or(BUILT_IN[0]) == provider
    }

    /// Says whether Codex would know a provider: it has an entry of it, or has it built in.
    pub fn knows(&self, provider: &str) -> bool {
        BUILT_IN.contains(&provider) || self.providers.iter().any(|known| known == provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_where_there_are_any() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(Config::read(dir.path()), Config::default());
        let set = |text: &str| fs::write(dir.path().join("config.toml"), text).expect("written");
        set("model = \"gpt-5.5\" # fast\r\n[model_providers.lab]\nname = \"Lab\"\n");
        let lab =
            Config { model: Some("gpt-5.5".into()), providers: vec!["lab".into()], ..Config::default() };
        assert_eq!(Config::read(dir.path()), lab);
        assert!(lab.knows("lab") && lab.knows("openai") && !lab.knows("other"));
        set("model = ");
        assert_eq!(Config::read(dir.path()), Config::default());
    }
}

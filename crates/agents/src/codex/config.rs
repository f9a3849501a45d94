//! Codex' own settings, as far as they are looked at: `config.toml` below its home.

use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Item};

/// What a new thread begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The model, if it is set.
    pub model: Option<String>,
    /// The model provider, if it is set; Codex takes `openai` else.
    pub model_provider: Option<String>,
}

impl Config {
    /// Reads the settings of a home. What is not there or can't be read says nothing.
    pub fn read(home: &Path) -> Self {
        let text = fs::read_to_string(home.join("config.toml")).unwrap_or_default();
        let Ok(document) = text.parse::<DocumentMut>() else { return Config::default() };
        let text = |name: &str| document.get(name).and_then(Item::as_str).map(str::to_owned);
        Config { model: text("model"), model_provider: text("model_provider") }
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
        assert_eq!(Config::read(dir.path()), Config { model: Some("gpt-5.5".into()), model_provider: None });
        set("model = ");
        assert_eq!(Config::read(dir.path()), Config::default());
    }
}

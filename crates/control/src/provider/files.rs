//! What an agent's own files become under a provider: texts in, texts out.

use std::collections::BTreeMap;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::{Value, json};
use toml_edit::InlineTable;

use super::profiles::{KeyFrom, Profile};
use super::toml::{TomlError, edit, word};
use crate::ActError;

/// Codex' `config.toml`.
pub fn codex_config(text: &str, name: &str, profile: &Profile) -> Result<String, TomlError> {
    if let Some(chosen) = word(text, "profile")? {
        return Err(TomlError::Profile(chosen));
    }
    let id = profile.codex_id(name);
    let mut text = edit(text, &["model_provider"], Some(id.into()))?;
    if let Some(model) = &profile.model {
        text = edit(&text, &["model"], Some(model.as_str().into()))?;
    }
    let Some(url) = &profile.base_url else { return Ok(text) };
    let set = |text: &str, key: &str, value| edit(text, &["model_providers", id, key], value);
    text = set(&text, "name", Some(name.into()))?;
    text = set(&text, "base_url", Some(url.as_str().into()))?;
    text = set(&text, "wire_api", Some(profile.wire_api.as_deref().unwrap_or("responses").into()))?;
    let variable = match &profile.key {
        KeyFrom::Env(variable) => Some(variable.as_str().into()),
        _ => None,
    };
    text = set(&text, "env_key", variable)?;
    let needs_auth = matches!(profile.key, KeyFrom::Kept | KeyFrom::Login);
    text = set(&text, "requires_openai_auth", needs_auth.then(|| true.into()))?;
    // A token of the file's own would win over the key.
    text = set(&text, "experimental_bearer_token", None)?;
    if profile.headers.is_empty() {
        return Ok(text);
    }
    let headers: InlineTable =
        profile.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    set(&text, "http_headers", Some(headers.into()))
}

/// Codex' `auth.json` with a key, or with the login that was there before one; all other fields are kept.
pub fn codex_auth(text: &str, key: Option<&str>, login: Option<&str>) -> Result<String, ActError> {
    let broken = |_| ActError::invalid("auth.json can't be read; log in anew with `codex login`");
    let mut auth: Value =
        if text.trim().is_empty() { json!({}) } else { serde_json::from_str(text).map_err(broken)? };
    let login: Value = login.and_then(|login| serde_json::from_str(login).ok()).unwrap_or_default();
    let fields = auth.as_object_mut().ok_or_else(|| ActError::invalid("auth.json is no JSON object"))?;
    let set = |fields: &mut serde_json::Map<String, Value>, name: &str, value: Option<Value>| match value {
        Some(value) => {
            fields.insert(name.to_owned(), value);
        }
        None => {
            fields.shift_remove(name);
        }
    };
    match key {
        Some(key) => {
            set(fields, "OPENAI_API_KEY", Some(key.into()));
            set(fields, "auth_mode", Some("apikey".into()));
        }
        None => {
            for name in ["OPENAI_API_KEY", "auth_mode"] {
                set(fields, name, login.get(name).cloned());
            }
        }
    }
    serde_json::to_string_pretty(&auth).map_err(|error| ActError::failed("auth.json", error))
}

/// A settings file as JSON whose shape is kept while it is changed.
pub(crate) fn root(text: &str) -> Result<(CstRootNode, CstObject), ActError> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let root = CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| ActError::invalid(format!("it can't be read: {error}")))?;
    let object = root.object_value().ok_or_else(|| ActError::invalid("it is no JSON object"))?;
    Ok((root, object))
}

fn put(object: &CstObject, name: &str, value: Option<&str>) {
    match (object.get(name), value) {
        (Some(field), Some(value)) => field.set_value(CstInputValue::String(value.to_owned())),
        (Some(field), None) => field.remove(),
        (None, Some(value)) => {
            object.append(name, CstInputValue::String(value.to_owned()));
        }
        (None, None) => {}
    }
}

/// What Claude Code's settings say of a provider that is none of ours.
const CLAUDE_ENV: [&str; 5] = [
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_MODEL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_API_KEY",
];

/// What a person's own settings say of their provider, to be put back when a profile with the agent's login is used.
pub fn claude_login(text: &str) -> Value {
    let settings: Value = jsonc_parser::parse_to_serde_value(text, &Default::default()).unwrap_or_default();
    let env: serde_json::Map<String, Value> = CLAUDE_ENV
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), settings["env"].get(name)?.clone())))
        .collect();
    json!({"env": env, "apiKeyHelper": settings["apiKeyHelper"]})
}

/// Claude Code's `settings.json`; `helper` is the command that prints the key, `login` what a person's own settings said.
pub fn claude_settings(
    text: &str,
    profile: &Profile,
    helper: Option<&str>,
    login: &Value,
) -> Result<String, ActError> {
    let (root, settings) = root(text)?;
    let headers: Vec<String> =
        profile.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let headers = headers.join("\n");
    let is_own = profile.key == KeyFrom::Login;
    let env = CLAUDE_ENV.map(|name| {
        let ours = match name {
            "ANTHROPIC_BASE_URL" => profile.base_url.as_deref(),
            "ANTHROPIC_MODEL" => profile.model.as_deref(),
            "ANTHROPIC_CUSTOM_HEADERS" => (!headers.is_empty()).then_some(headers.as_str()),
            // What a helper prints comes behind these.
            _ => None,
        };
        (name, ours.or_else(|| login["env"][name].as_str().filter(|_| is_own)))
    });
    let helper = helper.or_else(|| login["apiKeyHelper"].as_str().filter(|_| is_own));
    let needs_env = settings.get("env").is_some() || env.iter().any(|(_, value)| value.is_some());
    if needs_env {
        let object = settings
            .object_value_or_create("env")
            .ok_or_else(|| ActError::invalid("`env` of settings.json is no object"))?;
        for (name, value) in env {
            put(&object, name, value);
        }
    }
    put(&settings, "apiKeyHelper", helper);
    Ok(root.to_string())
}

/// Gemini CLI's `.env`.
pub fn gemini_env(text: &str, profile: &Profile, key: Option<&str>) -> String {
    let mut wanted: BTreeMap<&str, Option<&str>> = BTreeMap::from([
        ("GEMINI_API_KEY", key),
        ("GOOGLE_GEMINI_BASE_URL", profile.base_url.as_deref()),
        ("GEMINI_MODEL", profile.model.as_deref()),
    ]);
    let nl = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let names: Vec<&str> = wanted.keys().copied().collect();
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let name =
            line.trim_start().trim_start_matches("export ").split('=').next().unwrap_or_default().trim();
        match wanted.remove(name) {
            Some(Some(value)) => out.push_str(&format!("{name}={}{nl}", env_value(value))),
            Some(None) => {}
            // The last one counts: no second one may stay.
            None if names.contains(&name) => {}
            None => out.push_str(line),
        }
    }
    for (name, value) in wanted.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str(nl);
        }
        out.push_str(&format!("{name}={}{nl}", env_value(value)));
    }
    out
}

/// A value as `.env` files take it.
fn env_value(value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@%+=,?&~".contains(c));
    match (is_plain, value.contains('\'')) {
        (true, _) => value.to_owned(),
        (false, false) => format!("'{value}'"),
        (false, true) => format!("\"{value}\""),
    }
}

/// OpenCode's `opencode.json`; `key` is how it is told of the key: `{env:VARIABLE}` or `{file:PATH}`.
pub fn opencode_config(
    text: &str,
    name: &str,
    profile: &Profile,
    key: Option<&str>,
) -> Result<String, ActError> {
    let (root, config) = root(text)?;
    let odd = || ActError::invalid("`provider` of opencode.json is no object");
    let model = profile.model.as_deref().unwrap_or_default();
    let provider = config
        .object_value_or_create("provider")
        .and_then(|all| all.object_value_or_create(name))
        .ok_or_else(odd)?;
    put(&provider, "npm", Some("@ai-sdk/openai-compatible"));
    put(&provider, "name", Some(name));
    let options = provider.object_value_or_create("options").ok_or_else(odd)?;
    put(&options, "baseURL", profile.base_url.as_deref());
    put(&options, "apiKey", key);
    if !profile.headers.is_empty() {
        let headers = options.object_value_or_create("headers").ok_or_else(odd)?;
        profile.headers.iter().for_each(|(name, value)| put(&headers, name, Some(value)));
    }
    let models = provider.object_value_or_create("models").ok_or_else(odd)?;
    let entry = models.object_value_or_create(model).ok_or_else(odd)?;
    put(&entry, "name", Some(model));
    put(&config, "model", Some(&format!("{name}/{model}")));
    if config.get("$schema").is_none() {
        // OpenCode writes it in when it starts; a switch could not be taken back over that.
        put(&config, "$schema", Some("https://opencode.ai/config.json"));
    }
    Ok(root.to_string())
}

/// Gemini CLI's `settings.json`: keys instead of its login, where there is a key.
pub fn gemini_settings(text: &str, has_key: bool) -> Result<String, ActError> {
    let (root, settings) = root(text)?;
    if has_key {
        let auth = settings
            .object_value_or_create("security")
            .and_then(|security| security.object_value_or_create("auth"));
        let auth = auth.ok_or_else(|| ActError::invalid("`security.auth` of settings.json is no object"))?;
        put(&auth, "selectedType", Some("gemini-api-key"));
    }
    Ok(root.to_string())
}

#[cfg(test)]
mod tests {
    use marline_model::Source;

    use super::*;

    fn profile(agent: Source, key: KeyFrom) -> Profile {
        Profile {
            agent,
            id: None,
            base_url: Some("https://gateway.example/v1".into()),
            model: Some("m".into()),
            wire_api: None,
            key,
            headers: BTreeMap::from([("X-Team".to_owned(), "rope".to_owned())]),
        }
    }

    #[test]
    fn codex_is_told_of_a_provider_and_keeps_the_rest() {
        let text =
            "# mine\nmodel_provider = \"old\"\n\n[model_providers.old]\nname = \"Old\"\nbase_url = \"x\"\n";
        let env = codex_config(text, "work", &profile(Source::Codex, KeyFrom::Env("KEY".into()))).unwrap();
        assert_eq!(
            env,
            "# mine\nmodel_provider = \"work\"\nmodel = \"m\"\n\n[model_providers.old]\nname = \"Old\"\nbase_url = \"x\"\n\n\
             [model_providers.work]\nname = \"work\"\nbase_url = \"https://gateway.example/v1\"\nwire_api = \"responses\"\n\
             env_key = \"KEY\"\nhttp_headers = { X-Team = \"rope\" }\n"
        );
        let kept = codex_config(&env, "work", &profile(Source::Codex, KeyFrom::Kept)).unwrap();
        let chosen = codex_config("profile = \"p\"\n", "work", &profile(Source::Codex, KeyFrom::Kept));
        assert!(matches!(chosen, Err(TomlError::Profile(name)) if name == "p"));
        assert!(!kept.contains("env_key") && kept.contains("requires_openai_auth = true"), "{kept}");
    }

    #[test]
    fn a_login_comes_back_when_a_key_goes() {
        let login =
            r#"{"auth_mode":"chatgpt","tokens":{"id_token":"a"},"OPENAI_API_KEY":null,"last_refresh":"x"}"#;
        let with_key = codex_auth(login, Some("sk"), None).unwrap();
        let value: Value = serde_json::from_str(&with_key).unwrap();
        assert_eq!((&value["OPENAI_API_KEY"], &value["tokens"]["id_token"]), (&json!("sk"), &json!("a")));
        let back = codex_auth(&with_key.replace("\"a\"", "\"rotated\""), None, Some(login)).unwrap();
        let value: Value = serde_json::from_str(&back).unwrap();
        assert_eq!(value["tokens"]["id_token"], "rotated", "a token that was rotated meanwhile stays");
        assert_eq!((&value["auth_mode"], &value["OPENAI_API_KEY"]), (&json!("chatgpt"), &Value::Null));
        let back: Value = serde_json::from_str(&codex_auth(&with_key, None, None).unwrap()).unwrap();
        assert!(back.get("OPENAI_API_KEY").is_none(), "no key is left behind");
    }

    #[test]
    fn settings_keep_their_comments_and_shape() {
        let text = "{\n  // mine\n  \"env\": { \"A\": \"1\" },\n  \"hooks\": {}\n}\n";
        let new = claude_settings(
            text,
            &profile(Source::Claude, KeyFrom::Kept),
            Some("marline provider key work"),
            &Value::Null,
        )
        .unwrap();
        assert!(new.starts_with("{\n  // mine\n  \"env\": {\n    \"A\": \"1\","), "{new}");
        assert!(
            new.contains("\"apiKeyHelper\": \"marline provider key work\"") && new.contains("X-Team: rope"),
            "{new}"
        );
        assert!(claude_settings("[1]", &profile(Source::Claude, KeyFrom::Kept), None, &Value::Null).is_err());
        let env = gemini_env(
            "# mine\nexport GEMINI_API_KEY=old\nB=2",
            &profile(Source::Gemini, KeyFrom::Kept),
            Some("new"),
        );
        assert_eq!(
            env,
            "# mine\nGEMINI_API_KEY=new\nB=2\nGEMINI_MODEL=m\nGOOGLE_GEMINI_BASE_URL=https://gateway.example/v1\n"
        );
        assert!(gemini_settings("", true).unwrap().contains("\"gemini-api-key\""));
    }
}

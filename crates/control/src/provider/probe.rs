//! One request to a provider, when a person asks for it: is it there, and does it take the key?

use std::time::Duration;

use marline_model::Source;
use serde::Serialize;
use serde_json::{Value, json};

use super::profiles::{KeyFrom, Profile};
use crate::outside::client;
use crate::{ActError, Acts};

/// A provider that takes longer is as good as none.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of what it says, so much is told.
const WORDS: usize = 300;

/// What a provider answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// The address that was asked.
    pub address: String,
    /// The status of its answer.
    pub status: u16,
    /// It takes requests of this profile.
    pub good: bool,
    /// What it said, if it does not.
    pub words: String,
}

/// A request as small as there is.
struct Request {
    address: String,
    headers: Vec<(String, String)>,
    body: Value,
}

fn request(profile: &Profile, key: &str) -> Request {
    let base = |own: &str| profile.base_url.as_deref().unwrap_or(own).trim_end_matches('/').to_owned();
    let model = |own: &str| profile.model.clone().unwrap_or_else(|| own.to_owned());
    let bearer = ("authorization".to_owned(), format!("Bearer {key}"));
    let (address, mut headers, body) = match profile.agent {
        Source::Claude => (
            format!("{}/v1/messages", base("https://api.anthropic.com")),
            vec![
                bearer,
                ("x-api-key".to_owned(), key.to_owned()),
                ("anthropic-version".to_owned(), "2023-06-01".to_owned()),
            ],
            json!({"model": model("claude-haiku-4-5"), "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}),
        ),
        Source::Gemini => (
            format!(
                "{}/v1beta/models/{}:generateContent",
                base("https://generativelanguage.googleapis.com"),
                model("gemini-2.5-flash")
            ),
            vec![("x-goog-api-key".to_owned(), key.to_owned())],
            json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        ),
        Source::OpenCode => (
            format!("{}/chat/completions", base("https://api.openai.com/v1")),
            vec![bearer],
            json!({"model": model("gpt-5.5"), "max_tokens": 16, "messages": [{"role": "user", "content": "Hi"}]}),
        ),
        _ => (
            format!("{}/responses", base("https://api.openai.com/v1")),
            vec![bearer],
            json!({"model": model("gpt-5.5"), "input": [{"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}]}], "max_output_tokens": 16}),
        ),
    };
    headers.extend(profile.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    Request { address, headers, body }
}

impl Acts {
    /// Makes one request of a profile's; `variable` reads the environment.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when there is no key; [`ActError::Failed`] when it can't be reached.
    pub fn probe(&self, name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Probed, ActError> {
        let profiles = self.profiles()?;
        let profile = profiles.get(name)?;
        let key = match &profile.key {
            KeyFrom::Kept => self.secrets()?.get(name),
            KeyFrom::Env(name) => variable(name).filter(|key| !key.is_empty()),
            KeyFrom::None => Some(String::new()),
            KeyFrom::Login => {
                return Err(ActError::invalid(format!(
                    "{name} goes by the agent's own login, which only the agent can try"
                )));
            }
        };
        let key = key.ok_or_else(|| ActError::invalid(format!("there is no key for {name} here")))?;
        let asked = request(profile, &key);
        let mut post = client(PATIENCE).post(&asked.address);
        for (name, value) in
            asked.headers.iter().filter(|(_, value)| !value.trim().is_empty() && value != "Bearer ")
        {
            post = post.header(name, value);
        }
        let unreachable =
            |error: ureq::Error| ActError::failed(format!("{} can't be reached", asked.address), error);
        let mut answer = post.send(asked.body.to_string()).map_err(unreachable)?;
        let status = answer.status().as_u16();
        let good = answer.status().is_success();
        let words = if good { String::new() } else { answer.body_mut().read_to_string().unwrap_or_default() };
        // Some say the key again that they did not take.
        let words = if key.is_empty() { words } else { words.replace(&key, "…") };
        let words: String = words.chars().take(WORDS).collect();
        Ok(Probed { address: asked.address, status, good, words })
    }
}

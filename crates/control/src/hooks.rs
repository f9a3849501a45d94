//! Hooks: having agents tell Marline what they do, at once.
//!
//! An agent calls `marline __hook AGENT SOCKET` with each event; that sends it on and ends, in a few milliseconds, whether
//! anybody listens or not. Our entries stand among a person's own, which stay as they are; they are known by their command.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use jsonc_parser::cst::{CstArray, CstInputValue, CstNode};
use marline_agents::live::Hooks;
use marline_model::Source;
use serde_json::{Value, json};

use crate::journal::Entry;
use crate::launch::quoted;
use crate::provider::files::root;
use crate::step::Plan;
use crate::target::agent;
use crate::{ActError, Acts, Journal};

/// What our commands have in them, and nobody else's.
const SIGN: &str = " __hook ";

/// How it stands with the hooks of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookStatus {
    /// The agent.
    pub source: Source,
    /// The file that they stand in.
    pub path: PathBuf,
    /// Events that it tells of.
    pub told: Vec<&'static str>,
    /// Events that it does not.
    pub missing: Vec<&'static str>,
    /// The program that they call, where that is not there any more: then nothing is told.
    pub gone: Option<String>,
    /// What is to be known of them.
    pub note: &'static str,
}

/// What a file becomes.
#[derive(Debug)]
pub struct HookEdit {
    /// The file.
    pub path: PathBuf,
    /// Its text now.
    pub before: String,
    /// Its text then.
    pub after: String,
    /// How it is done.
    pub plan: Plan,
}

fn odd<E: Display>(path: &Path) -> impl Fn(E) -> ActError + '_ {
    move |what| ActError::invalid(format!("{}: {what}", path.display()))
}

/// Says whether an entry of an event's list is ours.
fn is_ours(entry: &Value) -> bool {
    let handlers = entry["hooks"].as_array().into_iter().flatten();
    let mut commands = handlers.filter_map(|handler| handler["command"].as_str());
    commands.any(|command| command.contains(SIGN))
}

/// The program that an entry of ours calls, if it is gone.
fn gone(entry: &Value) -> Option<String> {
    let mut commands = entry["hooks"].as_array()?.iter().filter_map(|handler| handler["command"].as_str());
    let (program, _) = commands.find_map(|command| command.split_once(SIGN))?;
    let program = program.trim().trim_matches('\'').replace(r"'\''", "'");
    Some(program).filter(|program| !Path::new(program).exists())
}

/// Our entries in a list.
fn ours(list: &CstArray) -> Vec<(CstNode, Value)> {
    let read = |entry: CstNode| {
        let value = jsonc_parser::parse_to_serde_value(&entry.to_string(), &Default::default()).ok()?;
        is_ours(&value).then_some((entry, value))
    };
    list.elements().into_iter().filter_map(read).collect()
}

/// Takes our entries out of a list.
fn clear(list: &CstArray) {
    ours(list).into_iter().for_each(|(entry, _)| entry.remove());
}

/// A value as the editor of settings takes it.
fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(fields) => {
            CstInputValue::Object(fields.iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
}

/// A settings file with our hooks in it.
fn with(text: &str, hooks: &Hooks, command: &str) -> Result<String, ActError> {
    let (root, settings) = root(text)?;
    let all =
        settings.object_value_or_create("hooks").ok_or_else(|| ActError::invalid("`hooks` is no object"))?;
    for event in hooks.events {
        // What decides is waited for; it answers at once unless somebody is away.
        let decides = hooks.decides.filter(|(decides, _)| decides == event);
        let timeout = decides.map_or(hooks.timeout, |(_, timeout)| timeout);
        let mut handler = json!({"type": "command", "command": command, "timeout": timeout});
        if hooks.is_async && decides.is_none() {
            handler["async"] = true.into();
        }
        let entry = json!({"hooks": [handler]});
        let list = all
            .array_value_or_create(event)
            .ok_or_else(|| ActError::invalid(format!("`hooks.{event}` is no list")))?;
        if matches!(&ours(&list)[..], [(_, one)] if *one == entry) {
            continue;
        }
        clear(&list);
        list.append(input(&entry));
    }
    Ok(root.to_string())
}

/// A settings file without our hooks, and without what only they needed.
fn without(text: &str) -> Result<String, ActError> {
    let (root, settings) = root(text)?;
    let Some(all) = settings.object_value("hooks") else { return Ok(text.to_owned()) };
    for event in all.properties() {
        let Some(list) = event.array_value() else { continue };
        let before = list.elements().len();
        clear(&list);
        if before > 0 && list.elements().is_empty() {
            event.remove();
        }
    }
    if all.properties().is_empty()
        && let Some(hooks) = settings.get("hooks")
    {
        hooks.remove();
    }
    Ok(root.to_string())
}

impl Acts {
    fn hooks_of(&self, source: Source) -> Option<(Hooks, PathBuf)> {
        let hooks = agent(source).live().hooks()?;
        let path = agent(source).home(&self.places.env).join(hooks.file);
        Some((hooks, path))
    }

    /// How it stands with each agent that has hooks.
    ///
    /// # Errors
    /// [`ActError::Invalid`] names a file that can't be read.
    pub fn hook_status(&self) -> Result<Vec<HookStatus>, ActError> {
        let status = |source: Source| {
            let (hooks, path) = self.hooks_of(source)?;
            let read = || -> Result<HookStatus, ActError> {
                let text = crate::provider::read(&path)?.unwrap_or_default();
                let settings: Value = match text.trim() {
                    "" => Value::Null,
                    text => jsonc_parser::parse_to_serde_value(text, &Default::default())
                        .map_err(|error| odd(&path)(format!("it can't be read: {error}")))?,
                };
                let is_told = |event: &&'static str| {
                    settings["hooks"][*event].as_array().is_some_and(|list| list.iter().any(is_ours))
                };
                let entries = || hooks.events.iter().filter_map(|event| settings["hooks"][*event].as_array());
                let gone = entries().flatten().filter(|entry| is_ours(entry)).find_map(gone);
                let (told, missing) = hooks.events.iter().copied().partition(is_told);
                Ok(HookStatus { source, path: path.clone(), told, missing, gone, note: hooks.note })
            };
            Some(read())
        };
        Source::ALL.into_iter().filter_map(status).collect()
    }

    /// What an agent's settings become with our hooks in them; nothing, where they are there. `marline` is this program,
    /// `socket` where the board listens.
    ///
    /// # Errors
    /// [`ActError::Unsupported`] for an agent without hooks; [`ActError::Invalid`] for a file that can't be read.
    pub fn hooks_in(
        &self,
        source: Source,
        marline: &str,
        socket: &Path,
    ) -> Result<Option<HookEdit>, ActError> {
        let command = format!("{}{SIGN}{source} {}", quoted(marline), quoted(&socket.to_string_lossy()));
        self.hook_edit(source, &format!("{} tells what it does", agent(source).name()), |text, hooks| {
            with(text, hooks, &command)
        })
    }

    /// What an agent's settings become without our hooks; nothing, where there are none.
    ///
    /// # Errors
    /// As for [`Acts::hooks_in`].
    pub fn hooks_out(&self, source: Source) -> Result<Option<HookEdit>, ActError> {
        let says = format!("{} tells nothing any more", agent(source).name());
        self.hook_edit(source, &says, |text, _| without(text))
    }

    fn hook_edit(
        &self,
        source: Source,
        says: &str,
        edit: impl FnOnce(&str, &Hooks) -> Result<String, ActError>,
    ) -> Result<Option<HookEdit>, ActError> {
        let (hooks, path) = self.hooks_of(source).ok_or_else(|| ActError::Unsupported {
            agent: agent(source).name(),
            cannot: "has no hooks that Marline knows".to_owned(),
        })?;
        let before = crate::provider::read(&path)?;
        let text = before.clone().unwrap_or_default();
        let after = edit(&text, &hooks).map_err(odd(&path))?;
        let aside = format!("before {}", self.uuid());
        let Some(step) = self.replace(&path, before, after.clone(), false, &aside)? else { return Ok(None) };
        let plan = Plan {
            act: act_of(source),
            session: None,
            says: says.to_owned(),
            shown_by: Some(agent(source).name().to_owned()),
            makes: None,
            file: PathBuf::new(),
            discards: None,
            synced: None,
            steps: vec![step],
        };
        Ok(Some(HookEdit { path, before: text, after, plan }))
    }

    /// Takes our hooks out of an agent's settings: byte for byte as they were, where nobody has written since.
    ///
    /// # Errors
    /// Those of its steps; nothing is changed then.
    pub fn remove_hooks(&self, source: Source) -> Result<Option<Entry>, ActError> {
        if self.hooks_out(source)?.is_none() {
            return Ok(None);
        }
        let journal = Journal::open(&self.places.state, self.codex())?;
        if let Ok(entry) = journal.find_last(&act_of(source))
            && let Ok(entry) = journal.take_back(entry)
            && self.hooks_out(source)?.is_none()
        {
            return Ok(Some(entry));
        }
        drop(journal);
        // Somebody has written since, or they were put in more than once.
        self.hooks_out(source)?.map(|edit| self.carry_out_free(edit.plan)).transpose()
    }
}

fn act_of(source: Source) -> String {
    format!("hooks of {source}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOOKS: Hooks = Hooks {
        file: "settings.json",
        events: &["Stop", "Start"],
        timeout: 5,
        is_async: true,
        decides: Some(("Start", 600)),
        note: "",
    };

    #[test]
    fn our_hooks_come_and_go_and_a_persons_own_stay() {
        for own in [
            "{}\n",
            "{\n  // mine\n  \"model\": \"opus\",\n}\n",
            "{\"hooks\": {\"Stop\": [{\"matcher\": \"x\", \"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}]}}",
            "{\n  \"hooks\": {\n    \"Other\": [],\n    \"Stop\": []\n  },\n  \"theme\": \"dark\"\n}\n",
        ] {
            let ours = with(own, &HOOKS, "/bin/marline __hook claude /run/hooks").unwrap();
            let told: Value = jsonc_parser::parse_to_serde_value(&ours, &Default::default()).unwrap();
            for event in HOOKS.events {
                let list = told["hooks"][event].as_array().unwrap();
                assert_eq!(list.iter().filter(|entry| is_ours(entry)).count(), 1, "{ours}");
            }
            assert_eq!(
                with(&ours, &HOOKS, "/bin/marline __hook claude /run/hooks").unwrap(),
                ours,
                "twice is once"
            );
            let moved = with(&ours, &HOOKS, "/new/marline __hook claude /run/hooks").unwrap();
            assert!(!moved.contains("/bin/marline"), "{moved}");
            let gone = without(&ours).unwrap();
            assert!(!gone.contains(SIGN), "{gone}");
            let before: Value = jsonc_parser::parse_to_serde_value(own, &Default::default()).unwrap();
            let mut after: Value = jsonc_parser::parse_to_serde_value(&gone, &Default::default()).unwrap();
            // An empty list of the person's own is as good as none.
            if before["hooks"]["Stop"] == json!([]) {
                after["hooks"]["Stop"] = json!([]);
            }
            assert_eq!(after, before, "{gone}");
            assert_eq!(gone.contains("// mine"), own.contains("// mine"));
        }
    }

    #[test]
    fn what_can_not_be_read_is_left_alone() {
        for broken in ["{", "[]", "{\"hooks\": 1}", "{\"hooks\": {\"Stop\": 1}}"] {
            assert!(with(broken, &HOOKS, "x __hook y z").is_err(), "{broken}");
        }
    }
}

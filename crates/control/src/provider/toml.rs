//! Changing values of a TOML file and nothing else of it: comments, order, spacing, line ends stay.
//!
//! `toml_edit` finds the places and judges what came of it; the text itself is spliced, since writing a document back
//! would change line ends, and a value set anew lose the comment behind it.

use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::{Document, Item, Table, Value};

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TomlError {
    /// It is no TOML.
    #[error("it can't be read: {0}")]
    Broken(String),
    /// It is written in a way that can't be added to without writing it anew.
    #[error(
        "`{0}` is written in a way that can't be changed without writing it anew; write it as a table of its own"
    )]
    Unusual(String),
    /// It chooses a set of settings that would win. Seen: 0.130 takes the set's provider, 0.169 does not start at all.
    #[error(
        "`profile = {0:?}` in it would win over the provider; take it out (newer Codex want `--profile {0}` with {0}.config.toml instead)"
    )]
    Profile(String),
}

type Parsed = Document<String>;

fn parse(text: &str) -> Result<Parsed, TomlError> {
    Document::parse(text.to_owned()).map_err(|error| TomlError::Broken(error.to_string()))
}

/// All of it as plain values, to compare.
fn values(text: &str) -> Result<Json, TomlError> {
    toml_edit::de::from_str(text).map_err(|error| TomlError::Broken(error.to_string()))
}

/// A text at the top, if it is there.
///
/// # Errors
/// [`TomlError::Broken`]
pub fn word(text: &str, name: &str) -> Result<Option<String>, TomlError> {
    Ok(parse(text)?.get(name).and_then(Item::as_str).map(str::to_owned))
}

/// Sets a value, or takes it away.
///
/// # Errors
/// [`TomlError`]
pub fn edit(text: &str, path: &[&str], value: Option<Value>) -> Result<String, TomlError> {
    let unusual = || TomlError::Unusual(path.join("."));
    let document = parse(text)?;
    let new = match &value {
        Some(value) => set(text, &document, path, value).ok_or_else(unusual)?,
        None => remove(text, &document, path).ok_or_else(unusual)?,
    };
    // Nothing else may have changed.
    let mut wanted = values(text)?;
    put(&mut wanted, path, value.as_ref().map(plain));
    if values(&new).ok() == Some(wanted) { Ok(new) } else { Err(unusual()) }
}

fn plain(value: &Value) -> Json {
    let text = format!("value = {}", value.clone().decorated("", ""));
    values(&text).ok().and_then(|mut table| table.get_mut("value").map(Json::take)).unwrap_or_default()
}

fn put(tree: &mut Json, path: &[&str], value: Option<Json>) {
    let (Some((name, inner)), Some(table)) = (path.split_first(), tree.as_object_mut()) else { return };
    match (inner.is_empty(), value) {
        (true, Some(value)) => {
            table.insert((*name).to_owned(), value);
        }
        (true, None) => {
            table.remove(*name);
        }
        (false, value) => {
            if value.is_some() || table.contains_key(*name) {
                put(table.entry(*name).or_insert_with(|| Json::Object(Default::default())), inner, value);
            }
        }
    }
}

fn find<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Item> {
    let (first, inner) = path.split_first()?;
    let mut item = table.get(first)?;
    for name in inner {
        item = item.get(name)?;
    }
    Some(item)
}

fn splice(text: &str, place: Range<usize>, new: &str) -> String {
    [&text[..place.start], new, &text[place.end..]].concat()
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn key(name: &str) -> String {
    toml_edit::Key::new(name).display_repr().into_owned()
}

fn set(text: &str, document: &Parsed, path: &[&str], value: &Value) -> Option<String> {
    let written = value.clone().decorated("", "").to_string();
    if let Some(Item::Value(old)) = find(document.as_table(), path) {
        return Some(splice(text, old.span()?, &written));
    }
    let nl = newline(text);
    let (name, above) = path.split_last()?;
    let line = format!("{} = {written}{nl}", key(name));
    if above.is_empty() {
        // Root keys stand before the first table.
        let last = document
            .as_table()
            .iter()
            .filter_map(|(_, item)| item.as_value()?.span())
            .map(|span| span.end)
            .max();
        let at = last.map_or(if text.starts_with('\u{feff}') { 3 } else { 0 }, |end| line_end(text, end));
        return Some(insert(text, at, &line, nl));
    }
    match find(document.as_table(), above) {
        Some(Item::Table(table)) if !table.is_implicit() && !table.is_dotted() => {
            let last =
                table.iter().filter_map(|(_, item)| item.as_value()?.span()).map(|span| span.end).max();
            let at = last.or_else(|| Some(table.span()?.start))?;
            Some(insert(text, line_end(text, at), &line, nl))
        }
        Some(Item::Value(Value::InlineTable(table))) => {
            let comma = if table.is_empty() { "" } else { "," };
            let at = table.span()?.end - 1;
            let at = text[..at].trim_end().len();
            Some(splice(text, at..at, &format!("{comma} {} = {written}", key(name))))
        }
        None => {
            let header: Vec<String> = above.iter().map(|name| key(name)).collect();
            let gap = if text.trim().is_empty() { "" } else { nl };
            Some(insert(text, text.len(), &format!("{gap}[{}]{nl}{line}", header.join(".")), nl))
        }
        _ => None,
    }
}

/// Puts lines where a line begins; one without an end gets one.
fn insert(text: &str, at: usize, lines: &str, nl: &str) -> String {
    let end = if at == 0 || text[..at].ends_with('\n') || text[..at] == *"\u{feff}" { "" } else { nl };
    splice(text, at..at, &format!("{end}{lines}"))
}

fn remove(text: &str, document: &Parsed, path: &[&str]) -> Option<String> {
    let (name, above) = path.split_last()?;
    if find(document.as_table(), path).is_none() {
        return Some(text.to_owned());
    }
    let table = match above {
        [] => document.as_table(),
        above => match find(document.as_table(), above) {
            None => return Some(text.to_owned()),
            Some(item) => item.as_table()?,
        },
    };
    let Some((key, item)) = table.get_key_value(name) else { return Some(text.to_owned()) };
    let start = text[..key.span()?.start].rfind('\n').map_or(0, |at| at + 1);
    Some(splice(text, start..line_end(text, item.as_value()?.span()?.end), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\nmodel_provider = \"lab\" # keep\nmodel=\"m\"\n\n[model_providers.lab]\nname = 'Lab'\n\n[tui]\nx = 1\n";

    #[test]
    fn a_value_is_set_and_all_else_stays() {
        let new = edit(TEXT, &["model_provider"], Some("other".into())).unwrap();
        assert_eq!(new, TEXT.replace("\"lab\" # keep", "\"other\" # keep"));
        let new = edit(TEXT, &["approval"], Some("never".into())).unwrap();
        assert_eq!(new, TEXT.replace("model=\"m\"\n", "model=\"m\"\napproval = \"never\"\n"));
        let new = edit(TEXT, &["model_providers", "lab", "wire_api"], Some("responses".into())).unwrap();
        assert_eq!(new, TEXT.replace("'Lab'\n", "'Lab'\nwire_api = \"responses\"\n"));
        let new = edit(TEXT, &["model_providers", "a.\"b", "name"], Some("x".into())).unwrap();
        assert_eq!(new, format!("{TEXT}\n[model_providers.'a.\"b']\nname = \"x\"\n"));
        assert_eq!(edit(TEXT, &["model"], None).unwrap(), TEXT.replace("model=\"m\"\n", ""));
        assert_eq!(edit(TEXT, &["nothing"], None).unwrap(), TEXT);
    }

    #[test]
    fn line_ends_and_unusual_shapes_are_kept_or_named() {
        let dos = TEXT.replace('\n', "\r\n");
        let new = edit(&dos, &["model_providers", "lab", "wire_api"], Some("responses".into())).unwrap();
        assert_eq!(new, dos.replace("'Lab'\r\n", "'Lab'\r\nwire_api = \"responses\"\r\n"));
        let inline = "model_providers = { lab = { name = \"x\" } }\n";
        assert!(matches!(
            edit(inline, &["model_providers", "b", "name"], Some("y".into())),
            Ok(_) | Err(TomlError::Unusual(_))
        ));
        let new = edit(inline, &["model_providers", "lab", "wire_api"], Some("responses".into())).unwrap();
        assert!(new.contains("name = \"x\", wire_api = \"responses\""), "{new}");
        let dotted = "model_providers.lab.name = \"x\"\n";
        let new = edit(dotted, &["model_providers", "lab", "name"], Some("y".into())).unwrap();
        assert_eq!(new, dotted.replace('x', "y"));
        let refused = edit(dotted, &["model_providers", "lab", "wire_api"], Some("responses".into()));
        assert!(matches!(refused, Err(TomlError::Unusual(_))), "{refused:?}");
        assert!(matches!(edit("a = ", &["b"], Some(1.into())), Err(TomlError::Broken(_))));
        assert_eq!(edit("", &["b"], Some(1.into())).unwrap(), "b = 1\n");
        assert_eq!(edit("a = 1", &["b"], Some(1.into())).unwrap(), "a = 1\nb = 1\n");
        assert_eq!(edit("[t]\nx = 1\n", &["b"], Some(1.into())).unwrap(), "b = 1\n[t]\nx = 1\n");
    }
}

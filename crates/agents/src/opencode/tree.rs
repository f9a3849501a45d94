//! The older store: `storage/session/<project>/<id>.json`, `message/<session>/<id>.json`,
//! `part/<message>/<id>.json` (in between: `storage/session/{info,message,part}/…`).

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use marline_model::Timestamp;

use super::read::PartReader;
use super::store::is_default_title;
use crate::agent::{DatabaseError, Discovery, Reader, SessionFile, Stat, Stored, Want};
use crate::event::{Event, Meta, TitleKind, hash};
use crate::json::Raw;
use crate::walk::walk;

/// Sums up the whole tree, so that any change of any file in it is seen.
pub fn stat(root: &Path, found: &mut Discovery) -> Stat {
    let mut whole = Stat::default();
    let mut below = Discovery::default();
    walk(root, &mut below, &mut |_, _, stat, _| {
        whole.size += stat.size;
        whole.mtime_ns = whole.mtime_ns.max(stat.mtime_ns);
        whole.inode += 1;
    });
    found.problems.append(&mut below.problems);
    found.directories.append(&mut below.directories);
    whole
}

/// Lists the JSON files of a folder in the order of their names, which is the order of their making.
fn json_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// Lists the session files of every layout.
fn session_files(root: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(root.join("session")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let is_sessions =
        |dir: &PathBuf| !matches!(dir.file_name().and_then(|n| n.to_str()), Some("message" | "part"));
    folders.iter().filter(|dir| is_sessions(dir)).flat_map(|dir| json_files(dir)).collect()
}

/// One message with its parts, as files.
type Message = (PathBuf, Vec<PathBuf>);

fn messages(root: &Path, session: &str) -> Vec<Message> {
    let between = root.join("session");
    let mut out = Vec::new();
    for message in json_files(&root.join("message").join(session)) {
        let parts = json_files(&root.join("part").join(stem(&message)));
        out.push((message, parts));
    }
    for message in json_files(&between.join("message").join(session)) {
        let parts = json_files(&between.join("part").join(session).join(stem(&message)));
        out.push((message, parts));
    }
    out
}

pub fn read(
    file: &SessionFile,
    known: &dyn Fn(&str) -> Option<u64>,
    emit: &mut dyn FnMut(Stored<'_>),
) -> Result<(), DatabaseError> {
    for info in session_files(&file.path) {
        let id = stem(&info);
        if id.is_empty() {
            continue;
        }
        let messages = messages(&file.path, id);
        let fingerprint = fingerprint(&info, &messages);
        if known(id) == Some(fingerprint) {
            emit(Stored::Unchanged { session: id });
            continue;
        }
        session(id, &info, fingerprint, &messages, emit);
    }
    Ok(())
}

fn fingerprint(info: &Path, messages: &[Message]) -> u64 {
    let files = std::iter::once(info)
        .chain(messages.iter().flat_map(|(message, parts)| {
            std::iter::once(message.as_path()).chain(parts.iter().map(PathBuf::as_path))
        }))
        .filter_map(|path| fs::metadata(path).ok())
        .flat_map(|metadata| {
            let stat = Stat::of(&metadata);
            [stat.size, stat.mtime_ns as u64].map(u64::to_le_bytes).concat()
        });
    hash(&[&files.collect::<Vec<u8>>()])
}

fn session(id: &str, info: &Path, fingerprint: u64, messages: &[Message], emit: &mut dyn FnMut(Stored<'_>)) {
    let data = fs::read(info).unwrap_or_default();
    let Ok((data, _)) = Raw::first(&data) else {
        emit(Stored::Skipped { reason: "not JSON" });
        return;
    };
    let text = |name: &str| data.get(name).and_then(Raw::text);
    emit(Stored::Begin { session: id, fingerprint, archived: data.path(&["time", "archived"]).is_some() });
    let parent = text("parentID");
    let mut tell = |event| emit(Stored::Event { place: 0, length: 0, event });
    tell(Event::Meta(Meta { cwd: text("directory"), version: text("version"), ..Meta::default() }));
    for name in ["created", "updated"] {
        if let Some(at) = data.path(&["time", name]).and_then(Raw::int) {
            tell(Event::SeenAt(Timestamp::from_millis(at)));
        }
    }
    if let Some(parent) = parent.clone() {
        tell(Event::Parent { session: parent, call: None });
    }
    if let Some(title) = text("title").filter(|title| !is_default_title(title)) {
        tell(Event::Title { kind: TitleKind::Generated, text: title, session: None });
    }
    let mut reader = PartReader { is_child: parent.is_some(), ..PartReader::default() };
    for (message, parts) in messages {
        let bytes = fs::read(message).unwrap_or_default();
        let Ok((data, _)) = Raw::first(&bytes) else {
            emit(Stored::Skipped { reason: "not JSON" });
            continue;
        };
        let (here, length) = (place(message), bytes.len() as u64);
        let directory = data.path(&["path", "cwd"]).and_then(Raw::text);
        reader.message(id, stem(message), data, &mut |event| {
            emit(Stored::Event { place: here, length, event })
        });
        if let Some(cwd) = directory {
            let event = Event::Meta(Meta { cwd: Some(Cow::Borrowed(&cwd)), ..Meta::default() });
            emit(Stored::Event { place: here, length, event });
        }
        for part in parts {
            let bytes = fs::read(part).unwrap_or_default();
            let (here, length) = (place(part), bytes.len() as u64);
            let read = Raw::first(&bytes).and_then(|(data, _)| {
                reader.read(data, Want::Everything, &mut |event| {
                    emit(Stored::Event { place: here, length, event })
                })
            });
            if read.is_err() {
                emit(Stored::Skipped { reason: "not JSON" });
            }
        }
        reader.error(data, &mut |event| emit(Stored::Event { place: here, length, event }));
    }
    emit(Stored::End);
}

/// A file of the tree is named by a hash of its name, which holds its unique id.
fn place(path: &Path) -> u64 {
    hash(&[stem(path).as_bytes()]) >> 2
}

pub fn fetch(file: &SessionFile, wanted: u64) -> Result<Vec<u8>, DatabaseError> {
    let mut hit = None;
    let mut found = Discovery::default();
    walk(&file.path, &mut found, &mut |path, _, _, _| {
        if place(path) == wanted {
            hit = Some(path.to_owned());
        }
    });
    let path = hit.ok_or_else(|| DatabaseError::Gone { path: file.path.clone() })?;
    fs::read(&path).map_err(|source| DatabaseError::Io { path, source })
}

//! Finding rollouts, and reading of them what lists need.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use marline_model::{ThreadId, ThreadMetadata, ThreadMetadataPatch, ThreadSource, Timestamp};

use super::history::{HEADER_LINES, Header, lines};
use super::rollout::Line;
use crate::derive::Derived;
use crate::thread::StoredThread;

/// Records behind the header in which the first prompt is looked for, as in Codex.
const HEAD: usize = 210;
/// Folders deep below `sessions`: year, month, day.
const DEEPEST: usize = 4;

/// A rollout's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    pub path: PathBuf,
    pub id: ThreadId,
    pub is_archived: bool,
}

/// All rollouts of a home. Of twins, plain and compressed or several segments, the one that is read: the newest segment,
/// plain before compressed, active before archived.
pub fn all(home: &Path) -> io::Result<Vec<Rollout>> {
    let mut found = with_twins(home)?;
    found.dedup_by(|later, first| later.id == first.id);
    Ok(found)
}

/// All rollouts of a home with their twins, which stand behind the one that is read.
pub fn with_twins(home: &Path) -> io::Result<Vec<Rollout>> {
    let mut found = Vec::new();
    for (folder, is_archived) in [("sessions", false), ("archived_sessions", true)] {
        walk(&home.join(folder), DEEPEST, &mut |path| {
            if let Some(id) = id_of(&path) {
                found.push(Rollout { path, id, is_archived });
            }
        })?;
    }
    found.sort_by(|a, b| (&a.id, a.is_archived, rank(&a.path)).cmp(&(&b.id, b.is_archived, rank(&b.path))));
    Ok(found)
}

/// Finds the rollout of a thread.
pub fn find(home: &Path, id: &ThreadId) -> io::Result<Option<Rollout>> {
    Ok(all(home)?.into_iter().find(|rollout| rollout.id == *id))
}

/// Other files of the same thread: older segments, and twins.
pub fn siblings(home: &Path, rollout: &Rollout) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["sessions", "archived_sessions"] {
        walk(&home.join(folder), DEEPEST, &mut |path| {
            if path != rollout.path && id_of(&path).as_ref() == Some(&rollout.id) {
                found.push(path);
            }
        })?;
    }
    found.sort_by_key(|path| rank(path));
    Ok(found)
}

/// The newest name first, plain before compressed.
fn rank(path: &Path) -> (std::cmp::Reverse<String>, bool) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split(".jsonl").next().unwrap_or_default();
    (std::cmp::Reverse(stem.to_owned()), name.ends_with(".zst"))
}

fn walk(folder: &Path, depth: usize, visit: &mut dyn FnMut(PathBuf)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if depth > 1 {
                walk(&entry.path(), depth - 1, visit)?;
            }
        } else {
            visit(entry.path());
        }
    }
    Ok(())
}

/// `rollout-<time>-<thread id>[_<segment id>].jsonl[.zst]`
fn id_of(path: &Path) -> Option<ThreadId> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_prefix("rollout-")?;
    let stem = stem.strip_suffix(".jsonl").or_else(|| stem.strip_suffix(".jsonl.zst"))?;
    // The time has 19 characters and a dash behind it.
    stem.get(20..56)?.parse().ok()
}

/// Reads a thread of its rollout alone. `None`: it has no header, or a history mode that is not known.
pub fn thread(rollout: &Rollout, name: Option<&String>) -> io::Result<Option<StoredThread>> {
    let modified = fs::metadata(&rollout.path)?.modified()?;
    let modified =
        modified.duration_since(std::time::SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let modified = Timestamp::from_millis(modified as i64);
    let mut found: Option<StoredThread> = None;
    let mut seen = 0;
    let mut is_copied = false;
    lines(&rollout.path, None, &mut |_, bytes| {
        seen += 1;
        let line = Line::parse(bytes);
        let Some(thread) = &mut found else {
            let header = line.as_ref().and_then(Header::of);
            let is_over = header.is_some() || seen == HEADER_LINES;
            found = header.and_then(|header| of_header(header, rollout, modified));
            return if is_over && found.is_none() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            };
        };
        let Some(line) = line else { return ControlFlow::Continue(()) };
        let metadata = &mut thread.metadata;
        if line.kind == "session_meta" {
            // A legacy fork repeats its origin, whose header stands behind its own; a later header of its own changes it.
            match Header::of(&line) {
                Some(later) if later.id != thread.id => is_copied = true,
                Some(later) => metadata.apply(&later_header(&later)),
                None => {}
            }
            return ControlFlow::Continue(());
        }
        let item = line.item();
        let at = item.at.unwrap_or(modified);
        let patch = Derived::of(&item).patch(metadata, at);
        metadata.apply(&ThreadMetadataPatch { updated_at: Default::default(), ..patch });
        if metadata.first_user_message.is_some() && metadata.model.is_some() || seen >= HEAD && !is_copied {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if let Some(thread) = &mut found {
        thread.metadata.name = name.cloned();
    }
    Ok(found)
}

/// What a header says of its thread.
fn of_header(header: Header, rollout: &Rollout, modified: Timestamp) -> Option<StoredThread> {
    let history_mode = header.mode()?;
    let parent = header.parent();
    let git = header.git.unwrap_or_default();
    let metadata = ThreadMetadata {
        created_at: header.timestamp.as_deref().and_then(|text| text.parse().ok()),
        updated_at: Some(modified),
        source: header.source.map(|source| match source.as_str() {
            Some(word) => word.to_owned(),
            None => source.to_string(),
        }),
        thread_source: header.thread_source.as_deref().map(ThreadSource::from),
        agent_nickname: header.agent_nickname,
        agent_role: header.agent_role,
        agent_path: header.agent_path,
        cwd: header.cwd,
        cli_version: header.cli_version,
        model_provider: header.model_provider,
        memory_mode: header.memory_mode,
        git_sha: git.commit_hash,
        git_branch: git.branch,
        git_origin_url: git.repository_url,
        ..ThreadMetadata::default()
    };
    Some(StoredThread {
        id: header.id,
        history_mode,
        forked_from: header.forked_from_id,
        parent,
        archived_at: rollout.is_archived.then_some(modified),
        metadata,
    })
}

fn later_header(header: &Header) -> ThreadMetadataPatch {
    let git = header.git.clone().unwrap_or_default();
    let set = |value: Option<String>| value.map_or_else(Default::default, Into::into);
    ThreadMetadataPatch {
        git_sha: set(git.commit_hash),
        git_branch: set(git.branch),
        git_origin_url: set(git.repository_url),
        memory_mode: set(header.memory_mode.clone()),
        ..ThreadMetadataPatch::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rollouts_hold_the_thread() {
        let id = "01a1feab-7d7a-7890-bcbf-780589f2f386";
        let of = |name: &str| id_of(Path::new(name)).map(|id| id.to_string());
        assert_eq!(of(&format!("rollout-2026-11-21T15-13-34-{id}.jsonl")).as_deref(), Some(id));
        assert_eq!(of(&format!("rollout-2026-11-21T15-13-34-{id}.jsonl.zst")).as_deref(), Some(id));
        assert_eq!(of(&format!("rollout-2026-11-21T15-13-34-{id}_01a1feab-0000.jsonl")).as_deref(), Some(id));
        assert_eq!(of("rollout-2026.jsonl"), None);
        assert_eq!(of(&format!("rollout-2026-11-21T15-13-34-{id}.json")), None);
    }
}

//! The lock that Codex holds while it writes a thread: `flock` on `thread-writer-locks/<id>.lock`.
//!
//! Measured on 0.169: POSIX record locks are not seen by it, `flock` is honoured both ways; the file is removed on a
//! clean end, so whoever took the lock looks whether the file still is the one of that name.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use marline_model::ThreadId;
use rustix::fs::{FlockOperation, flock};

use crate::StoreError;

/// How often the file may go away between opening and locking it.
const TRIES: u32 = 8;

/// Held while a thread is written; it ends with the process, whatever happens.
#[derive(Debug)]
pub struct WriterLock {
    path: PathBuf,
    file: File,
}

impl WriterLock {
    /// Takes the lock of a thread in a Codex home.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody writes the thread.
    pub fn take(home: &Path, id: &ThreadId) -> Result<Self, StoreError> {
        let folder = home.join("thread-writer-locks");
        let path = folder.join(format!("{id}.lock"));
        let fail =
            |error: io::Error| StoreError::internal(format!("{} can't be locked", path.display()), error);
        fs::create_dir_all(&folder).map_err(fail)?;
        for _ in 0..TRIES {
            let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(StoreError::conflict(format!(
                        "thread {id} is being written by another process"
                    )));
                }
                Err(error) => return Err(fail(error.into())),
            }
            if is_still(&file, &path).map_err(fail)? {
                return Ok(WriterLock { path, file });
            }
        }
        Err(StoreError::conflict(format!("thread {id} is taken up and given up all the time")))
    }

    /// Says whether somebody writes a thread now. The kernel's table of locks is read: a probe with a lock of its own
    /// could make a starting Codex fail.
    pub fn is_held(home: &Path, id: &ThreadId) -> bool {
        let path = home.join("thread-writer-locks").join(format!("{id}.lock"));
        let Ok(facts) = fs::metadata(&path) else { return false };
        match fs::read_to_string("/proc/locks") {
            Ok(table) => {
                let (device, inode) = (facts.dev(), facts.ino());
                let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
                let name = format!("{major:02x}:{minor:02x}:{inode}");
                table
                    .lines()
                    .any(|line| line.contains("FLOCK") && line.split_whitespace().any(|word| word == name))
            }
            // Without a table: a shared lock for a moment.
            Err(_) => File::open(&path).is_ok_and(|file| {
                matches!(
                    flock(&file, FlockOperation::NonBlockingLockShared),
                    Err(rustix::io::Errno::WOULDBLOCK)
                )
            }),
        }
    }
}

fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Removed while it is held: whoever opens it now sees that it is not the file of that name.
        if is_still(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_no_file_is_left() {
        let home = tempfile::tempdir().expect("a directory");
        let id: ThreadId = "01a1feab-7d7a-7890-bcbf-780589f2f386".parse().expect("an id");
        assert!(!WriterLock::is_held(home.path(), &id));
        let lock = WriterLock::take(home.path(), &id).expect("it is free");
        assert!(WriterLock::is_held(home.path(), &id));
        assert!(matches!(WriterLock::take(home.path(), &id), Err(StoreError::Conflict { .. })));
        drop(lock);
        assert!(!WriterLock::is_held(home.path(), &id));
        assert_eq!(fs::read_dir(home.path().join("thread-writer-locks")).expect("a directory").count(), 0);
    }
}

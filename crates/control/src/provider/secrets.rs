//! Keys of providers, and logins that were left.
//!
//! They stand in the system's keyring where there is one (`secret-tool`, libsecret's own program, speaks to it), else in a
//! file that only its owner can read. Nothing prints them but `marline provider key`, which an agent calls.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::{Deserialize, Serialize};

use super::profiles::private;
use crate::ActError;

/// Where a secret is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    /// In the file itself.
    Here(String),
    /// In the keyring.
    Keyring,
}

/// The system's keyring.
struct Keyring {
    program: PathBuf,
}

impl Keyring {
    /// `secret-tool`, with what tells our secrets from others'; `input` is what it is told.
    fn run(&self, words: &[&str], name: &str, input: Option<&str>) -> io::Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(words).args(["application", "marline", "name", name]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.unwrap_or_default().as_bytes())?;
        }
        child.wait_with_output()
    }

    fn get(&self, name: &str) -> Option<String> {
        let output = self.run(&["lookup"], name, None).ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    }

    /// Says whether it was taken: without a service behind it, nothing is.
    fn set(&self, name: &str, secret: &str) -> bool {
        let stored = self.run(&["store", "--label", &format!("Marline: {name}")], name, Some(secret));
        stored.is_ok_and(|output| output.status.success()) && self.get(name).as_deref() == Some(secret)
    }

    fn clear(&self, name: &str) {
        let _ = self.run(&["clear"], name, None);
    }
}

/// All secrets.
pub struct Secrets {
    path: PathBuf,
    keyring: Option<Keyring>,
    kept: BTreeMap<String, Kept>,
}

impl Secrets {
    /// Reads what is kept in a directory; `keyring` is `secret-tool`, where it is there.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn read(dir: &Path, keyring: Option<&Path>) -> Result<Self, ActError> {
        let path = dir.join("secrets.json");
        let kept = match fs::read(&path) {
            // What serde says of bad JSON could quote it.
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                ActError::failed(path.display().to_string(), io::Error::other("it can't be read"))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(ActError::file(&path)(error)),
        };
        let keyring = keyring.map(|program| Keyring { program: program.to_owned() });
        Ok(Secrets { path, keyring, kept })
    }

    /// Returns one.
    pub fn get(&self, name: &str) -> Option<String> {
        match self.kept.get(name)? {
            Kept::Here(secret) => Some(secret.clone()),
            Kept::Keyring => self.keyring.as_ref()?.get(name),
        }
    }

    /// Keeps one, or forgets it.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn set(&mut self, name: &str, secret: Option<&str>) -> Result<(), ActError> {
        match (secret, &self.keyring) {
            (Some(secret), Some(keyring)) if keyring.set(name, secret) => {
                self.kept.insert(name.to_owned(), Kept::Keyring);
            }
            (Some(secret), _) => {
                self.kept.insert(name.to_owned(), Kept::Here(secret.to_owned()));
            }
            (None, keyring) => {
                if let (Some(Kept::Keyring), Some(keyring)) = (self.kept.remove(name), keyring) {
                    keyring.clear(name);
                }
            }
        }
        let write = || private(&self.path, &serde_json::to_vec(&self.kept)?);
        write().map_err(ActError::file(&self.path))
    }

    /// Says whether a text is one of them.
    pub fn holds(&self, text: &str) -> bool {
        self.kept.keys().any(|name| self.get(name).as_deref() == Some(text))
    }
}

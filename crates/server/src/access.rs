//! Who has access: devices that opened a one-time link, and the owner's own socket.
//!
//! A link says what the device may do that opens it. It holds a secret that works once within ten minutes; opening it gives the browser another
//! secret as a cookie.
//! Of secrets only their hashes are kept, in a file that only the owner can read.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marline_model::Timestamp;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::scopes::{Need, Scope, Scopes};

/// Where links lead.
pub const LOGIN_PATH: &str = "/login";
/// How long a link works.
const LINK_LIFE: Duration = Duration::from_secs(600);
/// Links that wait to be opened.
const MAX_LINKS: usize = 20;
/// Browsers that have access; the one not seen for longest goes first.
const MAX_DEVICES: usize = 100;
/// Wrong secrets in a row before one must wait, and how fast they are forgotten.
const MAX_FAILURES: f64 = 10.0;
const FAILURES_A_SECOND: f64 = 10.0 / 60.0;
/// How precisely the last visit is kept: the file is not written for every request.
const SEEN_MS: i64 = 5 * 60_000;

/// Why access could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file of those who have access could not be read or written; it is as it was.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what was written. It was left as it is.
    #[error("{path} is damaged; remove it, and every browser must be let in again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// A browser that has access.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its id; no secret.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    hash: String,
    /// When it got access.
    pub created_at: Timestamp,
    /// When it was last here.
    pub last_seen_at: Timestamp,
    /// What it may do. Those from before there were scopes may do everything.
    #[serde(default = "Scopes::all")]
    pub scopes: Scopes,
}

/// What the device gets that opens a link.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What it may do.
    pub scopes: Scopes,
    /// What it is called; nothing: as its browser calls itself.
    pub name: Option<String>,
}

impl Offer {
    /// Everything, as for the owner's own browser.
    pub fn all() -> Self {
        Offer { scopes: Scopes::all(), name: None }
    }
}

/// What is changed of a device.
#[derive(Debug, Default)]
pub struct Changed {
    /// What it is called.
    pub name: Option<String>,
    /// What it may do.
    pub scopes: Option<Scopes>,
}

/// What opening a link came to.
pub enum Opened {
    /// The browser's secret.
    Welcome(Secret),
    /// The link was used, is too old, or never was.
    Unknown,
    /// Too many wrong ones came.
    Wait,
}

/// 32 random bytes as hexadecimal digits; not to be kept, printed in logs or sent but once.
pub struct Secret(String);

impl Secret {
    fn new(random: &SystemRandom) -> io::Result<Self> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Secret(hex(&bytes)))
    }

    /// The digits.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

struct Link {
    hash: String,
    until: Instant,
    offer: Offer,
}

struct State {
    devices: Vec<Device>,
    links: Vec<Link>,
    failures: f64,
    failed: Instant,
}

/// Links that wait and browsers that have access.
pub struct Access {
    file: PathBuf,
    random: SystemRandom,
    state: Mutex<State>,
    /// Counts changes of who may do what, for those who are in the middle of something.
    changes: watch::Sender<u64>,
}

impl Access {
    /// Reads who has access from a file in a directory.
    pub fn open(dir: &Path) -> Result<Self, AccessError> {
        let file = dir.join("devices.json");
        let devices = match fs::read(&file) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|_| AccessError::Damaged { path: file.clone() })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(AccessError::Io { path: file, source }),
        };
        let state = State { devices, links: Vec::new(), failures: 0.0, failed: Instant::now() };
        Ok(Access {
            file,
            random: SystemRandom::new(),
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
        })
    }

    /// Makes the secret of a one-time link.
    pub fn link(&self, offer: Offer) -> Result<Secret, AccessError> {
        let secret = self.secret()?;
        let mut state = self.lock();
        state.links.retain(|link| link.until > Instant::now());
        if state.links.len() >= MAX_LINKS {
            state.links.remove(0);
        }
        state.links.push(Link { hash: hash(secret.reveal()), until: Instant::now() + LINK_LIFE, offer });
        Ok(secret)
    }

    /// How long a link works.
    pub fn link_life(&self) -> Duration {
        LINK_LIFE
    }

    /// Opens a link for a browser that calls itself `name`.
    pub fn open_link(&self, secret: &str, name: &str, now: Timestamp) -> Result<Opened, AccessError> {
        let given = hash(secret);
        let mut state = self.lock();
        let elapsed = state.failed.elapsed().as_secs_f64();
        state.failures = (state.failures - elapsed * FAILURES_A_SECOND).max(0.0);
        state.failed = Instant::now();
        if state.failures + 1.0 > MAX_FAILURES {
            return Ok(Opened::Wait);
        }
        // Hashes are compared, so the time it takes tells nothing of the secret.
        let found = state.links.iter().position(|link| link.hash == given && link.until > Instant::now());
        let Some(found) = found else {
            state.failures += 1.0;
            return Ok(Opened::Unknown);
        };
        let offer = state.links.remove(found).offer;
        let secret = self.secret()?;
        if state.devices.len() >= MAX_DEVICES {
            state.devices.sort_by_key(|device| std::cmp::Reverse(device.last_seen_at));
            state.devices.truncate(MAX_DEVICES - 1);
        }
        let hash = hash(secret.reveal());
        state.devices.push(Device {
            id: hash[..16].to_owned(),
            name: offer.name.unwrap_or_else(|| name.to_owned()),
            hash,
            created_at: now,
            last_seen_at: now,
            scopes: offer.scopes,
        });
        self.save(&state.devices)?;
        Ok(Opened::Welcome(secret))
    }

    /// Returns the device that a secret belongs to: its id, and what it may do.
    pub fn device(&self, secret: &str, now: Timestamp) -> Option<(String, Scopes)> {
        let given = hash(secret);
        let mut state = self.lock();
        let device = state.devices.iter_mut().find(|device| device.hash == given)?;
        let found = (device.id.clone(), device.scopes.clone());
        if now.as_millis() - device.last_seen_at.as_millis() > SEEN_MS {
            device.last_seen_at = now;
            if let Err(error) = self.save(&state.devices) {
                tracing::warn!(%error, "a visit could not be noted");
            }
        }
        Some(found)
    }

    /// Lists who has access.
    pub fn devices(&self) -> Vec<Device> {
        let mut devices = self.lock().devices.clone();
        devices.sort_by_key(|device| std::cmp::Reverse(device.last_seen_at));
        devices
    }

    /// Takes access away. `false`: there is no such browser.
    pub fn remove(&self, id: &str) -> Result<bool, AccessError> {
        let mut state = self.lock();
        let before = state.devices.len();
        state.devices.retain(|device| device.id != id);
        if state.devices.len() == before {
            return Ok(false);
        }
        self.save(&state.devices)?;
        drop(state);
        self.tell();
        Ok(true)
    }

    /// Changes what a device is called, or may do. `None`: there is no such device.
    pub fn change(&self, id: &str, changed: Changed) -> Result<Option<Device>, AccessError> {
        let mut state = self.lock();
        let mut devices = state.devices.clone();
        let Some(device) = devices.iter_mut().find(|device| device.id == id) else { return Ok(None) };
        if let Some(name) = changed.name {
            device.name = name;
        }
        if let Some(scopes) = changed.scopes {
            device.scopes = scopes;
        }
        let device = device.clone();
        self.save(&devices)?;
        state.devices = devices;
        drop(state);
        self.tell();
        Ok(Some(device))
    }

    /// Says whether a device has access and may do so much.
    pub fn allows(&self, id: &str, need: Need) -> bool {
        let state = self.lock();
        state.devices.iter().find(|device| device.id == id).is_some_and(|device| device.scopes.allow(need))
    }

    /// Waits until a device may no longer look at anything.
    pub async fn lost(&self, id: &str) {
        let mut changes = self.changes.subscribe();
        while self.allows(id, Need::One(Scope::View)) {
            // The sender lives as long as this does.
            let _ = changes.changed().await;
        }
    }

    /// Changes whenever a device came, went, or may do something else.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn tell(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn secret(&self) -> Result<Secret, AccessError> {
        Secret::new(&self.random).map_err(|source| AccessError::Io { path: self.file.clone(), source })
    }

    fn save(&self, devices: &[Device]) -> Result<(), AccessError> {
        let bytes = serde_json::to_vec_pretty(devices).unwrap_or_default();
        write_private(&self.file, &bytes)
            .map_err(|source| AccessError::Io { path: self.file.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a file that only its owner can read, as a whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

fn hash(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn welcome(opened: Opened) -> Option<Secret> {
        match opened {
            Opened::Welcome(secret) => Some(secret),
            Opened::Unknown | Opened::Wait => None,
        }
    }

    #[test]
    fn a_link_works_once_and_what_it_gives_lasts() {
        let dir = tempfile::tempdir().unwrap();
        let access = Access::open(dir.path()).unwrap();
        let link = access.link(Offer::all()).unwrap();
        let secret = welcome(access.open_link(link.reveal(), "A browser", NOW).unwrap()).unwrap();
        assert!(welcome(access.open_link(link.reveal(), "Another", NOW).unwrap()).is_none());
        assert!(access.device("wrong", NOW).is_none());

        let later = Access::open(dir.path()).unwrap();
        let (id, scopes) = later.device(secret.reveal(), NOW).unwrap();
        assert_eq!(scopes, Scopes::all());
        assert!(later.remove(&id).unwrap());
        assert!(later.device(secret.reveal(), NOW).is_none());
        assert!(Access::open(dir.path()).unwrap().devices().is_empty());
    }

    #[test]
    fn the_file_holds_no_secret_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let access = Access::open(dir.path()).unwrap();
        let link = access.link(Offer::all()).unwrap();
        let secret = welcome(access.open_link(link.reveal(), "A browser", NOW).unwrap()).unwrap();
        let text = fs::read_to_string(dir.path().join("devices.json")).unwrap();
        assert!(!text.contains(secret.reveal()) && !text.contains(link.reveal()));
        let mode = fs::metadata(dir.path().join("devices.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_device_may_what_its_link_said_and_then_what_it_was_changed_to() {
        let dir = tempfile::tempdir().unwrap();
        let access = Access::open(dir.path()).unwrap();
        let offer = Offer { scopes: Scopes::up_to(Scope::View), name: Some("My phone".to_owned()) };
        let link = access.link(offer).unwrap();
        let secret = welcome(access.open_link(link.reveal(), "A browser", NOW).unwrap()).unwrap();
        let (id, scopes) = access.device(secret.reveal(), NOW).unwrap();
        assert_eq!(scopes.list(), [Scope::View]);
        assert_eq!(access.devices()[0].name, "My phone");
        let changed = Changed { scopes: Some(Scopes::up_to(Scope::Reply)), ..Changed::default() };
        assert!(access.change(&id, changed).unwrap().is_some());
        assert!(access.change("nobody", Changed::default()).unwrap().is_none());
        let later = Access::open(dir.path()).unwrap();
        assert!(later.device(secret.reveal(), NOW).unwrap().1.has(Scope::Reply));
    }

    #[test]
    fn devices_from_before_there_were_scopes_may_do_everything() {
        let dir = tempfile::tempdir().unwrap();
        let old = format!(
            r#"[{{"id":"a","name":"Old","hash":"{}","createdAt":"2026-01-01T00:00:00Z","lastSeenAt":"2026-01-01T00:00:00Z"}}]"#,
            hash("secret")
        );
        fs::write(dir.path().join("devices.json"), old).unwrap();
        let access = Access::open(dir.path()).unwrap();
        assert_eq!(access.device("secret", NOW).unwrap().1, Scopes::all());
    }

    #[test]
    fn who_guesses_must_wait() {
        let dir = tempfile::tempdir().unwrap();
        let access = Access::open(dir.path()).unwrap();
        let link = access.link(Offer::all()).unwrap();
        for n in 0..MAX_FAILURES as usize {
            assert!(matches!(access.open_link(&format!("guess {n}"), "x", NOW).unwrap(), Opened::Unknown));
        }
        assert!(matches!(access.open_link(link.reveal(), "x", NOW).unwrap(), Opened::Wait));
    }
}

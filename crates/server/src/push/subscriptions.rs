//! Where devices are told, and of what: one subscription a device, in a file that only the owner can read.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use marline_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web_push_native::p256::PublicKey;

use super::quiet::Quiet;
use crate::access::write_private;

/// No push service has longer addresses.
const LONGEST: usize = 2048;

/// What a device can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// An agent waits for a person.
    NeedsYou,
    /// An agent, a group or a queue came to its end.
    Finished,
    /// Something failed.
    Failed,
    /// A usage limit was reached.
    LimitReached,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::NeedsYou, Kind::Finished, Kind::Failed, Kind::LimitReached];
}

/// What a person wants to be told, on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wishes {
    /// Of what.
    pub kinds: Vec<Kind>,
    /// When not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub quiet: Option<Quiet>,
}

impl Default for Wishes {
    fn default() -> Self {
        Wishes { kinds: Kind::ALL.to_vec(), quiet: None }
    }
}

/// What a browser says of its subscription: its own `PushSubscription.toJSON()`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// The push service's address for it.
    pub endpoint: String,
    /// What messages are encrypted to.
    pub keys: Keys,
}

/// What messages are encrypted to, in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PushKeys)]
pub struct Keys {
    /// The browser's public key.
    pub p256dh: String,
    /// The secret that it shares with us.
    pub auth: String,
}

/// One device's subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The device.
    pub device: String,
    /// Where it is told.
    pub target: Target,
    /// Of what.
    pub wishes: Wishes,
    /// It can take a notification away without showing another; some end a subscription that does so.
    pub closes: bool,
    /// Since when.
    pub since: Timestamp,
}

impl Target {
    /// Says what is wrong with it, in words.
    ///
    /// # Errors
    /// It leads nowhere that a push service is, or nothing can be encrypted to it.
    pub fn check(&self, is_loopback_allowed: bool) -> Result<(), String> {
        let uri: Uri = self.endpoint.parse().map_err(|_| "the endpoint is no address".to_owned())?;
        let host = uri.host().unwrap_or_default();
        let is_loopback = host == "127.0.0.1" && uri.scheme_str() == Some("http");
        if self.endpoint.len() > LONGEST || uri.authority().is_none_or(|all| all.as_str().contains('@')) {
            return Err("the endpoint is no push service's".to_owned());
        }
        if !(is_loopback && is_loopback_allowed) {
            // Whoever may look could else have this machine ask others of its network.
            let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
            let is_public = host.contains('.')
                && ![".local", ".localhost", ".internal", ".lan", ".home.arpa"]
                    .iter()
                    .any(|end| host.ends_with(end));
            if uri.scheme_str() != Some("https") || literal || !is_public {
                return Err("the endpoint is no https address of a push service".to_owned());
            }
        }
        self.public().ok_or("p256dh is no public key")?;
        self.auth().ok_or("auth is no secret of 16 bytes")?;
        Ok(())
    }

    /// What messages are encrypted to.
    pub fn public(&self) -> Option<PublicKey> {
        PublicKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(self.keys.p256dh.trim_end_matches('=')).ok()?).ok()
    }

    /// The shared secret.
    pub fn auth(&self) -> Option<[u8; 16]> {
        URL_SAFE_NO_PAD.decode(self.keys.auth.trim_end_matches('=')).ok()?.try_into().ok()
    }
}

/// All subscriptions.
pub struct Subscriptions {
    file: PathBuf,
    all: Mutex<Vec<Subscription>>,
}

impl Subscriptions {
    /// Reads them.
    ///
    /// # Errors
    /// The file can't be read, or is damaged; it is as it was.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let file = dir.join("push.json");
        let all = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Subscriptions { file, all: Mutex::new(all) })
    }

    /// All of them, as they are now.
    pub fn all(&self) -> Vec<Subscription> {
        self.lock().clone()
    }

    /// One device's.
    pub fn of(&self, device: &str) -> Option<Subscription> {
        self.lock().iter().find(|one| one.device == device).cloned()
    }

    /// Keeps one, in the place of the device's last one, and of any other device's with the same address: a browser that was
    /// let in anew is one browser.
    ///
    /// # Errors
    /// The file can't be written; nothing was changed.
    pub fn put(&self, subscription: Subscription) -> io::Result<()> {
        self.change(|all| {
            all.retain(|one| {
                one.device != subscription.device && one.target.endpoint != subscription.target.endpoint
            });
            all.push(subscription);
        })
    }

    /// Keeps those alone that are wanted.
    ///
    /// # Errors
    /// The file can't be written; nothing was changed.
    pub fn keep(&self, is_wanted: impl Fn(&Subscription) -> bool) -> io::Result<()> {
        self.change(|all| all.retain(|one| is_wanted(one)))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Subscription>)) -> io::Result<()> {
        let mut all = self.lock();
        let mut next = all.clone();
        change(&mut next);
        if serde_json::to_vec(&next)? != serde_json::to_vec(&*all)? {
            write_private(&self.file, &serde_json::to_vec_pretty(&next)?)?;
            *all = next;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Subscription>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn target(endpoint: &str) -> Target {
        let p256dh =
            "BLn9b-VR0ca83knDNZ32dCHGyjJp-1riX9ZTN40MqV8K_LpQmLqxC_DoHvqvFXO_nGdAB4W9dogZb_sM-uV4JbY";
        let keys = Keys { p256dh: p256dh.to_owned(), auth: "_ordMnz7uTCmrpBTeUV4Bw".to_owned() };
        Target { endpoint: endpoint.to_owned(), keys }
    }

    fn of(device: &str, endpoint: &str) -> Subscription {
        let since = Timestamp::from_millis(0);
        Subscription {
            device: device.to_owned(),
            target: target(endpoint),
            wishes: Wishes::default(),
            closes: true,
            since,
        }
    }

    #[test]
    fn only_push_services_are_told() {
        assert_eq!(target("https://fcm.googleapis.com/fcm/send/x").check(false), Ok(()));
        assert_eq!(target("http://127.0.0.1:9000/x").check(true), Ok(()));
        for wrong in [
            "http://127.0.0.1:9000/x",
            "http://fcm.googleapis.com/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://192.168.1.1/x",
            "https://localhost/x",
            "https://router.local/x",
            "https://router/x",
            "https://user@push.example/x",
            "file:///etc/passwd",
            "/x",
            "",
        ] {
            assert!(target(wrong).check(false).is_err(), "{wrong}");
        }
        let mut odd = target("https://push.example/x");
        odd.keys.auth = "short".to_owned();
        assert!(odd.check(false).is_err());
        odd = target("https://push.example/x");
        odd.keys.p256dh = odd.keys.p256dh.replace('L', "M");
        assert!(odd.check(false).is_err());
    }

    #[test]
    fn a_device_has_one_and_a_browser_is_one_device() {
        let dir = tempfile::tempdir().unwrap();
        let all = Subscriptions::open(dir.path()).unwrap();
        all.put(of("a", "https://push.example/1")).unwrap();
        all.put(of("a", "https://push.example/2")).unwrap();
        all.put(of("b", "https://push.example/3")).unwrap();
        all.put(of("c", "https://push.example/2")).unwrap();
        let again = Subscriptions::open(dir.path()).unwrap();
        let devices: Vec<String> = again.all().into_iter().map(|one| one.device).collect();
        assert_eq!(devices, ["b", "c"]);
        let mode = fs::metadata(dir.path().join("push.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        again.keep(|one| one.device == "c").unwrap();
        assert!(Subscriptions::open(dir.path()).unwrap().of("b").is_none());
    }
}

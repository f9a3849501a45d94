//! Sessions whose questions go to a person's other device first: "I am away".
//!
//! While a session is claimed, the agent's own hook waits for the answer and then says it to the agent; the terminal's dialog
//! comes up only when nobody answered. So a claim is made on purpose, has an end, and is a file that the hook can look for without
//! knowing anything else of Marline.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use marline_model::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longer than this nobody is away without saying so again.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The name of a claim on all sessions.
const ALL: &str = "all";

/// That somebody is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AwayClaim)]
pub struct Claim {
    /// From this session; nothing: from all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<SessionId>,
    /// Until when.
    pub until: Timestamp,
}

/// The claims of one user.
#[derive(Debug, Clone)]
pub struct Claims {
    dir: PathBuf,
}

impl Claims {
    /// Names the directory of the board's state; nothing is looked at.
    pub fn at(state: &Path) -> Self {
        Claims { dir: state.join("away") }
    }

    /// Where hooks that wait are answered.
    pub fn socket(state: &Path) -> PathBuf {
        state.join("answers")
    }

    fn file(&self, session: Option<&SessionId>) -> PathBuf {
        // Ids are the agents' own words; only plain ones become names of files.
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '.' };
        match session {
            None => self.dir.join(ALL),
            Some(id) => {
                self.dir.join(format!("{}:{}", id.source(), id.raw().chars().map(plain).collect::<String>()))
            }
        }
    }

    /// Says that somebody is away for so long.
    ///
    /// # Errors
    /// The claim can't be written.
    pub fn claim(&self, session: Option<&SessionId>, lasts: Duration, now: Timestamp) -> io::Result<Claim> {
        let until = Timestamp::from_millis(now.as_millis() + lasts.min(LONGEST).as_millis() as i64);
        let claim = Claim { session: session.cloned(), until };
        fs::create_dir_all(&self.dir)?;
        let (file, part) = (self.file(session), self.dir.join(".part"));
        fs::write(&part, serde_json::to_vec(&claim)?)?;
        fs::rename(part, file)?;
        Ok(claim)
    }

    /// Says that they are back. `false`: they were not away.
    ///
    /// # Errors
    /// The claim can't be taken away.
    pub fn release(&self, session: Option<&SessionId>) -> io::Result<bool> {
        match fs::remove_file(self.file(session)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All that hold now; those whose time is over are taken away.
    pub fn now(&self, now: Timestamp) -> Vec<Claim> {
        let files = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut claims: Vec<Claim> = files
            .filter_map(|file| {
                let claim: Claim = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
                if claim.until <= now {
                    let _ = fs::remove_file(file.path());
                    return None;
                }
                Some(claim)
            })
            .collect();
        claims.sort_by(|one, other| {
            one.session.as_ref().map(SessionId::raw).cmp(&other.session.as_ref().map(SessionId::raw))
        });
        claims
    }

    /// Says whether somebody is away from a session.
    pub fn holds(&self, session: &SessionId, now: Timestamp) -> bool {
        let holds = |file: PathBuf| {
            let claim = fs::read(file).ok().and_then(|bytes| serde_json::from_slice::<Claim>(&bytes).ok());
            claim.is_some_and(|claim| now < claim.until)
        };
        holds(self.file(Some(session))) || holds(self.file(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_is_away_for_a_while_from_what_they_said() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::at(dir.path());
        let now = Timestamp::from_millis(1_000_000);
        let at = |millis: i64| Timestamp::from_millis(millis);
        let one: SessionId = "claude:0f6e2a14-3c1b-4a64-9a0e-8b1f5d7c2e90".parse().unwrap();
        let other: SessionId = "codex:../../etc".parse().unwrap();
        assert!(!claims.holds(&one, now) && claims.now(now).is_empty());
        claims.claim(Some(&one), Duration::from_secs(60), now).unwrap();
        assert!(claims.holds(&one, at(1_059_999)) && !claims.holds(&one, at(1_060_000)));
        assert!(!claims.holds(&other, now));
        claims.claim(None, Duration::from_secs(1 << 40), now).unwrap();
        assert!(claims.holds(&other, at(1_000_000 + 86_399_000)), "a day at most");
        assert!(!claims.holds(&other, at(1_000_000 + 86_400_000)));
        assert_eq!(claims.now(now).len(), 2);
        assert!(claims.release(None).unwrap() && !claims.release(None).unwrap());
        assert_eq!(claims.now(now).len(), 1);
        assert!(claims.now(at(1_060_000)).is_empty());
        // An id is no way out of the directory.
        claims.claim(Some(&other), Duration::from_secs(60), now).unwrap();
        assert_eq!(claims.now(now)[0].session.as_ref(), Some(&other));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

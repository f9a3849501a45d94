//! The providers of Codex' sessions: counted, changed, given back.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;

use marline_agents::codex::config::Config;
use marline_model::{SessionId, Source, ThreadId};
use marline_store::{
    Goal, LISTED, Ledger, ListThreads, LocalThreadStore, Rehomed, RehomedThread, Rehoming, StoredThread,
    ThreadStore as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DEFAULT;
use crate::in_use::agents;
use crate::target::agent;
use crate::{ActError, Acts, Plan, Step};

/// How many of Codex' sessions bear a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderSessions {
    /// The provider's id.
    pub provider: String,
    /// How many sessions.
    pub sessions: u64,
    /// Codex lists them under its configuration as it is.
    pub shown: bool,
    /// Its configuration says what that provider is: they can be resumed.
    pub known: bool,
}

/// Which sessions get which provider.
#[derive(Debug, Clone, Copy)]
pub struct Rehome<'a> {
    /// The provider; nothing: each its own first one.
    pub to: Option<&'a str>,
    /// Only those of these providers; all, if there are none.
    pub from: &'a [String],
    /// Only these; all, if there are none.
    pub threads: &'a [ThreadId],
    /// Say what would become of each, and do nothing.
    pub dry_run: bool,
}

/// Sessions that were given a provider together with a switch to it, and go back with that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// The provider's id.
    pub to: String,
    /// The sessions by the provider that they had.
    pub sessions: BTreeMap<String, Vec<ThreadId>>,
}

impl Acts {
    /// How many of Codex' sessions each provider has.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn provider_sessions(&self) -> Result<Vec<ProviderSessions>, ActError> {
        let home = self.home_of(Source::Codex);
        let config = Config::read(&home);
        let current = config.model_provider.clone().unwrap_or_else(|| DEFAULT.to_owned());
        let counts = LocalThreadStore::new(self.codex()).providers()?;
        let mut found: Vec<ProviderSessions> = counts
            .into_iter()
            .map(|(provider, sessions)| ProviderSessions {
                shown: provider == current,
                known: config.knows(&provider),
                provider,
                sessions,
            })
            .collect();
        found.sort_by_key(|one| (!one.shown, std::cmp::Reverse(one.sessions)));
        Ok(found)
    }

    /// How many sessions Codex lists under each provider, if it is the one of its configuration: those of a terminal or an
    /// editor in which somebody said something, and that are not put away.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn listed_by_provider(&self) -> Result<BTreeMap<String, u64>, ActError> {
        let mut counts = BTreeMap::new();
        let all = ListThreads { sources: Some(LISTED.map(str::to_owned).to_vec()), ..ListThreads::all() };
        self.threads(all, &mut |thread| {
            if thread.metadata.preview.is_some_and(|preview| !preview.trim().is_empty()) {
                *counts
                    .entry(thread.metadata.model_provider.unwrap_or_else(|| DEFAULT.to_owned()))
                    .or_default() += 1;
            }
        })?;
        Ok(counts)
    }

    /// How many sessions Codex lists and hides under a provider.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn shown_and_hidden(&self, provider: &str) -> Result<(u64, u64), ActError> {
        let counts = self.listed_by_provider()?;
        let shown = counts.get(provider).copied().unwrap_or(0);
        Ok((shown, counts.values().sum::<u64>() - shown))
    }

    fn threads(&self, mut list: ListThreads, each: &mut dyn FnMut(StoredThread)) -> Result<(), ActError> {
        let store = LocalThreadStore::new(self.codex());
        list.page_size = 1000;
        loop {
            let page = store.list_threads(&list)?;
            page.threads.into_iter().for_each(&mut *each);
            list.cursor = page.next;
            if list.cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// The id under which a profile's sessions are Codex': its own, or the one that they bear already.
    ///
    /// # Errors
    /// [`ActError::Invalid`] for a profile of another agent.
    pub fn codex_id(&self, name: &str, known_as: Option<&str>) -> Result<String, ActError> {
        let profiles = self.profiles()?;
        let profile = profiles.get(name)?;
        profile.only_codex(name)?;
        Ok(known_as.unwrap_or_else(|| profile.codex_id(name)).to_owned())
    }

    /// Says whether Codex would know a provider.
    ///
    /// # Errors
    /// [`ActError::Invalid`] when it would not: sessions under it could not be resumed.
    pub fn check_known(&self, provider: &str) -> Result<(), ActError> {
        if Config::read(&self.home_of(Source::Codex)).knows(provider) {
            return Ok(());
        }
        Err(ActError::Invalid {
            message: format!(
                "Codex' configuration has no provider {provider:?}: sessions under it could not be resumed"
            ),
            hint: Some("Switch to it first: marline provider use NAME".to_owned()),
        })
    }

    /// How many sessions bear providers that Codex' configuration does not know.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn dangling(&self) -> Result<u64, ActError> {
        Ok(self.provider_sessions()?.iter().filter(|one| !one.known).map(|one| one.sessions).sum())
    }

    /// The threads of some providers that are not put away.
    ///
    /// # Errors
    /// [`ActError::Failed`]
    pub fn threads_of(&self, providers: &[String]) -> Result<Vec<ThreadId>, ActError> {
        let mut found = Vec::new();
        let list = ListThreads { model_providers: Some(providers.to_vec()), ..ListThreads::all() };
        self.threads(list, &mut |thread| found.push(thread.id))?;
        Ok(found)
    }

    /// Plans a session under another provider that goes on from one, which stays as it is.
    ///
    /// # Errors
    /// [`ActError::Failed`] when there is no such thread.
    pub fn fork_under(&self, origin: &ThreadId, provider: &str) -> Result<Plan, ActError> {
        let id =
            |thread: &ThreadId| SessionId::new(Source::Codex, thread.as_str()).expect("a thread's id is one");
        LocalThreadStore::new(self.codex()).read_thread(origin)?;
        self.check_known(provider)?;
        let thread = self.new_thread();
        let (from, makes) = (id(origin), id(&thread));
        Ok(Plan {
            act: "fork".to_owned(),
            says: format!("{makes} goes on under {provider}; {from} is left alone"),
            session: Some(from),
            shown_by: Some(agent(Source::Codex).name().to_owned()),
            makes: Some(makes),
            file: PathBuf::new(),
            discards: None,
            synced: None,
            steps: vec![Step::CodexFork {
                thread,
                origin: origin.clone(),
                before: None,
                provider: Some(provider.to_owned()),
            }],
        })
    }

    /// Gives Codex' sessions another provider, and tells of each.
    ///
    /// # Errors
    /// [`ActError::Invalid`] for a provider that Codex does not know; [`ActError::Failed`] when the home, the ledger or the
    /// database can't be read.
    pub fn rehome(&self, rehome: &Rehome<'_>, told: &mut dyn FnMut(RehomedThread)) -> Result<(), ActError> {
        if let Some(to) = rehome.to.filter(|_| !rehome.dry_run) {
            self.check_known(to)?;
        }
        self.rehome_to_any(rehome, told)
    }

    fn rehome_to_any(
        &self,
        rehome: &Rehome<'_>,
        told: &mut dyn FnMut(RehomedThread),
    ) -> Result<(), ActError> {
        fs::create_dir_all(&self.places.state).map_err(ActError::file(&self.places.state))?;
        let mut ledger = Ledger::open(&self.places.state)?;
        let open = open_files();
        let which =
            Rehoming { from: rehome.from, threads: rehome.threads, open: &open, dry_run: rehome.dry_run };
        let goal = rehome.to.map_or(Goal::First, Goal::Provider);
        Ok(LocalThreadStore::new(self.codex()).rehome(&mut ledger, goal, &which, told)?)
    }

    /// Gives sessions the provider back that they had before a switch; all of those that still have the other one, or none.
    pub(super) fn give_back(&self, synced: &Synced) -> Result<(), ActError> {
        for dry_run in [true, false] {
            let mut left = Vec::new();
            for (first, threads) in synced.sessions.iter().filter(|(_, threads)| !threads.is_empty()) {
                let from = std::slice::from_ref(&synced.to);
                let back = Rehome { to: Some(first), from, threads, dry_run };
                self.rehome_to_any(&back, &mut |one| match one.rehomed {
                    Rehomed::Updated | Rehomed::AlreadyRight => {}
                    Rehomed::Deferred(why) | Rehomed::Refused(why) | Rehomed::Failed(why) => {
                        left.push(format!("codex:{}: {why}", one.thread));
                    }
                })?;
            }
            if let Some(first) = left.first() {
                return Err(ActError::Changed {
                    message: format!(
                        "{} of the sessions can't be given their provider back: {first}",
                        left.len()
                    ),
                    hint: Some("What is in use must end first; then try again.".to_owned()),
                });
            }
        }
        Ok(())
    }
}

/// All rollouts that agents have open.
fn open_files() -> HashSet<PathBuf> {
    let files = agents().into_iter().flat_map(|process| process.open_files());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).collect()
}

//! What is known of a thread beside its history, and the one way to change it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ThreadSource, Timestamp};

/// What a patch says of one field: nothing, a new value, or that it has none.
///
/// In JSON: absent, a value, `null`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Leave,
    /// It becomes this.
    Set(T),
    /// It becomes unknown.
    Clear,
}

impl<T> Change<T> {
    /// Says whether the field stays as it is.
    pub fn is_leave(&self) -> bool {
        matches!(self, Change::Leave)
    }

    /// The new value, if there is one.
    pub fn set(&self) -> Option<&T> {
        match self {
            Change::Set(value) => Some(value),
            Change::Leave | Change::Clear => None,
        }
    }
}

impl<T> From<T> for Change<T> {
    fn from(value: T) -> Self {
        Change::Set(value)
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.set().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Change::Clear, Change::Set))
    }
}

/// One list of fields makes the metadata, the patch, and how the one changes the other.
macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty, $clearable:literal;)+) => {
        /// What is known of a thread beside its history. `None`: not known, or there is none.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct ThreadMetadata {
            $($(#[doc = $doc])+ pub $name: Option<$type>,)+
        }

        /// A change of [`ThreadMetadata`]: taken literally, field by field.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub struct ThreadMetadataPatch {
            $($(#[doc = $doc])+ #[serde(skip_serializing_if = "Change::is_leave")] pub $name: Change<$type>,)+
        }

        impl ThreadMetadataPatch {
            /// Says whether it changes nothing.
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_leave())&&+
            }

            /// Takes over what a later patch says; where that says nothing, this one stands.
            pub fn merge(&mut self, later: ThreadMetadataPatch) {
                $(merge(&mut self.$name, later.$name);)+
            }

            /// The first field that is cleared but can't be.
            pub fn cleared_in_vain(&self) -> Option<&'static str> {
                $(if !$clearable && self.$name == Change::Clear {
                    return Some(stringify!($name));
                })+
                None
            }
        }

        impl ThreadMetadata {
            /// Changes what the patch says, and nothing else. Recency only advances.
            pub fn apply(&mut self, patch: &ThreadMetadataPatch) {
                let recency_at = self.recency_at;
                $(match &patch.$name {
                    Change::Leave => {}
                    Change::Set(value) => self.$name = Some(value.clone()),
                    Change::Clear => self.$name = None,
                })+
                self.recency_at = recency_at.max(self.recency_at);
            }
        }
    };
}

fn merge<T>(earlier: &mut Change<T>, later: Change<T>) {
    if !later.is_leave() {
        *earlier = later;
    }
}

fields! {
    /// What its owner calls it.
    name: String, true;
    /// The words that lists show.
    preview: String, false;
    /// What it is about.
    title: String, false;
    /// The model of the last turn.
    model: String, false;
    /// The provider of the model, as the agent's configuration names it.
    model_provider: String, false;
    /// How much the model is to think.
    reasoning_effort: String, true;
    /// When it began.
    created_at: Timestamp, false;
    /// When it changed last.
    updated_at: Timestamp, false;
    /// When a person worked on it last; a patch can only advance it.
    recency_at: Timestamp, false;
    /// What kind of client began it: `cli`, `exec`, `vscode`, or JSON for those that say more.
    source: String, false;
    /// Who began it.
    thread_source: ThreadSource, true;
    /// A sub-agent's name.
    agent_nickname: String, true;
    /// A sub-agent's role.
    agent_role: String, true;
    /// A sub-agent's place among the others.
    agent_path: String, true;
    /// The directory that it works in.
    cwd: String, false;
    /// The version of the agent that began it.
    cli_version: String, false;
    /// When the agent asks before it acts.
    approval_mode: String, false;
    /// What the agent may do, as JSON.
    permissions: String, false;
    /// Tokens of the whole thread, inherited ones too.
    token_usage: u64, false;
    /// What the person said first.
    first_user_message: String, false;
    /// The commit at the beginning.
    git_sha: String, true;
    /// The branch.
    git_branch: String, true;
    /// The remote repository.
    git_origin_url: String, true;
    /// Whether memories are made of it: `enabled` or `disabled`.
    memory_mode: String, false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let patch: ThreadMetadataPatch =
            serde_json::from_str(r#"{"name":"tides","gitBranch":null,"threadSource":"automation"}"#).unwrap();
        assert_eq!(patch.name, Change::Set("tides".to_owned()));
        assert_eq!(patch.git_branch, Change::Clear);
        assert_eq!(patch.title, Change::Leave);
        assert_eq!(patch.thread_source, Change::Set(ThreadSource::Feature("automation".to_owned())));
        let text = serde_json::to_string(&patch).unwrap();
        assert_eq!(text, r#"{"name":"tides","threadSource":"automation","gitBranch":null}"#);
        assert!(serde_json::from_str::<ThreadMetadataPatch>(r#"{"nmae":"x"}"#).is_err());
    }

    #[test]
    fn a_later_patch_wins_where_it_says_something() {
        let patch = |text: &str| serde_json::from_str::<ThreadMetadataPatch>(text).unwrap();
        let mut merged = patch(r#"{"name":"a","title":"t","gitSha":"1"}"#);
        merged.merge(patch(r#"{"name":null,"gitSha":"2"}"#));
        assert_eq!(merged, patch(r#"{"name":null,"title":"t","gitSha":"2"}"#));
        assert!(ThreadMetadataPatch::default().is_empty() && !merged.is_empty());
    }

    #[test]
    fn recency_only_advances() {
        let mut metadata = ThreadMetadata::default();
        for at in [5, 9, 7] {
            let at = Timestamp::from_millis(at);
            metadata.apply(&ThreadMetadataPatch { recency_at: at.into(), ..Default::default() });
        }
        assert_eq!(metadata.recency_at, Some(Timestamp::from_millis(9)));
    }

    #[test]
    fn what_every_thread_has_can_not_be_cleared() {
        let patch = ThreadMetadataPatch { name: Change::Clear, ..Default::default() };
        assert_eq!(patch.cleared_in_vain(), None);
        let patch = ThreadMetadataPatch { cwd: Change::Clear, ..patch };
        assert_eq!(patch.cleared_in_vain(), Some("cwd"));
    }
}

//! What a device may do: the one table of which route needs which scope.
//!
//! A route that changes something and stands in no line of the table is nobody's but the owner's, so a new one is closed
//! until somebody has thought about it; a test walks all routes of the OpenAPI document.

use std::fmt;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that a device may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read everything.
    View,
    /// Say something to agents: messages, drafts, prompts of queues.
    Reply,
    /// Answer what agents ask, start and end them, and change sessions, providers and devices.
    Approve,
}

impl Scope {
    /// All of them, the smallest first.
    pub const ALL: [Scope; 3] = [Scope::View, Scope::Reply, Scope::Approve];

    /// The word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::View => "view",
            Scope::Reply => "reply",
            Scope::Approve => "approve",
        }
    }
}

/// What one device may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Everything, as the owner may.
    pub fn all() -> Self {
        Scopes(Scope::ALL.to_vec())
    }

    /// A scope with those that are smaller: who may approve may reply, who may reply may look.
    pub fn up_to(scope: Scope) -> Self {
        Scopes(Scope::ALL.into_iter().filter(|one| *one <= scope).collect())
    }

    /// Says whether one is among them.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Says whether they are enough.
    pub fn allow(&self, need: Need) -> bool {
        match need {
            Need::One(scope) => self.has(scope),
            Need::All => Scope::ALL.into_iter().all(|scope| self.has(scope)),
            Need::Owner => false,
        }
    }

    /// They as a list, the smallest first.
    pub fn list(&self) -> &[Scope] {
        &self.0
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(mut scopes: Vec<Scope>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Scopes(scopes)
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// This scope.
    One(Scope),
    /// All scopes.
    All,
    /// The owner's own socket: nobody has said what it needs.
    Owner,
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::One(scope) => out.write_str(scope.as_str()),
            Need::All => out.write_str("view, reply and approve"),
            Need::Owner => out.write_str("its owner at the machine itself"),
        }
    }
}

const VIEW: Need = Need::One(Scope::View);
const REPLY: Need = Need::One(Scope::Reply);
const APPROVE: Need = Need::One(Scope::Approve);

/// Requests that change something, and what they need; the first line that fits holds. What a device says of itself alone needs no more than to look.
const TABLE: [(&str, &str, Need); 40] = [
    ("POST", "/api/v1/sessions/{id}/acts", APPROVE),
    ("POST", "/api/v1/acts/undo", APPROVE),
    ("POST", "/api/v1/sessions/{id}/handoff", APPROVE),
    ("PUT", "/api/v1/providers/{name}", APPROVE),
    ("DELETE", "/api/v1/providers/{name}", APPROVE),
    ("POST", "/api/v1/providers/{name}/use", APPROVE),
    ("POST", "/api/v1/rehome", APPROVE),
    ("POST", "/api/v1/groups", APPROVE),
    ("PATCH", "/api/v1/groups/{id}", APPROVE),
    ("DELETE", "/api/v1/groups/{id}", APPROVE),
    // A run chooses what its agents may do without asking.
    ("POST", "/api/v1/groups/{id}/runs", APPROVE),
    ("POST", "/api/v1/queues", APPROVE),
    ("PATCH", "/api/v1/queues/{id}", APPROVE),
    ("DELETE", "/api/v1/queues/{id}", APPROVE),
    ("POST", "/api/v1/queues/{id}/prompts", REPLY),
    ("PATCH", "/api/v1/queues/{id}/prompts/{prompt}", REPLY),
    ("DELETE", "/api/v1/queues/{id}/prompts/{prompt}", REPLY),
    ("POST", "/api/v1/queues/{id}/prompts/{prompt}/move", REPLY),
    ("POST", "/api/v1/queues/{id}/runs", APPROVE),
    ("POST", "/api/v1/runs/{id}/wish", APPROVE),
    ("POST", "/api/v1/approvals/{number}", APPROVE),
    ("POST", "/api/v1/imports", APPROVE),
    ("POST", "/api/v1/live", APPROVE),
    ("POST", "/api/v1/live/lost", APPROVE),
    // To say something is to reply; the handler asks for more where the command is more.
    ("POST", "/api/v1/live/{id}", REPLY),
    ("POST", "/api/v1/rules", APPROVE),
    ("DELETE", "/api/v1/rules/{id}", APPROVE),
    // Whoever is away answers what agents ask.
    ("PUT", "/api/v1/away", APPROVE),
    ("POST", "/api/v1/reviews", APPROVE),
    // It only shows what would be said.
    ("POST", "/api/v1/reviews/preview", VIEW),
    ("POST", "/api/v1/reviews/{id}/ask", REPLY),
    ("POST", "/api/v1/reviews/{id}/send-back", REPLY),
    ("POST", "/api/v1/reviews/{id}/end", APPROVE),
    ("PUT", "/api/v1/sessions/{id}/draft", REPLY),
    ("PUT", "/api/v1/push", VIEW),
    ("DELETE", "/api/v1/push", VIEW),
    ("POST", "/api/v1/push/test", VIEW),
    ("POST", "/api/v1/devices/links", Need::All),
    ("PATCH", "/api/v1/devices/{id}", Need::All),
    ("DELETE", "/api/v1/devices/{id}", Need::All),
];

/// What a request needs: reading needs to look, changing what the table says.
pub fn needed(method: &Method, path: &str) -> Need {
    if matches!(*method, Method::GET | Method::HEAD) {
        return VIEW;
    }
    let line = TABLE.iter().find(|(verb, pattern, _)| *verb == method.as_str() && is_at(pattern, path));
    line.map_or(Need::Owner, |(_, _, need)| *need)
}

fn is_at(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_that_changes_something_has_a_line_and_every_line_a_route() {
        let document = serde_json::to_value(crate::document()).unwrap();
        let mut routes = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                routes.push((method.to_uppercase(), path.clone()));
            }
        }
        for (method, path) in &routes {
            let need = needed(&method.parse().unwrap(), path);
            assert_ne!(need, Need::Owner, "{method} {path} needs a line in the table");
            assert_eq!(
                method == "GET",
                need == VIEW && !TABLE.iter().any(|line| line.1 == path && line.0 == method)
            );
        }
        for (method, path, need) in TABLE {
            assert!(routes.contains(&(method.to_owned(), path.to_owned())), "{method} {path} is no route");
            assert_eq!(needed(&method.parse().unwrap(), path), need, "{path}: a line above takes it");
        }
    }

    #[test]
    fn what_nobody_thought_of_is_closed() {
        for path in ["/api/v1/nothing", "/api/v1/live/a/b", "/api/v1/live/", "/api/v1/devices/links/x"] {
            assert_eq!(needed(&Method::POST, path), Need::Owner, "{path}");
        }
        assert_eq!(needed(&Method::TRACE, "/api/v1/live"), Need::Owner);
        assert!(!Scopes::all().allow(Need::Owner));
    }

    #[test]
    fn a_larger_scope_comes_with_the_smaller_ones() {
        let reply = Scopes::up_to(Scope::Reply);
        assert!(reply.allow(VIEW) && reply.allow(REPLY) && !reply.allow(APPROVE) && !reply.allow(Need::All));
        assert!(Scopes::up_to(Scope::Approve).allow(Need::All));
        assert!(!Scopes::from(vec![Scope::Approve, Scope::Reply]).allow(Need::All));
    }
}

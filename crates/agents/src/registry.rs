//! All agents, in one list.

use marline_model::Source;

use crate::agent::Agent;
use crate::claude::Claude;
use crate::codex::Codex;
use crate::gemini::Gemini;
use crate::opencode::OpenCode;
use crate::qwen::Qwen;

/// Returns every agent that Marline reads.
pub fn all() -> &'static [&'static dyn Agent] {
    &[&Claude, &Codex, &Gemini, &OpenCode, &Qwen]
}

/// Returns the adapter of a source, if there is one.
pub fn agent(source: Source) -> Option<&'static dyn Agent> {
    all().iter().copied().find(|agent| agent.source() == source)
}

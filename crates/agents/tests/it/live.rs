//! What is known of agents that run: what they are opened with, and what their records tell.

use marline_agents::drive::Opening;
use marline_agents::json::Raw;
use marline_agents::live::Sign;
use marline_agents::registry;

fn record(text: &str) -> Raw<'_> {
    Raw::first(text.as_bytes()).expect("it is JSON").0
}

#[test]
fn no_agent_is_opened_so_that_it_asks_nothing() {
    // An earlier product opened agents without guard and pressed keys to guard them afterwards, which can fail.
    let opening =
        Opening { id: Some("0f6e2a14-3c1b-4a64-9a0e-8b1f5d7c2e90"), prompt: Some("Begin"), model: Some("m") };
    for agent in registry::all() {
        let words = agent.drive().open(&opening).words.join(" ").to_lowercase();
        for unguarded in ["dangerous", "bypass", "yolo", "full-auto", "never"] {
            assert!(!words.contains(unguarded), "{}: {words}", agent.name());
        }
    }
}

#[test]
fn a_context_is_what_was_sent_and_not_a_quota() {
    // 0.169 writes both into one record: how much of the account's quota is used says nothing of the context.
    let codex = record(
        r#"{"type":"event_msg","payload":{"type":"token_count","info":{"last_token_usage":{"total_tokens":50000},
        "model_context_window":200000},"rate_limits":{"primary":{"used_percent":97.0}}}}"#,
    );
    let live = registry::all().iter().find(|agent| agent.name() == "Codex").expect("there is one").live();
    let context = live.context(codex).expect("it tells");
    assert_eq!((context.tokens, context.window), (50_000, Some(200_000)));
    assert_eq!(
        live.context(record(r#"{"type":"event_msg","payload":{"type":"token_count","info":null}}"#)),
        None
    );
    let claude =
        registry::all().iter().find(|agent| agent.name() == "Claude Code").expect("there is one").live();
    let spoke = r#"{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn",
        "usage":{"input_tokens":10,"cache_read_input_tokens":1000,"cache_creation_input_tokens":5,"output_tokens":7}}}"#;
    let context = claude.context(record(spoke)).expect("it tells");
    assert_eq!((context.tokens, context.window), (1_022, None), "how many fit is written down nowhere");
    assert_eq!(claude.sign(record(spoke)), Some(Sign::Ended));
}

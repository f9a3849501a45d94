//! What agents without a terminal say, and what they are answered. The lines are those that the real ones print, cut to
//! what is read of them: Codex 0.169, Claude Code 2.1.329, Gemini CLI 0.61, OpenCode 1.18 on the lab's model.

use std::collections::BTreeMap;

use marline_agents::registry;
use marline_agents::talk::{AgentEvent, Begin, CallStatus, Decision, Order, Permission, Protocol, TurnEnd};
use marline_model::{Source, Usage};
use serde_json::Value;

fn order(begin: Begin) -> Order {
    Order {
        begin,
        prompt: "-x \"do\" it".to_owned(),
        key: "01a20038-9135-71aa-b513-1190fb2d2d24".to_owned(),
        cwd: "/projects/shop".into(),
        images: Vec::new(),
        provider: None,
        model: None,
        permission: Some(Permission::Ask),
        more: Vec::new(),
        env: BTreeMap::new(),
        is_plain: false,
    }
}

fn new() -> Begin {
    Begin::New { id: "01a20038-a2c6-73d5-abd4-6bf7d7723947".to_owned() }
}

struct Heard {
    events: Vec<AgentEvent>,
    said: Vec<Value>,
}

/// Says lines to a protocol; `answer` is told to each question as it comes.
fn hear(protocol: &mut dyn Protocol, lines: &str, answer: &Decision) -> Heard {
    let mut said = protocol.open();
    let mut events = Vec::new();
    for line in lines.lines() {
        let before = events.len();
        said.extend(protocol.hear(line.trim(), &mut events));
        let asked: Vec<String> = events[before..]
            .iter()
            .filter_map(|event| match event {
                AgentEvent::Asks { question } => Some(question.id.clone()),
                _ => None,
            })
            .collect();
        said.extend(asked.iter().filter_map(|id| protocol.answer(id, answer)));
    }
    Heard { events, said: said.iter().map(|line| serde_json::from_str(line).unwrap()).collect() }
}

fn talk(source: Source, order: &Order, lines: &str, answer: &Decision) -> Heard {
    let drive = registry::agent(source).unwrap().drive();
    let heard = hear(&mut *drive.talk(order).unwrap().protocol, lines, answer);
    // Whoever takes a talk up again hears the same, and would say the same.
    let again = hear(&mut *drive.talk(order).unwrap().protocol, lines, answer);
    assert_eq!((&heard.events, &heard.said), (&again.events, &again.said));
    heard
}

fn said(text: &str, more: bool) -> AgentEvent {
    AgentEvent::Said { text: text.to_owned(), more }
}

fn tool(call: &str, title: &str, status: CallStatus) -> AgentEvent {
    AgentEvent::Tool { call: call.to_owned(), title: title.to_owned(), status }
}

const CODEX: &str = r#"{"id":0,"result":{"userAgent":"marline/0.169.0"}}
    {"method":"configWarning","params":{"summary":"no bubblewrap"}}
    {"id":1,"result":{"thread":{"id":"01a20038-929f-7253-9c70-5f2ebe89daeb"}}}
    {"id":2,"result":{"turn":{"id":"t-1","status":"inProgress"}}}
    {"method":"turn/started","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","turn":{"id":"t-1"}}}
    {"method":"item/started","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","item":{"type":"commandExecution","id":"call_1","command":"/bin/bash -lc 'touch made'","status":"inProgress"}}}
    {"method":"item/commandExecution/requestApproval","id":0,"params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","itemId":"call_1","command":"/bin/bash -lc 'touch made'","cwd":"/projects/shop"}}
    {"method":"item/completed","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","item":{"type":"commandExecution","id":"call_1","command":"/bin/bash -lc 'touch made'","status":"completed","exitCode":0}}}
    {"method":"item/agentMessage/delta","params":{"threadId":"another","delta":"a sub-agent's"}}
    {"method":"item/agentMessage/delta","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","delta":"It is "}}
    {"method":"item/agentMessage/delta","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","delta":"made."}}
    {"method":"item/completed","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","item":{"type":"agentMessage","id":"m","text":"It is made."}}}
    {"method":"thread/tokenUsage/updated","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","tokenUsage":{"total":{"inputTokens":200,"cachedInputTokens":80,"outputTokens":20,"reasoningOutputTokens":0}}}}
    {"method":"turn/completed","params":{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","turn":{"id":"t-1","status":"completed"}}}"#;

#[test]
fn codex_is_begun_asked_and_heard() {
    let heard = talk(Source::Codex, &order(new()), CODEX, &Decision::Deny { reason: None });
    let usage = Usage { input_tokens: 120, cached_input_tokens: 80, output_tokens: 20, ..Usage::default() };
    let expected = [
        AgentEvent::Session { session: "01a20038-929f-7253-9c70-5f2ebe89daeb".to_owned() },
        AgentEvent::Began,
        tool("call_1", "touch made", CallStatus::Running),
        heard.events[3].clone(),
        tool("call_1", "touch made", CallStatus::Completed),
        said("It is ", false),
        said("made.", true),
        AgentEvent::Tokens { usage },
        AgentEvent::Ended { end: TurnEnd::Completed },
    ];
    assert_eq!(heard.events, expected);
    let AgentEvent::Asks { question } = &heard.events[3] else { panic!("{:?}", heard.events[3]) };
    assert_eq!(question.what, "touch made");
    assert_eq!(question.cwd.as_deref(), Some("/projects/shop"));
    let methods: Vec<&str> = heard.said.iter().filter_map(|line| line["method"].as_str()).collect();
    assert_eq!(methods, ["initialize", "initialized", "thread/start", "turn/start"]);
    let turn = &heard.said[3]["params"];
    assert_eq!(turn["input"][0]["text"], "-x \"do\" it");
    assert_eq!(turn["clientUserMessageId"], "01a20038-9135-71aa-b513-1190fb2d2d24");
    assert_eq!(heard.said[4], serde_json::json!({"id": 0, "result": {"decision": "decline"}}));
    // A turn of Codex' own queue is no end of ours, and keeps it from being ended.
    let drive = registry::agent(Source::Codex).unwrap().drive();
    let mut protocol = drive.talk(&order(new())).unwrap().protocol;
    hear(&mut *protocol, CODEX, &Decision::Allow);
    let other = |method: &str| {
        format!(
            r#"{{"method":"turn/{method}","params":{{"threadId":"01a20038-929f-7253-9c70-5f2ebe89daeb","turn":{{"id":"t-2","status":"completed"}}}}}}"#
        )
    };
    let mut events = Vec::new();
    protocol.hear(&other("started"), &mut events);
    assert!(protocol.is_busy() && events.is_empty());
    protocol.hear(&other("completed"), &mut events);
    assert!(!protocol.is_busy() && events.is_empty());
}

#[test]
fn a_talk_goes_on_and_is_interrupted() {
    let talk = |source: Source| {
        let mut protocol = registry::agent(source).unwrap().drive().talk(&order(new())).unwrap().protocol;
        // Nobody is interrupted, or told more, before there is a session.
        let early = (protocol.send("k", "early"), protocol.interrupt());
        let opened = r#"{"jsonrpc":"2.0","id":0,"result":{"agentCapabilities":{}}}
            {"jsonrpc":"2.0","id":1,"result":{"sessionId":"s","thread":{"id":"s"}}}
            {"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn","turn":{"id":"t-1"}}}"#;
        hear(&mut *protocol, opened, &Decision::Allow);
        let words = |line: Option<String>| serde_json::from_str::<Value>(&line.unwrap()).unwrap();
        (early, words(protocol.send("k-2", "and -x more")), words(protocol.interrupt()))
    };
    let (early, sent, interrupted) = talk(Source::Codex);
    assert_eq!(early, (None, None));
    assert_eq!(
        (&sent["method"], &sent["params"]["input"][0]["text"]),
        (&"turn/start".into(), &"and -x more".into())
    );
    assert_eq!(
        (&interrupted["method"], &interrupted["params"]["turnId"]),
        (&"turn/interrupt".into(), &"t-1".into())
    );
    let (early, sent, interrupted) = talk(Source::OpenCode);
    assert_eq!(early, (None, None));
    assert_eq!(
        (&sent["method"], &sent["params"]["prompt"][0]["text"]),
        (&"session/prompt".into(), &"and -x more".into())
    );
    assert_eq!(interrupted["method"], "session/cancel");
    let (_, sent, interrupted) = talk(Source::Claude);
    assert_eq!((&sent["uuid"], &sent["message"]["content"]), (&"k-2".into(), &"and -x more".into()));
    assert_eq!(interrupted["request"]["subtype"], "interrupt");
}

#[test]
fn codex_says_when_a_limit_ends() {
    let lines = r#"{"id":0,"result":{}}
        {"id":1,"result":{"thread":{"id":"t"}}}
        {"id":2,"result":{"turn":{"id":"t-1"}}}
        {"method":"account/rateLimits/updated","params":{"rateLimits":{"primary":{"usedPercent":100.0,"resetsAt":1795300000},"secondary":{"usedPercent":12.0,"resetsAt":1795900000}}}}
        {"method":"turn/completed","params":{"threadId":"t","turn":{"id":"t-1","status":"failed","error":{"message":"You've hit your usage limit.","codexErrorInfo":"usageLimitExceeded"}}}}"#;
    let heard = talk(Source::Codex, &order(new()), lines, &Decision::Allow);
    let end =
        TurnEnd::Limited { why: "You've hit your usage limit.".to_owned(), until: Some(1_795_300_000_000) };
    assert_eq!(heard.events.last(), Some(&AgentEvent::Ended { end }));
}

#[test]
fn claude_is_begun_asked_and_heard() {
    let lines = r#"{"type":"system","subtype":"init","session_id":"01a20038-a2c6-73d5-abd4-6bf7d7723947"}
        {"type":"assistant","message":{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"command":"touch made"}}]},"parent_tool_use_id":null}
        {"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"a helper's"}]},"parent_tool_use_id":"toolu_0"}
        {"type":"control_request","request_id":"r-1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"touch made"},"description":"A scripted command","permission_suggestions":[{"type":"addRules","destination":"localSettings"}]}}
        {"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_1","type":"tool_result","content":"","is_error":false}]},"parent_tool_use_id":null}
        {"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"It is made."}]},"parent_tool_use_id":null}
        {"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","usage":{"input_tokens":120,"cache_read_input_tokens":80,"output_tokens":20}}"#;
    let heard = talk(Source::Claude, &order(new()), lines, &Decision::AllowForSession);
    let usage = Usage { input_tokens: 120, cached_input_tokens: 80, output_tokens: 20, ..Usage::default() };
    let expected = [
        AgentEvent::Session { session: "01a20038-a2c6-73d5-abd4-6bf7d7723947".to_owned() },
        AgentEvent::Began,
        tool("toolu_1", "touch made", CallStatus::Running),
        heard.events[3].clone(),
        tool("toolu_1", "touch made", CallStatus::Completed),
        said("It is made.", false),
        AgentEvent::Tokens { usage },
        AgentEvent::Ended { end: TurnEnd::Completed },
    ];
    assert_eq!(heard.events, expected);
    let AgentEvent::Asks { question } = &heard.events[3] else { panic!("{:?}", heard.events[3]) };
    assert!(question.for_session && question.what == "touch made");
    assert_eq!(heard.said[0]["message"]["content"][0]["text"], "-x \"do\" it");
    assert_eq!(heard.said[0]["uuid"], "01a20038-9135-71aa-b513-1190fb2d2d24");
    let answer = &heard.said[1]["response"]["response"];
    assert_eq!(answer["behavior"], "allow");
    // Never into a file: for this session alone.
    assert_eq!(answer["updatedPermissions"][0]["destination"], "session");
}

#[test]
fn acp_is_begun_asked_and_heard() {
    let lines = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentCapabilities":{"loadSession":true,"sessionCapabilities":{"fork":{},"resume":{}}}}}
        {"jsonrpc":"2.0","id":1,"result":{"sessionId":"ses_1"}}
        {"jsonrpc":"2.0","id":7,"method":"fs/read_text_file","params":{"path":"/etc/passwd"}}
        {"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"tool_call","toolCallId":"call_1","title":"bash","status":"pending"}}}
        {"jsonrpc":"2.0","id":0,"method":"session/request_permission","params":{"toolCall":{"toolCallId":"call_1","title":"touch made","kind":"execute","rawInput":{"command":"touch made"}},"options":[{"optionId":"once","kind":"allow_once"},{"optionId":"always","kind":"allow_always"},{"optionId":"no","kind":"reject_once"}]}}
        {"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"tool_call_update","toolCallId":"call_1","title":"touch made","status":"completed"}}}
        {"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":""}}}}
        {"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"It is "}}}}
        {"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"made."}}}}
        {"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn","usage":{"inputTokens":60,"outputTokens":10,"cachedReadTokens":40}}}"#;
    let heard = talk(Source::OpenCode, &order(new()), lines, &Decision::Allow);
    let usage = Usage { input_tokens: 60, cached_input_tokens: 40, output_tokens: 10, ..Usage::default() };
    let expected = [
        AgentEvent::Session { session: "ses_1".to_owned() },
        AgentEvent::Began,
        tool("call_1", "bash", CallStatus::Running),
        heard.events[3].clone(),
        tool("call_1", "touch made", CallStatus::Completed),
        said("It is ", false),
        said("made.", true),
        AgentEvent::Tokens { usage },
        AgentEvent::Ended { end: TurnEnd::Completed },
    ];
    assert_eq!(heard.events, expected);
    let answer = heard.said.iter().find(|line| line["result"]["outcome"].is_object()).unwrap();
    assert_eq!(answer["result"]["outcome"]["optionId"], "once");
    // Files are not read for it.
    assert!(heard.said.iter().any(|line| line["id"] == 7 && line["error"].is_object()));
    // What the agent can, is taken: a session is resumed without telling it all again.
    let resumed = Order { begin: Begin::Resume { session: "ses_1".to_owned() }, ..order(new()) };
    let heard = talk(Source::OpenCode, &resumed, lines, &Decision::Allow);
    assert_eq!(heard.said[1]["method"], "session/resume");
}

#[test]
fn what_an_agent_can_not_do_is_said_before_it_starts() {
    let cannot = |source: Source, order: &Order| registry::agent(source).unwrap().drive().talk(order).err();
    let fork = || Begin::Fork { session: "s".to_owned() };
    let resume = || Begin::Resume { session: "s".to_owned() };
    for source in [Source::Gemini, Source::Qwen] {
        assert!(cannot(source, &order(fork())).is_some(), "{source}");
    }
    for source in [Source::Codex, Source::Claude, Source::OpenCode] {
        assert!(cannot(source, &order(fork())).is_none(), "{source}");
    }
    // Loading a session through ACP spoils Gemini CLI's: it goes on in the way that only prints, and can't ask.
    assert!(cannot(Source::Gemini, &order(resume())).is_some());
    let edits = Order { permission: Some(Permission::Edits), ..order(resume()) };
    let talk = registry::agent(Source::Gemini).unwrap().drive().talk(&edits).unwrap();
    assert!(!talk.launch.words.iter().any(|word| word.contains("acp")) && talk.input.is_some());
    assert!(!talk.protocol.powers().asks);
    // No prompt is a word of a command: dashes, quotes and length mean nothing there.
    for source in Source::ALL {
        for is_plain in [true, false] {
            let order = Order { is_plain, permission: None, ..order(new()) };
            let Ok(talk) = registry::agent(source).unwrap().drive().talk(&order) else { continue };
            assert!(!talk.launch.words.iter().any(|word| word.contains("do")), "{source}: {:?}", talk.launch);
        }
    }
}

//! A scripted model on loopback, for driving the real agents without a network and without a model.
//!
//! | path | protocol | agent |
//! |---|---|---|
//! | `/v1/responses` | OpenAI Responses | Codex |
//! | `/v1/chat/completions` | OpenAI Chat Completions | OpenCode, Qwen Code |
//! | `/v1/messages` | Anthropic Messages | Claude Code |
//! | `/v1beta/models/M:generateContent`, `:streamGenerateContent` | Gemini | Gemini CLI |
//!
//! What the model does stands in the prompt ([`crate::script`]), and every request costs the same: see [`Usage`].
//! Or the server holds a scenario for plain prompts ([`crate::scenario`]); a request costs by its length then.

mod acts;
mod chat;
mod gemini;
mod messages;
mod plan;
mod responses;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use plan::{Plan, Turn};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::scenario::Scenario;

/// Tokens of each request, as the model reports them; cached ones are part of the input.
pub struct Usage;

impl Usage {
    /// What was sent.
    pub const INPUT: u64 = 100;
    /// What of it was cached.
    pub const CACHED: u64 = 40;
    /// What was answered, reasoning included.
    pub const OUTPUT: u64 = 10;
    /// What of it was reasoning, where a model that reasons was asked to.
    pub const REASONING: u64 = 3;
}

/// A request that reached the model.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where it was sent.
    pub path: String,
    /// The key that it bore.
    pub key: String,
    /// The prompt that it goes on with.
    pub prompt: String,
    /// How many tools have answered since.
    pub step: usize,
    /// Names of the tools on offer.
    pub tools: Vec<String>,
    /// All texts of the conversation that it was sent, in order.
    pub heard: Vec<String>,
    /// How many pictures of the conversation it was sent.
    pub pictures: usize,
    /// When it was answered.
    pub answered: SystemTime,
    /// Tokens of the answer.
    pub output: u64,
}

/// What the model is given, and its requests so far.
#[derive(Clone, Default)]
struct Log {
    asked: Arc<Mutex<Vec<Asked>>>,
    scenario: Option<Arc<Scenario>>,
    /// Replies, by scene and place, that failed already.
    failed: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Log {
    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self, turn: &Turn, asked: usize) -> Plan {
        let Some(scenario) = &self.scenario else { return Plan::of(turn) };
        Plan::played(turn, scenario, asked, &mut |scene, reply| {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let has_failed = failed.contains(&(scene, reply));
            failed.push((scene, reply));
            has_failed
        })
    }
}

/// Between a request, its answer, and what the agent writes down then: so that each has a time of its own.
const APART: Duration = Duration::from_millis(4);

/// A running server; it stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    log: Log,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Starts on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(port: u16) -> io::Result<Self> {
        Self::serve(port, Log::default())
    }

    /// Starts on a free port with a scenario for plain prompts.
    ///
    /// # Errors
    /// There is no free port.
    pub fn play(scenario: Scenario) -> io::Result<Self> {
        Self::serve(0, Log { scenario: Some(Arc::new(scenario)), ..Log::default() })
    }

    fn serve(port: u16, log: Log) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = Router::new().fallback(answer).with_state(log.clone());
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                result = axum::serve(listener, app).into_future() => result,
                _ = stopped => Ok(()),
            }
        };
        let thread = std::thread::spawn(move || {
            // What is still open when it stops is cut: nobody is left to read it.
            let _ = runtime.block_on(serve);
            runtime.shutdown_timeout(Duration::from_millis(100));
        });
        Ok(Server { address, log, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.log.all().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One of the protocols.
struct Protocol {
    read: fn(&Value) -> Turn,
    /// The body, as JSON or as a stream of events.
    write: fn(&Value, &Plan, bool) -> Reply,
}

/// What is sent back.
enum Reply {
    Json(Value),
    /// Name, if events have one, and data.
    Events(Vec<(Option<&'static str>, Value)>),
}

const PROTOCOLS: [(&str, Protocol); 4] = [
    ("/responses", Protocol { read: responses::read, write: responses::write }),
    ("/chat/completions", Protocol { read: chat::read, write: chat::write }),
    ("/messages", Protocol { read: messages::read, write: messages::write }),
    ("enerateContent", Protocol { read: gemini::read, write: gemini::write }),
];

async fn answer(
    State(log): State<Log>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    if method == Method::GET {
        let models =
            json!({"object": "list", "data": [{"id": "lab-model", "object": "model", "owned_by": "lab"}]});
        return axum::Json(if path.ends_with("/models") { models } else { json!({}) }).into_response();
    }
    let length = body.len();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if path.ends_with("count_tokens") || path.ends_with(":countTokens") {
        return axum::Json(json!({"input_tokens": Usage::INPUT, "totalTokens": Usage::INPUT}))
            .into_response();
    }
    let Some((_, protocol)) = PROTOCOLS.iter().find(|(ending, _)| path.ends_with(ending)) else {
        return axum::Json(json!({})).into_response();
    };
    let turn = (protocol.read)(&body);
    let plan = log.plan(&turn, length);
    if log.scenario.is_some() {
        tokio::time::sleep(APART).await;
    }
    log.all().push(Asked {
        path: path.to_owned(),
        key: key(&headers),
        prompt: turn.prompt,
        step: turn.step,
        tools: turn.tools,
        heard: heard(&body),
        pictures: pictures(&body),
        answered: SystemTime::now(),
        output: plan.tokens.output,
    });
    tokio::time::sleep(plan.wait).await;
    if log.scenario.is_some() {
        tokio::time::sleep(APART).await;
    }
    if let Some((status, message)) = plan.fail {
        let kind = if log.scenario.is_some() { kind_of(status) } else { "scripted_error" };
        let error = json!({"type": "error", "error": {"type": kind, "code": status, "message": message}});
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return (status, axum::Json(error)).into_response();
    }
    let is_stream = body["stream"] == true || path.ends_with("streamGenerateContent");
    match (protocol.write)(&body, &plan, is_stream) {
        Reply::Json(value) => axum::Json(value).into_response(),
        Reply::Events(events) => stream(&events, path.ends_with("/chat/completions")),
    }
}

/// The key of a request, whatever the protocol.
fn key(headers: &HeaderMap) -> String {
    let of = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = of("authorization").map(|value| value.trim_start_matches("Bearer "));
    of("x-goog-api-key").or(of("x-api-key")).or(bearer).unwrap_or_default().to_owned()
}

/// The texts of a conversation, whatever the protocol.
fn heard(body: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    for conversation in ["system", "input", "messages", "contents"] {
        collect(&body[conversation], &mut texts);
    }
    texts
}

/// The pictures of a conversation, whatever the protocol.
fn pictures(body: &Value) -> usize {
    let is_one = ["image", "input_image", "image_url"].iter().any(|kind| body["type"] == *kind)
        || body["inlineData"]["mimeType"].as_str().is_some_and(|kind| kind.starts_with("image/"));
    let below = match body {
        Value::Array(list) => list.iter().map(pictures).sum(),
        Value::Object(fields) if !is_one => fields.values().map(pictures).sum(),
        _ => 0,
    };
    below + usize::from(is_one)
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text)
                        if matches!(name.as_str(), "text" | "content" | "output" | "arguments") =>
                    {
                        texts.push(text.clone());
                    }
                    Value::Array(_) | Value::Object(_) => collect(value, texts),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// What providers call a failure.
fn kind_of(status: u16) -> &'static str {
    match status {
        401 | 403 => "authentication_error",
        429 => "rate_limit_error",
        500.. => "overloaded_error",
        _ => "invalid_request_error",
    }
}

fn stream(events: &[(Option<&'static str>, Value)], has_end: bool) -> Response {
    let mut text = String::new();
    for (name, data) in events {
        if let Some(name) = name {
            text += &format!("event: {name}\n");
        }
        text += &format!("data: {data}\n\n");
    }
    if has_end {
        text += "data: [DONE]\n\n";
    }
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))], text).into_response()
}

/// A new id with a prefix; ids differ within a process.
fn id(prefix: &str) -> String {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{prefix}{:08x}{n:016x}", std::process::id())
}

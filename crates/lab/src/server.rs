//! A scripted model on loopback, for driving the real agents without a network and without a model.
//!
//! | path | protocol | agent |
//! |---|---|---|
//! | `/v1/responses` | OpenAI Responses | Codex |
//! | `/v1/chat/completions` | OpenAI Chat Completions | OpenCode, Qwen Code |
//! | `/v1/messages` | Anthropic Messages | Claude Code |
//! | `/v1beta/models/M:generateContent`, `:streamGenerateContent` | Gemini | Gemini CLI |
//!
//! What the model does stands in the prompt ([`crate::script`]). Every request costs the same: see [`Usage`].

mod chat;
mod gemini;
mod messages;
mod plan;
mod responses;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use plan::{Plan, Turn};
use serde_json::{Value, json};
use tokio::sync::oneshot;

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
    /// The prompt that it goes on with.
    pub prompt: String,
    /// How many tools have answered since.
    pub step: usize,
    /// Names of the tools on offer.
    pub tools: Vec<String>,
}

/// The model's requests so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let log = Log::default();
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

async fn answer(State(log): State<Log>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path();
    if method == Method::GET {
        let models =
            json!({"object": "list", "data": [{"id": "lab-model", "object": "model", "owned_by": "lab"}]});
        return axum::Json(if path.ends_with("/models") { models } else { json!({}) }).into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if path.ends_with("count_tokens") || path.ends_with(":countTokens") {
        return axum::Json(json!({"input_tokens": Usage::INPUT, "totalTokens": Usage::INPUT}))
            .into_response();
    }
    let Some((_, protocol)) = PROTOCOLS.iter().find(|(ending, _)| path.ends_with(ending)) else {
        return axum::Json(json!({})).into_response();
    };
    let turn = (protocol.read)(&body);
    log.all().push(Asked {
        path: path.to_owned(),
        prompt: turn.prompt.clone(),
        step: turn.step,
        tools: turn.tools.clone(),
    });
    let plan = Plan::of(&turn);
    tokio::time::sleep(plan.wait).await;
    if let Some(status) = plan.fail {
        let error = json!({"type": "error", "error": {
            "type": "scripted_error", "code": status, "message": format!("scripted error {status}"),
        }});
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return (status, axum::Json(error)).into_response();
    }
    let is_stream = body["stream"] == true || path.ends_with("streamGenerateContent");
    match (protocol.write)(&body, &plan, is_stream) {
        Reply::Json(value) => axum::Json(value).into_response(),
        Reply::Events(events) => stream(&events, path.ends_with("/chat/completions")),
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

//! A board on a port of its own, and a client that says just what it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use marline_agents::Env;
use marline_model::Timestamp;
use marline_server::{Authority, Board, Config, Door, Identity, Stop};
use serde_json::Value;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running board with a home of its own; it ends with the test.
pub struct TestBoard {
    pub dir: tempfile::TempDir,
    pub port: u16,
    pub tls_port: u16,
    stop: Stop,
    ended: Option<std::thread::JoinHandle<()>>,
    cookie: String,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

impl TestBoard {
    /// A board on the fixtures' home.
    pub fn on_fixtures() -> Self {
        let board = TestBoard::on(|home| marline_lab::fixtures::copy_home(home).unwrap());
        board.wait_until_idle();
        board
    }

    /// A board on a home that `fill` fills.
    pub fn on(fill: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        fill(&home);
        TestBoard::start(dir, vec![])
    }

    pub fn start(dir: tempfile::TempDir, hosts: Vec<String>) -> Self {
        TestBoard::start_as(dir, |config| config.hosts = hosts)
    }

    /// One that `shape` makes a special one of.
    pub fn start_as(dir: tempfile::TempDir, shape: impl FnOnce(&mut Config)) -> Self {
        let state = dir.path().join("board");
        std::fs::create_dir_all(&state).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let mut config = Config {
            index_dir: dir.path().join("index"),
            state_dir: state.clone(),
            config_dir: dir.path().join("config"),
            data_dir: dir.path().join("data"),
            marline: PathBuf::from("marline"),
            path: std::ffi::OsString::new(),
            tmux_socket: dir.path().join("tmux"),
            hook_socket: state.join("hooks"),
            agent_env: Vec::new(),
            keyring: None,
            env: Env::new(dir.path().join("home"), std::iter::empty()),
            now,
            address: format!("http://127.0.0.1:{port}"),
            ways: Vec::new(),
            public_url: None,
            authority: None,
            pushes_to_loopback: true,
            hosts: Vec::new(),
            random,
            utc_offset_seconds: 0,
            is_demo: false,
            version: "0.0.0",
        };
        shape(&mut config);
        let tls = config.authority.clone().map(|authority| {
            let names = ["localhost", "127.0.0.1"].map(str::to_owned).to_vec();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            config.ways = vec![format!("https://{}", listener.local_addr().unwrap())];
            (listener, Identity::own(authority, names, now).unwrap())
        });
        let tls_port = tls.as_ref().map_or(0, |(listener, _)| listener.local_addr().unwrap().port());
        let board = Board::open(config).unwrap();
        let (stop, link) = (board.stop(), board.link().unwrap());
        let ended = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listen = |listener| tokio::net::TcpListener::from_std(listener).unwrap();
                let mut doors =
                    vec![Door::Loopback(listen(listener)), Door::owner(state.join("sock")).unwrap()];
                doors.extend(tls.map(|(listener, identity)| Door::Tls(listen(listener), identity)));
                board.run(doors).await.unwrap();
            });
        });
        let mut board = TestBoard { dir, port, tls_port, stop, ended: Some(ended), cookie: String::new() };
        board.cookie = board.enter(&link);
        board
    }

    /// Opens a link, and returns the cookie that it gives.
    pub fn enter(&self, link: &str) -> String {
        let path = &link[link.find("/login").unwrap()..];
        let welcome = self.ask_plainly("GET", path, &[]);
        assert_eq!(welcome.status, 303, "the link lets in");
        welcome.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    /// Lets a device in that may so much, and returns its cookie and its id.
    pub fn pair(&self, scope: &str) -> (String, String) {
        let link = self.post("/api/v1/devices/links", &serde_json::json!({"scope": scope, "name": scope}));
        let cookie = self.enter(link.json()["url"].as_str().unwrap());
        let status = self.send_as(&cookie, "GET", "/api/v1/status", &Value::Null).json();
        (cookie, status["device"].as_str().unwrap().to_owned())
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Asks with access.
    pub fn get(&self, path: &str) -> Answer {
        self.ask_plainly("GET", path, &[("cookie", &self.cookie)])
    }

    /// Sends JSON with access, as the app does.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, body)
    }

    /// Sends JSON with access, by any method.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send_as(&self.cookie, method, path, body)
    }

    /// The same as another device.
    pub fn send_as(&self, cookie: &str, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let (port, length) = (self.port, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: http://127.0.0.1:{port}\r\ncookie: {cookie}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).unwrap();
        read(stream)
    }

    /// Asks with access, and more headers.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("cookie", self.cookie.as_str())];
        all.extend_from_slice(headers);
        self.ask_plainly(method, path, &all)
    }

    /// Asks with nothing but what is given, and the right host unless another is given.
    pub fn ask_plainly(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(head(method, path, headers, self.port).as_bytes()).unwrap();
        read(stream)
    }

    /// Asks over the owner's socket.
    pub fn ask_as_owner(&self, method: &str, path: &str) -> Answer {
        let mut stream = UnixStream::connect(self.dir.path().join("board/sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head(method, path, &[], 0).as_bytes()).unwrap();
        read(stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A board with a door to other machines, and an authority of its own.
    pub fn with_authority() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("board")).unwrap();
        let authority = Authority::open(&dir.path().join("board"), now()).unwrap();
        TestBoard::start_as(dir, |config| config.authority = Some(authority))
    }

    /// Listens to server-sent events.
    pub fn events(&self, after: Option<&str>) -> Events {
        let mut stream = self.connect();
        let path = after.map_or("/api/v1/events".to_owned(), |after| format!("/api/v1/events?after={after}"));
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncookie: {}\r\n\r\n",
            self.port, self.cookie
        );
        stream.write_all(head.as_bytes()).unwrap();
        Events { lines: BufReader::new(stream) }
    }

    pub fn wait_until_idle(&self) {
        wait_until("indexing ends", || {
            let status = self.get("/api/v1/status").json();
            status["indexing"]["phase"] == "idle"
        });
    }

    /// Ends it and hands its directory out.
    pub fn end(mut self) -> tempfile::TempDir {
        self.shut();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    fn shut(&mut self) {
        self.stop.now();
        if let Some(ended) = self.ended.take() {
            ended.join().unwrap();
        }
    }
}

impl Drop for TestBoard {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Waits for a condition, not for a time.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn head(method: &str, path: &str, headers: &[(&str, &str)], port: u16) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: 127.0.0.1:{port}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "connection: close\r\ncontent-length: 0\r\n\r\n"
}

/// Different each time, and the same in each run.
fn random() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    bytes
}

fn read(mut stream: impl Read) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> =
        lines.map(|line| line.split_once(": ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect();
    let mut body = bytes[end + 4..].to_vec();
    if headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked")
    {
        body = unchunked(&body);
    }
    Answer { status, headers, body }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        out.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
    out
}

/// A stream of events.
pub struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// The next event of a kind; others are passed over.
    pub fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the stream goes on");
            if let Some(data) = line.strip_prefix("data: ") {
                let event: Value = serde_json::from_str(data).unwrap();
                if event["kind"] == kind {
                    return event;
                }
            }
        }
    }
}

//! The real agents, pinned, from npm, and what they need to talk to loopback only.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One release of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The npm package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The program.
    pub program: &'static str,
}

const fn release(package: &'static str, version: &'static str, program: &'static str) -> Release {
    Release { package, version, program }
}

/// Codex as it is now.
pub const CODEX: Release = release("@openai/codex", "0.169.0", "codex");
/// Codex, whose rollouts were the first with a header line.
pub const CODEX_0_80: Release = release("@openai/codex", "0.80.0", "codex");
/// Codex, whose rollouts name turns.
pub const CODEX_0_130: Release = release("@openai/codex", "0.130.0", "codex");
/// Claude Code as it is now.
pub const CLAUDE: Release = release("@anthropic-ai/claude-code", "2.1.329", "claude");
/// Claude Code, which kept helpers inside their session's file.
pub const CLAUDE_1_0: Release = release("@anthropic-ai/claude-code", "1.0.128", "claude");
/// Claude Code, which kept helpers in files beside their session's.
pub const CLAUDE_2_0: Release = release("@anthropic-ai/claude-code", "2.0.76", "claude");
/// Gemini CLI as it is now.
pub const GEMINI: Release = release("@google/gemini-cli", "0.61.0", "gemini");
/// Gemini CLI, which kept a session in one document.
pub const GEMINI_0_25: Release = release("@google/gemini-cli", "0.25.0", "gemini");
/// OpenCode, which kept documents in folders.
pub const OPENCODE_1_0: Release = release("opencode-ai", "1.0.185", "opencode");
/// OpenCode as it is now.
pub const OPENCODE: Release = release("opencode-ai", "1.18.33", "opencode");
/// Qwen Code as it is now.
pub const QWEN: Release = release("@qwen-code/qwen-code", "0.24.4", "qwen");

/// All releases that the lab drives: some 3.5 GB on disk.
pub const ALL: [Release; 11] = [
    CODEX,
    CODEX_0_80,
    CODEX_0_130,
    CLAUDE,
    CLAUDE_1_0,
    CLAUDE_2_0,
    GEMINI,
    GEMINI_0_25,
    OPENCODE,
    OPENCODE_1_0,
    QWEN,
];

/// Where the agents are installed, each release in a directory of its own.
#[derive(Debug, Clone)]
pub struct Agents {
    dir: PathBuf,
}

impl Agents {
    /// Names a directory; nothing is looked at.
    pub fn at(dir: &Path) -> Self {
        Agents { dir: dir.to_owned() }
    }

    /// The directory that the workspace's commands and tests use: `target/lab/agents`.
    pub fn of_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        Agents::at(&target.join("lab/agents"))
    }

    fn folder(&self, release: &Release) -> PathBuf {
        self.dir.join(format!("{}-{}", release.program, release.version))
    }

    /// Says whether a release is there, whole.
    pub fn has(&self, release: &Release) -> bool {
        self.folder(release).join("installed").exists()
    }

    /// Where a release's program lies.
    pub fn programs(&self, release: &Release) -> PathBuf {
        self.folder(release).join("node_modules/.bin")
    }

    /// Installs what is not there yet; each release takes some seconds and some 200 MB.
    ///
    /// # Errors
    /// npm is not there, or could not install. What was installed before stays; the rest is tried again next time.
    pub fn install(&self, releases: &[Release]) -> io::Result<()> {
        if releases.iter().all(|release| self.has(release)) {
            return Ok(());
        }
        std::fs::create_dir_all(&self.dir)?;
        // Two that install into one folder spoil it; the second waits here, and finds it done.
        let lock = std::fs::File::create(self.dir.join("install.lock"))?;
        lock.lock()?;
        for release in releases.iter().filter(|release| !self.has(release)) {
            let folder = self.folder(release);
            std::fs::create_dir_all(&folder)?;
            let what = format!("{}@{}", release.package, release.version);
            eprintln!("   installing {what}");
            let status = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
                .arg(&folder)
                .arg(&what)
                .stdin(Stdio::null())
                .status()
                .map_err(|error| {
                    let words =
                        format!("npm could not start ({error}): the real agents need Node.js 20 or newer");
                    io::Error::new(error.kind(), words)
                })?;
            if !status.success() {
                return Err(io::Error::other(format!("npm could not install {what} ({status})")));
            }
            std::fs::write(folder.join("installed"), what)?;
        }
        Ok(())
    }
}

/// Lets agents run in a home, on a model at `url`, in the given projects.
///
/// # Errors
/// A file could not be written.
pub fn prepare_home(home: &Path, url: &str, projects: &[PathBuf]) -> io::Result<()> {
    let write = |name: &str, text: String| {
        let path = home.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)
    };
    let trusted: String = projects
        .iter()
        .map(|project| format!("[projects.\"{}\"]\ntrust_level = \"trusted\"\n\n", project.display()))
        .collect();
    // gpt-5.5 is the one model of Codex' catalogue that is offered exec_command and apply_patch as plain tools.
    let codex = format!(
        r#"model = "gpt-5.5"
model_provider = "lab"
check_for_update_on_startup = false

[model_providers.lab]
name = "Lab"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "LAB_API_KEY"

[analytics]
enabled = false

[otel]
exporter = "none"

[features]
daemon_auto_start = false
plugins = false
multi_agent_v2 = true

[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"

{trusted}"#
    );
    write(".codex/config.toml", codex)?;
    let known = |project: &PathBuf| {
        let answers = serde_json::json!({
            "hasTrustDialogAccepted": true, "hasCompletedProjectOnboarding": true, "allowedTools": [],
        });
        (project.display().to_string(), answers)
    };
    let known: serde_json::Map<_, _> = projects.iter().map(known).collect();
    let claude = serde_json::json!({
        "hasCompletedOnboarding": true, "theme": "dark",
        "customApiKeyResponses": {"approved": [CLAUDE_KEY], "rejected": []}, "projects": known,
    });
    write(".claude.json", claude.to_string())?;
    let gemini = serde_json::json!({
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
        "privacy": {"usageStatisticsEnabled": false}, "telemetry": {"enabled": false},
        "general": {"enableAutoUpdate": false},
    });
    write(".gemini/settings.json", gemini.to_string())?;
    let qwen = serde_json::json!({
        "security": {"auth": {"selectedType": "openai"}}, "privacy": {"usageStatisticsEnabled": false},
        "telemetry": {"enabled": false}, "general": {"enableAutoUpdate": false},
    });
    write(".qwen/settings.json", qwen.to_string())?;
    let model = serde_json::json!({"name": "Lab model", "limit": {"context": 200_000, "output": 8_000}});
    let provider = serde_json::json!({
        "npm": "@ai-sdk/openai-compatible", "name": "Lab", "models": {"lab-model": model},
        "options": {"baseURL": format!("{url}/v1"), "apiKey": "lab"},
    });
    let opencode = serde_json::json!({
        "autoupdate": false, "share": "disabled", "model": "lab/lab-model", "small_model": "lab/lab-model",
        "provider": {"lab": provider},
    });
    write(".config/opencode/opencode.json", opencode.to_string())?;
    // OpenCode 1.0 fetches ripgrep from GitHub where there is none; it lists a project's files with it.
    write(&format!("{OWN_PROGRAMS}/rg"), "#!/bin/sh\n".to_owned())?;
    std::fs::set_permissions(home.join(OWN_PROGRAMS).join("rg"), Permissions::from_mode(0o755))
}

/// Below the home: programs of the lab's own.
const OWN_PROGRAMS: &str = ".lab";
const CLAUDE_KEY: &str = "lab-key-of-claude";

/// Returns a command of a release that knows nothing of the machine but its programs.
pub fn command(agents: &Agents, release: &Release, home: &Path, url: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths =
        [agents.programs(release), home.join(OWN_PROGRAMS)].into_iter().chain(std::env::split_paths(&path));
    let mut command = Command::new(agents.programs(release).join(release.program));
    command.env_clear();
    command.env("PATH", std::env::join_paths(paths).unwrap_or(path)).env("HOME", home);
    // Sockets and helper programs go there; Codex refuses a home below its temporary directory.
    command.env("TMPDIR", home.join(".tmp")).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
    // Whoever wants to leave this machine meets a closed door; the model is spoken to directly.
    // Gemini CLI 0.25 would ask the door for the model too.
    let doors = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    for name in doors.iter().filter(|_| *release != GEMINI_0_25) {
        command.env(name, "http://127.0.0.1:9");
    }
    for name in ["NO_PROXY", "no_proxy"] {
        command.env(name, "127.0.0.1,localhost");
    }
    command.env("npm_config_offline", "true").env("npm_config_registry", "http://127.0.0.1:9");
    command.env("LAB_API_KEY", "lab");
    command.env("ANTHROPIC_BASE_URL", url).env("ANTHROPIC_API_KEY", CLAUDE_KEY).env("IS_SANDBOX", "1");
    for name in [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_TELEMETRY",
        "DISABLE_ERROR_REPORTING",
        "DISABLE_AUTOUPDATER",
        "GEMINI_CLI_NO_RELAUNCH",
        "OPENCODE_DISABLE_AUTOUPDATE",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS",
        "OPENCODE_DISABLE_MODELS_FETCH",
    ] {
        command.env(name, "1");
    }
    command.env("GEMINI_API_KEY", "lab").env("GOOGLE_GEMINI_BASE_URL", url);
    // OpenCode fetches its plugins with an npm of its own; the model has none.
    command.env("npm_config_registry", url).env("npm_config_fetch_retries", "0");
    command
        .env("OPENAI_API_KEY", "lab")
        .env("OPENAI_BASE_URL", format!("{url}/v1"))
        .env("OPENAI_MODEL", "lab-model");
    command
}

//! Moments of real agents, with what was true at each: no state may be told that was not.
//!
//! `recorded_moments_are_judged_as_they_were` weighs what lies in `traces/`; the tests of the real agents record anew, compare at
//! once, and write the files when `MARLINE_PIN=1` asks for it. What is true comes from what the test does and from the model's
//! own log, never from what is tested.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use marline_agents::{Env, registry};
use marline_control::live::{Daemon, HookTold, Radar, Records, Seen};
use marline_index::Index;
use marline_lab::agents::{CLAUDE, CODEX, GEMINI, Release};
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use marline_model::{LiveState, SessionId, Source, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::now;

const PROJECT: &str = "alpha";
const RELEASES: [Release; 3] = [CLAUDE, CODEX, GEMINI];
const PATIENCE: Duration = Duration::from_secs(60);
/// A state is late when it is told so long after it began.
const LATE: i64 = 1_200;

/// A moment: what was seen of the session, and the states that were true then or shortly before.
#[derive(Serialize, Deserialize)]
struct Moment {
    at: Timestamp,
    session: SessionId,
    truth: Vec<LiveState>,
    seen: Seen,
}

/// What is wrong with what is told of some moments.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    false_working: usize,
    false_idle: usize,
    other: usize,
    unknown: usize,
}

fn judged(moments: &[Moment], change: impl Fn(&mut Seen)) -> (Faults, Vec<String>) {
    let (mut faults, mut words) = (Faults::default(), Vec::new());
    for moment in moments {
        let mut seen = moment.seen.clone();
        change(&mut seen);
        let weighed = seen.weigh(&moment.session, Vec::new(), moment.at);
        let is_young = moment.at.as_millis() - seen.began.as_millis() < 10_000;
        if moment.truth.contains(&weighed.state) || (is_young && weighed.state == LiveState::Starting) {
            continue;
        }
        *match weighed.state {
            LiveState::Working => &mut faults.false_working,
            LiveState::Idle => &mut faults.false_idle,
            LiveState::Unknown => &mut faults.unknown,
            _ => &mut faults.other,
        } += 1;
        words.push(format!(
            "{:?} at {} where {:?} was true: {:#?}",
            weighed.state, moment.at, moment.truth, weighed.evidence
        ));
    }
    (faults, words)
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/traces").join(format!("{name}.jsonl"))
}

fn recorded(name: &str) -> Vec<Moment> {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let mut before = Value::Null;
    let read = |line: &str| {
        let mut moment: Value = serde_json::from_str(line).unwrap();
        for (field, value) in moment["seen"].as_object().unwrap() {
            before[field] = value.clone();
        }
        moment["seen"] = before.clone();
        serde_json::from_value(moment).unwrap()
    };
    text.lines().map(read).collect()
}

/// The fields that are others than before; those that are gone are null.
fn change(before: &Value, now: &Value) -> Value {
    let empty = serde_json::Map::new();
    let (old, new) = (before.as_object().unwrap_or(&empty), now.as_object().unwrap());
    let gone = old.keys().filter(|field| !new.contains_key(*field)).map(|field| (field.clone(), Value::Null));
    let changed = new.iter().filter(|(field, value)| old.get(*field) != Some(value));
    Value::Object(changed.map(|(field, value)| (field.clone(), value.clone())).chain(gone).collect())
}

const NAMES: [&str; 5] = ["claude", "claude-hooks", "codex", "codex-daemon", "gemini"];

#[test]
fn recorded_moments_are_judged_as_they_were() {
    for name in NAMES {
        let moments = recorded(name);
        for state in [LiveState::Working, LiveState::Idle, LiveState::NeedsApproval, LiveState::NeedsInput] {
            assert!(moments.iter().any(|moment| moment.truth == [state]), "{name} never was {state:?}");
        }
        let (faults, words) = judged(&moments, |_| {});
        assert_eq!(faults, Faults::default(), "{name}: {}", words.join("\n"));
    }
}

#[test]
fn a_screen_that_is_not_looked_at_is_not_missed() {
    for name in NAMES {
        let moments = recorded(name);
        let (faults, words) = judged(&moments, |seen| {
            if !seen.needs_screen() {
                seen.screen = None;
            }
        });
        assert_eq!(faults, Faults::default(), "{name}: {}", words.join("\n"));
        let looked = moments.iter().filter(|moment| moment.seen.needs_screen()).count();
        assert_eq!(looked < moments.len(), name != "gemini", "{name} was looked at {looked} times");
    }
}

#[test]
fn no_channel_is_needed_to_be_right() {
    // What is not seen may leave a state unknown or be told later, but never as another one.
    type Blinder = (&'static str, fn(&mut Seen));
    let blind: [Blinder; 3] = [
        ("hooks", |seen| seen.hook = None),
        ("registry", |seen| seen.registry = None),
        ("daemon", |seen| seen.service = None),
    ];
    for name in NAMES {
        for (what, without) in blind {
            let (faults, words) = judged(&recorded(name), without);
            let is_right = faults.false_idle == 0 && faults.false_working == 0;
            assert!(is_right, "{name} without {what}: {faults:?}\n{}", words.join("\n"));
        }
    }
    // A Claude outside tmux tells its state itself.
    for name in ["claude", "claude-hooks"] {
        let (faults, words) = judged(&recorded(name), |seen| seen.screen = None);
        assert_eq!(faults, Faults::default(), "{name} without a screen: {}", words.join("\n"));
    }
}

#[test]
fn records_alone_never_say_that_a_turn_is_over_that_is_not() {
    // They can't tell of a dialog, nor of an interrupt that nobody wrote down: the turn goes on for them. Gemini CLI 0.61 writes
    // some prompts down with their answer alone, and is left out.
    for name in NAMES.into_iter().filter(|name| *name != "gemini") {
        let (faults, words) = judged(&recorded(name), |seen| {
            *seen = Seen {
                registry: None,
                service: None,
                hook: None,
                screen: None,
                has_children: true,
                ..seen.clone()
            };
        });
        assert_eq!((faults.false_idle, faults.other), (0, 0), "{name}: {}", words.join("\n"));
    }
}

/// A terminal with an agent, watched all the time.
struct Stage {
    lab: Lab,
    dir: tempfile::TempDir,
    samples: Arc<Mutex<Vec<(Timestamp, SessionId, Seen)>>>,
    /// From when which state is true; of several, any may be told.
    truth: Mutex<Vec<(Timestamp, Vec<LiveState>)>>,
    stop: Arc<AtomicBool>,
}

fn millis(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

impl Stage {
    fn tmux(&self, words: &[&str]) -> String {
        let mut tmux = self.lab.program(Path::new("tmux"), &RELEASES);
        tmux.arg("-S").arg(self.dir.path().join("own")).args(["-f", "/dev/null"]).args(words);
        tmux.current_dir(self.lab.project(PROJECT));
        String::from_utf8_lossy(&tmux.output().unwrap().stdout).into_owned()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "hand"])
    }

    fn is(&self, at: Timestamp, state: LiveState) {
        self.truth.lock().unwrap().push((at, vec![state]));
    }

    /// The agent asks as soon as the model has called the tool; its dialog is drawn a moment later.
    fn asks(&self, called: Timestamp, dialog: &str) {
        self.needs(called, LiveState::NeedsApproval, dialog);
    }

    fn needs(&self, called: Timestamp, state: LiveState, dialog: &str) {
        self.truth.lock().unwrap().push((called, vec![LiveState::Working, state]));
        let shows =
            |screen: String| screen.lines().any(|line| line.contains(dialog) && !line.contains(['{', '"']));
        self.until("asked", || self.screen().contains("1. ") && shows(self.screen()));
        self.is(now(), state);
    }

    /// The turn is over between the model's answer and what the screen shows of it.
    fn says(&self, answered: Timestamp, words: &[&str]) {
        self.truth.lock().unwrap().push((answered, vec![LiveState::Working, LiveState::Idle]));
        let is_there = |line: &str| !line.contains("{{") && words.iter().any(|word| line.contains(word));
        self.until("told on the screen", || self.screen().lines().any(is_there));
        self.is(now(), LiveState::Idle);
    }

    /// A key after which the agent comes to rest: it may do something yet.
    fn rests(&self, at: Timestamp) {
        self.truth.lock().unwrap().push((at, vec![LiveState::Working, LiveState::Idle]));
        self.is(Timestamp::from_millis(at.as_millis() + 300), LiveState::Idle);
    }

    fn until(&self, what: &str, is_it: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_it() {
            assert!(began.elapsed() < PATIENCE, "not {what}\n{}", self.screen());
            sleep(Duration::from_millis(20));
        }
    }

    fn types(&self, text: &str) -> Timestamp {
        // What was interrupted comes back into the field.
        self.tmux(&["send-keys", "-t", "hand", "C-u"]);
        self.tmux(&["send-keys", "-t", "hand", "-l", text]);
        sleep(Duration::from_millis(400));
        let at = now();
        self.tmux(&["send-keys", "-t", "hand", "Enter"]);
        at
    }

    fn press(&self, key: &str) -> Timestamp {
        let at = now();
        self.tmux(&["send-keys", "-t", "hand", key]);
        at
    }

    /// When the model answered the n-th request of a prompt.
    fn answered(&self, prompt: &Prompt, step: usize) -> Option<Timestamp> {
        let asked = self.lab.server().asked();
        let words = prompt.text().split(" {{").next().unwrap_or_default().to_owned();
        let mut of = asked
            .iter()
            .filter(|asked| asked.step == step && asked.heard.iter().any(|heard| heard.contains(&words)));
        of.next_back().map(|asked| millis(asked.answered))
    }

    fn until_answered(&self, prompt: &Prompt, step: usize) -> Timestamp {
        self.until("answered", || self.answered(prompt, step).is_some());
        self.answered(prompt, step).unwrap()
    }
}

/// Looks at all that runs again and again, and keeps what was seen.
fn watch(stage: &Stage, hooks: PathBuf) -> std::thread::JoinHandle<()> {
    let env = Env::new(stage.lab.home().to_owned(), []);
    let (samples, stop) = (stage.samples.clone(), stage.stop.clone());
    let index_dir = stage.dir.path().join("index");
    let path = stage.lab.program(Path::new("true"), &RELEASES);
    let path =
        path.get_envs().find_map(|(name, value)| (name == "PATH").then_some(value?)).unwrap().to_owned();
    std::thread::spawn(move || {
        let index = Index::open(&index_dir).unwrap();
        let codex = registry::agent(Source::Codex).unwrap();
        let socket = codex.live().service(&codex.home(&env)).unwrap();
        while !stop.load(Ordering::Relaxed) {
            index.refresh(&env, &AtomicBool::new(false), &|_| {}).unwrap();
            let told = told(&hooks);
            let daemon = Daemon::survey(&socket);
            let at = now();
            let record = |id: &SessionId, seen: &Seen| {
                samples.lock().unwrap().push((at, id.clone(), seen.clone()));
            };
            let radar = Radar {
                env: &env,
                index: &index,
                tmux: Some(Path::new("tmux")),
                path: &path,
                held: &[],
                asked: &[],
                told: &told,
                daemon: daemon.as_ref(),
                memory: None,
                record: Some(&record),
            };
            radar.look(at);
            sleep(Duration::from_millis(60));
        }
    })
}

/// What hooks have told: a file each, named by when it was written.
fn told(dir: &Path) -> Vec<HookTold> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    let read = |path: &PathBuf| -> Option<HookTold> {
        let name = path.file_name()?.to_str()?;
        let (nanos, agent) = name.split_once('.')?;
        let at = Timestamp::from_millis(nanos.parse::<i64>().ok()? / 1_000_000);
        let source: Source = agent.parse().ok()?;
        let event: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let told = registry::agent(source)?.live().told(&event)?;
        let id = SessionId::new(source, &told.session).ok()?;
        Some(HookTold { id, pids: Vec::new(), state: told.state, says: told.says, asks: told.asks, at })
    };
    files.iter().filter_map(read).collect()
}

/// Puts hooks into the agent's settings that write down what they are told.
fn record_hooks(stage: &Stage, source: Source, into: &Path) {
    std::fs::create_dir_all(into).unwrap();
    let script = stage.dir.path().join("hook.sh");
    let text = format!("cat > {0}/part.$$ && mv {0}/part.$$ {0}/$(date +%s%N).{source}\n", into.display());
    std::fs::write(&script, text).unwrap();
    let agent = registry::agent(source).unwrap();
    let hooks = agent.live().hooks().unwrap();
    let handler =
        serde_json::json!([{"hooks": [{"type": "command", "command": format!("sh {}", script.display())}]}]);
    let all: serde_json::Map<String, Value> =
        hooks.events.iter().map(|event| ((*event).to_owned(), handler.clone())).collect();
    let home = agent.home(&Env::new(stage.lab.home().to_owned(), []));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join(hooks.file), serde_json::json!({"hooks": all}).to_string()).unwrap();
}

/// Plays a day with an agent, and compares what is told with what was true.
fn play(test: &str, name: &str, source: Source, words: &[&str]) {
    let Some(agents) = alone::test(test, &RELEASES) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let stage = Stage { lab, dir, samples: Arc::default(), truth: Mutex::default(), stop: Arc::default() };
    let hooks = stage.dir.path().join("hooks");
    if name.ends_with("-hooks") {
        record_hooks(&stage, source, &hooks);
    }
    if name.ends_with("-daemon") {
        let config = stage.lab.home().join(".codex/config.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("daemon_auto_start = false\n", "")).unwrap();
    }
    let begin = ["new-session", "-d", "-s", "hand", "-x", "110", "-y", "36", "--"];
    stage.tmux(&[&begin, words].concat());
    stage.until("there", || stage.screen().contains(['❯', '›', '>']));
    sleep(Duration::from_secs(3));
    let watching = watch(&stage, hooks);
    stage.is(now(), LiveState::Idle);
    // A daemon, where there is one, must hold the session by now.
    stage.until("seen", || !stage.samples.lock().unwrap().is_empty());
    sleep(Duration::from_secs(1));

    // Typed, thought about, answered.
    let first = Prompt::new("Think and say").wait(2).say("Thought and said");
    stage.is(stage.types(first.text()), LiveState::Working);
    // The model is noted as answering when it begins to think.
    let answered = stage.until_answered(&first, 0);
    stage.says(Timestamp::from_millis(answered.as_millis() + 2_000), &["Thought and said"]);
    sleep(Duration::from_secs(3));

    // Asked for leave, and allowed after a while; the tool takes its time.
    let asks = Prompt::new("Ask for leave").ask("sleep 3; touch allowed.txt").say("It is touched");
    stage.is(stage.types(asks.text()), LiveState::Working);
    stage.asks(stage.until_answered(&asks, 0), "sleep 3; touch");
    sleep(Duration::from_secs(4));
    stage.is(stage.press("1"), LiveState::Working);
    stage.says(stage.until_answered(&asks, 1), &["It is touched"]);
    sleep(Duration::from_secs(3));

    // Asked again, and refused.
    let asks = Prompt::new("Ask once more").ask("touch denied.txt").say("It is not touched");
    stage.is(stage.types(asks.text()), LiveState::Working);
    stage.asks(stage.until_answered(&asks, 0), "touch denied");
    sleep(Duration::from_secs(3));
    stage.rests(stage.press("Escape"));
    sleep(Duration::from_secs(3));

    // Asked a question, which a yes and a no answer.
    let tool = match source {
        Source::Codex => "request_user_input",
        Source::Gemini => "ask_user",
        _ => "AskUserQuestion",
    };
    if source == Source::Codex {
        // It asks in plan mode alone.
        stage.press("BTab");
        stage.until("in plan mode", || stage.screen().contains("Plan mode"));
    }
    let options = serde_json::json!([{"label": "Yes", "description": "It is"}, {"label": "No", "description": "It is not"}]);
    let question = serde_json::json!({"id": "fine", "header": "Fine", "question": "Is it fine?", "type": "choice",
        "multiSelect": false, "options": options});
    let asks = Prompt::new("Ask me")
        .call(tool, &serde_json::json!({"questions": [question]}))
        .say("It was answered");
    stage.is(stage.types(asks.text()), LiveState::Working);
    stage.needs(stage.until_answered(&asks, 0), LiveState::NeedsInput, "Is it fine");
    sleep(Duration::from_secs(4));
    stage.is(stage.press("2"), LiveState::Working);
    stage.says(stage.until_answered(&asks, 1), &["It was answered"]);
    sleep(Duration::from_secs(3));
    if source == Source::Codex {
        // After its turn it asks about a plan.
        let plan = Prompt::new("Plan it").say("<proposed_plan>\n# Plan\n\n1. Do it\n</proposed_plan>\n");
        stage.is(stage.types(plan.text()), LiveState::Working);
        stage.needs(stage.until_answered(&plan, 0), LiveState::NeedsInput, "Implement this plan?");
        sleep(Duration::from_secs(4));
        stage.rests(stage.press("3"));
        sleep(Duration::from_secs(2));
        stage.press("BTab");
        sleep(Duration::from_secs(2));
    }

    // Interrupted in its thoughts.
    let long = Prompt::new("Think for long").wait(60).say("Never said");
    stage.is(stage.types(long.text()), LiveState::Working);
    sleep(Duration::from_secs(4));
    stage.rests(stage.press("Escape"));
    sleep(Duration::from_secs(3));

    // The model fails.
    let bad = Prompt::new("Fail now").fail(400);
    stage.is(stage.types(bad.text()), LiveState::Working);
    stage.says(stage.until_answered(&bad, 0), &["scripted error", "API Error"]);
    sleep(Duration::from_secs(3));

    stage.stop.store(true, Ordering::Relaxed);
    watching.join().unwrap();
    stage.tmux(&["kill-server"]);
    let moments = moments(&stage);
    assert!(moments.len() > 40, "only {} moments", moments.len());
    if std::env::var_os("MARLINE_PIN").is_some() {
        std::fs::create_dir_all(file(name).parent().unwrap()).unwrap();
        let home = stage.dir.path().display().to_string();
        let mut before = Value::Null;
        let lines: Vec<String> = moments
            .iter()
            .map(|moment| {
                let mut line = serde_json::to_value(moment).unwrap();
                let seen = line["seen"].clone();
                line["seen"] = change(&before, &seen);
                before = seen;
                line.to_string().replace(&home, "/lab") + "\n"
            })
            .collect();
        std::fs::write(file(name), lines.concat()).unwrap();
    }
    let (faults, words) = judged(&moments, |_| {});
    assert_eq!(faults, Faults::default(), "{}", words.join("\n"));
}

/// Joins what was seen with what was true; of moments that show the same, one in a while is kept.
fn moments(stage: &Stage) -> Vec<Moment> {
    const APART: i64 = 900;
    let truth = stage.truth.lock().unwrap().clone();
    let true_at = |at: Timestamp| -> Vec<LiveState> {
        let now = truth.iter().rposition(|(since, _)| *since <= at).unwrap_or(0);
        let mut states = truth[now].1.clone();
        // What was true until shortly before may still be told.
        let before = truth[..now]
            .iter()
            .enumerate()
            .rev()
            .take_while(|(n, _)| at.as_millis() - truth[n + 1].0.as_millis() < LATE);
        states.extend(before.flat_map(|(_, (_, states))| states));
        // What is about to be true may be seen a moment before this test does: it looks at the screen, too.
        let next = truth.get(now + 1).filter(|(since, _)| since.as_millis() - at.as_millis() < 400);
        states.extend(next.into_iter().flat_map(|(_, states)| states));
        states.dedup();
        states
    };
    let mut kept: Vec<Moment> = Vec::new();
    for (at, session, seen) in stage.samples.lock().unwrap().iter() {
        let truth = true_at(*at);
        let is_new = kept.last().is_none_or(|last| {
            let is_same = |one: &Seen, other: &Seen| {
                let plain = |seen: &Seen| Seen { screen: None, ..seen.clone() };
                plain(one) == plain(other)
            };
            last.truth != truth || !is_same(&last.seen, seen) || at.as_millis() - last.at.as_millis() > APART
        });
        if is_new {
            let screen = seen.screen.as_ref().map(|screen| {
                screen
                    .lines()
                    .map(str::trim_end)
                    .collect::<Vec<_>>()
                    .join("\n")
                    .trim_start_matches('\n')
                    .to_owned()
            });
            kept.push(Moment {
                at: *at,
                session: session.clone(),
                truth,
                seen: Seen { screen, ..seen.clone() },
            });
        }
    }
    assert!(kept.iter().all(|moment| !matches!(moment.seen.records, Records::Turn(_))));
    kept
}

#[test]
fn a_claude_is_told_as_it_is() {
    let words = ["claude", "--permission-mode", "manual"];
    play("traces::a_claude_is_told_as_it_is", "claude", Source::Claude, &words);
}

#[test]
fn a_claude_with_hooks_is_told_as_it_is() {
    let words = ["claude", "--permission-mode", "manual"];
    play("traces::a_claude_with_hooks_is_told_as_it_is", "claude-hooks", Source::Claude, &words);
}

#[test]
fn a_codex_is_told_as_it_is() {
    play("traces::a_codex_is_told_as_it_is", "codex", Source::Codex, &["codex", "-a", "on-request"]);
}

#[test]
fn a_codex_on_its_daemon_is_told_as_it_is() {
    let words = ["codex", "-a", "on-request"];
    play("traces::a_codex_on_its_daemon_is_told_as_it_is", "codex-daemon", Source::Codex, &words);
}

#[test]
fn a_gemini_is_told_as_it_is() {
    let words = ["gemini", "--approval-mode", "default"];
    play("traces::a_gemini_is_told_as_it_is", "gemini", Source::Gemini, &words);
}

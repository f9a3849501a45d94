//! Acts on what the real agents wrote, and what they make of it.

#![allow(clippy::unwrap_used)]

mod reviews;
mod traces;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use marline_agents::Env;
use marline_control::{Acts, Conversation, Fate, Fork, HandOver, Handoff, Places, Range, Target, Way};
use marline_index::{Index, MarkKind, Session};
use marline_lab::agents::{CLAUDE, CODEX, GEMINI, OPENCODE, QWEN, Release};
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use marline_model::{Source, Timestamp};
use serde_json::Value;

const PROJECT: &str = "alpha";
const NAME: &str = "the_real_agents_take_up_what_was_named_and_forked";

struct Desk<'a> {
    lab: &'a Lab,
    env: Env,
    index: Index,
    acts: Acts,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

fn random() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    bytes
}

impl<'a> Desk<'a> {
    fn new(lab: &'a Lab, dir: &Path) -> Self {
        let env = Env::new(lab.home().to_owned(), []);
        let places = Places {
            env: env.clone(),
            state: dir.join("state"),
            config: dir.join("config"),
            keyring: None,
            now,
            random,
            utc_offset_seconds: 0,
        };
        Desk { lab, env, index: Index::open(&dir.join("index")).unwrap(), acts: Acts::new(places) }
    }

    fn session(&self, id: &str) -> Session {
        self.index.refresh(&self.env, &AtomicBool::new(false), &|_| {}).unwrap();
        self.index.session(id).unwrap()
    }

    fn target(&self, id: &str) -> Target {
        Target::of(&self.session(id)).unwrap()
    }

    /// Says something to a session of an agent, or begins one; returns its raw id.
    fn say(&self, release: &Release, session: Option<&str>, words: &str, answer: &str) -> String {
        self.ask(release, session, &Prompt::new(words).say(answer))
    }

    fn ask(&self, release: &Release, session: Option<&str>, prompt: &Prompt) -> String {
        let text = prompt.text();
        let of = |name: &str, session: Option<&str>| {
            session.map(|id| vec![name.to_owned(), id.to_owned()]).unwrap_or_default()
        };
        let (words, key): (Vec<String>, &str) = match release.program {
            "claude" => {
                let mut words: Vec<String> =
                    ["-p", "--output-format", "stream-json", "--verbose"].map(str::to_owned).into();
                words.extend(of("--resume", session));
                words.push(text.to_owned());
                (words, "session_id")
            }
            "codex" => {
                let mut words: Vec<String> =
                    ["exec", "--json", "--skip-git-repo-check"].map(str::to_owned).into();
                words.extend(of("resume", session));
                words.push(text.to_owned());
                (words, "thread_id")
            }
            "opencode" => {
                let mut words: Vec<String> = ["run", "--format", "json"].map(str::to_owned).into();
                words.extend(of("--session", session));
                words.push(text.to_owned());
                (words, "sessionID")
            }
            _ => {
                let mut words: Vec<String> = ["--yolo", "-o", "stream-json"].map(str::to_owned).into();
                words.extend(of("--resume", session));
                words.extend(["-p".to_owned(), text.to_owned()]);
                (words, "session_id")
            }
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let printed = self.lab.run(release, PROJECT, &words, "").unwrap();
        let lines = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let id = lines.into_iter().find_map(|line| Some(line[key].as_str()?.to_owned()));
        id.unwrap_or_else(|| {
            panic!(
                "{} {words:?} said {printed} {}",
                release.program,
                std::fs::read_to_string(self.lab.project("..").join("agents.log")).unwrap_or_default()
            )
        })
    }

    /// What its agent keeps of a session: its file, or its rows.
    fn kept(&self, id: &str) -> Vec<u8> {
        let path = self.session(id).files[0].path.clone();
        if !path.ends_with(".db") {
            return std::fs::read(path).unwrap();
        }
        let database = rusqlite::Connection::open(path).unwrap();
        let mut text = String::new();
        for table in ["session WHERE id", "message WHERE session_id", "part WHERE session_id"] {
            let mut query = database.prepare(&format!("SELECT * FROM {table} = ?1 ORDER BY id")).unwrap();
            let columns = query.column_count();
            let mut rows = query.query([id]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    text += &format!("{:?}|", row.get_ref(column).unwrap());
                }
            }
        }
        text.into_bytes()
    }

    /// What the model heard with a prompt.
    fn heard(&self, words: &str) -> Vec<String> {
        let asked = self.lab.server().asked();
        let request = asked.iter().rev().find(|asked| asked.prompt.contains(words));
        request.unwrap_or_else(|| panic!("{words} was not asked")).heard.clone()
    }
}

fn holds(heard: &[String], words: &str) -> bool {
    heard.iter().any(|heard| heard.contains(words))
}

#[test]
fn the_real_agents_take_up_what_was_named_and_forked() {
    let Some(agents) = alone::test(NAME, &[CODEX, CLAUDE, GEMINI, QWEN, OPENCODE]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let desk = Desk::new(&lab, dir.path());
    for release in [CLAUDE, CODEX, GEMINI, QWEN, OPENCODE] {
        let program = release.program;
        let origin = desk.say(&release, None, &format!("{program} prompt 1"), &format!("{program} answer 1"));
        for n in 2..=3 {
            desk.say(
                &release,
                Some(&origin),
                &format!("{program} prompt {n}"),
                &format!("{program} answer {n}"),
            );
        }
        // At three places: before the second prompt, before the third, at the end.
        let id = desk.session(&origin).id;
        let marks = desk.index.outline(&id).unwrap().marks;
        let prompts: Vec<_> = marks.iter().filter(|mark| mark.kind == MarkKind::Prompt).collect();
        assert_eq!(prompts.len(), 3, "{program}");
        let whole = desk.kept(&origin);
        for (kept, place) in [(1, Some(1)), (2, Some(2)), (3, None)] {
            let at = place.map_or(Fork::Head, |n: usize| {
                let item = desk.index.item_at(&id, prompts[n].key).unwrap();
                Fork::Before { file: item.raw.path.clone().into(), offset: item.raw.offset }
            });
            let target = desk.target(&origin);
            let plan = desk.acts.fork(&target, &at).unwrap();
            let entry = desk.acts.carry_out(&target, plan).unwrap();
            let fork = entry.plan.makes.unwrap();
            let session = desk.session(fork.raw());
            assert_eq!(session.forked_from_id, Some(id.to_string()), "{program} {kept}");
            assert_eq!(session.inherited.prompts, kept, "{program} {kept}");
            let words = format!("{program} goes on after {kept}");
            let said = desk.say(&release, Some(fork.raw()), &words, "Gladly");
            assert_eq!(said, fork.raw(), "{program} {kept}");
            let heard = desk.heard(&words);
            for n in 1..=3 {
                let expected = n <= kept;
                assert_eq!(holds(&heard, &format!("{program} prompt {n}")), expected, "{program} {kept} {n}");
                assert_eq!(holds(&heard, &format!("{program} answer {n}")), expected, "{program} {kept} {n}");
            }
            assert_eq!(desk.session(fork.raw()).counts.prompts, 1, "{program} {kept}");
        }
        assert_eq!(desk.kept(&origin), whole, "{program}: the origin is left alone");
    }
    for release in [CLAUDE, CODEX, GEMINI, QWEN, OPENCODE] {
        let program = release.program;
        let id = desk.say(&release, None, &format!("{program} begins"), "Begun");
        let target = desk.target(&id);
        let plan = desk.acts.rename(&target, &format!("{program} on a light rope")).unwrap();
        desk.acts.carry_out(&target, plan).unwrap();
        assert_eq!(
            desk.session(&id).title.as_deref(),
            Some(&*format!("{program} on a light rope")),
            "{program}"
        );
        // The agent goes on with it, and leaves the name.
        desk.say(&release, Some(&id), &format!("{program} after the name"), "Still here");
        assert!(
            holds(&desk.heard(&format!("{program} after the name")), &format!("{program} begins")),
            "{program}"
        );
        assert_eq!(
            desk.session(&id).title.as_deref(),
            Some(&*format!("{program} on a light rope")),
            "{program}"
        );
        // Deleted and taken back, it is taken up as before.
        let target = desk.target(&id);
        let plan = desk.acts.delete(&target, false).unwrap();
        desk.acts.carry_out(&target, plan).unwrap();
        desk.acts.undo(None).unwrap();
        desk.say(&release, Some(&id), &format!("{program} after the trash"), "Back");
        assert!(
            holds(&desk.heard(&format!("{program} after the trash")), &format!("{program} begins")),
            "{program}"
        );
    }
}

const HANDOFF: &str = "the_real_agents_go_on_with_what_others_began";

/// What is said in a session that is handed over, in order.
fn conversation(program: &str) -> [String; 5] {
    ["prompt 1", "output 1", "answer 1", "prompt 2", "answer 2"].map(|words| format!("{program} {words}"))
}

impl Desk<'_> {
    fn hand_over(&self, id: &str, to: Source, way: Way) -> Handoff {
        let target = self.target(id);
        let conversation = Conversation::read(&self.index, &target.id, Range::default()).unwrap();
        let asked = HandOver { to, way, cwd: None, marline: "marline" };
        self.acts.hand_over(&target, &conversation, &asked).unwrap()
    }
}

#[test]
fn the_real_agents_go_on_with_what_others_began() {
    let Some(agents) = alone::test(HANDOFF, &[CODEX, CLAUDE, GEMINI, OPENCODE, QWEN]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let desk = Desk::new(&lab, dir.path());
    for release in [CLAUDE, CODEX, GEMINI, OPENCODE, QWEN] {
        let program = release.program;
        let [first, output, answer, second, last] = conversation(program);
        let prompt =
            Prompt::new(&first).think("A sealed thought").run(&format!("echo {output}")).say(&answer);
        let origin = desk.ask(&release, None, &prompt);
        desk.say(&release, Some(&origin), &second, &last);
        let whole = desk.kept(&origin);
        for (to, target) in [(Source::Claude, CLAUDE), (Source::Codex, CODEX)] {
            if target.program == program {
                continue;
            }
            let pair = format!("{program} to {}", target.program);
            let handoff = desk.hand_over(&origin, to, Way::Native);
            let told = |fate, words: &str| {
                let line =
                    handoff.report.lines.iter().find(|line| line.fate == fate && line.what.contains(words));
                line.map_or(0, |line| line.count)
            };
            assert_eq!(told(Fate::Carried, "prompts"), 2, "{pair}: {:?}", handoff.report);
            assert_eq!(told(Fate::Carried, "answers"), 2, "{pair}: {:?}", handoff.report);
            assert_eq!(told(Fate::Carried, "command"), 1, "{pair}: {:?}", handoff.report);
            let entry = desk.acts.carry_out(&desk.target(&origin), handoff.plan.clone().unwrap()).unwrap();
            let made = entry.plan.makes.unwrap();
            let session = desk.session(made.raw());
            assert_eq!(session.forked_from_id, Some(desk.session(&origin).id.to_string()), "{pair}");
            assert_eq!((session.inherited.prompts, session.inherited.answers), (2, 2), "{pair}");
            assert_eq!((session.counts.prompts, session.counts.tool_calls), (0, 0), "{pair}");
            let words = format!("{pair}: goes on");
            let said = desk.say(&target, Some(made.raw()), &words, "Gladly");
            assert_eq!(said, made.raw(), "{pair}: the same session goes on");
            let heard = desk.heard(&words);
            // The script of an answer stands in its prompt, and that of an output in its command: those are not meant.
            let said = |heard: &str, words: &str| match words {
                prompt if prompt.contains("prompt") => heard.starts_with(prompt),
                output if output.contains("output") => {
                    heard.contains(output) && !heard.contains("{{") && !heard.starts_with('{')
                }
                answer => heard == answer,
            };
            let place = |words: &String| heard.iter().position(|heard| said(heard, words));
            let places: Vec<_> = conversation(program).iter().map(place).collect();
            assert!(
                places.iter().all(Option::is_some) && places.is_sorted(),
                "{pair}: {places:?} in {heard:#?}"
            );
            let session = desk.session(made.raw());
            assert_eq!((session.counts.prompts, session.inherited.prompts), (1, 2), "{pair}");
            // What was gone on with is not taken back; what was not is.
            assert!(desk.acts.undo(Some(entry.number)).is_err(), "{pair}");
            let handoff = desk.hand_over(&origin, to, Way::Native);
            let entry = desk.acts.carry_out(&desk.target(&origin), handoff.plan.unwrap()).unwrap();
            let again = entry.plan.makes.unwrap();
            desk.session(again.raw());
            desk.acts.undo(Some(entry.number)).unwrap();
            assert!(desk.session(again.raw()).missing, "{pair}: it is gone");
        }
        assert_eq!(desk.kept(&origin), whole, "{program}: the original is left alone");
        for way in [Way::Brief, Way::Pack] {
            let to = if program == "codex" { Source::Claude } else { Source::Codex };
            let document = desk.hand_over(&origin, to, way).document.unwrap();
            for words in [&first, &second, &desk.session(&origin).id.to_string()] {
                assert!(document.contains(words.as_str()), "{program} {way:?}: {words} in {document}");
            }
            assert_eq!(document.contains(&format!("\n> {last}\n")), way == Way::Brief, "{program} {way:?}");
        }
    }
}

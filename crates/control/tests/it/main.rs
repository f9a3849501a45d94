//! Acts on what the real agents wrote, and what they make of it.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use marline_agents::Env;
use marline_control::{Acts, Fork, Places, Target};
use marline_index::{Index, MarkKind, Session};
use marline_lab::agents::{CLAUDE, CODEX, OPENCODE, QWEN, Release};
use marline_lab::script::Prompt;
use marline_lab::{Lab, alone};
use marline_model::Timestamp;
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
    static COUNT: AtomicU8 = AtomicU8::new(0);
    [COUNT.fetch_add(1, Ordering::Relaxed); 16]
}

impl<'a> Desk<'a> {
    fn new(lab: &'a Lab, dir: &Path) -> Self {
        let env = Env::new(lab.home().to_owned(), []);
        let places =
            Places { env: env.clone(), state: dir.join("state"), now, random, utc_offset_seconds: 0 };
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
        let prompt = Prompt::new(words).say(answer);
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
        id.unwrap_or_else(|| panic!("{} said {printed}", release.program))
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
    let Some(agents) = alone::test(NAME, &[CODEX, CLAUDE, QWEN, OPENCODE]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &agents).unwrap();
    let desk = Desk::new(&lab, dir.path());
    for release in [CLAUDE, CODEX, QWEN] {
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
        let file = std::fs::read(&desk.session(&origin).files[0].path).unwrap();
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
        assert_eq!(
            std::fs::read(&desk.session(&origin).files[0].path).unwrap(),
            file,
            "{program}: the origin is left alone"
        );
    }
    for release in [CLAUDE, CODEX, QWEN, OPENCODE] {
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

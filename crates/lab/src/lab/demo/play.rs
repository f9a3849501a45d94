//! Plays: what happens in the demo, written down in files that read from top to bottom.
//!
//! A line that begins with `@ ` and a word says what the lines below it are:
//!
//! | line | below it |
//! |---|---|
//! | `@ project NAME`, `@ file PATH`, `@ commit SUBJECT`, `@ sh` | a project and how it begins; a command of its owner's |
//! | `@ session KEY AGENT PROJECT ago=26h model=M shows=…` | a session |
//! | `@ fork KEY OF ago=…` | a session that goes on from another |
//! | `@ name TEXT`, `@ title TEXT` | what its owner calls it; what the agent does |
//! | `@ prompt after=5m image=PATH mode=decline` | a prompt |
//! | `@ compact` | the summary of the conversation so far |
//! | `@ think`, `@ say`, `@ run WHY`, `@ read PATH 10+40`, `@ find PATH`, `@ write PATH`, `@ edit PATH`, `@ todo`, `@ web QUERY`, `@ helper NAME` | what the model does; `@ +run` goes together with what stands above |
//! | `@ fail STATUS`, `@ wait SECONDS` | how the next reply comes |
//! | `@ scene` | a sub-agent's prompt, with what the model does below it |
//! | `@ found QUERY` | `- TITLE \| ADDRESS` lines, and what they say |

use std::collections::BTreeMap;
use std::path::Path;

use crate::scenario::{Act, Beat, Find, Scenario, Scene};

/// All plays together.
#[derive(Debug, Default)]
pub struct Play {
    pub scenario: Scenario,
    pub projects: Vec<String>,
    pub deeds: Vec<Deed>,
}

/// What is done, in order.
#[derive(Debug)]
pub enum Deed {
    /// A file in a project.
    File { project: String, path: String, content: String },
    /// A command of the project's owner.
    Shell { project: String, command: String },
    /// A session of an agent.
    Session(Box<Session>),
}

#[derive(Debug, Clone, Default)]
pub struct Session {
    pub key: String,
    pub agent: String,
    pub project: String,
    pub model: Option<String>,
    pub name: Option<String>,
    pub shows: String,
    /// The key of the session that it goes on from.
    pub fork_of: Option<String>,
    /// Milliseconds before the end of all.
    pub ago: i64,
    pub turns: Vec<Turn>,
}

/// What a person does in a session.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// Nothing when the conversation is compacted.
    pub prompt: String,
    /// How long they took.
    pub after: i64,
    /// A picture beside the prompt.
    pub image: Option<String>,
    pub mode: Mode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Plain,
    /// Says no when the agent asks.
    Decline,
    /// Interrupts it.
    Interrupt,
    /// Has the conversation summed up.
    Compact,
}

/// Reads plays; `projects` is where they lie.
///
/// # Errors
/// A line that says nothing.
pub fn read(texts: &[&str], projects: &Path) -> Result<Play, String> {
    let mut play = Play::default();
    for text in texts {
        let mut reader = Reader { play: &mut play, projects, project: String::new(), title: None };
        for (head, body) in parts(text) {
            reader.take(head, body.trim_end()).map_err(|what| format!("@ {head}: {what}"))?;
        }
    }
    Ok(play)
}

/// Heads with what is below them.
fn parts(text: &str) -> Vec<(&str, &str)> {
    let mut parts = Vec::new();
    let mut rest = text.strip_prefix("@ ").unwrap_or(text);
    loop {
        let end = rest.find("\n@ ");
        let part = &rest[..end.unwrap_or(rest.len())];
        parts.push(part.split_once('\n').unwrap_or((part, "")));
        match end {
            Some(end) => rest = &rest[end + 3..],
            None => return parts,
        }
    }
}

struct Reader<'a> {
    play: &'a mut Play,
    projects: &'a Path,
    project: String,
    /// For the session's first scene.
    title: Option<String>,
}

impl Reader<'_> {
    fn take(&mut self, head: &str, body: &str) -> Result<(), String> {
        let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
        let text = || body.to_owned();
        match word {
            "project" => {
                self.project = rest.to_owned();
                self.play.projects.push(rest.to_owned());
            }
            "file" => {
                let (project, path) = (self.project.clone(), rest.to_owned());
                self.play.deeds.push(Deed::File { project, path, content: format!("{body}\n") });
            }
            "commit" => self.shell(&format!("git add --all && git commit --quiet -m '{rest}'")),
            "sh" => self.shell(body),
            "session" | "fork" => self.session(word, rest)?,
            "name" => self.last()?.name = Some(rest.to_owned()),
            "title" => self.title = Some(rest.to_owned()),
            "prompt" | "compact" => {
                let facts = facts(rest);
                let mode = match (word, facts.get("mode").copied()) {
                    ("compact", _) => Mode::Compact,
                    (_, Some("decline")) => Mode::Decline,
                    (_, Some("interrupt")) => Mode::Interrupt,
                    _ => Mode::Plain,
                };
                let turn = Turn {
                    prompt: if mode == Mode::Compact { String::new() } else { text() },
                    after: facts.get("after").map_or(Ok(0), |after| duration(after))?,
                    image: facts.get("image").map(|image| (*image).to_owned()),
                    mode,
                };
                self.last()?.turns.push(turn);
                if mode == Mode::Compact {
                    self.scene()?.summary = Some(text());
                } else {
                    self.begin(body);
                }
            }
            "scene" => self.begin(body),
            "think" => self.beat(true)?.thought = Some(text()),
            "say" => {
                self.beat_with(|beat| beat.acts.is_empty() && beat.words.is_none())?.words = Some(text())
            }
            "fail" => {
                let status = rest.parse().map_err(|_| "no status")?;
                self.beat(true)?.fail = Some((status, text()));
            }
            "wait" => self.beat(true)?.wait = rest.parse().map_err(|_| "no seconds")?,
            "found" => {
                let pages = body.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(" | "));
                let pages: Vec<(String, String)> =
                    pages.map(|(title, url)| (title.to_owned(), url.to_owned())).collect();
                let text: Vec<&str> = body.lines().skip(pages.len()).collect();
                let text = text.join("\n").trim().to_owned();
                self.play.scenario.finds.push(Find { query: rest.to_owned(), pages, text });
            }
            _ => {
                let (is_together, word) = word.strip_prefix('+').map_or((false, word), |word| (true, word));
                let act = act(word, rest, body).ok_or("nobody knows what this is")?;
                let beat = if is_together {
                    self.scene()?.beats.last_mut().ok_or("with what?")?
                } else {
                    self.beat(false)?
                };
                beat.acts.push(act);
            }
        }
        Ok(())
    }

    fn shell(&mut self, command: &str) {
        self.play.deeds.push(Deed::Shell { project: self.project.clone(), command: command.to_owned() });
    }

    fn session(&mut self, word: &str, rest: &str) -> Result<(), String> {
        let facts = facts(rest);
        let mut names = rest.split(' ');
        let mut next = || names.next().filter(|name| !name.contains('=')).unwrap_or_default().to_owned();
        let mut session = Session { key: next(), ..Session::default() };
        let model = |name: &str| facts.get(name).map(|value| (*value).to_owned());
        if word == "fork" {
            let origin = next();
            let known = self.play.deeds.iter().find_map(|deed| match deed {
                Deed::Session(session) if session.key == origin => Some(session),
                _ => None,
            });
            let known = known.ok_or("a fork of nothing")?;
            (session.agent, session.project) = (known.agent.clone(), known.project.clone());
            session.model = model("model").or(known.model.clone());
            session.fork_of = Some(origin);
        } else {
            (session.agent, session.project) = (next(), next());
            session.model = model("model");
        }
        session.ago = duration(facts.get("ago").ok_or("when?")?)?;
        session.shows = facts.get("shows").unwrap_or(&"").replace('_', " ");
        self.project = session.project.clone();
        self.title = None;
        self.play.deeds.push(Deed::Session(Box::new(session)));
        Ok(())
    }

    fn last(&mut self) -> Result<&mut Session, String> {
        match self.play.deeds.last_mut() {
            Some(Deed::Session(session)) => Ok(session),
            _ => Err("there is no session".to_owned()),
        }
    }

    fn begin(&mut self, prompt: &str) {
        let root = self.projects.join(&self.project);
        let title = self.title.take();
        let scene = Scene { prompt: prompt.to_owned(), root, title, ..Scene::default() };
        self.play.scenario.scenes.push(scene);
    }

    fn scene(&mut self) -> Result<&mut Scene, String> {
        self.play.scenario.scenes.last_mut().ok_or_else(|| "there is no prompt".to_owned())
    }

    /// The reply that is being written, or the next: one that has called something can't be added to.
    fn beat(&mut self, is_first: bool) -> Result<&mut Beat, String> {
        self.beat_with(|beat| beat.acts.is_empty() && (!is_first || beat.words.is_none()))
    }

    fn beat_with(&mut self, is_open: impl Fn(&Beat) -> bool) -> Result<&mut Beat, String> {
        let scene = self.scene()?;
        if !scene.beats.last().is_some_and(is_open) {
            scene.beats.push(Beat::default());
        }
        scene.beats.last_mut().ok_or_else(|| "no reply".to_owned())
    }
}

fn act(word: &str, rest: &str, body: &str) -> Option<Act> {
    let (rest, body) = (rest.to_owned(), body.to_owned());
    Some(match word {
        "run" => Act::Run { command: body, why: rest },
        "read" => {
            let (path, lines) = rest.split_once(' ').unwrap_or((&rest, ""));
            let lines = lines
                .split_once('+')
                .and_then(|(from, count)| Some((from.parse().ok()?, count.parse().ok()?)));
            Act::Read { path: path.to_owned(), lines }
        }
        "find" => Act::Find { pattern: body, path: rest },
        "write" => Act::Write { path: rest, content: format!("{body}\n") },
        "edit" => Act::Edit { path: rest, hunk: body },
        "todo" => Act::Todo(body),
        "web" => Act::Web(rest),
        "helper" => Act::Helper { name: rest, prompt: body },
        _ => return None,
    })
}

/// `key=value` words.
fn facts(words: &str) -> BTreeMap<&str, &str> {
    words.split(' ').filter_map(|word| word.split_once('=')).collect()
}

/// `90s`, `5m`, `26h` or `3d` in milliseconds.
fn duration(text: &str) -> Result<i64, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("{text} is no duration")),
    };
    number.parse::<i64>().map(|number| number * unit).map_err(|error| format!("{text}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_play_is_read_as_it_is_written() {
        let text = "@ project p\n@ file a/b\none\n\ntwo\n\n@ session k claude p ago=2h shows=a_thing\n@ title T\n\
            @ prompt after=5m\nDo it\n\nnow\n@ think\nHm\n@ say\nLooking\n@ read a/b 2+3\n@ +run List\nls\n@ edit a/b\n\
            -one\n+1\n@ say\nDone\n@ fork f k ago=1h\n@ prompt\nAgain\n@ say\nNo\n";
        let play = read(&[text], Path::new("/projects")).expect("it is a play");
        let scene = &play.scenario.scenes[0];
        assert_eq!((scene.prompt.as_str(), scene.title.as_deref()), ("Do it\n\nnow", Some("T")));
        assert_eq!(scene.beats.len(), 3);
        assert_eq!(scene.beats[0].acts.len(), 2);
        assert_eq!(scene.beats[1].acts, [Act::Edit { path: "a/b".to_owned(), hunk: "-one\n+1".to_owned() }]);
        assert_eq!(scene.beats[2].words.as_deref(), Some("Done"));
        let Deed::Session(fork) = &play.deeds[2] else { panic!("no fork") };
        assert_eq!(
            (fork.agent.as_str(), fork.fork_of.as_deref(), fork.ago),
            ("claude", Some("k"), 3_600_000)
        );
        assert!(read(&["@ dance\n"], Path::new("")).is_err());
    }
}

//! What all sessions share: words, projects, system prompts and needles.

use std::collections::HashSet;

use super::needles::Needle;
use super::random::{Random, Weighted};

/// How many different words there are besides identifiers.
const WORDS: usize = 60_000;
/// How many identifiers the code of one project uses.
const NAMES: usize = 6_000;
/// How many files a project has.
const FILES: usize = 300;

const FREQUENT: &str = "the to a of and in is it that for on this with not be as from are we if by or can at \
    will an when you so should but have has was which there all only file test code line error one no then \
    now after before first use run add fix set get call new make read write check return value function \
    type name list map string number index search session agent tool output input result build server client \
    request response handler module config default option path directory branch commit database query row \
    column table key token user message prompt answer thread lock async await struct trait method field \
    because instead without still already missing wrong expected failed passes works change update remove \
    rename create delete parse format print open close start stop wait retry time size count limit order";
const STARTS: [&str; 24] = [
    "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "cl", "dr", "gr",
    "pl", "st", "tr", "sh",
];
const VOWELS: [&str; 9] = ["a", "e", "i", "o", "u", "ei", "au", "ie", "oo"];
const ENDS: [&str; 10] = ["", "", "", "n", "l", "r", "s", "t", "nk", "rm"];
const SUFFIXES: [&str; 10] = ["rs", "ts", "tsx", "py", "go", "md", "json", "toml", "sql", "spec.ts"];

/// One project that sessions are about.
pub(super) struct Project {
    pub directory: String,
    /// The directory as Claude names its folder.
    pub slug: String,
    /// The project's name as Gemini's newer releases name its folder.
    pub short: String,
    /// The folder's name in Gemini's older releases.
    pub hash: String,
    pub branch: &'static str,
    pub names: Vec<String>,
    pub files: Vec<String>,
}

/// What all sessions share.
pub(super) struct World {
    pub seed: u64,
    pub words: Vec<String>,
    pub word_weights: Weighted,
    pub name_weights: Weighted,
    pub projects: Vec<Project>,
    pub needles: Vec<Needle>,
    /// System prompts of Codex, as JSON strings.
    pub instructions: Vec<Vec<u8>>,
    /// System prompts of Claude, as JSON lists of strings.
    pub system_prompts: Vec<Vec<u8>>,
    /// Descriptions of tools, as JSON lists.
    pub tool_lists: Vec<Vec<u8>>,
}

impl World {
    /// Makes a world of so many projects.
    pub fn new(seed: u64, projects: usize, needles: Vec<Needle>) -> Self {
        let mut random = Random::new(seed, 1);
        let words = words(&mut random);
        let word_weights = Weighted::zipf(WORDS, 2.2, 1.08);
        let mut taken = HashSet::new();
        let mut list = Vec::with_capacity(projects);
        while list.len() < projects {
            let project = project(&mut random, &words, &word_weights);
            if taken.insert(project.slug.clone()) {
                list.push(project);
            }
        }
        let page = |random: &mut Random, bytes: usize| {
            let mut text = String::with_capacity(bytes + 32);
            text.push_str("You are a coding agent. ");
            while text.len() < bytes {
                text.push_str(&words[word_weights.draw(random)]);
                text.push_str(if random.chance(0.05) { "\n- " } else { " " });
            }
            text
        };
        let string = |text: String| super::json::quoted(text.as_bytes());
        let instructions: Vec<Vec<u8>> = (0..4)
            .map(|_| {
                let bytes = random.between(14_000, 21_000) as usize;
                string(page(&mut random, bytes))
            })
            .collect();
        let system_prompts = (0..3)
            .map(|_| {
                let parts: Vec<Vec<u8>> = (0..6).map(|_| string(page(&mut random, 2_500))).collect();
                [b"[", parts.join(&b","[..]).as_slice(), b"]"].concat()
            })
            .collect();
        let tool_lists = (0..3)
            .map(|_| {
                let tools: Vec<Vec<u8>> =
                    ["Agent", "Bash", "Edit", "Glob", "Grep", "Read", "Write", "WebFetch"]
                        .iter()
                        .map(|name| {
                            super::json::Json::object(|tool| {
                                tool.text("name", name).text("description", page(&mut random, 3_000));
                                tool.inside("input_schema", |schema| {
                                    schema.text("type", "object").raw("properties", "{}");
                                });
                            })
                        })
                        .collect();
                [b"[", tools.join(&b","[..]).as_slice(), b"]"].concat()
            })
            .collect();
        Self {
            seed,
            word_weights,
            name_weights: Weighted::zipf(NAMES, 3.0, 0.92),
            words,
            projects: list,
            needles,
            instructions,
            system_prompts,
            tool_lists,
        }
    }
}

fn words(random: &mut Random) -> Vec<String> {
    let mut words = Vec::with_capacity(WORDS);
    let mut taken = HashSet::with_capacity(WORDS);
    for word in FREQUENT.split_whitespace() {
        if taken.insert(word.to_owned()) {
            words.push(word.to_owned());
        }
    }
    while words.len() < WORDS {
        let mut word = String::new();
        for _ in 0..random.between(2, 3) {
            word.push_str(STARTS[random.below(STARTS.len())]);
            word.push_str(VOWELS[random.below(VOWELS.len())]);
            word.push_str(ENDS[random.below(ENDS.len())]);
        }
        if taken.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

fn project(random: &mut Random, words: &[String], weights: &Weighted) -> Project {
    let rare = |random: &mut Random| words[300 + random.below(8_000)].as_str();
    let parents =
        ["/home/mara/work", "/home/mara/src", "/srv/checkouts", "/Users/mara/Code", "/home/mara/My Projects"];
    let short = format!("{}-{}", rare(random), rare(random));
    let directory = format!("{}/{short}", random.one(&parents));
    let slug = directory.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let common = |random: &mut Random| words[weights.draw(random)].as_str();
    let names: Vec<String> = (0..NAMES)
        .map(|_| {
            let parts: Vec<&str> = (0..random.between(1, 3)).map(|_| common(random)).collect();
            let big = |part: &&str| part[..1].to_ascii_uppercase() + &part[1..];
            match random.below(5) {
                0 => parts.iter().map(big).collect(),
                1 => parts[0].to_owned() + &parts[1..].iter().map(big).collect::<String>(),
                2 => parts.join("_").to_ascii_uppercase(),
                3 => format!("{}{}", parts.concat(), random.below(64)),
                _ => parts.join("_"),
            }
        })
        .collect();
    let files = (0..FILES)
        .map(|_| {
            let depth = random.between(1, 4);
            let folders: Vec<&str> = (0..depth).map(|_| common(random)).collect();
            format!("{}/{}.{}", folders.join("/"), random.one(&names), random.one(&SUFFIXES))
        })
        .collect();
    let branch = random.one(&["main", "main", "master", "feature/search-index", "fix/torn-lines"]);
    Project { directory, slug, short, hash: random.hex(64), branch, names, files }
}

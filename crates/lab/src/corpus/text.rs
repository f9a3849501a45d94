//! What is said and printed in sessions: prose, code, logs, search results, stack traces, images.

use std::io::Write as _;

use super::clock::iso;
use super::random::Random;
use super::world::{Project, World};

const KEYWORDS: [&str; 24] = [
    "let", "fn", "pub", "return", "if", "else", "for", "while", "match", "const", "static", "import",
    "export", "class", "def", "self", "await", "new", "struct", "enum", "use", "var", "raise", "with",
];
const BETWEEN: [&str; 14] =
    [" = ", ".", "(", "(&", ", ", " => ", "::", " + ", " == ", " -> ", " && ", "[", " != ", ": "];
const AT_END: [&str; 9] = [");", ";", " {", ",", ")", "", "}", "?;", "])"];
const FOREIGN: [&str; 24] = [
    "会话",
    "索引已更新",
    "错误",
    "搜索历史记录",
    "データ",
    "ファイルを開く",
    "検索",
    "세션",
    "색인을 만든다",
    "ошибка",
    "поиск",
    "файл",
    "Größe",
    "naïve",
    "façade",
    "mañana",
    "Ελλάδα",
    "שלום",
    "مرحبا",
    "🦀",
    "✅",
    "⚠️",
    "👩‍💻",
    "→ „so“",
];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A text and the needles that were planted in it.
#[derive(Default)]
pub(super) struct Said {
    pub text: Vec<u8>,
    pub needles: Vec<usize>,
}

impl Said {
    /// Returns the beginning, cut at a character.
    pub fn head(&self, characters: usize) -> String {
        String::from_utf8_lossy(&self.text).chars().take(characters).collect()
    }
}

/// Makes the texts of one session.
pub(super) struct Voice<'w> {
    pub world: &'w World,
    pub project: &'w Project,
    pub random: Random,
    /// Files that are read again and again, as agents do.
    open_files: Vec<Vec<u8>>,
    /// Needles and the number of written bytes from which on each is due, the next one last.
    due: Vec<(u64, usize)>,
}

impl<'w> Voice<'w> {
    /// Returns the voice of one session; `due` says from which byte on a needle is to be planted.
    pub fn new(world: &'w World, project: &'w Project, random: Random, mut due: Vec<(u64, usize)>) -> Self {
        due.sort_unstable_by(|a, b| b.cmp(a));
        Self { world, project, random, open_files: Vec::new(), due }
    }

    /// True if no needle waits to be planted.
    pub fn has_no_needles(&self) -> bool {
        self.due.is_empty()
    }

    /// What a human or a model says.
    pub fn say(&mut self, bytes: usize, written: u64) -> Said {
        let mut text = Vec::with_capacity(bytes + 128);
        if bytes > 500 && self.random.chance(0.2) {
            self.prose(bytes / 2, &mut text);
            text.extend_from_slice(b"\n```\n");
            self.excerpt(bytes / 2, Numbered::No, &mut text);
            text.extend_from_slice(b"```\n");
        } else {
            self.prose(bytes, &mut text);
        }
        self.plant(text, written)
    }

    /// What a human types.
    pub fn prompt(&mut self, written: u64) -> Said {
        let bytes = self.random.length(170.0, 1.2, 6, 20_000);
        self.say(bytes, written)
    }

    /// What a model answers.
    pub fn answer(&mut self, written: u64) -> Said {
        let bytes = self.random.length(360.0, 1.1, 12, 12_000);
        self.say(bytes, written)
    }

    /// What a tool prints.
    pub fn output(&mut self, clock: u64, written: u64) -> Said {
        let bytes = if self.random.chance(0.0006) {
            self.random.between(1_000_000, 5_000_000) as usize
        } else {
            self.random.length(2_300.0, 1.4, 16, 110_000)
        };
        let mut text = Vec::with_capacity(bytes + 512);
        match self.random.below(100) {
            0..=34 => self.excerpts(bytes, Numbered::Yes, &mut text),
            35..=44 => self.excerpts(bytes, Numbered::No, &mut text),
            45..=66 => self.log(bytes, clock, &mut text),
            67..=80 => self.search_results(bytes, &mut text),
            81..=86 => self.stack_trace(bytes, &mut text),
            _ => self.code(bytes, &mut text),
        }
        self.plant(text, written)
    }

    /// Plants what is due.
    pub fn plant(&mut self, text: Vec<u8>, written: u64) -> Said {
        let mut said = Said { text, needles: Vec::new() };
        let mut places = Vec::new();
        while self.due.last().is_some_and(|&(from, _)| from <= written) {
            let Some((_, needle)) = self.due.pop() else { break };
            let mut at = self.random.below(said.text.len() + 1);
            while !matches!(said.text.get(at), None | Some(b' ' | b'\n')) {
                at += 1;
            }
            places.push((at, needle));
            said.needles.push(needle);
        }
        // From the back, so that the places that are left stay where they are.
        places.sort_unstable();
        for (at, needle) in places.into_iter().rev() {
            // The last word keeps two plantings of a phrase apart: side by side they would hold its decoy.
            let word = format!(" {} and ", self.world.needles[needle].text);
            said.text.splice(at..at, word.bytes());
        }
        said
    }

    fn word(&mut self) -> &'w [u8] {
        self.world.words[self.world.word_weights.draw(&mut self.random)].as_bytes()
    }

    /// Returns an identifier of the project's code.
    pub fn name(&mut self) -> &'w [u8] {
        self.project.names[self.world.name_weights.draw(&mut self.random)].as_bytes()
    }

    /// Returns a path inside the project.
    pub fn file(&mut self) -> &'w str {
        let project = self.project;
        self.random.one::<String>(&project.files)
    }

    /// Appends sentences.
    pub fn prose(&mut self, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        while out.len() < end {
            let words = 5 + self.random.below(16);
            let begin = out.len();
            for at in 0..words {
                if at > 0 {
                    out.push(b' ');
                }
                match self.random.below(128) {
                    0..=3 => {
                        out.push(b'`');
                        out.extend_from_slice(self.name());
                        out.push(b'`');
                    }
                    4..=6 => out.extend_from_slice(self.file().as_bytes()),
                    7 => out.extend_from_slice(self.random.one(&FOREIGN).as_bytes()),
                    8 if self.random.chance(0.3) => self.oddity(out),
                    _ => out.extend_from_slice(self.word()),
                }
                if out.len() > end + 40 {
                    break;
                }
            }
            out[begin].make_ascii_uppercase();
            out.extend_from_slice(if self.random.chance(0.15) { b".\n\n" } else { b". " });
        }
    }

    /// Appends what tests a tokenizer: hashes, ids, colours, paths of other systems, addresses, error codes.
    fn oddity(&mut self, out: &mut Vec<u8>) {
        let word = self.word();
        let word = String::from_utf8_lossy(word);
        let text = match self.random.below(10) {
            0 => self.random.hex(40),
            1 => self.random.hex(7),
            2 => self.random.uuid(),
            3 => format!("#{}", self.random.hex(6)),
            4 => format!("C:\\Users\\mara\\{word}\\{}.txt", self.random.hex(4)),
            5 => format!("https://example.org/{word}?id={}&tab=\"{word}\"", self.random.below(9_999)),
            6 => format!("error[E{:04}]", self.random.below(800)),
            7 => format!("TS{}", 1000 + self.random.below(8_000)),
            8 => format!("0x{}", self.random.hex(8)),
            _ => {
                format!("{word}@{}.{}.{}", self.random.below(9), self.random.below(30), self.random.below(99))
            }
        };
        out.extend_from_slice(text.as_bytes());
    }

    /// Appends lines of code.
    pub fn code(&mut self, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        let mut depth = 0;
        while out.len() < end {
            out.resize(out.len() + 4 * depth, b' ');
            if self.random.chance(0.1) {
                out.extend_from_slice(b"// ");
                for _ in 0..3 + self.random.below(8) {
                    out.extend_from_slice(self.word());
                    out.push(b' ');
                }
                out.push(b'\n');
                continue;
            }
            out.extend_from_slice(self.random.one(&KEYWORDS).as_bytes());
            out.push(b' ');
            for _ in 0..1 + self.random.below(5) {
                match self.random.below(14) {
                    0 => {
                        out.push(b'"');
                        out.extend_from_slice(self.word());
                        out.push(b'"');
                    }
                    1 => out.extend_from_slice(self.random.below(4096).to_string().as_bytes()),
                    _ => out.extend_from_slice(self.name()),
                }
                out.extend_from_slice(self.random.one(&BETWEEN).as_bytes());
            }
            let last = *self.random.one(&AT_END);
            out.extend_from_slice(last.as_bytes());
            if last == " {" {
                depth = (depth + 1).min(7);
            } else if depth > 0 && self.random.chance(0.2) {
                depth -= 1;
            }
            out.push(b'\n');
        }
    }

    fn log(&mut self, bytes: usize, mut clock: u64, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        let is_coloured = self.random.chance(0.25);
        let (on, off) = if is_coloured { ("\u{1b}[1;33m", "\u{1b}[0m") } else { ("", "") };
        while out.len() < end {
            clock += self.random.below(3_000) as u64;
            let level = self.random.one(&["INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"]);
            let _ = write!(out, "{} {on}{level:5}{off} ", iso(clock));
            out.extend_from_slice(self.name());
            let request = self.random.bits() as u32;
            let _ = write!(out, " request={request:08x} ");
            for _ in 0..4 + self.random.below(9) {
                out.extend_from_slice(self.word());
                out.push(b' ');
            }
            let _ = writeln!(out, "elapsed={}us", self.random.below(700_000));
        }
    }

    fn search_results(&mut self, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        while out.len() < end {
            let line = self.random.below(2_500);
            let _ = write!(out, "{}:{line}:", self.file());
            self.code(36, out);
        }
    }

    fn stack_trace(&mut self, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        while out.len() < end {
            let (line, column) = (self.random.below(900), self.random.below(100));
            let _ = writeln!(out, "thread 'main' panicked at {}:{line}:{column}:", self.file());
            self.prose(60, out);
            out.push(b'\n');
            for frame in 0..6 + self.random.below(20) {
                let _ = write!(out, "{frame:4}: 0x{:012x} - ", self.random.bits() >> 16);
                out.extend_from_slice(self.name());
                out.extend_from_slice(b"::");
                out.extend_from_slice(self.name());
                let line = self.random.below(900);
                let _ = writeln!(out, "\n             at {}:{line}", self.file());
            }
        }
    }

    fn excerpts(&mut self, bytes: usize, numbered: Numbered, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        while out.len() < end {
            self.excerpt(end - out.len(), numbered, out);
        }
    }

    /// Appends a part of one of the session's files.
    pub fn excerpt(&mut self, bytes: usize, numbered: Numbered, out: &mut Vec<u8>) {
        let known = self.open_files.len();
        if known < 4 || (known < 300 && self.random.chance(0.1)) {
            let size = self.random.length(9_000.0, 1.0, 500, 100_000);
            let mut file = Vec::with_capacity(size + 256);
            match self.random.below(5) {
                0 => self.prose(size, &mut file),
                _ => self.code(size, &mut file),
            }
            self.open_files.push(file);
        }
        let file = &self.open_files[self.random.below(self.open_files.len())];
        let from = self.random.below(file.len().saturating_sub(bytes) + 1);
        // Lines only: a part that begins inside a character would be no text.
        let from = memchr_newline(file, from);
        let mut number = from / 40 + 1;
        let end = out.len() + bytes;
        for line in file[from..].split_inclusive(|&byte| byte == b'\n') {
            if out.len() >= end {
                break;
            }
            if let Numbered::Yes = numbered {
                let _ = write!(out, "{number:6}→");
                number += 1;
            }
            out.extend_from_slice(line);
        }
        if out.last() != Some(&b'\n') {
            out.push(b'\n');
        }
    }

    /// Returns a base64 text of a log-normal length.
    pub fn base64(&mut self, median: f64, least: usize, most: usize) -> Vec<u8> {
        let length = self.random.length(median, 0.9, least, most) / 4 * 4;
        let mut out = Vec::with_capacity(length + 10);
        while out.len() < length {
            let bits = self.random.bits();
            out.extend((0..10).map(|at| BASE64[(bits >> (6 * at)) as usize & 63]));
        }
        out.truncate(length);
        out
    }

    /// Returns an image as base64.
    pub fn image(&mut self) -> Vec<u8> {
        let mut image = b"iVBORw0KGgoA".to_vec();
        image.extend(self.base64(150_000.0, 4_000, 2_000_000));
        image
    }
}

/// Whether a tool numbered the lines.
#[derive(Clone, Copy)]
pub(super) enum Numbered {
    Yes,
    No,
}

/// Returns where the first whole line at or after `from` begins; the start if there is none.
fn memchr_newline(file: &[u8], from: usize) -> usize {
    if from == 0 {
        return 0;
    }
    let next = file[from..].iter().position(|&byte| byte == b'\n').map_or(0, |at| from + at + 1);
    if next >= file.len() { 0 } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::needles::needles;

    /// Two plantings of `A B` at one place would read `A B A B`, and so hold the decoy `B A`.
    #[test]
    fn plantings_at_one_place_make_no_other_needle() {
        let world = World::new(1, 1, needles(1, 1_000_000));
        let phrase = world.needles.iter().position(|needle| needle.class == "phrase").unwrap();
        let mut voice = Voice::new(&world, &world.projects[0], Random::new(1, 9), vec![(0, phrase); 20]);
        let said = voice.plant(b"{ // \n        ( ".to_vec(), 0);
        assert_eq!(said.needles.len(), 20);
        let text = String::from_utf8(said.text).unwrap();
        let words: Vec<&str> = text.split_whitespace().filter(|word| word.len() > 2).collect();
        let (one, two) = world.needles[phrase].text.split_once(' ').unwrap();
        assert!(words.windows(2).any(|pair| pair == [one, two]));
        assert!(!words.windows(2).any(|pair| pair == [two, one]), "{text}");
    }
}

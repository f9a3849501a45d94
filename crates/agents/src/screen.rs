//! Reading the screen of an agent's terminal: what it asks, and whether it works.
//!
//! All agents that were seen ask in the same shape: a question, then answers, one of them marked, and nothing but hints
//! below. Most are numbered. Numbers, order and words differ from dialog to dialog, so an answer is chosen by its label.

mod question;

pub(crate) use question::form;
pub use question::is_done_marked;

use crate::event::hash;

/// What a screen shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    /// A dialog that waits for an answer.
    pub dialog: Option<Dialog>,
    /// The agent says that it works.
    pub is_busy: bool,
    /// What stands in the field for the next prompt, which is there; an empty one is empty.
    pub draft: Option<String>,
    /// More stands in that field than the one line.
    pub draft_goes_on: bool,
}

/// A question with answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialog {
    /// What is asked.
    pub question: String,
    /// The lines in which that stands on the screen; none where it stands among those that say what it is about.
    pub lines: Vec<String>,
    /// What stands above the question: the command, the change.
    pub about: Vec<String>,
    /// The answers.
    pub choices: Vec<Choice>,
    /// They are numbered from 1, and their number takes them; else Enter takes the one that is marked.
    pub is_numbered: bool,
    /// Which of them is marked.
    pub marked: usize,
    /// That one as it stands there, with its mark.
    pub marked_as: String,
    /// What stands in its field, where it is answered in words of one's own; an empty one is empty.
    pub field: Option<String>,
}

/// An answer of a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its words, on one line.
    pub label: String,
    /// What a question says more of it.
    pub more: String,
    /// What it means.
    pub means: Means,
    /// It is one of several that can be chosen together, and is chosen already.
    pub is_checked: Option<bool>,
    /// Once chosen, it takes words of one's own.
    pub takes_words: bool,
}

impl Choice {
    /// An answer in a dialog that asks for leave.
    fn of_leave(label: &str) -> Self {
        let (more, is_checked, takes_words) = (String::new(), None, false);
        Choice { label: label.to_owned(), more, means: meaning(label), is_checked, takes_words }
    }
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// This once.
    Allow,
    /// From now on.
    AllowMore,
    /// No.
    Deny,
    /// Something else.
    Other,
}

impl Screen {
    /// One that shows a dialog, or else a field with what stands in it first, and whether more does.
    pub(crate) fn of(
        dialog: Option<Dialog>,
        is_busy: bool,
        field: impl FnOnce() -> Option<(String, bool)>,
    ) -> Self {
        let field = if dialog.is_some() { None } else { field() };
        let draft_goes_on = field.as_ref().is_some_and(|(_, goes_on)| *goes_on);
        Screen {
            is_busy: is_busy && dialog.is_none(),
            dialog,
            draft: field.map(|(first, _)| first),
            draft_goes_on,
        }
    }
}

impl Dialog {
    /// What it says, in one line.
    pub fn said(&self) -> String {
        let words = self.about.iter().map(String::as_str).chain([self.question.as_str()]);
        words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// It asks for leave: there is a yes and a no.
    pub fn asks_leave(&self) -> bool {
        let has = |means| self.choices.iter().any(|choice| choice.means == means);
        has(Means::Allow) && has(Means::Deny)
    }

    /// Says whether all that it is about is to be seen: a terminal that is too small cuts it off, or hides lines of it.
    pub fn is_whole(&self) -> bool {
        !self.about.is_empty() && !self.about.iter().any(|line| line.contains(" hidden ("))
    }

    /// Several of its answers can be chosen together.
    pub fn takes_several(&self) -> bool {
        self.choices.iter().any(|choice| choice.is_checked.is_some())
    }

    /// The place of the first answer that means this; from now on: for the rest of the session, and no longer than that.
    pub fn place_of(&self, means: Means) -> Option<usize> {
        let is_it = |choice: &Choice| {
            choice.means == means && (means != Means::AllowMore || is_of_session(&choice.label))
        };
        self.choices.iter().position(is_it)
    }

    /// Tells this dialog from another one, whichever answer is marked.
    pub fn fingerprint(&self) -> u64 {
        // What is written instead of an answer is no other dialog.
        let labels =
            self.choices.iter().map(|choice| if choice.takes_words { "" } else { choice.label.as_str() });
        let words = labels.chain(self.about.iter().map(String::as_str)).chain([self.question.as_str()]);
        hash(&words.map(str::as_bytes).collect::<Vec<_>>())
    }
}

/// More lines than this below the answers, and they are no dialog that waits.
const MOST_HINTS: usize = 3;
/// So many lines an answer goes on for: one of Codex' names the whole command.
const MOST_MORE: usize = 40;
/// So many lines above a question may say what it is about.
const MOST_ABOUT: usize = 40;
/// So many lines may stand between a question that goes on with other words and its answers.
const MOST_BEHIND: usize = 6;
/// What frames are drawn with.
const FRAME: &[char] = &['│', '┃', '╭', '╮', '╰', '╯', '─', '━', '╌', '┄', '▲', '▼', ' ', '\u{a0}'];
/// What marks the answer that Enter takes.
const MARKS: &[char] = &['❯', '›', '●', '>', '▶', '•'];

/// A line without its frame.
fn bare(line: &str) -> &str {
    line.trim_matches(FRAME)
}

/// The number and words of an answer, and whether it is marked.
fn answer(line: &str) -> Option<(usize, &str, bool)> {
    let line = bare(line);
    let rest = line.trim_start_matches(MARKS).trim_start();
    let is_marked = rest.len() != line.len();
    let (number, words) = rest.split_once(['.', ')'])?;
    let number = number.parse().ok().filter(|number| (1..=9).contains(number))?;
    Some((number, words.strip_prefix(' ')?.trim(), is_marked))
}

/// What the words of an answer mean, in a dialog that asks for leave.
fn meaning(label: &str) -> Means {
    let label = label.to_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| label.starts_with(word));
    let holds = |words: &[&str]| words.iter().any(|word| label.contains(word));
    if begins(&["no", "don't", "reject", "deny", "cancel"]) {
        return Means::Deny;
    }
    if !begins(&["yes", "allow", "approve", "trust"]) {
        return Means::Other;
    }
    let lasts = ["always", "don't ask again", "session", "auto mode", "accept edits", "all future", ", and "];
    if holds(&lasts) { Means::AllowMore } else { Means::Allow }
}

/// Says whether an answer holds for the session alone: neither for a project, for good, nor for another mode.
pub fn is_of_session(label: &str) -> bool {
    let label = label.to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| label.contains(word));
    holds(&["this session", "the session", "current session"])
        && !holds(&["always", "project", "auto mode", "all sessions", "future"])
}

/// The dialog at the end of a screen; `is_boxed`: what it is about stands between a line and the question, else behind it.
pub(crate) fn dialog(screen: &str, is_boxed: bool) -> Option<Dialog> {
    numbered(screen, is_boxed).or_else(|| menu(screen))
}

/// One whose answers bear no numbers: below them stands how the marked one is taken. Claude Code 2.1 asks so whether a folder
/// is trusted.
fn menu(screen: &str) -> Option<Dialog> {
    let lines: Vec<&str> = screen.lines().map(bare).collect();
    let hint = lines.iter().rposition(|line| !line.is_empty())?;
    if !lines[hint].contains("Enter to confirm") {
        return None;
    }
    let end = lines[..hint].iter().rposition(|line| !line.is_empty())? + 1;
    let begin = lines[..end].iter().rposition(|line| line.is_empty())? + 1;
    let is_marked = |line: &&str| line.starts_with(MARKS);
    let answers = &lines[begin..end];
    let marked = answers.iter().position(is_marked)?;
    if answers.len() < 2 || answers.iter().filter(|line| is_marked(line)).count() > 1 {
        return None;
    }
    let choice = |line: &&str| Choice::of_leave(line.trim_start_matches(MARKS).trim_start());
    let top = screen.lines().take(begin).collect::<Vec<_>>().iter().rposition(|line| is_top(line));
    let above = &lines[top.map_or(begin.saturating_sub(MOST_ABOUT), |top| top + 1)..begin];
    let about: Vec<String> =
        above.iter().filter(|line| !line.is_empty()).map(|&line| line.to_owned()).collect();
    // The question stands somewhere in its words, which are broken into lines.
    let words = about.join(" ");
    let asked = words.find('?').map(|at| &words[..=at]);
    let asked = asked.map(|asked| asked.rfind([':', '.']).map_or(asked, |at| asked[at + 1..].trim_start()));
    let question = asked.or(about.last().map(String::as_str)).unwrap_or_default().to_owned();
    let choices = answers.iter().map(choice).collect();
    let marked_as = answers[marked].to_owned();
    Some(Dialog { question, about, choices, marked, marked_as, ..Dialog::default() })
}

fn numbered(screen: &str, is_boxed: bool) -> Option<Dialog> {
    let lines: Vec<&str> = screen.lines().map(str::trim_end).filter(|line| !bare(line).is_empty()).collect();
    let last = lines.iter().rposition(|line| answer(line).is_some())?;
    if lines.len() - last - 1 > MOST_HINTS {
        return None;
    }
    // Upwards to the first answer; a long answer goes on in the next line.
    let mut answers: Vec<(usize, Vec<&str>)> = Vec::new();
    let (mut marked, mut more, mut first) = (None, Vec::new(), last);
    for at in (0..=last).rev() {
        let Some((number, words, is_marked)) = answer(lines[at]) else {
            // What is not set in below its answer is none of it.
            let most = if lines[at].starts_with("    ") { MOST_MORE } else { 3 };
            more.push(bare(lines[at]));
            if more.len() > most {
                return None;
            }
            continue;
        };
        if answers.last().is_some_and(|(below, _)| *below != number + 1) {
            return None;
        }
        answers.push((number, std::iter::once(words).chain(more.drain(..).rev()).collect()));
        if is_marked {
            marked = Some((number - 1, bare(lines[at]).to_owned()));
        }
        first = at;
        if number == 1 {
            break;
        }
    }
    let (marked, marked_as) = marked?;
    if answers.len() < 2 || answers.last()?.0 != 1 {
        return None;
    }
    let above: Vec<&str> = {
        let whole: Vec<&str> = screen.lines().map(str::trim_end).collect();
        let first = whole.iter().rposition(|line| *line == lines[first])?;
        whole[first.saturating_sub(MOST_ABOUT)..first].to_vec()
    };
    let top = above.iter().rposition(|line| is_top(line));
    if let Some(asked) = question::read(&answers, &above, top, &lines[last + 1..]) {
        return Some(Dialog { is_numbered: true, marked, marked_as, ..asked });
    }
    let choices = answers.iter().rev().map(|(_, lines)| Choice::of_leave(&lines.join(" "))).collect();
    // Some say more behind their question.
    let near = above.len().saturating_sub(MOST_BEHIND);
    let asked = above
        .iter()
        .rposition(|line| bare(line).ends_with('?'))
        .or_else(|| above[near..].iter().rposition(|line| line.contains("? ")).map(|at| near + at));
    let start = if is_boxed { top.map(|top| top + 1) } else { asked }.or(asked);
    // Without a question, what stands right above the answers.
    let start = start.unwrap_or_else(|| {
        let end = above.iter().rposition(|line| !bare(line).is_empty()).unwrap_or(0);
        above[..end].iter().rposition(|line| bare(line).is_empty()).map_or(0, |blank| blank + 1)
    });
    let told = |line: &&str| Some(bare(line).to_owned()).filter(|line| !line.is_empty());
    let (question, about) = match asked.filter(|asked| *asked >= start) {
        Some(asked) => {
            let about = above[start..asked].iter().chain(&above[asked + 1..]).filter_map(told).collect();
            let line = bare(above[asked]);
            let end = line.find("? ").filter(|_| !line.ends_with('?'));
            (end.map_or(line, |end| &line[..=end]).to_owned(), about)
        }
        None => {
            let mut about: Vec<String> = above[start..].iter().filter_map(told).collect();
            (about.pop().unwrap_or_default(), about)
        }
    };
    let lines = vec![question.clone()];
    Some(Dialog { question, lines, about, choices, is_numbered: true, marked, marked_as, field: None })
}

/// A line that separates a dialog from what was said before it, or begins its frame.
fn is_top(line: &str) -> bool {
    let line = line.trim();
    let is_long = line.chars().nth(20).is_some();
    is_long && (line.chars().all(|c| c == '─' || c == '━') || line.starts_with('╭'))
}

/// What stands in the field for the next prompt, and whether it goes on in the next line: behind a mark at the beginning of a
/// line, with nothing but a border, a status and hints below; `is_ruled`: and a line above.
pub(crate) fn field(screen: &str, mark: char, is_ruled: bool) -> Option<(String, bool)> {
    const MOST_BELOW: usize = 6;
    let lines: Vec<&str> = screen.lines().collect();
    let at = lines.iter().rposition(|line| line.trim_start_matches([' ', '│']).starts_with(mark))?;
    // It may bear a name.
    let is_rule = |line: &str| line.trim_start().starts_with(['─', '━', '╭']);
    if is_ruled && !at.checked_sub(1).is_some_and(|above| is_rule(lines[above])) {
        return None;
    }
    let words = lines[at].trim_start_matches([' ', '│']).strip_prefix(mark)?;
    // Below the field stands a blank line or a border.
    let goes_on = lines[at + 1..].iter().take_while(|line| !bare(line).is_empty()).count();
    let below = lines[at + 1 + goes_on..].iter().filter(|line| !line.trim().is_empty()).count();
    (below <= MOST_BELOW).then(|| (words.trim_matches(FRAME).to_owned(), goes_on > 0))
}

//! Questions that ask for no leave: what a person wants, or thinks of a plan.

use super::{Choice, Dialog, MARKS, Means, bare, is_top};

/// What stands below the answers to a question about a plan: Codex', Claude Code's.
const HINTS_OF_PLANS: [&str; 2] = ["enter select", "to approve with this feedback"];
/// Answers that take words of one's own, once they are chosen.
const TAKE_WORDS: [&str; 3] = ["Type something", "Enter a custom value", "Tell Claude what to change"];
/// The heading above all answers that were given.
const REVIEW: &str = "Review your answers";
/// Claude Code's answer that sends them off.
const SUBMIT: &str = "Submit answers";

impl Choice {
    /// An answer to a question: lines of words, the first of them its label.
    pub(super) fn of_question(lines: &[&str]) -> Self {
        let (first, rest) = lines.split_first().unwrap_or((&"", &[]));
        let (boxed, checks) = match first.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((mark, words)) if mark.chars().count() == 1 => (words, Some(mark != " ")),
            _ => (*first, None),
        };
        // Two columns: Codex' answers have what they mean beside them.
        let (label, beside) = boxed.split_once("  ").unwrap_or((boxed, ""));
        // How several are taken stands below the last of them.
        let below = rest.iter().filter(|line| checks.is_none() || !["Next", "Submit"].contains(line));
        let more: Vec<&str> =
            [beside.trim()].into_iter().chain(below.copied()).filter(|line| !line.is_empty()).collect();
        let label = label.trim().to_owned();
        let takes_words = TAKE_WORDS.contains(&label.trim_end_matches('.'));
        Choice { label, more: more.join(" "), means: Means::Other, is_checked: checks, takes_words }
    }
}

/// A question, if its numbered `answers`, the last first, are such to one; with what stands above and below them. `top`: where that
/// begins.
pub(super) fn read(
    answers: &[(usize, Vec<&str>)],
    above: &[&str],
    top: Option<usize>,
    hints: &[&str],
) -> Option<Dialog> {
    let own = &above[top.map_or(0, |top| top + 1)..];
    let is_review = answers.last()?.1.first() == Some(&SUBMIT);
    let hint = hint_of_question(own, top.is_some(), hints).or(is_review.then_some(0))?;
    // What is said of the last answer stands between it and the hint.
    let below = hints[..hint].iter().map(|line| bare(line));
    let last: Vec<&str> = answers.first()?.1.iter().copied().chain(below).collect();
    let others = answers[1..].iter().rev().map(|(_, lines)| Choice::of_question(lines));
    let choices = others.chain([Choice::of_question(&last)]).collect();
    let (lines, mut about) = question_in(own);
    let question = lines.join(" ");
    // Claude Code shows a plan between lines of its own, above the question.
    if let Some(top) = top.filter(|_| question.contains("written up a plan")) {
        let start = above[..top].iter().rposition(|line| is_top(line)).map_or(0, |above| above + 1);
        let plan = above[start..top].iter().map(|line| bare(line)).filter(|line| !line.is_empty());
        about = plan.map(str::to_owned).collect();
    }
    Some(Dialog { question, lines, about, choices, ..Dialog::default() })
}

/// Where the hint stands below the answers to a question; nothing where leave is asked for. A hint alone does not tell: Gemini CLI
/// has the same below what it asks leave for. A heading tells where the agent puts it, first of all: what stands further down, or
/// anywhere in what has no beginning, may be words of a command.
fn hint_of_question(above: &[&str], is_whole: bool, hints: &[&str]) -> Option<usize> {
    let find = |wanted: &[&str]| {
        let is_it = |line: &&str| wanted.iter().any(|hint| line.to_lowercase().contains(hint));
        hints.iter().position(is_it)
    };
    if let Some(hint) = find(&HINTS_OF_PLANS) {
        return Some(hint);
    }
    let mut lines = above.iter().map(|line| bare(line)).filter(|line| !line.is_empty());
    let is_counted = lines.clone().any(is_count);
    let has_heading = is_whole && lines.next().is_some_and(is_heading);
    find(&["enter to select"]).filter(|_| has_heading).or(find(&["enter to submit"]).filter(|_| is_counted))
}

/// What stands above a question of Claude Code or Gemini CLI, before its words.
fn is_heading(line: &str) -> bool {
    line.starts_with(['←', '☐', '☒']) || ["Answer Questions", "(Select all that apply)"].contains(&line)
}

/// How Codex counts its questions.
fn is_count(line: &str) -> bool {
    line.starts_with("Question ") && line.contains('/')
}

/// The lines of a question that stand above its answers, and what tells it from the others that are asked with it.
fn question_in(above: &[&str]) -> (Vec<String>, Vec<String>) {
    let lines: Vec<&str> = above.iter().map(|line| bare(line)).filter(|line| !line.is_empty()).collect();
    // Claude Code and Gemini CLI show all answers before they take them.
    let review = lines.iter().position(|line| line.trim_end_matches(':') == REVIEW);
    if let Some(at) = review {
        let answers = lines[at + 1..].iter().map(|&line| line.to_owned());
        return (vec![REVIEW.to_owned()], answers.collect());
    }
    // Codex counts them; what stands above that is none of it.
    let count = lines.iter().rposition(|line| is_count(line));
    let about = count.map(|at| lines[at].to_owned()).into_iter().collect();
    let words = lines[count.map_or(0, |at| at + 1)..].iter().copied().filter(|line| !is_heading(line));
    let mut words: Vec<&str> = words.collect();
    if count.is_none() && !above.iter().any(|line| is_heading(bare(line))) {
        // Nothing says where it begins.
        words = words.pop().into_iter().collect();
    }
    (words.into_iter().map(str::to_owned).collect(), about)
}

/// A page of questions that is answered otherwise than by the number of an answer: in words, or by Enter for all of them. Gemini
/// CLI 0.61.
pub(crate) fn form(screen: &str) -> Option<Dialog> {
    let end = screen.lines().collect::<Vec<_>>();
    let lines: Vec<&str> = {
        let top = end.iter().rposition(|line| is_top(line))?;
        end[top + 1..].iter().map(|line| bare(line)).filter(|line| !line.is_empty()).collect()
    };
    let (heading, rest) = lines.split_first()?;
    let (hint, rest) = rest.split_last()?;
    if *heading != "Answer Questions" {
        return None;
    }
    let rest: Vec<&str> = rest.iter().copied().filter(|line| !line.starts_with('←')).collect();
    let (question, below) = rest.split_first()?;
    let question = question.trim_end_matches(':').to_owned();
    let mut dialog = Dialog { lines: vec![question.clone()], question, ..Dialog::default() };
    if dialog.question == REVIEW && hint.starts_with("Enter to submit") {
        dialog.about = below.iter().map(|&line| line.to_owned()).collect();
        dialog.choices = vec![Choice::of_question(&["Submit"])];
        dialog.marked_as = "Enter to submit".to_owned();
    } else if hint.starts_with("Enter to submit") {
        let field = below.iter().find_map(|line| line.strip_prefix('>'))?.trim();
        dialog.field = Some(if field == "Enter your response" { String::new() } else { field.to_owned() });
    }
    // Else answers that can't be read from here, as while the list is scrolled.
    Some(dialog)
}

/// Says whether the answer that ends a list of several is marked.
pub fn is_done_marked(screen: &str) -> bool {
    screen.lines().any(|line| {
        let line = bare(line);
        line.starts_with(MARKS) && line.trim_start_matches(MARKS).trim() == "Done"
    })
}

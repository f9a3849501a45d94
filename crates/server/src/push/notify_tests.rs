//! The decisions as a table: what was, what is, who looks, what is wished, and what is told.

use super::*;
use crate::push::quiet::Quiet;

const NOON: Timestamp = Timestamp::from_millis(1_795_608_000_000);

/// A world in short: `name state[:question]` for sessions, `run name counts` for runs.
fn world(lines: &[&str]) -> World {
    let mut world = World::default();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "run" {
            let run = RunSeen {
                name: words[1].to_owned(),
                is_over: words[2] != "goes",
                is_stopped: words[2] == "stopped",
                completed: 2,
                failed: u64::from(words[2] == "failed"),
                limited: words
                    .get(3)
                    .map(|task| ((*task).to_owned(), "Usage limit".to_owned()))
                    .into_iter()
                    .collect(),
            };
            world.runs.insert(words[1].to_owned(), run);
        } else if words[0] == "question" {
            let question = Question { title: "Group".to_owned(), words: "May I?".to_owned() };
            world.questions.insert(words[1].parse().unwrap(), question);
        } else {
            let (state, key) =
                words[1].split_once(':').map_or((words[1], None), |(state, key)| (state, Some(key)));
            let live = Live {
                title: words[0].to_owned(),
                state: match state {
                    "asks" => LiveState::NeedsApproval,
                    "works" => LiveState::Working,
                    "unknown" => LiveState::Unknown,
                    _ => LiveState::Idle,
                },
                key: key.map(str::to_owned),
                words: if state == "limited" { "You hit your limit" } else { "The last words" }.to_owned(),
                has_failed: matches!(state, "broken" | "limited"),
                is_of_run: words.get(2) == Some(&"run"),
            };
            world.sessions.insert(format!("claude:{}", words[0]).parse().unwrap(), live);
        }
    }
    world
}

struct Phone {
    world: World,
    told: Told,
    wishes: Wishes,
    screens: Screens,
    closes: bool,
}

impl Phone {
    fn new(lines: &[&str]) -> Self {
        let world = world(lines);
        let told = Told::all(&world.needs());
        Phone { world, told, wishes: Wishes::default(), screens: Screens::default(), closes: true }
    }

    /// What it is told when things stand so.
    fn sees(&mut self, lines: &[&str]) -> Vec<String> {
        let next = world(lines).after(&self.world);
        let (needs, news) = (next.needs(), next.news_since(&self.world));
        self.world = next;
        let messages = decide(&needs, &news, &self.screens, &self.wishes, self.closes, NOON, &mut self.told);
        let say = |message: Message| {
            let what = message.kind.map_or("close".to_owned(), |_| message.title.clone());
            format!("{what} > {}{}", message.url, if message.silent { " silently" } else { "" })
        };
        messages.into_iter().map(say).collect()
    }
}

#[test]
fn a_question_is_told_once_and_taken_away_when_it_is_answered_elsewhere() {
    let mut phone = Phone::new(&["shop works"]);
    assert_eq!(phone.sees(&["shop asks:1"]), ["shop needs you > /s/claude:shop"]);
    assert!(phone.sees(&["shop asks:1"]).is_empty());
    assert_eq!(phone.sees(&["shop works"]), ["close > /now silently"]);
    assert_eq!(phone.sees(&["shop asks:2"]), ["shop needs you > /s/claude:shop"], "another question");
    assert_eq!(phone.sees(&["shop asks:3"]), ["shop needs you > /s/claude:shop"], "and at once another");
}

#[test]
fn several_are_one_and_less_of_it_is_told_silently() {
    let mut phone = Phone::new(&["a works", "b works", "c works"]);
    assert_eq!(phone.sees(&["a asks:1", "b works", "c works"]), ["a needs you > /s/claude:a"]);
    assert_eq!(phone.sees(&["a asks:1", "b asks:1", "c asks:1"]), ["3 sessions need you > /now"]);
    assert_eq!(phone.sees(&["a asks:1", "b works", "c asks:1"]), ["2 sessions need you > /now silently"]);
    assert_eq!(phone.sees(&["a works", "b works", "c asks:1"]), ["c needs you > /s/claude:c silently"]);
    assert_eq!(phone.sees(&["a works", "b works"]), ["close > /now silently"]);
}

#[test]
fn a_phone_that_must_show_something_for_each_message_is_told_no_end() {
    let mut phone = Phone::new(&["a works"]);
    phone.closes = false;
    assert_eq!(phone.sees(&["a asks:1"]).len(), 1);
    assert!(phone.sees(&["a works"]).is_empty());
}

#[test]
fn what_somebody_looks_at_is_told_to_nobody() {
    let mut phone = Phone::new(&["a works", "b works"]);
    phone.screens.sessions = vec!["claude:a".parse().unwrap()];
    assert!(phone.sees(&["a asks:1", "b works"]).is_empty());
    assert!(phone.sees(&["a works", "b works"]).is_empty());
    assert!(phone.sees(&["a idle", "b works"]).is_empty());
    assert_eq!(phone.sees(&["a idle", "b idle"]), ["b finished > /s/claude:b"]);
    // A question that was on a screen is known, also when nobody looks any more.
    assert!(phone.sees(&["a asks:2"]).is_empty());
    phone.screens.sessions.clear();
    assert!(phone.sees(&["a asks:2"]).is_empty());
    // A list of all that needs somebody shows each of it, and questions of runs, too.
    phone.screens.everything = true;
    assert!(phone.sees(&["a asks:3", "question 7"]).is_empty());
}

#[test]
fn ends_are_told_by_kind_and_together() {
    let mut phone = Phone::new(&["a works", "b works", "c works", "d works", "e idle"]);
    assert_eq!(
        phone.sees(&["a idle", "b idle", "c broken", "d limited", "e idle"]),
        ["2 sessions finished > /now", "c failed > /s/claude:c", "d reached a limit > /s/claude:d"]
    );
    let mut phone = Phone::new(&["a works", "b asks:1"]);
    assert_eq!(phone.sees(&["b idle"]), Vec::<String>::new(), "one that was ended, one that was refused");
    assert!(phone.sees(&["new idle"]).is_empty());
}

#[test]
fn a_state_that_is_unknown_for_a_moment_is_the_one_before() {
    let mut phone = Phone::new(&["a works"]);
    assert!(phone.sees(&["a unknown"]).is_empty());
    assert_eq!(phone.sees(&["a idle"]), ["a finished > /s/claude:a"]);
    assert_eq!(phone.sees(&["a asks:1"]).len(), 1);
    assert!(phone.sees(&["a unknown"]).is_empty());
    assert!(phone.sees(&["a asks:1"]).is_empty());
}

#[test]
fn runs_are_told_at_their_end_and_at_limits_and_what_works_for_them_is_not() {
    let mut phone = Phone::new(&["run Fix goes", "run Test goes", "a works run"]);
    assert_eq!(
        phone.sees(&["run Fix goes t1", "run Test goes", "a works run"]),
        ["Fix reached a limit > /runs/Fix"]
    );
    assert!(phone.sees(&["run Fix goes t1", "run Test goes", "a works run"]).is_empty());
    assert_eq!(
        phone.sees(&["run Fix done", "run Test failed", "a idle run"]),
        ["Fix finished > /runs/Fix", "Test failed > /runs/Test"]
    );
    let mut phone = Phone::new(&["run Fix goes"]);
    assert!(phone.sees(&["run Fix stopped"]).is_empty());
    assert_eq!(phone.sees(&["a asks:1 run"]), ["a needs you > /approvals"]);
    assert_eq!(phone.sees(&["a asks:1 run", "question 7"]), ["2 sessions need you > /now"]);
}

#[test]
fn in_quiet_hours_nothing_is_told_and_afterwards_what_still_waits() {
    let mut phone = Phone::new(&["a works", "b works"]);
    let quiet = Quiet { from: "00:00".to_owned(), to: "23:59".to_owned(), zone: "UTC".to_owned() };
    phone.wishes.quiet = Some(quiet);
    assert!(phone.sees(&["a asks:1", "b idle"]).is_empty());
    phone.wishes.quiet = None;
    assert_eq!(phone.sees(&["a asks:1", "b idle"]), ["a needs you > /s/claude:a"]);
}

#[test]
fn what_is_not_wished_is_not_told() {
    let mut phone = Phone::new(&["a works", "b works"]);
    phone.wishes.kinds = vec![Kind::Failed];
    assert!(phone.sees(&["a asks:1", "b idle"]).is_empty());
    assert_eq!(phone.sees(&["a works", "b works"]), Vec::<String>::new());
    assert_eq!(phone.sees(&["a broken", "b idle"]), ["a failed > /s/claude:a"]);
}

#[test]
fn what_waited_when_the_board_began_is_known() {
    let mut phone = Phone::new(&["a asks:1"]);
    assert!(phone.sees(&["a asks:1"]).is_empty());
    assert!(phone.sees(&["a works"]).is_empty(), "and its end is no news");
}

#[test]
fn words_are_one_line_and_addresses_lead_into_the_app() {
    assert_eq!(fit("a\n\tb \u{1b}[31m", 80), "a b [31m");
    assert_eq!(fit(&"x".repeat(90), 80).chars().count(), 81);
    assert_eq!(address(&"opencode:ses_1".parse().unwrap()), "/s/opencode:ses_1");
}

//! Screens of the real agents, as tmux gave them.

use marline_agents::registry;
use marline_agents::screen::{Choice, Dialog, Means, Screen, is_done_marked};
use marline_model::Source;

macro_rules! shown {
    ($source:ident, $name:literal) => {
        registry::agent(Source::$source)
            .expect("it has an adapter")
            .live()
            .screen(include_str!(concat!("screens/", $name, ".txt")))
    };
}

fn asked(screen: Screen) -> Dialog {
    assert!(!screen.is_busy, "who asks does not work");
    screen.dialog.expect("there is a dialog")
}

fn means(dialog: &Dialog) -> Vec<Means> {
    dialog.choices.iter().map(|choice| choice.means).collect()
}

#[test]
fn what_claude_asks_is_read() {
    let command = asked(shown!(Claude, "claude-command"));
    assert_eq!(command.question, "Do you want to proceed?");
    assert!(command.about.contains(&"touch c.txt".to_owned()), "{:?}", command.about);
    assert_eq!(command.about[0], "Bash command");
    assert_eq!(means(&command), [Means::Allow, Means::AllowMore, Means::AllowMore, Means::Deny]);
    assert_eq!(command.place_of(Means::Allow), Some(0));
    // For a project, or another mode, is not for the session.
    assert_eq!(command.place_of(Means::AllowMore), None);
    let edit = asked(shown!(Claude, "claude-edit"));
    assert_eq!(edit.question, "Do you want to create a.txt?");
    assert_eq!(edit.about, ["Create file", "a.txt", "1 hi"]);
    assert_eq!(edit.place_of(Means::AllowMore), Some(1));
    assert_eq!(means(&edit), [Means::Allow, Means::AllowMore, Means::Deny]);
    assert_ne!(command.fingerprint(), edit.fingerprint());
}

#[test]
fn answers_without_numbers_are_no_field_for_a_prompt() {
    let screen = shown!(Claude, "claude-trust");
    assert_eq!(screen.draft, None);
    let trust = asked(screen);
    assert_eq!(trust.question, "Is this a project you created or one you trust?");
    assert_eq!(trust.about[..2], ["Accessing workspace:", "/home/lab/project"]);
    assert_eq!(means(&trust), [Means::Deny, Means::Allow]);
    assert_eq!((trust.is_numbered, trust.marked, trust.marked_as.as_str()), (false, 0, "❯ No, exit"));
    // The mark is moved before an answer is taken.
    let moved = include_str!("screens/claude-trust.txt").replace("❯ No", "  No").replace("  Yes", "❯ Yes");
    let live = registry::agent(Source::Claude).expect("it has an adapter").live();
    let moved = asked(live.screen(&moved));
    assert_eq!((moved.fingerprint(), moved.marked), (trust.fingerprint(), 1));
    // A list of something else, such as sessions to choose from, is no field either.
    let list =
        "  Resume a session\n\n  ❯ Mend the rope\n    Paint the boat\n\n  Type to search · Esc to close\n";
    let screen = live.screen(list);
    assert_eq!((screen.dialog, screen.draft), (None, None));
}

#[test]
fn what_codex_asks_is_read() {
    let edit = asked(shown!(Codex, "codex-edit"));
    assert_eq!(edit.question, "Would you like to make the following edits?");
    assert_eq!(
        edit.about,
        ["Description: Apply proposed file edits", "Destination: /home/lab/project/x3.txt"]
    );
    assert_eq!(means(&edit), [Means::Allow, Means::AllowMore, Means::Deny]);
}

#[test]
fn what_gemini_asks_is_read() {
    let command = asked(shown!(Gemini, "gemini-command"));
    assert_eq!(command.question, "Allow execution of [Shell]?");
    assert_eq!(command.about, ["? Shell  touch h.txt", "touch h.txt"]);
    assert_eq!(command.place_of(Means::AllowMore), Some(1));
    assert_eq!(means(&command), [Means::Allow, Means::AllowMore, Means::Deny]);
    // With the same hint below it as its questions have.
    let read = asked(shown!(Gemini, "gemini-read"));
    assert_eq!(read.question, "Do you want to allow this read?");
    assert!(read.about.iter().any(|line| line.contains("/marline/pictures/")), "{:?}", read.about);
    assert_eq!(means(&read), [Means::Allow, Means::Deny]);
    // Nor can words of what it is about make a question of it.
    let live = registry::agent(Source::Gemini).expect("it has an adapter").live();
    for words in ["Question 1/1", "← Port →", "Answer Questions"] {
        let asks = "Do you want to allow this read?";
        let screen = include_str!("screens/gemini-read.txt").replace(asks, &format!("{words}\n│  {asks}"));
        assert!(screen.contains(words) && asked(live.screen(&screen)).asks_leave(), "{words}");
    }
    let edit = asked(shown!(Gemini, "gemini-edit"));
    assert_eq!(edit.question, "Apply this change?");
    assert_eq!(means(&edit), [Means::Allow, Means::AllowMore, Means::Other, Means::Deny]);
}

/// Its labels, what it says of each, and which of several are chosen.
fn answers(dialog: &Dialog) -> Vec<(&str, &str, Option<bool>)> {
    assert!(
        !dialog.asks_leave() && dialog.choices.iter().all(|choice| choice.means != Means::Allow),
        "{dialog:?}"
    );
    let answer = |choice| {
        let Choice { label, more, is_checked, .. }: &Choice = choice;
        (label.as_str(), more.as_str(), *is_checked)
    };
    dialog.choices.iter().map(answer).collect()
}

#[test]
fn a_question_is_no_asking_for_leave() {
    let choice = asked(shown!(Claude, "claude-choice"));
    assert_eq!(choice.question, "Which port do you want?");
    let told = [
        ("The old one", "8080, as before", None),
        ("A new one", "9090", None),
        ("Type something.", "", None),
        ("Chat about this", "", None),
    ];
    assert_eq!(answers(&choice), told);
    assert_eq!(choice.choices.iter().position(|choice| choice.takes_words), Some(2));
    // Its answers may be a yes and a no.
    let yes_or_no = asked(shown!(Claude, "claude-yes-or-no"));
    assert_eq!((yes_or_no.question.as_str(), answers(&yes_or_no)[1].0), ("Is it fine?", "No"));
    // Several that are asked together, and several answers to one.
    let several = asked(shown!(Claude, "claude-choices"));
    assert_eq!(several.question, "Which ports do you want?");
    let told = [
        ("The old one", "8080, as before", Some(true)),
        ("A new one", "9090", Some(false)),
        ("Type something", "", Some(false)),
        ("Chat about this", "", None),
    ];
    assert_eq!(answers(&several), told);
    assert!(several.takes_several() && !choice.takes_several());
    let without = include_str!("screens/claude-choices.txt").replace("[✔]", "[ ]").replace("☒", "☐");
    let live = registry::agent(Source::Claude).expect("it has an adapter").live();
    let without = asked(live.screen(&without));
    assert_eq!(without.fingerprint(), several.fingerprint(), "what is chosen makes no other question of it");
    let plan = asked(shown!(Claude, "claude-plan"));
    assert_eq!(
        plan.about,
        ["Ready to code?", "Here is Claude's plan:", "The plan", "1. Do it", "2. Test it"]
    );
    assert!(plan.question.ends_with("Would you like to proceed?"), "{}", plan.question);
    let told = ["Yes, and use auto mode", "Yes, manually approve edits", "Tell Claude what to change"];
    assert_eq!(answers(&plan).iter().map(|(label, ..)| *label).collect::<Vec<_>>(), told);
    assert!(plan.choices[2].takes_words);
    let review = asked(shown!(Claude, "claude-review"));
    assert_eq!(review.question, "Review your answers");
    assert_eq!(review.about[1], "→ The old one");
    assert_eq!((review.choices.len(), review.choices[0].label.as_str()), (2, "Submit answers"));
    assert!(!review.asks_leave());
    // Words of a command can't pretend to be such a page, and hide what stands above them.
    let command = include_str!("screens/claude-command.txt")
        .replace("touch c.txt", "touch c.txt\n   Review your answers");
    let command = asked(live.screen(&command));
    assert!(command.asks_leave() && command.about.contains(&"touch c.txt".to_owned()), "{:?}", command.about);
}

#[test]
fn the_questions_of_codex_and_its_plan_are_read() {
    let choice = asked(shown!(Codex, "codex-choice"));
    assert_eq!(choice.question, "Which port do you want?");
    assert_eq!(choice.about, ["Question 1/2 (2 unanswered)"], "what tells it from the others");
    assert_eq!(answers(&choice)[0], ("The old one", "8080, as before", None));
    let plan = asked(shown!(Codex, "codex-plan"));
    assert_eq!(plan.question, "Implement this plan?");
    assert_eq!(answers(&plan)[2], ("No, stay in Plan mode", "Continue planning with the model", None));
}

#[test]
fn the_questions_of_gemini_are_read() {
    let choice = asked(shown!(Gemini, "gemini-choice"));
    assert_eq!(choice.question, "Which port do you want");
    assert_eq!(answers(&choice)[1], ("A new one", "9090", None));
    assert!(choice.choices[2].takes_words);
    let several = asked(shown!(Gemini, "gemini-choices"));
    assert_eq!(several.question, "Which ports do you want");
    let told = [
        ("The old one", "8080, as before", Some(true)),
        ("A new one", "9090", Some(false)),
        ("All of the above", "Select all options", Some(false)),
    ];
    assert_eq!(answers(&several), told);
    assert_eq!(
        answers(&asked(shown!(Gemini, "gemini-yes-or-no")))[..2],
        [("Yes", "", None), ("No", "", None)]
    );
    // Those that are answered without a number are no field for a prompt, and no work.
    let text = asked(shown!(Gemini, "gemini-text"));
    assert_eq!((text.question.as_str(), text.field.as_deref()), ("And why", Some("")));
    let review = asked(shown!(Gemini, "gemini-review"));
    assert_eq!((review.question.as_str(), review.about[1].as_str()), ("Review your answers", "Ok → Yes"));
    assert_eq!((answers(&review), review.is_numbered), (vec![("Submit", "", None)], false));
    let scrolled = asked(shown!(Gemini, "gemini-done"));
    assert_eq!((scrolled.question.as_str(), scrolled.choices.len()), ("Which ports do you want", 0));
    assert!(is_done_marked(include_str!("screens/gemini-done.txt")));
    assert!(!is_done_marked(include_str!("screens/gemini-choices.txt")));
}

#[test]
fn who_works_and_who_waits_is_seen() {
    for (screen, is_busy) in [
        (shown!(Claude, "claude-busy"), true),
        (shown!(Claude, "claude-denied"), false),
        (shown!(Codex, "codex-busy"), true),
        (shown!(Codex, "codex-idle"), false),
        (shown!(Codex, "codex-aborted"), false),
        (shown!(Gemini, "gemini-busy"), true),
        (shown!(Gemini, "gemini-idle"), false),
    ] {
        assert_eq!((screen.dialog, screen.is_busy), (None, is_busy));
    }
    assert_eq!(shown!(Claude, "claude-denied").draft.as_deref(), Some(""));
}

#[test]
fn a_list_in_an_answer_is_no_dialog() {
    let claude = registry::agent(Source::Claude).expect("it has an adapter").live();
    let answer = "● Two ways:\n  1. Yes, rename it\n  2. No, leave it\n\n─────────────────────────\n❯ \n─────────────────────────\n  ? for shortcuts\n";
    assert_eq!(claude.screen(answer).dialog, None, "none of the answers is marked");
    let old = "❯ 1. Yes\n  2. No\n\n● Done.\n● More.\n● And more.\n─────────────────────────\n❯ \n─────────────────────────\n";
    assert_eq!(claude.screen(old).dialog, None, "others stand below it");
}

#[test]
fn a_mark_that_blinks_is_the_same_mark() {
    let codex = registry::agent(Source::Codex).expect("it has an adapter").live();
    for mark in ["•", "◦"] {
        let screen =
            format!("› Think\n\n{mark} Working (2s • esc to interrupt)\n\n› Ask Codex to do anything\n");
        assert!(codex.screen(&screen).is_busy, "{mark}");
    }
}

#[test]
fn a_codex_that_is_kept_out_of_a_thread_asks_for_a_person() {
    let codex = registry::agent(Source::Codex).expect("it has an adapter").live();
    let screen =
        "🔒 This conversation is open in another app\n\n  Close it there, then press R to try again.\n\n› \n";
    let dialog = codex.screen(screen).dialog.expect("it asks something");
    assert_eq!(dialog.question, "This conversation is open in another app");
    assert!(!dialog.asks_leave() && codex.screen(screen).draft.is_none());
}

#[test]
fn an_answer_that_names_a_long_command_hides_no_question() {
    let files: Vec<String> = (0..84).map(|n| format!("fil{n:03}")).collect();
    let broken = |indent: &str| -> String {
        files.chunks(9).map(|some| format!("{indent}{}\n", some.join(" "))).collect::<String>()
    };
    let screen = format!(
        "  Would you like to run the following command?\n\n  $ touch\n{}\n› 1. Yes, proceed (y)\n  2. Yes, and don't ask again for \
         commands that start with `touch\n{}`\n  3. No, and tell Codex what to do differently (esc)\n\n  Press enter to confirm or esc to cancel\n",
        broken("    "),
        broken("     "),
    );
    let dialog = registry::agent(Source::Codex).unwrap().live().screen(&screen).dialog.expect("it asks");
    assert!(dialog.asks_leave() && dialog.is_whole());
    assert_eq!(dialog.choices.len(), 3);
    assert!(dialog.about.iter().any(|line| line.contains("fil083")), "{:?}", dialog.about);
}

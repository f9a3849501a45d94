//! Questions that ask for no leave: the real agents ask them by menus in their terminals, and they are answered from outside.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use marline_lab::script::Prompt;
use serde_json::{Value, json};

use crate::desk::Desk;

fn question(words: &str, takes_several: bool, answers: [&str; 2]) -> Value {
    let options = answers.map(|label| json!({"label": label, "description": format!("What {label} means")}));
    // Each agent takes the fields that it knows.
    json!({"id": words, "header": "Port", "question": words, "type": "choice", "multiSelect": takes_several, "options": options})
}

/// The question that stands there, once it is another one than that.
fn asked(desk: &Desk, words: &str) -> Value {
    let is_it = |one: &Value| {
        one["state"] == "needs_input"
            && one["asks"]["question"].as_str().is_some_and(|asked| asked.starts_with(words))
    };
    let live = desk.until_it(words, is_it);
    assert_eq!(live["asks"]["isApproval"], false, "{live:#}");
    live["asks"].clone()
}

/// Chooses an answer, or several, of the question that was shown.
fn choose(desk: &Desk, id: &str, asks: &Value, answers: &[&str]) {
    let key = asks["key"].as_str().unwrap();
    let outcome = desk.steer(&[&["choose", id], answers, &["--key", key]].concat());
    assert_eq!(outcome, "delivered", "{answers:?} of {asks:#}\n{}", desk.screen());
}

fn labels(asks: &Value) -> Vec<&str> {
    asks["replies"].as_array().unwrap().iter().map(|reply| reply["label"].as_str().unwrap()).collect()
}

#[test]
fn the_questions_of_a_claude_are_answered_from_outside() {
    let Some(desk) = Desk::open("questions::the_questions_of_a_claude_are_answered_from_outside") else {
        return;
    };
    desk.by_hand(&["claude", "--permission-mode", "plan"]);
    desk.until_ready();
    let ask = |questions: &[Value]| {
        let prompt =
            Prompt::new("Ask me").call("AskUserQuestion", &json!({"questions": questions})).say("Thanks");
        desk.types(prompt.text());
    };
    // A yes and a no among the answers make it no asking for leave.
    ask(&[question("Is it fine?", false, ["Yes", "No"])]);
    let asks = asked(&desk, "Is it fine?");
    assert_eq!(labels(&asks), ["Yes", "No", "Type something.", "Chat about this"]);
    assert_eq!(asks["replies"][1]["more"], "What No means");
    let id = &desk.now()[0]["id"].as_str().unwrap().to_owned();
    let told = desk.marline(&["approvals", "list"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("1 Yes · 2 No · 3 Type something.") && told.contains("marline live choose"),
        "{told}"
    );
    assert_eq!(desk.steer(&["approve", id]), "refused");
    assert_eq!(desk.steer(&["choose", id, "9"]), "refused");
    assert_eq!(desk.steer(&["choose", id, "1", "2"]), "refused");
    assert_eq!(desk.steer(&["choose", id, "1", "--key", "0123456789abcdef"]), "refused");
    choose(&desk, id, &asks, &["2"]);
    desk.until_true("shown", || desk.screen().contains("Is it fine? → No"));
    desk.until("idle");

    // What is broken into lines, and in another script.
    let long = "Which of the two ports, the old one that everybody knows and has written down somewhere or the new one that nobody \
                has heard of so far, is the one that you would like to be used from now on?";
    for words in [long, "用哪个端口？"] {
        ask(&[question(words, false, ["旧的", "新的"])]);
        let asks = asked(&desk, words);
        choose(&desk, id, &asks, &["2"]);
        desk.until("idle");
    }

    // In words of one's own.
    ask(&[question("Which port then?", false, ["The old one", "A new one"])]);
    let asks = asked(&desk, "Which port then?");
    let key = asks["key"].as_str().unwrap();
    assert_eq!(
        desk.steer(&["choose", id, "--text", "Port 7, or 8", "--key", key]),
        "delivered",
        "{}",
        desk.screen()
    );
    desk.until_true("shown", || desk.screen().contains("Which port then? → Port 7, or 8"));
    desk.until("idle");

    // Several together, one of which takes several answers; a person at the desk has chosen another one before.
    let answers = ["The old one", "A new one"];
    ask(&[question("Which ports?", true, answers), question("And which first?", false, answers)]);
    asked(&desk, "Which ports?");
    // A key that comes as soon as the question is drawn may be let fall.
    sleep(Duration::from_secs(1));
    desk.tmux(&desk.own(), &["send-keys", "-t", "hand", "1"]);
    let asks = desk.until_it("chosen", |one| one["asks"]["replies"][0]["isChosen"] == true)["asks"].clone();
    assert_eq!(asks["replies"][1]["isChosen"], false);
    choose(&desk, id, &asks, &["2"]);
    choose(&desk, id, &asked(&desk, "And which first?"), &["1"]);
    let review = asked(&desk, "Review your answers");
    assert_eq!(labels(&review), ["Submit answers", "Cancel"]);
    choose(&desk, id, &review, &["1"]);
    desk.until("idle");
    let screen = desk.screen();
    assert!(
        screen.contains("Which ports? → A new one") && screen.contains("And which first? → The old one"),
        "{screen}"
    );

    // Not at all, with a word.
    ask(&[question("Which one?", false, answers)]);
    asked(&desk, "Which one?");
    let instead = Prompt::new("Ask later").say("Later");
    assert_eq!(desk.steer(&["deny", id, "--reason", instead.text()]), "delivered");
    desk.until_true("said", || desk.said(id, instead.text()) == 1);
}

#[test]
fn a_plan_of_a_claude_is_judged_from_outside() {
    let Some(desk) = Desk::open("questions::a_plan_of_a_claude_is_judged_from_outside") else { return };
    desk.by_hand(&["claude", "--permission-mode", "plan"]);
    desk.until_ready();
    // The model looks for the tool first; its records name the file that the plan stands in.
    desk.types(Prompt::new("Find it").call("ToolSearch", &json!({"query": "select:ExitPlanMode"})).text());
    desk.until_true("found", || desk.screen().contains(" · done "));
    let id = &desk.until("idle")["id"].as_str().unwrap().to_owned();
    let transcripts = desk.lab.home().join(".claude/projects");
    let folder = fs::read_dir(&transcripts).unwrap().flatten().next().unwrap().path();
    let raw = id.split_once(':').unwrap().1;
    let text = fs::read_to_string(folder.join(format!("{raw}.jsonl"))).unwrap();
    let name = text.split("plans/").nth(1).and_then(|rest| rest.split(".md").next()).unwrap();
    let plan = desk.lab.home().join(format!(".claude/plans/{name}.md"));
    fs::create_dir_all(plan.parent().unwrap()).unwrap();
    fs::write(&plan, "# The plan\n\n1. Do it\n2. Test it\n").unwrap();

    let asks = |words: &str| {
        desk.types(Prompt::new(words).call("ExitPlanMode", &json!({})).say("Thanks").text());
        asked(&desk, "Claude has written up a plan")
    };
    let first = asks("Leave");
    assert_eq!(labels(&first)[1..], ["Yes, manually approve edits", "Tell Claude what to change"]);
    assert!(first["about"].as_array().unwrap().contains(&json!("2. Test it")), "{first:#}");
    let key = first["key"].as_str().unwrap();
    let change = ["choose", id, "--text", "Say why, too", "--key", key];
    assert_eq!(desk.steer(&change), "delivered", "{}", desk.screen());
    desk.until_true("shown", || desk.screen().contains("Rejected Claude's plan"));
    desk.until("idle");
    choose(&desk, id, &asks("Leave again"), &["2"]);
    desk.until_true("shown", || desk.screen().contains("Approved Claude's plan"));
    desk.until("idle");
}

#[test]
fn the_questions_of_a_codex_and_its_plan_are_answered_from_outside() {
    let name = "questions::the_questions_of_a_codex_and_its_plan_are_answered_from_outside";
    let Some(desk) = Desk::open(name) else { return };
    desk.by_hand(&["codex"]);
    desk.until_ready();
    // In plan mode.
    desk.tmux(&desk.own(), &["send-keys", "-t", "hand", "BTab"]);
    desk.until_true("in plan mode", || desk.screen().contains("Plan mode"));
    let answers = ["The old one", "A new one"];
    let questions = [question("Which port?", false, answers), question("Which port else?", false, answers)];
    let ask =
        Prompt::new("Ask me").call("request_user_input", &json!({"questions": questions})).say("Thanks");
    desk.types(ask.text());
    let asks = asked(&desk, "Which port?");
    let id = &desk.now()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(labels(&asks), ["The old one", "A new one", "None of the above"]);
    choose(&desk, id, &asks, &["2"]);
    choose(&desk, id, &asked(&desk, "Which port else?"), &["1"]);
    desk.until("idle");
    let screen = desk.screen();
    assert!(screen.contains("answer: A new one") && screen.contains("answer: The old one"), "{screen}");
    // Its turn is over, and it asks.
    let plan = Prompt::new("Plan it").say("<proposed_plan>\n# The plan\n\n1. Do it\n</proposed_plan>\n");
    desk.types(plan.text());
    let asks = asked(&desk, "Implement this plan?");
    choose(&desk, id, &asks, &["3"]);
    desk.until("idle");
}

#[test]
fn the_questions_of_a_gemini_are_answered_from_outside() {
    let Some(desk) = Desk::open("questions::the_questions_of_a_gemini_are_answered_from_outside") else {
        return;
    };
    desk.by_hand(&["gemini"]);
    desk.until_ready();
    let ask = |questions: &[Value]| {
        let prompt = Prompt::new("Ask me").call("ask_user", &json!({"questions": questions})).say("Thanks");
        desk.types(prompt.text());
    };
    let answers = ["The old one", "A new one"];
    let fine = json!({"header": "Fine", "question": "Is it fine?", "type": "yesno"});
    let why = json!({"header": "Why", "question": "And why?", "type": "text"});
    ask(&[question("Which ports?", true, answers), fine, why]);
    let asks = asked(&desk, "Which ports");
    let id = &desk.now()[0]["id"].as_str().unwrap().to_owned();
    choose(&desk, id, &asks, &["2"]);
    choose(&desk, id, &asked(&desk, "Is it fine"), &["1"]);
    let asks = asked(&desk, "And why");
    assert_eq!((&asks["takesWords"], labels(&asks).len()), (&json!(true), 0));
    assert_eq!(desk.steer(&["choose", id, "1"]), "refused");
    let key = asks["key"].as_str().unwrap();
    assert_eq!(
        desk.steer(&["choose", id, "--text", "For it is free", "--key", key]),
        "delivered",
        "{}",
        desk.screen()
    );
    choose(&desk, id, &asked(&desk, "Review your answers"), &["1"]);
    desk.until("idle");
    let screen = desk.screen();
    for answer in ["Port → A new one", "Fine → Yes", "Why → For it is free"] {
        assert!(screen.contains(answer), "{screen}");
    }
    // One that takes several and stands alone; one in words of one's own.
    ask(&[question("Which of them?", true, answers)]);
    choose(&desk, id, &asked(&desk, "Which of them"), &["1", "2"]);
    desk.until_true("shown", || desk.screen().contains("Port → The old one, A new one"));
    desk.until("idle");
    ask(&[question("Which one?", false, answers)]);
    asked(&desk, "Which one");
    assert_eq!(desk.steer(&["choose", id, "3", "--text", "Neither"]), "delivered", "{}", desk.screen());
    desk.until_true("shown", || desk.screen().contains("Port → Neither"));
    desk.until("idle");
}

#[test]
fn a_question_is_asked_in_its_terminal_also_of_who_is_away() {
    let Some(desk) = Desk::open("questions::a_question_is_asked_in_its_terminal_also_of_who_is_away") else {
        return;
    };
    assert!(desk.marline(&["hooks", "install", "--agent", "claude", "--yes"]).status.success());
    let _board = desk.board();
    desk.by_hand(&["claude"]);
    desk.until_ready();
    desk.types(Prompt::new("Begin").say("Begun").text());
    let begun = desk.until_it("begun", |one| one["state"] == "idle" && one["title"].is_string());
    let id = &begun["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.marline(&["live", "away", id]).status.code(), Some(0));
    let questions = [question("Is it fine?", false, ["Yes", "No"])];
    let ask = Prompt::new("Ask me").call("AskUserQuestion", &json!({"questions": questions})).say("Thanks");
    desk.types(ask.text());
    let live = desk.until_board_says("asking", |live| live["asks"]["question"] == "Is it fine?");
    assert_eq!((&live["state"], &live["asks"]["isApproval"]), (&json!("needs_input"), &json!(false)));
    let path = format!("/api/v1/live/{id}");
    let command =
        json!({"command": "choose", "key": "only-once", "question": live["asks"]["key"], "places": [0]});
    for _ in 0..2 {
        // Given twice under one key, it is done once.
        assert_eq!(desk.ask("POST", &path, Some(&command)).unwrap()["outcome"], "delivered");
    }
    desk.until_board_says("idle", |live| live["state"] == "idle");
    assert!(desk.screen().contains("Is it fine? → Yes"), "{}", desk.screen());
}

//! What it tells while files are written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::board::{TestBoard, wait_until};

const ID: &str = "0000aaaa-1111-4222-8333-444455556666";

fn file(home: &Path) -> PathBuf {
    home.join(".claude/projects/-tmp-x").join(format!("{ID}.jsonl"))
}

fn line(n: u32) -> String {
    format!(
        "{{\"type\":\"user\",\"uuid\":\"u{n}\",\"parentUuid\":null,\"sessionId\":\"{ID}\",\"cwd\":\"/tmp/x\",\
         \"timestamp\":\"2026-11-20T10:00:{:02}.000Z\",\"version\":\"2.1.0\",\
         \"message\":{{\"role\":\"user\",\"content\":\"prompt number {n}\"}}}}\n",
        n % 60
    )
}

fn append(home: &Path, n: u32) {
    let mut file = fs::File::options().append(true).open(file(home)).unwrap();
    file.write_all(line(n).as_bytes()).unwrap();
}

fn board() -> TestBoard {
    let board = TestBoard::on(|home| {
        fs::create_dir_all(file(home).parent().unwrap()).unwrap();
        fs::write(file(home), line(0)).unwrap();
    });
    wait_until("the session is there", || board.get("/api/v1/sessions").json()["total"] == 1);
    board.wait_until_idle();
    board
}

#[test]
fn an_appended_line_is_told_and_can_be_read() {
    let board = board();
    let mut events = board.events(None);
    events.next_of("progress");
    append(&board.home(), 1);
    let told = events.next_of("session");
    assert_eq!(told["session"]["id"], format!("claude:{ID}").as_str());
    assert_eq!((told["items"].as_u64(), told["rewritten"].as_bool()), (Some(2), Some(false)));
    let page = board.get(&format!("/api/v1/sessions/claude:{ID}/items?after=0")).json();
    assert_eq!(page["items"][0]["text"], "prompt number 1");
}

#[test]
fn a_client_that_was_away_catches_up_without_gaps_or_doubles() {
    let board = board();
    let mut events = board.events(None);
    events.next_of("progress");
    append(&board.home(), 1);
    let last = events.next_of("session")["id"].as_str().unwrap().to_owned();
    drop(events);
    for n in 2..6 {
        append(&board.home(), n);
    }
    wait_until("all is read", || board.get(&format!("/api/v1/sessions/claude:{ID}")).json()["items"] == 6);
    let mut events = board.events(Some(&last));
    let told = events.next_of("session");
    assert_eq!(told["items"], 6, "what was missed is told once, as it is now");
    let last = told["id"].as_str().unwrap().to_owned();
    append(&board.home(), 6);
    assert_eq!(events.next_of("session")["items"], 7);

    // The same over a restart: the position is the catalogue's, not the process's.
    let again = TestBoard::start(board.end(), vec![]);
    let mut events = again.events(Some(&last));
    assert_eq!(events.next_of("session")["items"], 7);
}

#[test]
fn a_file_that_was_replaced_is_told_as_rewritten() {
    let board = board();
    let mut events = board.events(None);
    events.next_of("progress");
    fs::write(file(&board.home()), format!("{}{}", line(8), line(9))).unwrap();
    let told = events.next_of("session");
    assert_eq!((told["rewritten"].as_bool(), told["items"].as_u64()), (Some(true), Some(2)));
}

#[test]
fn a_position_of_another_catalogue_is_a_reset() {
    let board = board();
    let mut events = board.events(Some("abc.5"));
    let reset = events.next_of("reset");
    let position = reset["id"].as_str().unwrap().to_owned();
    append(&board.home(), 1);
    assert_eq!(events.next_of("session")["items"], 2);
    assert_ne!(position, "abc.5");
}

#[test]
fn a_catalogue_that_is_deleted_is_made_anew_and_told() {
    let board = board();
    let mut events = board.events(None);
    events.next_of("progress");
    // It is written to meanwhile: what came in between goes with the next try.
    wait_until("the index is gone", || fs::remove_dir_all(board.dir.path().join("index")).is_ok());
    events.next_of("reset");
    wait_until("the session is there again", || board.get("/api/v1/sessions").json()["total"] == 1);
}

#[test]
fn who_reads_slowly_is_dropped_to_what_is_and_the_rest_do_not_notice() {
    const LINES: u32 = 20_000;
    let board = board();
    let (mut slow, mut quick) = (board.events(None), board.events(None));
    slow.next_of("progress");
    quick.next_of("progress");
    // Ten thousand lines a second, in pieces that are read while more come.
    let home = board.home();
    let writer = std::thread::spawn(move || {
        let mut file = fs::File::options().append(true).open(file(&home)).unwrap();
        for from in (1..=LINES).step_by(100) {
            let lines: String = (from..from + 100).map(line).collect();
            file.write_all(lines.as_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    });
    let whole = u64::from(LINES) + 1;
    let mut before = 0;
    while before < whole {
        let items = quick.next_of("session")["items"].as_u64().unwrap();
        assert!(items >= before, "nothing is told twice or backwards: {items} after {before}");
        before = items;
        assert_eq!(board.get("/api/v1/status").status, 200);
    }
    writer.join().unwrap();
    // It hears fewer events, and the last one is the same.
    let mut heard = 0;
    while heard < whole {
        let items = slow.next_of("session")["items"].as_u64().unwrap();
        assert!(items >= heard);
        heard = items;
    }
}

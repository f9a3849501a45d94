//! Drafts of one session on two devices.

use marline_model::{SessionId, Timestamp};
use marline_store::drafts::{Draft, Drafts, Written};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn kept(written: Written) -> Draft {
    match written {
        Written::Kept(draft) => draft,
        Written::Other(draft) => panic!("{draft:?} is in the way"),
    }
}

#[test]
fn of_two_devices_neither_writes_over_the_other_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("marline.db");
    let (desk, phone) = (Drafts::open(&file).unwrap(), Drafts::open(&file).unwrap());
    let id: SessionId = "claude:a".parse().unwrap();
    assert_eq!(desk.get(&id).unwrap(), None);
    assert_eq!(kept(desk.put(&id, "", 0, NOW).unwrap()).revision, 0, "nothing is no draft");

    let first = kept(desk.put(&id, "At the desk", 0, NOW).unwrap());
    assert_eq!(phone.get(&id).unwrap(), Some(first.clone()));
    let other = phone.put(&id, "On the phone", 0, NOW).unwrap();
    assert_eq!(other, Written::Other(first.clone()), "the phone had not seen it");
    let second = kept(phone.put(&id, "On the phone", first.revision, NOW).unwrap());
    assert_eq!(second.revision, 2);
    assert_eq!(desk.put(&id, "Still at the desk", 1, NOW).unwrap(), Written::Other(second.clone()));
    assert_eq!(
        kept(desk.put(&id, "On the phone", 1, NOW).unwrap()),
        second,
        "the same words are the same draft"
    );

    // What was sent is out of the way of what anybody writes then.
    let sent = kept(phone.put(&id, "", 2, NOW).unwrap());
    assert_eq!(kept(desk.put(&id, "Next", 1, NOW).unwrap()).revision, sent.revision + 1);
    assert_eq!(desk.get(&"claude:b".parse().unwrap()).unwrap(), None);
}

#[test]
fn drafts_last_and_empty_ones_go_after_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("marline.db");
    let (sent, half) = ("claude:sent".parse().unwrap(), "claude:half".parse().unwrap());
    let drafts = Drafts::open(&file).unwrap();
    drafts.put(&sent, "x", 0, NOW).unwrap();
    drafts.put(&sent, "", 1, NOW).unwrap();
    drafts.put(&half, "half", 0, NOW).unwrap();
    let later = Timestamp::from_millis(NOW.as_millis() + 40 * 24 * 3_600_000);
    let again = Drafts::open(&file).unwrap();
    again.put(&"claude:other".parse().unwrap(), "y", 0, later).unwrap();
    assert_eq!(again.get(&sent).unwrap(), None);
    assert_eq!(again.get(&half).unwrap().unwrap().text, "half");
}

//! The real agents, driven in this very run: each session stands with exactly what the lab scripted.

use marline_lab::Lab;
use marline_lab::agents::Agents;

use crate::fixtures::check;
use crate::home::{Home, snapshot};

#[test]
fn what_the_real_agents_write_now_is_read_as_it_was_scripted() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::new(&dir.path().join("lab"), &Agents::of_workspace()).unwrap();
    let truth = lab.make_everything().unwrap_or_else(|error| panic!("{error}"));
    let home = Home::of(lab.home());
    let before = snapshot(lab.home());
    check(&home, &truth);
    assert_eq!(snapshot(lab.home()), before, "no byte and no time of an agent's file has changed");
    let sources = home.json(&["sources"]);
    for source in sources["sources"].as_array().unwrap() {
        for what in ["unknown", "skipped"] {
            assert_eq!(source[what], serde_json::json!({}), "{} {what}", source["name"]);
        }
    }
}

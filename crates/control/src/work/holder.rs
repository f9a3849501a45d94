//! Who works: a process of a machine.

use marline_store::work::{Claim, Holder};
use rustix::system::uname;

use crate::process::Process;

/// This process.
pub fn holder() -> Holder {
    let pid = std::process::id();
    let host = uname().nodename().to_string_lossy().into_owned();
    Holder { host, pid, began: Process::of(pid).map_or(0, |process| process.began) }
}

/// Says whether somebody may still work at what they claimed: on this machine while their process lives, which sleeps
/// when the machine does; elsewhere until the time they said.
pub fn is_alive(claim: &Claim, now: marline_model::Timestamp) -> bool {
    let Claim { holder: Holder { host, pid, began }, until } = claim;
    if uname().nodename().to_string_lossy() == host.as_str() {
        return Process { pid: *pid, began: *began }.lives();
    }
    now.as_millis() < until.as_millis()
}

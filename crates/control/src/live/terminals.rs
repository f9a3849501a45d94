//! Which terminal shows which thread of Codex' daemon: neither of them says.

use std::collections::HashMap;

use marline_model::{LiveState, Source, Timestamp};

use super::daemon::HeldThread;
use super::find::Running;
use super::memory::Memory;
use crate::target::agent;

/// A thread that was made so much before a terminal was opened is not of it: both are told to a hundredth of a second.
const SLACK: i64 = 50;
/// A thread that was made within this time after a terminal was opened is that terminal's.
const MADE_WITHIN: i64 = 15_000;

/// A process, so that no later one of its number is taken for it.
type Whose = (u32, Timestamp);

/// What one look leaves for the next.
#[derive(Default)]
pub(super) struct Shown {
    /// When it was looked first.
    since: Option<Timestamp>,
    /// The terminal that a thread was seen in last.
    by: HashMap<String, Whose>,
    /// Terminals in which a new thread was begun since.
    moved: HashMap<Whose, String>,
}

/// Terminals and threads that belong together, and threads that are left.
pub(super) struct Pairs<'a> {
    pub shown: Vec<(&'a Running, &'a HeldThread)>,
    pub rest: Vec<&'a HeldThread>,
    terminals: Vec<&'a Running>,
}

impl<'a> Pairs<'a> {
    /// Pairs them as of `now`: by a terminal's words, by what was seen before, by when a thread was made, and then the newest
    /// that is left in its directory.
    pub fn of(
        mut terminals: Vec<&'a Running>,
        threads: &'a [HeldThread],
        memory: Option<&Memory>,
        now: Timestamp,
    ) -> Self {
        terminals.sort_by_key(|one| one.began);
        let mut rest: Vec<&HeldThread> = threads.iter().collect();
        rest.sort_by_key(|thread| made(thread));
        let all = terminals.clone();
        let mut pairs = Pairs { shown: Vec::new(), rest, terminals };
        pairs.by_words();
        let Some(memory) = memory else {
            pairs.by_time();
            pairs.by_place(|_, _| true);
            return pairs;
        };
        memory.shown(|before| {
            pairs.take(|one, thread| before.moved.get(&whose(one)) == Some(&thread.held.id));
            pairs.by_time();
            pairs.by_place(|one, thread| before.by.get(&thread.held.id).is_none_or(|its| *its == whose(one)));
            pairs.begun_anew(&all, before);
            let is_held = |id: &String| threads.iter().any(|thread| thread.held.id == *id);
            before.by.retain(|id, _| is_held(id));
            before.moved.retain(|_, id| is_held(id));
            before.by.extend(pairs.shown.iter().map(|(one, thread)| (thread.held.id.clone(), whose(one))));
            before.since.get_or_insert(now);
        });
        pairs
    }

    /// Pairs each terminal with the newest thread that is its.
    fn take(&mut self, is_its: impl Fn(&Running, &HeldThread) -> bool) {
        let Pairs { shown, rest, terminals } = self;
        terminals.retain(|one| {
            let found = rest.iter().rposition(|thread| is_its(one, thread));
            shown.extend(found.map(|at| (*one, rest.remove(at))));
            found.is_none()
        });
    }

    fn by_words(&mut self) {
        let live = agent(Source::Codex).live();
        self.take(|one, thread| live.session(&one.words).as_ref() == Some(&thread.held.id));
    }

    /// A terminal makes its thread when it is opened, and terminals of one directory in the order in which they were opened.
    fn by_time(&mut self) {
        let Pairs { shown, rest, terminals } = self;
        let found = in_order(terminals.len(), rest.len(), |a, b| {
            let after = made(rest[b])? - terminals[a].began.as_millis();
            let is_here = terminals[a].cwd.as_ref() == Some(&rest[b].held.cwd);
            cost(after).filter(|_| is_here)
        });
        // From the end, so that places stay what they are.
        for (a, b) in found.into_iter().rev() {
            shown.push((terminals.remove(a), rest.remove(b)));
        }
    }

    fn by_place(&mut self, may: impl Fn(&Running, &HeldThread) -> bool) {
        self.terminals.reverse();
        self.take(|one, thread| {
            let is_after = made(thread).is_some_and(|made| made - one.began.as_millis() >= -SLACK);
            is_after && one.cwd.as_ref() == Some(&thread.held.cwd) && may(one, thread)
        });
    }

    /// A thread that nobody has shown, and that came to be while it was looked, was begun in the one terminal of its directory:
    /// by `/new` in it, which leaves the thread before to the daemon for a while.
    fn begun_anew(&mut self, all: &[&Running], before: &mut Shown) {
        let Some(since) = before.since else { return };
        for (one, thread) in &mut self.shown {
            let is_alone = all.iter().filter(|other| other.cwd == one.cwd).count() == 1;
            let is_idle = thread.held.state.is_none_or(|state| state == LiveState::Idle);
            if !is_alone || !is_idle {
                continue;
            }
            let is_new = |new: &&HeldThread| {
                !before.by.contains_key(&new.held.id)
                    && one.cwd.as_ref() == Some(&new.held.cwd)
                    && made(new) > made(thread).max(Some(since.as_millis()))
            };
            if let Some(at) = self.rest.iter().rposition(is_new) {
                before.moved.insert(whose(one), self.rest[at].held.id.clone());
                std::mem::swap(thread, &mut self.rest[at]);
            }
        }
    }
}

fn whose(one: &Running) -> Whose {
    (one.process.pid, one.began)
}

/// When a thread was made: its id is a UUID of version 7, which begins with that.
fn made(thread: &HeldThread) -> Option<i64> {
    let id = &thread.held.id;
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    let told = i64::from_str_radix(&digits, 16).ok().filter(|_| id.len() == 36 && id.as_bytes()[14] == b'7');
    told.or_else(|| thread.held.created_at.map(Timestamp::as_millis))
}

/// How little it looks as if a thread were a terminal's that was made so much `after` the terminal was opened.
fn cost(after: i64) -> Option<i64> {
    (-SLACK..MADE_WITHIN).contains(&after).then_some(after)
}

/// Pairs two rows without crossing: as many as can be, and of those the ones with the smallest sum of what they `cost`; what
/// costs nothing known can't be paired.
fn in_order(left: usize, right: usize, cost: impl Fn(usize, usize) -> Option<i64>) -> Vec<(usize, usize)> {
    // Of everything from a place in both rows on: how many pairs, and what they cost, less being more.
    let mut best = vec![vec![(0usize, 0i64); right + 1]; left + 1];
    let paired = |best: &[Vec<(usize, i64)>], a: usize, b: usize| {
        let (count, sum) = best[a + 1][b + 1];
        cost(a, b).map(|cost| (count + 1, sum - cost))
    };
    for a in (0..left).rev() {
        for b in (0..right).rev() {
            best[a][b] = best[a + 1][b].max(best[a][b + 1]).max(paired(&best, a, b).unwrap_or((0, i64::MIN)));
        }
    }
    let (mut a, mut b, mut found) = (0, 0, Vec::new());
    while a < left && b < right {
        if paired(&best, a, b) == Some(best[a][b]) {
            found.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if best[a][b] == best[a + 1][b] {
            a += 1;
        } else {
            b += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(opened: &[i64], made: &[i64]) -> Vec<(usize, usize)> {
        in_order(opened.len(), made.len(), |a, b| cost(made[b] - opened[a]))
    }

    #[test]
    fn terminals_that_were_opened_at_once_keep_their_order() {
        assert_eq!(pairs(&[0, 500], &[1_000, 1_400]), [(0, 0), (1, 1)]);
    }

    #[test]
    fn what_a_closed_terminal_left_is_nobody_elses() {
        // The second of two, and the third of four, were closed.
        assert_eq!(pairs(&[0], &[900, 3_000]), [(0, 0)]);
        assert_eq!(pairs(&[0, 2_000, 6_000], &[900, 2_900, 4_900, 6_900]), [(0, 0), (1, 1), (2, 3)]);
        // One that made none yet takes none of another's.
        assert_eq!(pairs(&[0, 2_000], &[900]), [(0, 0)]);
    }

    #[test]
    fn what_was_made_long_before_or_after_is_not_paired() {
        assert_eq!(pairs(&[50_000], &[0, 100_000]), []);
    }

    fn terminal(pid: u32, began: i64) -> Running {
        Running {
            source: Source::Codex,
            process: crate::process::Process { pid, began: 0 },
            words: vec!["codex".to_owned()],
            cwd: Some("/p".into()),
            is_suspended: false,
            terminal: None,
            below: None,
            began: Timestamp::from_millis(began),
        }
    }

    fn thread(made: i64) -> HeldThread {
        let id = format!("{:08x}-{:04x}-7000-8000-000000000000", made >> 16, made & 0xffff);
        let held = marline_agents::codex::service::Held {
            id,
            cwd: "/p".into(),
            created_at: None,
            state: Some(LiveState::Idle),
            model: None,
        };
        HeldThread { held, since: None, pending: None }
    }

    /// Which thread each terminal shows, by their numbers.
    fn shown(terminals: &[Running], threads: &[HeldThread], memory: &Memory) -> Vec<(u32, usize)> {
        let pairs =
            Pairs::of(terminals.iter().collect(), threads, Some(memory), Timestamp::from_millis(5_000));
        let place = |thread: &HeldThread| threads.iter().position(|one| one == thread).unwrap();
        let mut shown: Vec<_> =
            pairs.shown.iter().map(|(one, thread)| (one.process.pid, place(thread))).collect();
        shown.sort_unstable();
        shown
    }

    #[test]
    fn what_is_begun_anew_in_the_one_terminal_of_a_directory_is_shown_there() {
        let memory = Memory::default();
        let (one, two) = (terminal(1, 0), terminal(2, 2_000));
        let threads = [thread(900), thread(2_900), thread(60_000)];
        let both = [one, two];
        assert_eq!(shown(&both, &threads[..2], &memory), [(1, 0), (2, 1)]);
        // In which of two it was begun, nobody says.
        assert_eq!(shown(&both, &threads, &memory), [(1, 0), (2, 1)]);
        let [one, _] = both;
        let alone = [one];
        // What the other one left is not taken for it.
        assert_eq!(shown(&alone, &threads[..2], &memory), [(1, 0)]);
        assert_eq!(shown(&alone, &threads, &memory), [(1, 2)]);
        assert_eq!(shown(&alone, &threads, &memory), [(1, 2)], "it stays so");
        // Who looks for the first time knows no better than the times.
        assert_eq!(shown(&alone, &threads, &Memory::default()), [(1, 0)]);
    }
}

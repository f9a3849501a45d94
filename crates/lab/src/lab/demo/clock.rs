//! From the times at which agents really ran, one after the other and in haste, to those of a person's days.
//!
//! A session begins so long before the end as its play says. Inside it, each answer of the model takes the time that
//! a real one would have taken, and each prompt the time that a person would have; what tools took stays.

/// One session: when it ran, and when it is said to have begun.
#[derive(Debug, Clone)]
pub struct Window {
    /// Milliseconds since 1970.
    pub from: i64,
    /// The same.
    pub to: i64,
    /// Milliseconds before the end of all.
    pub ago: i64,
}

/// Maps real times.
#[derive(Debug, Default)]
pub struct Clock {
    windows: Vec<Window>,
    /// From when on how much later everything is, in order.
    delays: Vec<(i64, i64)>,
    last: i64,
}

impl Clock {
    /// Takes windows and delays in any order; windows do not overlap.
    pub fn new(mut windows: Vec<Window>, mut delays: Vec<(i64, i64)>) -> Self {
        windows.sort_by_key(|window| window.from);
        delays.sort_unstable();
        let mut clock = Clock { windows, delays, last: 0 };
        let ends = clock.windows.iter().map(|window| clock.distance(window.to));
        clock.last = ends.max().unwrap_or(0);
        clock
    }

    /// Returns how long before the last thing a real time is said to be; what lies between sessions belongs to the
    /// one before.
    pub fn distance(&self, at: i64) -> i64 {
        self.within(at, 0)
    }

    /// The same for a time that was cut to a second.
    pub fn rounded(&self, at: i64) -> i64 {
        self.within(at, 999)
    }

    fn within(&self, at: i64, slack: i64) -> i64 {
        let begun = |window: &&Window| window.from <= at + slack;
        let Some(window) = self.windows.iter().rev().find(begun).or(self.windows.first()) else {
            return 0;
        };
        let at = at.clamp(window.from, window.to);
        let delays = self.delays.iter().filter(|(from, _)| (window.from..=at).contains(from));
        let delay: i64 = delays.map(|(_, delay)| delay).sum();
        -window.ago + (at - window.from) + delay - self.last
    }

    /// Says whether a time can be one of ours.
    pub fn knows(&self, at: i64) -> bool {
        // Agents write down when they were set up as well, and round.
        const AROUND: i64 = 120_000;
        let ends = self.windows.first().zip(self.windows.last());
        ends.is_some_and(|(first, last)| (first.from - AROUND..=last.to + AROUND).contains(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_moved_apart_and_stretched() {
        let window = |from, to, ago| Window { from, to, ago };
        let clock = Clock::new(vec![window(1000, 1500, 10), window(100, 900, 90_000)], vec![(300, 5000)]);
        assert_eq!(clock.distance(1500), 0);
        assert_eq!(clock.distance(1400), -100);
        assert_eq!(clock.distance(100) - clock.distance(1000), -89_990);
        assert_eq!(clock.distance(300) - clock.distance(299), 5001);
        // Between two sessions.
        assert_eq!(clock.distance(950), clock.distance(900));
        assert_eq!(clock.distance(50), clock.distance(100));
        assert!(clock.knows(100) && !clock.knows(500_000));
    }
}

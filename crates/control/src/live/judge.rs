//! What the state of a session is, from everything that tells of it.

use marline_model::{Channel, Evidence, LiveState, Timestamp};

/// A process younger than this has just been started, if nothing else tells.
const YOUNG: i64 = 10_000;
/// A screen is drawn a little later than a record is written: for so long it can't deny that the agent works.
const DRAWN: i64 = 1_000;

/// Joins what was seen at `now` of a session whose process began at `began`.
///
/// A dead or suspended process decides. What Marline heard from an agent that it runs itself is next, then what the agent's own
/// daemon says. Else the newest word
/// counts; a screen is as new as the look at it, but says nothing against a record that is newer than a redraw.
pub fn judge(evidence: &[Evidence], began: Timestamp, now: Timestamp) -> LiveState {
    let of = |channel: Channel| evidence.iter().filter(move |one| one.channel == channel);
    if let Some(state) = of(Channel::Process).find_map(|one| one.state) {
        return state;
    }
    if let Some(state) = of(Channel::Talk).find_map(|one| one.state) {
        return state;
    }
    if let Some((told, since)) = of(Channel::Service).find_map(|one| Some((one.state?, one.at))) {
        // It was asked a moment ago; a record that is newer than its word knows better.
        let is_newer = |one: &Evidence| {
            let Some(at) = one.at.filter(|_| one.state == Some(LiveState::Working)) else { return false };
            now.as_millis() - at.as_millis() < DRAWN && since.is_none_or(|since| since < at)
        };
        if told == LiveState::Idle && of(Channel::Transcript).any(is_newer) {
            return LiveState::Working;
        }
        // The daemon knows all but what its terminal asks for itself.
        let asks =
            of(Channel::Screen).find_map(|one| one.state).filter(|state| *state == LiveState::NeedsInput);
        return asks.unwrap_or(told);
    }
    let newest = |one: &&Evidence| one.at.map_or(i64::MIN, Timestamp::as_millis);
    let told = evidence.iter().filter(|one| one.channel != Channel::Screen && one.state.is_some());
    let told = told.max_by_key(newest).and_then(|one| Some((one.state?, newest(&one))));
    let shown = of(Channel::Screen).find_map(|one| one.state);
    match (told, shown) {
        // A dialog is there, whatever was written before it.
        (_, Some(asks)) if asks.needs_you() => asks,
        // It can't be told anything before its field is there, however new its word is.
        (Some((LiveState::Idle, _)), Some(LiveState::Starting)) => LiveState::Starting,
        (Some((told, at)), Some(shown)) if told != shown => {
            let is_fresh = now.as_millis().saturating_sub(at) < DRAWN;
            if is_fresh { told } else { shown }
        }
        (Some((told, _)), _) => told,
        (None, Some(shown)) => shown,
        (None, None) if is_young(began, now) => LiveState::Starting,
        (None, None) => LiveState::Unknown,
    }
}

/// Says whether a process that began then has just been started.
pub fn is_young(began: Timestamp, now: Timestamp) -> bool {
    now.as_millis() - began.as_millis() < YOUNG
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn one(channel: Channel, state: LiveState, ago: i64) -> Evidence {
        let at = Some(Timestamp::from_millis(NOW.as_millis() - ago));
        Evidence { channel, says: String::new(), state: Some(state), at }
    }

    fn at(evidence: &[Evidence]) -> LiveState {
        judge(evidence, Timestamp::from_millis(0), NOW)
    }

    #[test]
    fn the_newest_word_counts() {
        let older = one(Channel::Transcript, LiveState::Working, 5_000);
        let newer = one(Channel::Registry, LiveState::Idle, 4_000);
        assert_eq!(at(&[older.clone(), newer.clone()]), LiveState::Idle);
        let again = one(Channel::Transcript, LiveState::Working, 3_000);
        assert_eq!(at(&[newer, again, older]), LiveState::Working);
    }

    #[test]
    fn a_dead_or_suspended_process_does_nothing_whatever_it_said() {
        let busy = one(Channel::Registry, LiveState::Working, 10);
        assert_eq!(at(&[busy.clone(), one(Channel::Process, LiveState::Ended, 0)]), LiveState::Ended);
        assert_eq!(at(&[busy, one(Channel::Process, LiveState::Unknown, 0)]), LiveState::Unknown);
    }

    #[test]
    fn a_dialog_on_the_screen_waits_although_the_records_say_work() {
        let busy = one(Channel::Transcript, LiveState::Working, 10);
        assert_eq!(at(&[busy, one(Channel::Screen, LiveState::NeedsApproval, 0)]), LiveState::NeedsApproval);
    }

    #[test]
    fn a_screen_that_is_not_drawn_yet_denies_nothing() {
        let screen = one(Channel::Screen, LiveState::Idle, 0);
        assert_eq!(
            at(&[one(Channel::Transcript, LiveState::Working, 300), screen.clone()]),
            LiveState::Working
        );
        assert_eq!(at(&[one(Channel::Transcript, LiveState::Working, 60_000), screen]), LiveState::Idle);
    }

    #[test]
    fn an_agent_without_a_field_is_not_idle_yet() {
        let opened = one(Channel::Hook, LiveState::Idle, 100);
        let screen = one(Channel::Screen, LiveState::Starting, 0);
        assert_eq!(at(&[opened, screen.clone()]), LiveState::Starting);
        assert_eq!(at(&[one(Channel::Hook, LiveState::Working, 100), screen]), LiveState::Working);
    }

    #[test]
    fn nothing_seen_is_nothing_known() {
        let lock = Evidence { channel: Channel::Lock, says: String::new(), state: None, at: None };
        assert_eq!(at(&[lock]), LiveState::Unknown);
        assert_eq!(judge(&[], NOW, NOW), LiveState::Starting);
    }
}

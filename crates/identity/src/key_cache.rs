//! When an issuer's published keys are fetched, how long they are believed, and what happens in between. Rules only:
//! time is an argument, and who fetches is elsewhere.

use crate::jwks::Jwks;

/// The published keys of one issuer.
///
/// - A set is fresh for as long as its `Cache-Control` says, but from 60 s to 1 h; for 5 min when it says nothing.
/// - A stale set, or a `kid` that the set does not have, asks for a fetch: one at a time, one every 30 s at most, so that
///   a flood of invented `kid`s costs its sender more than us. In between, an unknown `kid` is refused at once.
/// - A set that was fetched replaces the one before, so that removed keys are gone.
/// - While fetches fail, the last set serves on, for at most 24 h after it went stale; then there are no keys.
#[derive(Debug, Default)]
pub struct KeyCache {
    set: Option<Fetched>,
    /// The last fetch that began, and when.
    begun: Option<(Ticket, u64)>,
    /// Whether that fetch has ended.
    ended: bool,
    /// The newest fetch whose outcome was taken.
    settled: u64,
}

#[derive(Debug)]
struct Fetched {
    keys: Jwks,
    fresh_until: u64,
}

/// Names one fetch, so that a slow one cannot undo what a later one brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What to do about a token that names a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Verify with the keys at hand.
    Use,
    /// Fetch the set, report the outcome with this ticket, and ask again.
    Fetch(Ticket),
    /// Another caller is fetching; ask again when it has reported.
    Wait,
    /// There is no such key, and no fetch before second `retry_at`.
    Unknown { retry_at: u64 },
}

impl KeyCache {
    /// Seconds between the beginnings of two fetches.
    pub const FETCH_INTERVAL: u64 = 30;
    /// Seconds that a set is fresh at least and at most.
    pub const FRESH: std::ops::RangeInclusive<u64> = 60..=3600;
    /// Seconds that a set is fresh when its issuer does not say.
    pub const DEFAULT_FRESH: u64 = 300;
    /// Seconds that a stale set serves while fetches fail.
    pub const MAX_STALE: u64 = 24 * 3600;

    /// No keys yet.
    pub fn new() -> KeyCache {
        KeyCache::default()
    }

    /// What another process remembered: the last set with the second at which it was fetched and its `max-age`, and the
    /// second at which the last fetch began. A time that has not come yet counts for nothing, so that a clock that was
    /// set back delays no fetch.
    pub fn restored(set: Option<(Jwks, u64, Option<u64>)>, last: Option<u64>, now: u64) -> KeyCache {
        let set = set.map(|(keys, at, max_age)| {
            let fresh_until = if at <= now { at.saturating_add(fresh_for(max_age)) } else { now };
            Fetched { keys, fresh_until }
        });
        let begun = last.filter(|begun| *begun <= now).map(|begun| (Ticket(1), begun));
        KeyCache { set, begun, ended: true, settled: 1 }
    }

    /// What to do about a token whose header has that `kid`, at second `now`.
    pub fn ask(&mut self, kid: &str, now: u64) -> Answer {
        if self.set.as_ref().is_some_and(|set| now >= set.fresh_until.saturating_add(Self::MAX_STALE)) {
            self.set = None;
        }
        let known = self.keys().is_some_and(|keys| keys.key(kid).is_some());
        let fresh = self.set.as_ref().is_some_and(|set| now < set.fresh_until);
        if known && fresh {
            return Answer::Use;
        }
        match self.begun {
            Some((_, begun)) if now < begun.saturating_add(Self::FETCH_INTERVAL) => match (known, self.ended) {
                (true, _) => Answer::Use,
                (false, false) => Answer::Wait,
                (false, true) => Answer::Unknown { retry_at: begun.saturating_add(Self::FETCH_INTERVAL) },
            },
            before => {
                let ticket = Ticket(before.map_or(1, |(Ticket(last), _)| last.saturating_add(1)));
                self.begun = Some((ticket, now));
                self.ended = false;
                Answer::Fetch(ticket)
            }
        }
    }

    /// A fetch brought a set, which its issuer lets caches keep for `max_age` seconds.
    pub fn fetched(&mut self, ticket: Ticket, keys: Jwks, max_age: Option<u64>, now: u64) {
        if self.settle(ticket) {
            self.set = Some(Fetched { keys, fresh_until: now.saturating_add(fresh_for(max_age)) });
        }
    }

    /// A fetch brought nothing that can be used. The last set stays.
    pub fn failed(&mut self, ticket: Ticket) {
        self.settle(ticket);
    }

    /// The set at hand, fresh or not.
    pub fn keys(&self) -> Option<&Jwks> {
        self.set.as_ref().map(|set| &set.keys)
    }

    /// The second at which the set at hand goes stale.
    pub fn fresh_until(&self) -> Option<u64> {
        self.set.as_ref().map(|set| set.fresh_until)
    }

    /// Whether the outcome of that fetch is news: it began, and no later one has ended.
    fn settle(&mut self, ticket: Ticket) -> bool {
        let Some((last, _)) = self.begun else { return false };
        self.ended |= ticket == last;
        let is_news = ticket.0 > self.settled && ticket.0 <= last.0;
        if is_news {
            self.settled = ticket.0;
        }
        is_news
    }
}

/// Seconds that a set with that `max-age` is fresh.
fn fresh_for(max_age: Option<u64>) -> u64 {
    max_age.unwrap_or(KeyCache::DEFAULT_FRESH).clamp(*KeyCache::FRESH.start(), *KeyCache::FRESH.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn set(kids: &[&str]) -> Jwks {
        let keys: Vec<String> = kids.iter().map(|kid| format!(r#"{{"kty":"EC","kid":"{kid}"}}"#)).collect();
        Jwks::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
    }

    fn ticket(answer: Answer) -> Ticket {
        match answer {
            Answer::Fetch(ticket) => ticket,
            other => panic!("a fetch, not {other:?}"),
        }
    }

    fn filled(kids: &[&str], max_age: Option<u64>) -> KeyCache {
        let mut cache = KeyCache::new();
        let first = ticket(cache.ask("k", NOW));
        cache.fetched(first, set(kids), max_age, NOW);
        cache
    }

    #[test]
    fn ten_thousand_invented_kids_cost_one_fetch_in_30_s() {
        let mut cache = filled(&["a"], Some(3600));
        let mut fetches = Vec::new();
        for n in 0..10_000_u64 {
            let now = NOW + n / 100; // over 100 s
            match cache.ask(&format!("bogus-{n}"), now) {
                Answer::Fetch(ticket) => {
                    fetches.push(now - NOW);
                    assert_eq!(cache.ask("bogus", now), Answer::Wait, "one at a time");
                    cache.fetched(ticket, set(&["a"]), Some(3600), now);
                }
                Answer::Unknown { retry_at } => assert!(retry_at > now && retry_at <= now + 30),
                other => panic!("{other:?}"),
            }
            assert_eq!(cache.ask("a", now), Answer::Use, "known keys serve through the flood");
        }
        assert_eq!(fetches, [30, 60, 90]);
    }

    #[test]
    fn a_rotated_key_is_found_and_a_removed_one_is_gone() {
        let mut cache = filled(&["old"], Some(3600));
        assert_eq!(cache.ask("new", NOW + 10), Answer::Unknown { retry_at: NOW + 30 });
        let second = ticket(cache.ask("new", NOW + 30));
        cache.fetched(second, set(&["new"]), None, NOW + 31);
        assert_eq!(cache.ask("new", NOW + 31), Answer::Use);
        assert_eq!(cache.ask("old", NOW + 31), Answer::Unknown { retry_at: NOW + 60 });
    }

    #[test]
    fn freshness_is_clamped() {
        for (max_age, fresh) in [(Some(0), 60), (Some(59), 60), (Some(600), 600), (None, 300), (Some(86_400), 3600)] {
            let mut cache = filled(&["a"], max_age);
            assert_eq!(cache.ask("a", NOW + fresh - 1), Answer::Use, "{max_age:?}");
            ticket(cache.ask("a", NOW + fresh));
            assert_eq!(cache.ask("a", NOW + fresh), Answer::Use, "the stale set serves while one caller fetches");
        }
    }

    #[test]
    fn an_outage_is_survived_for_a_day() {
        let mut cache = filled(&["a"], Some(60));
        let mut fetches = 0;
        for minute in 1..=24 * 60 {
            let now = NOW + minute * 60;
            match cache.ask("a", now) {
                Answer::Fetch(ticket) => {
                    fetches += 1;
                    cache.failed(ticket);
                    assert_eq!(cache.ask("a", now), Answer::Use);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fetches, 24 * 60);
        let after = NOW + 60 + KeyCache::MAX_STALE;
        let last = ticket(cache.ask("a", after));
        cache.failed(last);
        assert_eq!(cache.ask("a", after), Answer::Unknown { retry_at: after + 30 });
        assert!(cache.keys().is_none());
    }

    #[test]
    fn another_process_remembers() {
        let old = || Some((set(&["a"]), NOW - 100, Some(600)));
        let mut cache = KeyCache::restored(old(), Some(NOW - 10), NOW);
        assert_eq!(cache.ask("a", NOW), Answer::Use);
        assert_eq!(
            cache.ask("bogus", NOW),
            Answer::Unknown { retry_at: NOW + 20 },
            "the flood goes on across processes"
        );
        let again = ticket(cache.ask("bogus", NOW + 20));
        cache.fetched(again, set(&["b"]), None, NOW + 20);
        assert_eq!(cache.ask("b", NOW + 20), Answer::Use);

        let mut cache = KeyCache::restored(old(), Some(NOW - 100), NOW + 500);
        let stale = ticket(cache.ask("a", NOW + 500));
        cache.failed(stale);
        assert_eq!(cache.ask("a", NOW + 500), Answer::Use);

        // The clock was set back: what is remembered serves, and is fetched again.
        let mut cache = KeyCache::restored(Some((set(&["a"]), NOW + 9000, Some(600))), Some(NOW + 9000), NOW);
        ticket(cache.ask("a", NOW));
        assert_eq!(cache.ask("a", NOW), Answer::Use);
        ticket(KeyCache::restored(None, None, NOW).ask("a", NOW));
    }

    #[test]
    fn a_slow_fetch_undoes_nothing() {
        let mut cache = KeyCache::new();
        let slow = ticket(cache.ask("a", NOW));
        assert_eq!(cache.ask("a", NOW + 29), Answer::Wait);
        let quick = ticket(cache.ask("a", NOW + 30));
        assert_ne!(slow, quick);
        cache.fetched(quick, set(&["a"]), None, NOW + 31);
        cache.fetched(slow, set(&["removed"]), None, NOW + 32);
        cache.failed(slow);
        cache.fetched(Ticket(99), set(&["removed"]), None, NOW + 33);
        assert_eq!(cache.ask("a", NOW + 33), Answer::Use);
        assert!(cache.keys().is_some_and(|keys| keys.key("removed").is_none()));
    }
}

//! The issuers: whether they answer, which keys they have, and what is remembered of them.

use bailiwick_identity::{Jwks, PublishedIssuer, PublishedKeys, RememberedKeys, TrustedIssuer};

use super::{Finding, State};
use crate::configuration::Configuration;
use crate::{identity, input};

const AREA: &str = "issuers";

/// Asks every issuer that publishes its keys. What is remembered stays as it is.
pub(super) fn look(host: &Configuration) -> Vec<Finding> {
    let directory = match host.issuers() {
        Ok(directory) => directory,
        Err(failure) => {
            let broken = Finding::new(AREA, "trusted issuers", State::Broken, failure.message());
            return vec![broken.help_from(failure.advice())];
        }
    };
    let mut findings = vec![local_issuer(host)];
    let published = directory.published();
    let is_published = |issuer: &TrustedIssuer| published.iter().any(|other| other.terms().issuer() == issuer.issuer());
    let configured = directory.issuers().iter().filter(|issuer| !issuer.is_local() && !is_published(issuer));
    findings.extend(configured.map(|issuer| {
        let state = if is_barren(issuer.keys()) { State::Doubtful } else { State::Good };
        Finding::new(AREA, issuer.issuer(), state, format!("keys from a file: {}", keys(issuer.keys())))
    }));
    findings.extend(published.iter().map(ask));
    if findings.len() == 1 {
        findings.push(Finding::new(AREA, "trusted issuers", State::Good, "none configured"));
    }
    findings
}

fn local_issuer(host: &Configuration) -> Finding {
    let name = "local issuer";
    match (host.local_issuer, host.trusted_count()) {
        (false, _) => Finding::new(AREA, name, State::Good, "not trusted; agents need a token of a configured issuer"),
        (true, 0) => {
            Finding::new(AREA, name, State::Good, "trusted: whoever may use the state folder may act as any agent")
                .help("right for one person's machine; where others submit runs, configure [[trusted]] issuers")
        }
        (true, _) => Finding::new(
            AREA,
            name,
            State::Doubtful,
            "trusted beside configured issuers: it can speak for any local agent",
        )
        .help("remove `local = true` under [issuer] in bailiwick.toml"),
    }
}

fn ask(issuer: &PublishedIssuer) -> Finding {
    let (name, now) = (issuer.terms().issuer(), input::now());
    let remembered = match issuer.remembered(now) {
        Ok(remembered) => remembered,
        Err(error) => return Finding::new(AREA, name, State::Broken, error.to_string()),
    };
    match identity::wait(issuer.fetch()) {
        Err(failure) => Finding::new(AREA, name, State::Broken, failure.message()),
        Ok(Ok(fetched)) => {
            let state = if is_barren(&fetched.keys) { State::Doubtful } else { State::Good };
            Finding::new(AREA, name, state, answered(&fetched, remembered.as_ref(), now))
        }
        Ok(Err(error)) => match remembered {
            None => Finding::new(AREA, name, State::Broken, format!("{error}; nothing is remembered of them")),
            Some(known) => Finding::new(
                AREA,
                name,
                State::Doubtful,
                format!("{error}; those fetched {} ago serve: {}", span(now, known.fetched_at), keys(&known.keys)),
            )
            .help("they serve for a day after they went stale"),
        },
    }
}

fn answered(fetched: &PublishedKeys, remembered: Option<&RememberedKeys>, now: u64) -> String {
    let known = match remembered {
        None => "none are remembered yet".to_owned(),
        Some(known) => {
            let age = span(now, known.fetched_at);
            let fresh = match known.fresh_until.checked_sub(now) {
                Some(left @ 1..) => format!("fresh for {}", span(left, 0)),
                _ => "stale".to_owned(),
            };
            format!("those remembered were fetched {age} ago, {fresh}")
        }
    };
    format!("answers, with keys at {}: {}; {known}", fetched.url, keys(&fetched.keys))
}

/// `` `k1` (P-256, ES256), `k2` (RSA) ``.
fn keys(keys: &Jwks) -> String {
    let list: Vec<String> = keys
        .iter()
        .map(|key| match key.id() {
            Some(id) => format!("`{id}` ({})", key.describe()),
            None => format!("one without `kid`, which no token can name ({})", key.describe()),
        })
        .collect();
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

fn is_barren(keys: &Jwks) -> bool {
    !keys.iter().any(|key| key.usable().is_ok() && key.id().is_some())
}

/// `40 s`, `12 min`, `3 h`.
fn span(later: u64, earlier: u64) -> String {
    match later.saturating_sub(earlier) {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds @ 100..=5999 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_times_are_readable() {
        let set = r#"{"keys":[{"kty":"EC","kid":"a"},{"kty":"oct","kid":"b"},{"kty":"RSA"}]}"#;
        let Ok(set) = Jwks::parse(set.as_bytes()) else { panic!("a key set") };
        let text = keys(&set);
        assert!(text.starts_with("`a` (of no use: ") && text.contains("one without `kid`"), "{text}");
        assert!(is_barren(&set));
        assert_eq!([span(99, 0), span(720, 0), span(7200, 0)], ["99 s", "12 min", "2 h"].map(str::to_owned));
        assert_eq!(span(5, 10), "0 s");
    }
}

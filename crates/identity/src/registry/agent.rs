//! One agent in the registry, and what may change about it.

use bailiwick_policy::{ScopeError, ScopeSet, is_hidden};
use serde::{Deserialize, Serialize};

use super::key::{AgentKey, KeyAge, KeyError, Rotation};
use crate::agent::{AgentId, AgentIdError, Subject};
use crate::thumbprint::Thumbprint;

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    /// The one issuer whose tokens may speak for this agent, as in its `iss`.
    pub issuer: String,
    /// What that issuer calls it: the `sub` of its tokens.
    pub subject: Subject,
    /// Who answers for it.
    pub owner: String,
    /// The most that a token for it may grant.
    pub capabilities: ScopeSet,
    pub status: Status,
    /// Why it has that status.
    pub reason: Option<Reason>,
    /// The keys with which it proves possession, oldest first. Without any, its tokens need not be bound to a key that
    /// is known here, and there is nothing to rotate.
    pub keys: Vec<AgentKey>,
    /// Grows with every change of what the agent may do or whose word speaks for it. A run lasts while it stays the same.
    pub epoch: u64,
    /// Tokens for it that claimed more than its capabilities and were refused.
    pub injections: u64,
    /// Seconds since the Unix epoch.
    pub registered_at: u64,
    /// Seconds since the Unix epoch.
    pub updated_at: u64,
}

/// Whether an agent may start runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    /// For a while.
    Suspended,
    /// For good.
    Revoked,
}

/// Why somebody did something: 1 to 500 bytes on one line, with nothing in them that a terminal could misread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(String);

/// What is to change about an agent.
#[derive(Clone, Debug)]
pub enum Change {
    /// It may start no runs, and those under way end, until it is resumed.
    Suspend(Option<Reason>),
    Resume,
    /// The same as suspended, for good.
    Revoke(Option<Reason>),
    /// It gets another key; the newest of those before serves for `overlap` seconds more, older ones no longer.
    AddKey {
        key: AgentKey,
        overlap: u64,
    },
}

/// What is wrong with one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error(transparent)]
    Id(#[from] AgentIdError),
    #[error("`{name}` needs 1 to {limit} bytes without control characters")]
    Text { name: &'static str, limit: usize },
    #[error("`capabilities`: {0}")]
    Capabilities(ScopeError),
    #[error("key {index}: {error}")]
    Key { index: usize, error: KeyError },
    #[error("key {index}: the `thumbprint` is another key's")]
    Thumbprint { index: usize },
    #[error("key {index}: it is there twice")]
    KeyTwice { index: usize },
    #[error("an agent has at most {} keys", Agent::MAX_KEYS)]
    Keys,
    #[error("a reason needs 1 to 500 bytes on one line")]
    Reason,
}

/// A change that an agent's state does not permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("it is revoked, for good; register another agent")]
    Revoked,
    #[error("it is not suspended")]
    NotSuspended,
    #[error("it is {0}, and keeps its issuer and subject, so that nobody else gets them")]
    Held(Status),
    #[error("the key `{0}` is one of its keys already")]
    KnownKey(Thumbprint),
}

/// Why the key that a token is bound to does not speak for an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// The newest key is older than keys may be, in seconds.
    Overdue { age: u64, limit: u64 },
    /// The token is bound to no key, and the agent has registered ones.
    Unbound,
    /// The token is bound to a key that is not one of the agent's.
    Unknown(Thumbprint),
    /// The key does not serve any more, or not yet.
    NotLive(Thumbprint),
}

impl Agent {
    /// Keys that an entry holds at most: those that serve, and some that did.
    pub const MAX_KEYS: usize = 8;

    /// An active agent without keys.
    ///
    /// # Errors
    /// When a text is empty, too long or has control characters.
    pub fn new(
        id: AgentId,
        issuer: &str,
        subject: Subject,
        owner: &str,
        capabilities: ScopeSet,
        now: u64,
    ) -> Result<Agent, EntryError> {
        check_text("issuer", issuer, 1024)?;
        check_text("owner", owner, 255)?;
        Ok(Agent {
            id,
            issuer: issuer.to_owned(),
            subject,
            owner: owner.to_owned(),
            capabilities,
            status: Status::Active,
            reason: None,
            keys: Vec::new(),
            epoch: 1,
            injections: 0,
            registered_at: now,
            updated_at: now,
        })
    }

    /// The key that began to serve last.
    pub fn newest_key(&self) -> Option<&AgentKey> {
        self.keys.iter().max_by_key(|key| key.not_before())
    }

    /// The key that a person means by its `kid` or thumbprint; of two with one `kid`, the newer.
    pub fn key_named(&self, name: &str) -> Option<&AgentKey> {
        self.keys.iter().rev().find(|key| key.is_named(name))
    }

    /// Whether a token bound to that key, or to none, speaks for the agent, and until which second.
    ///
    /// # Errors
    /// [`KeyProblem`], where the agent has keys.
    pub fn check_key(
        &self,
        bound_to: Option<Thumbprint>,
        rotation: Rotation,
        now: u64,
    ) -> Result<Option<u64>, KeyProblem> {
        let Some(newest) = self.newest_key() else { return Ok(None) };
        if now >= rotation.overdue_at(newest) {
            let age = now.saturating_sub(newest.not_before());
            return Err(KeyProblem::Overdue { age, limit: rotation.limit() });
        }
        let bound_to = bound_to.ok_or(KeyProblem::Unbound)?;
        let key = self.keys.iter().find(|key| key.thumbprint() == bound_to).ok_or(KeyProblem::Unknown(bound_to))?;
        match key.age(now) {
            KeyAge::Live => Ok(key.expires()),
            KeyAge::Early | KeyAge::Over => Err(KeyProblem::NotLive(bound_to)),
        }
    }

    /// # Errors
    /// When its state does not permit the change; then it is as before.
    pub(crate) fn apply(&mut self, change: Change, now: u64) -> Result<(), ChangeError> {
        if self.status == Status::Revoked && !matches!(change, Change::Revoke(_)) {
            return Err(ChangeError::Revoked);
        }
        match change {
            Change::Suspend(reason) => self.turn(Status::Suspended, reason),
            Change::Revoke(reason) => self.turn(Status::Revoked, reason),
            Change::Resume if self.status == Status::Suspended => self.turn(Status::Active, None),
            Change::Resume => return Err(ChangeError::NotSuspended),
            Change::AddKey { key, overlap } => self.add_key(key, overlap, now)?,
        }
        self.updated_at = now;
        Ok(())
    }

    fn turn(&mut self, status: Status, reason: Option<Reason>) {
        if self.status != status {
            (self.status, self.reason) = (status, reason);
            self.epoch = self.epoch.saturating_add(1);
        }
    }

    fn add_key(&mut self, key: AgentKey, overlap: u64, now: u64) -> Result<(), ChangeError> {
        if self.keys.iter().any(|known| known.thumbprint() == key.thumbprint()) {
            return Err(ChangeError::KnownKey(key.thumbprint()));
        }
        let newest = self.newest_key().map(AgentKey::thumbprint);
        for known in &mut self.keys {
            let end = if Some(known.thumbprint()) == newest { now.saturating_add(overlap) } else { now };
            known.end_at(end);
        }
        self.keys.push(key);
        let surplus = self.keys.len().saturating_sub(Self::MAX_KEYS);
        self.keys.drain(..surplus);
        Ok(())
    }
}

impl Reason {
    /// # Errors
    /// [`EntryError::Reason`].
    pub fn parse(text: &str) -> Result<Reason, EntryError> {
        let well_formed = (1..=500).contains(&text.len()) && !text.chars().any(is_hidden);
        if well_formed { Ok(Reason(text.to_owned())) } else { Err(EntryError::Reason) }
    }

    /// The text, 1 to 500 bytes on one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Status {
    /// The word for it in documents and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Revoked => "revoked",
        }
    }

    /// The status of that word.
    pub fn parse(text: &str) -> Option<Status> {
        [Status::Active, Status::Suspended, Status::Revoked].into_iter().find(|status| status.as_str() == text)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

fn check_text(name: &'static str, text: &str, limit: usize) -> Result<(), EntryError> {
    let well_formed = (1..=limit).contains(&text.len()) && !text.chars().any(char::is_control);
    if well_formed { Ok(()) } else { Err(EntryError::Text { name, limit }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn agent() -> Agent {
        let id = AgentId::parse("bot").unwrap();
        Agent::new(id.clone(), "urn:x", Subject::from(&id), "alice", ScopeSet::empty(), NOW).unwrap()
    }

    fn key(number: u8, not_before: u64) -> AgentKey {
        let x = data_encoding::BASE64URL_NOPAD.encode(&[number; 32]);
        AgentKey::parse(
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"k{number}","x":"{x}"}}"#).as_bytes(),
            not_before,
        )
        .unwrap()
    }

    fn rotated(agent: &mut Agent, number: u8, at: u64) {
        agent.apply(Change::AddKey { key: key(number, at), overlap: 3600 }, at).unwrap();
    }

    #[test]
    fn status_goes_one_way_at_the_end() {
        let mut agent = agent();
        let why = Reason::parse("odd calls").unwrap();
        assert_eq!(agent.apply(Change::Resume, NOW), Err(ChangeError::NotSuspended));
        agent.apply(Change::Suspend(Some(why.clone())), NOW + 1).unwrap();
        assert_eq!(
            (agent.status, agent.epoch, agent.reason.as_ref(), agent.updated_at),
            (Status::Suspended, 2, Some(&why), NOW + 1)
        );
        agent.apply(Change::Suspend(None), NOW + 2).unwrap();
        assert_eq!((agent.epoch, agent.reason.as_ref()), (2, Some(&why)), "nothing changed");
        agent.apply(Change::Resume, NOW + 3).unwrap();
        assert_eq!((agent.status, agent.epoch, agent.reason.as_ref()), (Status::Active, 3, None));
        agent.apply(Change::Revoke(None), NOW + 4).unwrap();
        agent.apply(Change::Revoke(None), NOW + 5).unwrap();
        assert_eq!((agent.status, agent.epoch), (Status::Revoked, 4));
        for change in [Change::Resume, Change::Suspend(None), Change::AddKey { key: key(1, NOW), overlap: 0 }] {
            assert_eq!(agent.apply(change, NOW + 6), Err(ChangeError::Revoked));
        }
    }

    #[test]
    fn two_keys_overlap_and_no_more() {
        let (mut agent, rotation) = (agent(), Rotation::default());
        let check = |agent: &Agent, number: u8, now| agent.check_key(Some(key(number, 0).thumbprint()), rotation, now);
        assert_eq!(agent.check_key(None, rotation, NOW), Ok(None), "without keys any token will do");
        rotated(&mut agent, 1, NOW);
        assert_eq!(agent.check_key(None, rotation, NOW), Err(KeyProblem::Unbound));
        assert_eq!(check(&agent, 1, NOW), Ok(None));
        assert_eq!(check(&agent, 2, NOW), Err(KeyProblem::Unknown(key(2, 0).thumbprint())));
        rotated(&mut agent, 2, NOW + 100);
        assert_eq!(check(&agent, 1, NOW + 100), Ok(Some(NOW + 3700)));
        assert_eq!(check(&agent, 2, NOW + 100), Ok(None));
        assert_eq!(check(&agent, 1, NOW + 3700), Err(KeyProblem::NotLive(key(1, 0).thumbprint())));
        rotated(&mut agent, 3, NOW + 200);
        assert!(check(&agent, 1, NOW + 200).is_err(), "the third ends the first");
        assert!(check(&agent, 2, NOW + 200).is_ok() && check(&agent, 3, NOW + 200).is_ok());
        assert_eq!(
            agent.apply(Change::AddKey { key: key(2, NOW), overlap: 0 }, NOW + 300),
            Err(ChangeError::KnownKey(key(2, 0).thumbprint()))
        );
        for number in 4..20 {
            rotated(&mut agent, number, NOW + 200 + u64::from(number));
        }
        assert_eq!(agent.keys.len(), Agent::MAX_KEYS);
        assert_eq!(agent.epoch, 1, "runs go on when keys are rotated");
    }

    #[test]
    fn an_old_key_is_overdue_after_its_grace() {
        let (mut agent, rotation) = (agent(), Rotation::default());
        rotated(&mut agent, 1, NOW);
        let bound_to = Some(key(1, 0).thumbprint());
        assert!(agent.check_key(bound_to, rotation, NOW + 25 * 3600 - 1).is_ok());
        let since = NOW + 25 * 3600;
        assert_eq!(
            agent.check_key(bound_to, rotation, since),
            Err(KeyProblem::Overdue { age: 25 * 3600, limit: 25 * 3600 })
        );
        assert_eq!(
            agent.check_key(None, rotation, since),
            Err(KeyProblem::Overdue { age: 25 * 3600, limit: 25 * 3600 })
        );
        rotated(&mut agent, 2, since);
        assert_eq!(agent.check_key(bound_to, rotation, since), Ok(Some(since + 3600)));
        let hourly = Rotation::new(3600, 0);
        assert!(agent.check_key(bound_to, hourly, since + 3600).is_err());
    }

    #[test]
    fn reasons_are_one_plain_line() {
        assert!(Reason::parse("laptop lost, ticket 17").is_ok());
        for bad in ["", "a\nb", "a\u{1b}[2J", "a\u{202e}b", &"x".repeat(501)] {
            assert_eq!(Reason::parse(bad), Err(EntryError::Reason));
        }
    }
}

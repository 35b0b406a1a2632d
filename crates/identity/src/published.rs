//! The keys that one issuer publishes: found by discovery, fetched one at a time, remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_policy::Code;
use cap_std::fs::Dir;
use tokio::sync::Notify;

use crate::discovery::{DiscoveryError, KeyUrl};
use crate::https::{FetchError, FetchProblem, HttpsClient};
use crate::issuer::TrustedIssuer;
use crate::jwks::{Jwks, JwksError};
use crate::key_cache::{Answer, KeyCache, Ticket};
use crate::key_file::{KeyFile, KeySet};
use crate::state::StateError;

/// An issuer whose keys are found by discovery, and what is known of them. When they are fetched, [`KeyCache`] decides.
#[derive(Debug)]
pub struct PublishedIssuer {
    terms: TrustedIssuer,
    client: HttpsClient,
    folder: Option<Dir>,
    /// Whether what is fetched is written there.
    remembers: bool,
    known: Mutex<Known>,
    /// A fetch has ended.
    landed: Notify,
}

/// A set of keys as an issuer publishes it now.
#[derive(Clone, Debug)]
pub struct PublishedKeys {
    pub keys: Jwks,
    /// Where it was found.
    pub url: String,
    /// Seconds that the issuer lets it be kept.
    pub max_age: Option<u64>,
    text: String,
}

/// What is remembered of an issuer's keys.
#[derive(Clone, Debug)]
pub struct RememberedKeys {
    pub keys: Jwks,
    /// Seconds since the Unix epoch.
    pub fetched_at: u64,
    /// The second from which on they are fetched again.
    pub fresh_until: u64,
}

/// An issuer's keys cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("the keys of the issuer `{issuer}` cannot be fetched: {error}")]
    Fetch { issuer: String, error: FetchError },
    #[error("the keys of the issuer `{issuer}` cannot be found: {error}")]
    Discovery { issuer: String, error: DiscoveryError },
    #[error("the keys of the issuer `{issuer}` cannot be used: {error}")]
    Keys { issuer: String, error: JwksError },
    #[error(
        "the issuer `{issuer}` gave no keys a moment ago; the next fetch is {} s after that one began",
        KeyCache::FETCH_INTERVAL
    )]
    Lately { issuer: String },
    #[error("what is remembered of the keys of the issuer `{issuer}`: {problem}")]
    State { issuer: String, problem: String },
}

#[derive(Debug, Default)]
struct Known {
    cache: KeyCache,
    /// The terms with the keys at hand.
    issuer: Option<Arc<TrustedIssuer>>,
    /// Why the last fetch brought nothing.
    failure: Option<KeysError>,
    /// What is on disk; `None` before that was read, or when nothing is.
    file: Option<KeyFile>,
    restored: bool,
}

impl PublishedIssuer {
    /// An issuer on these terms; whatever keys they have are not used.
    pub fn new(terms: TrustedIssuer, client: HttpsClient) -> PublishedIssuer {
        let known = Mutex::new(Known::default());
        PublishedIssuer { terms, client, folder: None, remembers: true, known, landed: Notify::new() }
    }

    /// Remembers the keys in a folder, which belongs to this user alone.
    pub fn remembered_in(self, folder: Dir) -> PublishedIssuer {
        PublishedIssuer { folder: Some(folder), ..self }
    }

    /// Uses what is remembered, and remembers nothing more: for those who only look.
    pub fn looking_on(self) -> PublishedIssuer {
        PublishedIssuer { remembers: false, ..self }
    }

    /// The terms, without keys.
    pub fn terms(&self) -> &TrustedIssuer {
        &self.terms
    }

    /// The issuer with keys for a token whose header has that `kid`, at second `now` since the Unix epoch: fetched when
    /// they are stale or do not have it, once for all who wait, and at most every 30 s. Without the key after that, the
    /// verification says so.
    ///
    /// # Errors
    /// When the issuer has no keys here, or not this one, and the last fetch did not bring any.
    pub async fn issuer_for(&self, kid: &str, now: u64) -> Result<Arc<TrustedIssuer>, KeysError> {
        self.restore(now)?;
        loop {
            // Made before asking, so that a fetch that ends in between is not missed.
            let landed = self.landed.notified();
            let answer = {
                let mut known = self.known();
                let answer = known.cache.ask(kid, now);
                if known.cache.keys().is_none() {
                    known.issuer = None;
                }
                match answer {
                    Answer::Use => return Ok(known.issuer(&self.terms)),
                    Answer::Unknown { .. } => {
                        return match &known.failure {
                            Some(failure) => Err(failure.clone()),
                            None => Ok(known.issuer(&self.terms)),
                        };
                    }
                    answer => answer,
                }
            };
            match answer {
                Answer::Fetch(ticket) => {
                    let flight = Flight { issuer: self, ticket };
                    let result =
                        self.fetch().await.inspect_err(|error| tracing::warn!(%error, "an issuer gave no keys"));
                    flight.land(result, now);
                }
                _ => landed.await,
            }
        }
    }

    /// Fetches the keys as they are published now, for display. Nothing is remembered.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn fetch(&self) -> Result<PublishedKeys, KeysError> {
        let issuer = &self.terms.issuer;
        let unfetched = |error| KeysError::Fetch { issuer: issuer.clone(), error };
        let unfound = |error| KeysError::Discovery { issuer: issuer.clone(), error };
        let metadata = KeyUrl::metadata(issuer).map_err(unfound)?;
        let metadata = match self.client.get(&metadata, KeyUrl::MAX_METADATA).await {
            // Not an OpenID provider; perhaps an authorization server all the same.
            Err(FetchError { problem: FetchProblem::Status(404), .. }) => {
                self.client.get(&KeyUrl::oauth_metadata(issuer).map_err(unfound)?, KeyUrl::MAX_METADATA).await
            }
            fetched => fetched,
        };
        let url = KeyUrl::from_metadata(issuer, &metadata.map_err(unfetched)?.body).map_err(unfound)?;
        let page = self.client.get(&url, Jwks::MAX_BYTES).await.map_err(unfetched)?;
        let unusable = |error| KeysError::Keys { issuer: issuer.clone(), error };
        let keys = Jwks::parse(&page.body).map_err(unusable)?;
        let text = String::from_utf8(page.body).unwrap_or_default();
        Ok(PublishedKeys { keys, url: url.url().to_string(), max_age: page.max_age, text })
    }

    /// What is remembered, fresh or not. Fetches nothing.
    ///
    /// # Errors
    /// When the file can be read or written by others, or not be read.
    pub fn remembered(&self, now: u64) -> Result<Option<RememberedKeys>, KeysError> {
        self.restore(now)?;
        let known = self.known();
        let set = known.file.as_ref().and_then(|file| file.set.as_ref());
        Ok(match (set, known.cache.keys(), known.cache.fresh_until()) {
            (Some(set), Some(keys), Some(fresh_until)) => {
                Some(RememberedKeys { keys: keys.clone(), fetched_at: set.fetched_at, fresh_until })
            }
            _ => None,
        })
    }

    /// Reads what is on disk, once.
    fn restore(&self, now: u64) -> Result<(), KeysError> {
        let mut known = self.known();
        if let (Some(folder), false) = (&self.folder, known.restored) {
            let read = KeyFile::load(folder, &self.terms.issuer, &self.client.trust());
            known.file = read.map_err(|error: StateError| self.state_error(&error))?;
            if let Some(file) = &known.file {
                let lately = file.failure.is_some().then(|| KeysError::Lately { issuer: self.terms.issuer.clone() });
                (known.cache, known.failure) = (file.restore(now), lately);
            }
        }
        known.restored = true;
        Ok(())
    }

    fn state_error(&self, error: &StateError) -> KeysError {
        KeysError::State { issuer: self.terms.issuer.clone(), problem: error.to_string() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Everything in it is replaced whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The terms with the keys at hand, made once for each set.
    fn issuer(&mut self, terms: &TrustedIssuer) -> Arc<TrustedIssuer> {
        let keys = || self.cache.keys().cloned().unwrap_or_default();
        let issuer = self.issuer.get_or_insert_with(|| Arc::new(terms.clone().replace_keys(keys())));
        Arc::clone(issuer)
    }
}

/// A fetch under way. Whoever waits for it is told when it ends, also when its future is dropped.
struct Flight<'a> {
    issuer: &'a PublishedIssuer,
    ticket: Ticket,
}

impl Flight<'_> {
    fn land(self, result: Result<PublishedKeys, KeysError>, now: u64) {
        let issuer = self.issuer;
        let mut known = issuer.known();
        let mut file =
            known.file.take().unwrap_or_else(|| KeyFile::new(&issuer.terms.issuer, &issuer.client.trust(), now));
        file.tried_at = now;
        file.failure = result.as_ref().err().map(KeysError::to_string);
        match result {
            Ok(PublishedKeys { keys, max_age, text, .. }) => {
                file.set = Some(KeySet { fetched_at: now, max_age, jwks: text });
                known.cache.fetched(self.ticket, keys, max_age, now);
                (known.issuer, known.failure) = (None, None);
            }
            Err(error) => {
                known.cache.failed(self.ticket);
                known.failure = Some(error);
            }
        }
        if let Some(folder) = issuer.folder.as_ref().filter(|_| issuer.remembers) {
            // Keys that cannot be remembered serve all the same.
            let _ = file.save(folder);
        }
        known.file = Some(file);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        // Has no effect after the fetch has landed.
        self.issuer.known().cache.failed(self.ticket);
        self.issuer.landed.notify_waiters();
    }
}

impl KeysError {
    /// The stable reason code.
    pub fn code(&self) -> Code {
        match self {
            KeysError::Fetch { error, .. } => match error.problem {
                FetchProblem::Address => Code::IssuerAddress,
                FetchProblem::Dns
                | FetchProblem::Connect
                | FetchProblem::Tls(_)
                | FetchProblem::Deadline(_)
                | FetchProblem::Status(_)
                | FetchProblem::Http => Code::IssuerUnreachable,
                FetchProblem::Redirect | FetchProblem::Encoding | FetchProblem::TooLarge(_) => Code::IssuerAnswer,
            },
            KeysError::Discovery { .. } | KeysError::Keys { .. } => Code::IssuerAnswer,
            KeysError::Lately { .. } | KeysError::State { .. } => Code::IssuerUnreachable,
        }
    }
}

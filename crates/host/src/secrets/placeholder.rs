//! The secrets of one run: the placeholders that its guest has, and the values that went out for them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand;
use bailiwick_guard::journal::Fingerprint;
use bailiwick_guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, Resource, SecretName};
use data_encoding::HEXLOWER;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::scrub::{Needle, Scrubber};
use super::{MAX_SECRET, MIN_SECRET, SecretSource};

/// What every placeholder begins with. 32 hexadecimal digits follow.
pub const PREFIX: &str = "bailiwick-secret-";

/// Most different values that go out in one run.
const MAX_SENT: usize = 64;
/// Most secrets whose placeholders one run has: each is looked for in every request.
const MAX_ISSUED: usize = 64;

/// The secrets of one run.
///
/// Defaults: without a source no secret exists, and every use fails with `failed.no_secret`.
#[derive(Default)]
pub struct Secrets {
    source: Option<Arc<dyn SecretSource>>,
    /// Those that rules name.
    named: Vec<SecretName>,
    prepared: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    issued: BTreeMap<SecretName, Arc<str>>,
    /// What was sent in this run: any answer may have it.
    sent: Vec<Arc<Needle>>,
}

/// The use of a secret: gives the guest its placeholder, the same one each time.
pub struct UseSecret {
    pub name: SecretName,
}

impl Action for UseSecret {
    const NAME: ActionName = ActionName::Use;
    const EFFECT: Effect = Effect::Read;
    /// The placeholder.
    type Output = String;

    fn resource(&self) -> Resource {
        Resource::Secret(self.name.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("use-secret");
    }
}

impl Perform<UseSecret> for Secrets {
    /// `failed.no_secret` when there is no such secret; `failed.internal` for the 65th.
    async fn perform(&self, permit: Permit<'_, UseSecret>) -> Result<String, HostError> {
        let name = &permit.action().name;
        // The value is looked at and let go: it is wanted when a request goes out.
        drop(self.value(name).await?);
        self.placeholder(name).map(|placeholder| placeholder.to_string())
    }
}

impl Secrets {
    pub fn new(source: Option<Arc<dyn SecretSource>>) -> Secrets {
        Secrets { source, ..Secrets::default() }
    }

    /// The same for a run whose rules name these.
    #[must_use]
    pub(crate) fn naming<'n>(self, names: impl IntoIterator<Item = &'n SecretName>) -> Secrets {
        Secrets { named: names.into_iter().cloned().collect(), ..self }
    }

    /// Gets to know the values of all secrets that rules name: a server may show what an earlier run sent it.
    ///
    /// # Errors
    /// `failed.internal` when a source cannot tell, or there are more than a run remembers: then nothing is fetched.
    pub(crate) async fn prepare(&self) -> Result<(), HostError> {
        let prepare = || async {
            for name in &self.named {
                match self.value(name).await {
                    Ok(value) => self.sending(&self.placeholder(name)?, &value)?,
                    // What is not there, or cannot be sent, was not sent either.
                    Err(HostError::Failed(Code::NoSecret | Code::SecretUnfit)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        self.prepared.get_or_try_init(prepare).await.copied()
    }

    /// The placeholder of a secret, the same one each time.
    fn placeholder(&self, name: &SecretName) -> Result<Arc<str>, HostError> {
        let mut random = [0; 16];
        rand::fill(&mut random).map_err(|_| HostError::Failed(Code::Internal))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.issued.len() >= MAX_ISSUED && !state.issued.contains_key(name) {
            return Err(HostError::Failed(Code::Internal));
        }
        let fresh = || format!("{PREFIX}{}", HEXLOWER.encode(&random)).into();
        Ok(Arc::clone(state.issued.entry(name.clone()).or_insert_with(fresh)))
    }

    /// The placeholders that the guest has.
    pub(super) fn issued(&self) -> Vec<(SecretName, Arc<str>)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.issued.iter().map(|(name, placeholder)| (name.clone(), Arc::clone(placeholder))).collect()
    }

    /// The value of a secret, as the source has it now.
    ///
    /// # Errors
    /// `failed.no_secret`; `failed.secret_unfit` for one that is too short or too long; `failed.internal`.
    pub(super) async fn value(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, HostError> {
        let source = Arc::clone(self.source.as_ref().ok_or(HostError::Failed(Code::NoSecret))?);
        let name = name.clone();
        let found = tokio::task::spawn_blocking(move || source.secret(&name)).await;
        match found {
            Ok(Ok(Some(value))) if value.len() <= MAX_SECRET && value.trim_ascii().len() >= MIN_SECRET => Ok(value),
            Ok(Ok(Some(_))) => Err(HostError::Failed(Code::SecretUnfit)),
            Ok(Ok(None)) => Err(HostError::Failed(Code::NoSecret)),
            Ok(Err(_)) | Err(_) => Err(HostError::Failed(Code::Internal)),
        }
    }

    /// Remembers what goes out, so that it is taken out of what comes back.
    ///
    /// # Errors
    /// `failed.internal` when a source gives more different values than a run remembers.
    pub(super) fn sending(&self, placeholder: &Arc<str>, value: &[u8]) -> Result<(), HostError> {
        // A server may trim what it shows.
        let value = value.trim_ascii();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.sent.iter().any(|needle| needle.is(placeholder, value)) {
            return Ok(());
        }
        if state.sent.len() >= MAX_SENT {
            return Err(HostError::Failed(Code::Internal));
        }
        state.sent.push(Arc::new(Needle::new(Arc::clone(placeholder), value)));
        Ok(())
    }

    /// Takes everything that was sent so far out of an answer; `None` when nothing was.
    pub(crate) fn scrubber(&self) -> Option<Scrubber> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (!state.sent.is_empty()).then(|| Scrubber::new(state.sent.clone()))
    }
}

impl Secrets {
    /// The same scrubber, for what was sent meanwhile, too.
    pub(super) fn renewed(&self, scrubber: Scrubber) -> Scrubber {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if scrubber.len() == state.sent.len() { scrubber } else { scrubber.renewed(state.sent.clone()) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

//! The end of staged changes: a decision about each of them once more, then all of them, or none.
//!
//! Each changed path is claimed with the action that changed it, `write` or `delete`; a claim is decided and recorded, and
//! none is a host call of the guest. The last one is the effect, for all of them. It applies nothing when one of the things
//! was changed by somebody else since the run first saw it.
//!
//! What is atomic: each file is put in its place by one `rename`, so that nobody sees half of it. The set is not: a
//! crash, or an error between two steps, leaves the steps before it done. Everything that can be known before the first
//! step is checked before it, and files are put in place before anything is deleted.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_guard::journal::{Crossed, Fingerprint, Place, Unwritable};
use bailiwick_guard::{Action, CallError, Effect, Guard, HostError, Perform, Permit};
use bailiwick_policy::{ActionName, Code, GuestPath, Resource};

use super::application::{Application, path_of, still_waited_for};
use super::folder::failure;
use super::overlay::{Now, Overlay};
use super::staging::{Staging, Turn};
use super::{Files, Mounts};

/// The longest that applying takes.
const DEADLINE: Duration = Duration::from_secs(600);

/// How often a turn is asked for that another process has.
const TURN_EVERY: Duration = Duration::from_millis(50);

/// What became of the changes that were staged in a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub mount: String,
    /// Files, directories and removals.
    pub changes: u64,
    pub outcome: Settlement,
    /// The file or directory at which applying ended, in this mount or another: with `failed.conflict` the one that somebody
    /// else changed.
    pub stuck: Option<String>,
}

/// How staged changes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// All of them are in the mount.
    Applied,
    /// The run did not finish: none of them is.
    Discarded,
    /// They could not be applied, and none of them is.
    Refused(Code),
    /// An error came in between: so many of the changes are in the mount, and the others are not.
    Partial(u64, Code),
}

/// Asks whether a staged file or directory may still be written.
#[derive(Debug)]
pub struct ClaimWrite {
    path: GuestPath,
}

/// Asks whether what was removed may still be deleted.
#[derive(Debug)]
pub struct ClaimDelete {
    path: GuestPath,
}

/// A change that was decided and recorded once more.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ApplyRight {
    step: Step,
}

/// Applies everything; the last change is a file or directory.
#[derive(Debug)]
pub struct ApplyByWrite {
    last: GuestPath,
    rights: HashSet<ApplyRight>,
}

/// Applies everything; the last change is a removal.
#[derive(Debug)]
pub struct ApplyByDelete {
    last: GuestPath,
    rights: HashSet<ApplyRight>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Step {
    path: GuestPath,
    is_removal: bool,
}

/// Ends what is staged in all mounts: applies it, or forgets it.
pub async fn settle(guard: &Guard, files: &Files, is_finished: bool) -> Vec<Settled> {
    let mut plans: Vec<(String, Vec<Step>)> = Vec::new();
    for (mount, overlay) in files.mounts().staged() {
        overlay.gate.shut();
        plans.push((mount.to_owned(), overlay.plan(mount)));
    }
    let steps: Vec<Step> = plans.iter().flat_map(|(_, steps)| steps.iter().cloned()).collect();
    let result = match (is_finished, steps.split_last()) {
        (false, _) => None,
        (true, None) => Some(Ok(())),
        (true, Some((last, before))) => Some(apply(guard, files, last, before).await),
    };
    let settled = plans.into_iter().map(|(mount, steps)| {
        let outcome = match &result {
            None => Settlement::Discarded,
            Some(Ok(())) => Settlement::Applied,
            Some(Err(error)) => match files.mounts().applied(&mount) {
                0 => Settlement::Refused(error.code()),
                done => Settlement::Partial(done, error.code()),
            },
        };
        let stuck = files.mounts().stuck().filter(|_| matches!(result, Some(Err(_)))).map(ToString::to_string);
        Settled { mount, changes: u64::try_from(steps.len()).unwrap_or(u64::MAX), outcome, stuck }
    });
    settled.collect()
}

async fn apply(guard: &Guard, files: &Files, last: &Step, before: &[Step]) -> Result<(), CallError> {
    let mut rights = HashSet::new();
    for step in before {
        let path = step.path.clone();
        rights.insert(match step.is_removal {
            true => guard.call(files, ClaimDelete { path }).await?,
            false => guard.call(files, ClaimWrite { path }).await?,
        });
    }
    let path = last.path.clone();
    match last.is_removal {
        true => guard.call(files, ApplyByDelete { last: path, rights }).await,
        false => guard.call(files, ApplyByWrite { last: path, rights }).await,
    }
}

/// It never crosses: what becomes of what the guest left is not of the guest's world.
impl Crossed for ApplyRight {
    fn write(&self) -> Result<Vec<u8>, Unwritable> {
        Err(Unwritable)
    }

    fn read(_: &[u8], _: &Place<'_>) -> Option<ApplyRight> {
        None
    }
}

fn fingerprint(rights: &HashSet<ApplyRight>, print: &mut Fingerprint) {
    let mut steps: Vec<_> = rights.iter().map(|ApplyRight { step }| (step.path.to_string(), step.is_removal)).collect();
    steps.sort_unstable();
    for (path, is_removal) in steps {
        print.text(&path).number(u64::from(is_removal));
    }
}

impl Action for ClaimWrite {
    const NAME: ActionName = ActionName::Write;
    // Nothing happens yet. The intent of the action that applies is durable before it does, and those before it with it.
    const EFFECT: Effect = Effect::Read;
    const COUNTED: bool = false;
    type Output = ApplyRight;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("claim-write");
    }
}

impl Perform<ClaimWrite> for Files {
    async fn perform(&self, permit: Permit<'_, ClaimWrite>) -> Result<ApplyRight, HostError> {
        Ok(ApplyRight { step: Step { path: permit.action().path.clone(), is_removal: false } })
    }
}

impl Action for ClaimDelete {
    const NAME: ActionName = ActionName::Delete;
    const EFFECT: Effect = Effect::Read;
    const COUNTED: bool = false;
    type Output = ApplyRight;

    fn resource(&self) -> Resource {
        Resource::File(self.path.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("claim-delete");
    }
}

impl Perform<ClaimDelete> for Files {
    async fn perform(&self, permit: Permit<'_, ClaimDelete>) -> Result<ApplyRight, HostError> {
        Ok(ApplyRight { step: Step { path: permit.action().path.clone(), is_removal: true } })
    }
}

impl Action for ApplyByWrite {
    const NAME: ActionName = ActionName::Write;
    const EFFECT: Effect = Effect::World;
    const COUNTED: bool = false;
    type Output = ();

    /// The last of the paths; the others were decided about when their rights were claimed.
    fn resource(&self) -> Resource {
        Resource::File(self.last.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        fingerprint(&self.rights, print.text("apply-by-write"));
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }
}

impl Perform<ApplyByWrite> for Files {
    async fn perform(&self, permit: Permit<'_, ApplyByWrite>) -> Result<(), HostError> {
        let ApplyByWrite { last, rights } = permit.action();
        let last = Step { path: last.clone(), is_removal: false };
        self.apply(rights, last).await.inspect_err(|error| self.explain(*error, |why| permit.explain(why)))
    }
}

impl Action for ApplyByDelete {
    const NAME: ActionName = ActionName::Delete;
    const EFFECT: Effect = Effect::World;
    const COUNTED: bool = false;
    type Output = ();

    fn resource(&self) -> Resource {
        Resource::File(self.last.clone())
    }

    fn fingerprint(&self, print: &mut Fingerprint) {
        fingerprint(&self.rights, print.text("apply-by-delete"));
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }
}

impl Perform<ApplyByDelete> for Files {
    async fn perform(&self, permit: Permit<'_, ApplyByDelete>) -> Result<(), HostError> {
        let ApplyByDelete { last, rights } = permit.action();
        let last = Step { path: last.clone(), is_removal: true };
        self.apply(rights, last).await.inspect_err(|error| self.explain(*error, |why| permit.explain(why)))
    }
}

impl Files {
    async fn apply(&self, rights: &HashSet<ApplyRight>, last: Step) -> Result<(), HostError> {
        let mut decided: HashSet<Step> = rights.iter().map(|right| right.step.clone()).collect();
        decided.insert(last);
        let caller = Caller::default();
        let gone = Arc::clone(&caller.gone);
        self.blocking(move |mounts| apply_all(mounts, &decided, &gone)).await
    }

    /// Says which change it was: the record is that of the last one.
    fn explain(&self, error: HostError, say: impl FnOnce(String)) {
        match (self.mounts().stuck(), error) {
            (None, _) => {}
            (Some(path), HostError::Failed(Code::Conflict)) => say(format!(
                "somebody else changed `{path}` after the run had first seen it: nothing more was applied; run it again"
            )),
            (Some(path), _) => say(format!("applying the staged changes ended at `{path}`")),
        }
    }
}

/// Who waits for the changes. When it is dropped, nobody does: a thread cannot be stopped, and looks at this instead.
#[derive(Default)]
struct Caller {
    gone: Arc<AtomicBool>,
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Waits for the turn for as long as somebody waits for the changes.
#[expect(clippy::disallowed_methods, reason = "no event tells that another process let go of its file lock")]
fn turn(staging: &Staging, gone: &AtomicBool) -> Result<Turn, HostError> {
    loop {
        still_waited_for(gone)?;
        if let Some(turn) = staging.try_turn().map_err(|error| failure(&error))? {
            return Ok(turn);
        }
        std::thread::sleep(TURN_EVERY);
    }
}

fn apply_all(mounts: &Mounts, decided: &HashSet<Step>, gone: &AtomicBool) -> Result<(), HostError> {
    let mut applications = Vec::new();
    for (mount, overlay) in mounts.staged() {
        // INVARIANT: the gate is shut, so that the plan is the one that was decided about.
        if overlay.plan(mount).iter().any(|step| !decided.contains(step)) {
            return Err(HostError::Failed(Code::Internal));
        }
        applications.push((overlay, overlay.state(), mount));
    }
    // Among processes that share the staging folder one applies at a time.
    let _turn = match applications.first() {
        Some((overlay, ..)) => Some(turn(&overlay.staging, gone)?),
        None => None,
    };
    let mut applications: Vec<Application<'_>> =
        applications.iter().map(|(overlay, state, mount)| Application::new(overlay, state, mount, gone)).collect();
    for application in &applications {
        application.check()?;
    }
    for application in &mut applications {
        application.bring_near()?;
    }
    applications.iter().try_for_each(Application::act)
}

impl Overlay {
    /// What must be decided for its changes, in the order of their paths.
    fn plan(&self, mount: &str) -> Vec<Step> {
        let state = self.state();
        let steps = state.changes.iter().filter(|(_, change)| change.is_step());
        steps
            .filter_map(|(key, change)| {
                Some(Step { path: path_of(mount, key).ok()?, is_removal: change.now == Now::Gone })
            })
            .collect()
    }
}

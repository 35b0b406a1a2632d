//! Sessions: an interpreter that is kept alive, so that one piece of source text finds what the one before it left.

use std::time::{Duration, Instant};

use wasmtime::Store;

use super::{Begun, Interpreting, Panics, Report, RunError, RunState, Source, Stop, Usage, stop_of};
use crate::engine::Engine;
use crate::guest::check_source;
use crate::replay::Came;
use crate::ticker::Ticking;

/// A run that takes its source text in pieces.
///
/// The limits of the grant hold for all pieces together. The time limit counts while a piece is being executed, not
/// between them. A piece that raises leaves the session alive; one that is stopped ends it.
///
/// A session holds its place among the executor's runs until it is ended or dropped, also while nothing is executed: its
/// instance stays. Whoever hosts sessions for others ends idle ones.
pub struct Session {
    begun: Begun,
    engine: Engine,
    store: Store<RunState>,
    interpreting: Interpreting,
    usage: Usage,
    /// Calls that earlier pieces have been told about.
    told: usize,
    /// Why nothing more can be executed.
    over: Option<Stop>,
    panics: Panics,
}

impl Session {
    pub(crate) fn new(
        begun: Begun,
        engine: Engine,
        store: Store<RunState>,
        interpreting: Interpreting,
        usage: Usage,
        panics: Panics,
    ) -> Session {
        Session { begun, engine, store, interpreting, usage, told: 0, over: None, panics }
    }

    /// Executes a piece of source text. The report holds what this piece printed, gave and called, and used.
    ///
    /// Dropping the future ends the session.
    ///
    /// # Errors
    /// When we failed. A session that is over answers every further piece with the stop that ended it. A piece that is
    /// no source text, or over [`MAX_SOURCE_BYTES`](crate::MAX_SOURCE_BYTES), is [`Stop::Refused`] in its report, and the
    /// session goes on.
    pub async fn execute(&mut self, source: &str) -> Result<Report, RunError> {
        let panics = self.panics.clone();
        panics.catch(self.attempt(source)).await
    }

    async fn attempt(&mut self, source: &str) -> Result<Report, RunError> {
        let refused = check_source(source.as_bytes()).err().map(Stop::Refused);
        if let Some(stop) = self.over.clone().or(refused) {
            return Ok(self.begun.report(stop, Default::default(), Usage::default(), Vec::new()));
        }
        let before = self.total()?;
        let left = self.begun.limits.timeout().saturating_sub(self.usage.wall);
        let (began, mut cpu) = (Instant::now(), Duration::ZERO);
        let supervisor = self.begun.guest_supervisor_for(left);
        self.store.data().told().piece(source);
        // Until it comes back, it counts as interrupted: the instance is then in the middle of something.
        self.over = Some(Stop::Cancelled);
        let _ticking: Ticking = self.engine.live();
        self.store.data_mut().limiter().forget_refusals();
        let name = self.begun.guest.script().map_or("", |script| &script.name);
        let work = self.interpreting.execute(&mut self.store, Source { text: source, name });
        let result = supervisor.run(&mut cpu, work).await;
        self.usage.cpu += cpu;
        self.usage.wall += began.elapsed();
        let stop = match result {
            Err(interrupted) => interrupted.into(),
            Ok(returned) => {
                stop_of(returned, self.store.data_mut().limiter().has_refused(), self.begun.guest.language())
            }
        };
        self.over = (!matches!(stop, Stop::Finished | Stop::Failed(_))).then(|| stop.clone());
        let after = self.total()?;
        let records = self.begun.guard.records();
        let calls = records.get(self.told..).unwrap_or_default().to_vec();
        self.told = records.len();
        Ok(self.begun.report(stop, self.begun.given(), after.since(&before), calls))
    }

    /// Why the session takes nothing more, once it does not.
    pub fn over(&self) -> Option<&Stop> {
        self.over.as_ref()
    }

    /// Ends the session, and records that. The report holds all calls and what all pieces used together.
    ///
    /// # Errors
    /// When we failed.
    pub async fn end(self) -> Result<Report, RunError> {
        let panics = self.panics.clone();
        panics.catch(self.close()).await
    }

    async fn close(mut self) -> Result<Report, RunError> {
        let usage = self.total()?;
        let Session { begun, over, mut store, .. } = self;
        begun.own_peak(store.data_mut().limiter().own_peak());
        drop(store);
        let mut report = begun.end(over.unwrap_or(Stop::Finished), usage).await;
        report.usage.wall = usage.wall;
        Ok(report)
    }

    /// Executes the pieces that were recorded.
    pub(crate) async fn replay(mut self) -> Result<Came, RunError> {
        let (mut stdout, mut stderr, mut result) = (Vec::new(), Vec::new(), None);
        while let Some(source) = self.store.data().told().next_piece() {
            let piece = self.attempt(&source).await?;
            stdout.extend(piece.stdout);
            stderr.extend(piece.stderr);
            result = piece.result.or(result);
            if self.over.is_some() {
                break;
            }
        }
        let usage = self.total()?;
        let Session { begun, over, mut store, .. } = self;
        begun.own_peak(store.data_mut().limiter().own_peak());
        drop(store);
        let mut came = begun.came(over.unwrap_or(Stop::Finished), usage);
        (came.report.stdout, came.report.stderr, came.report.result) = (stdout, stderr, result);
        Ok(came)
    }

    fn total(&mut self) -> Result<Usage, RunError> {
        let mut usage = self.usage;
        let left = self.store.get_fuel().map_err(RunError::wasmtime)?;
        usage.fuel = self.begun.limits.fuel().get().saturating_sub(left);
        usage.peak_memory_bytes = self.store.data_mut().limiter().peak();
        self.begun.count(&mut usage);
        Ok(usage)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("usage", &self.usage).field("over", &self.over).finish_non_exhaustive()
    }
}

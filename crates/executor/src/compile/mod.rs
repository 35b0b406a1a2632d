//! Compiling untrusted guests: in a child process that can be killed, of the same program.

mod child;
mod linux;
mod protocol;

use std::io;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::artifact::Artifact;
use crate::artifact::seal::{About, Authentic, Purpose, Seal, TAG_BYTES};
use crate::engine::{EngineError, Fingerprint, compiling_engine};
use crate::guest::Guest;
use crate::load::{Excerpt, Refusal, prepare};
use protocol::{REFUSAL, REPLY_HEADER_BYTES, ReplyHeader, RequestHeader};

pub use child::compile_child;

/// How guests are compiled. Defaults:
///
/// - in a child of this program, which must call [`compile_child`] first thing in `main`;
/// - 2 s of wall clock, 1 GiB of address space;
/// - as many at a time as there are cores.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    pub place: CompileIn,
    /// Wall clock for one guest, from starting the child to its answer.
    pub time: Duration,
    /// Address space of the child, in bytes. The program's own mappings count; below 256 MiB nothing compiles.
    pub memory: NonZeroU64,
    /// Guests compiled at a time; further ones wait.
    pub concurrent: NonZeroUsize,
}

impl Default for CompileOptions {
    fn default() -> CompileOptions {
        CompileOptions {
            place: CompileIn::this_program(),
            time: Duration::from_secs(2),
            memory: NonZeroU64::MIN.saturating_add((1 << 30) - 1),
            concurrent: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// Where guests are compiled.
#[derive(Clone, Debug)]
pub struct CompileIn(Place);

#[derive(Clone, Debug)]
enum Place {
    ThisProgram,
    Program(PathBuf),
    InProcess,
}

impl CompileIn {
    /// In a child of the running program.
    pub fn this_program() -> CompileIn {
        CompileIn(Place::ThisProgram)
    }

    /// In a child of another program that calls [`compile_child`], built from the same version of this crate. The path
    /// must be absolute, because the child starts in `/`.
    pub fn program(path: impl Into<PathBuf>) -> CompileIn {
        CompileIn(Place::Program(path.into()))
    }
}

pub mod danger {
    //! Ways to weaken the wall. Each is for code that you would also run natively.

    use super::{CompileIn, Place};

    /// Compiles in this very process, without limits of time and memory. A hostile guest of a few kilobytes can then
    /// occupy a core for minutes, take gigabytes, or overflow this process's stack.
    pub fn compile_trusted_guests_in_this_process() -> CompileIn {
        CompileIn(Place::InProcess)
    }
}

/// Compiling failed, and not for a reason that lies in the guest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    #[error("the compile child does not start: {0}")]
    Start(#[source] io::Error),
    #[error("the program of the compile child must be an absolute path, `{0}` is not")]
    RelativeProgram(PathBuf),
    #[error("the compile child gave no answer: {0}")]
    NoAnswer(Excerpt),
    #[error(
        "the compile child's answer is not what it was asked for; is it a program that calls `compile_child` first \
             thing in `main`, of the same version?"
    )]
    NotAuthentic,
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("no random numbers for the compile child's key")]
    Random,
}

/// An answer about a guest, or none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Compiles guests, a few at a time.
pub(crate) struct Compiler {
    options: CompileOptions,
    slots: Arc<Semaphore>,
    fingerprint: Fingerprint,
}

impl Compiler {
    pub(crate) fn new(options: CompileOptions, fingerprint: Fingerprint) -> Compiler {
        let slots = Arc::new(Semaphore::new(options.concurrent.get().min(Semaphore::MAX_PERMITS)));
        Compiler { options, slots, fingerprint }
    }

    /// Compiles one guest. Dropping the future kills the child.
    ///
    /// # Errors
    /// The guest's refusal, or our failure.
    pub(crate) async fn compile(&self, guest: &Guest) -> Result<Artifact, Failure> {
        // The semaphore is never closed.
        let _slot = self.slots.acquire().await;
        let program = match &self.options.place.0 {
            Place::InProcess => return self.compile_here(guest.clone()).await,
            Place::ThisProgram => linux::this_program(),
            Place::Program(path) if path.is_absolute() => path.clone(),
            Place::Program(path) => return Err(CompileError::RelativeProgram(path.clone()).into()),
        };
        let (key, nonce) = (random()?, random()?);
        let header = RequestHeader {
            key,
            nonce,
            fingerprint: *self.fingerprint.as_bytes(),
            memory: self.options.memory.get(),
            cpu_seconds: self.options.time.as_secs().saturating_add(1),
            form: guest.form(),
            guest_bytes: guest.bytes().len(),
        };
        let about = About { purpose: Purpose::ChildReply, nonce, guest: guest.digest(), fingerprint: self.fingerprint };
        let mut child = start(program)?;
        match tokio::time::timeout(self.options.time, converse(&mut child, &header.encode(), guest)).await {
            Ok(said) => self.judge(said.map_err(no_answer)?, key, about).await,
            Err(_elapsed) => {
                // Reaps the child, too. It may have ended by itself meanwhile.
                let _ = child.kill().await;
                Err(self.timeout().into())
            }
        }
    }

    /// What the child's end and words mean.
    async fn judge(&self, said: Said, key: [u8; 32], about: About) -> Result<Artifact, Failure> {
        let (status, answer, complaint) = match said {
            Said::Nonsense => return Err(CompileError::NotAuthentic.into()),
            Said::Ended { status, answer, complaint } => (status, answer, complaint),
        };
        match linux::Death::of(status) {
            None => {}
            Some(linux::Death::OutOfTime) => return Err(self.timeout().into()),
            Some(linux::Death::Signal(_)) if complaint.starts_with(ALLOCATION_FAILED) => {
                return Err(self.out_of_memory().into());
            }
            Some(linux::Death::Signal(signal)) => {
                return Err(Refusal::compiler(format_args!("it died of signal {signal}; {complaint}")).into());
            }
            Some(linux::Death::Exit(_)) => return Err(CompileError::NoAnswer(Excerpt::new(&complaint)).into()),
        }
        let verified = tokio::task::spawn_blocking(move || {
            let (tag, payload) = answer?;
            Seal::new(&key).open(&about, &tag, payload).ok()
        });
        let authentic = verified.await.ok().flatten().ok_or(CompileError::NotAuthentic)?;
        self.read(authentic)
    }

    fn read(&self, authentic: Authentic) -> Result<Artifact, Failure> {
        if let Some((&REFUSAL, json)) = authentic.payload().split_first() {
            let refusal = serde_json::from_slice(json).map_err(|_| CompileError::NotAuthentic)?;
            return Err(match refusal {
                Refusal::CompileMemory { .. } => self.out_of_memory(),
                refusal => refusal,
            }
            .into());
        }
        Ok(Artifact::read(authentic).ok_or(CompileError::NotAuthentic)?)
    }

    fn timeout(&self) -> Refusal {
        Refusal::CompileTimeout { limit_ms: u64::try_from(self.options.time.as_millis()).unwrap_or(u64::MAX) }
    }

    fn out_of_memory(&self) -> Refusal {
        Refusal::CompileMemory { limit: self.options.memory.get() }
    }

    async fn compile_here(&self, guest: Guest) -> Result<Artifact, Failure> {
        let fingerprint = self.fingerprint;
        let compiled = tokio::task::spawn_blocking(move || {
            let payload =
                prepare(&compiling_engine().map_err(CompileError::from)?, guest.form(), guest.bytes())?.into_payload();
            // Sealed for the moment between these two lines, so that there is one way into the engine.
            let (key, nonce) = (random()?, random()?);
            let about = About { purpose: Purpose::ChildReply, nonce, guest: guest.digest(), fingerprint };
            let seal = Seal::new(&key);
            let tag = seal.tag(&about, &payload);
            let authentic = seal.open(&about, &tag, payload).map_err(|_| CompileError::NotAuthentic)?;
            Ok(Artifact::read(authentic).ok_or(CompileError::NotAuthentic)?)
        });
        compiled.await.unwrap_or_else(|_| Err(Refusal::compiler("it panicked").into()))
    }
}

/// How std's allocator takes its leave.
const ALLOCATION_FAILED: &str = "memory allocation of ";

/// More of its standard error is not kept.
const MAX_COMPLAINT_BYTES: u64 = 4096;

/// What came from the child.
enum Said {
    /// Something that is no reply: it was not heard out, and still runs.
    Nonsense,
    Ended {
        status: std::process::ExitStatus,
        answer: Option<Answer>,
        complaint: String,
    },
}

/// A seal and a payload.
type Answer = ([u8; TAG_BYTES], Vec<u8>);

fn start(program: PathBuf) -> Result<Child, CompileError> {
    Command::new(program)
        .arg0("bailiwick-compile")
        .arg(child::CHILD_ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0) // a Ctrl-C at the terminal is the parent's to handle
        .kill_on_drop(true)
        .spawn()
        .map_err(CompileError::Start)
}

async fn converse(child: &mut Child, header: &[u8], guest: &Guest) -> io::Result<Said> {
    let piped = || io::Error::other("no pipe to the child");
    let mut stdin = child.stdin.take().ok_or_else(piped)?;
    let stdout = child.stdout.take().ok_or_else(piped)?;
    let mut stderr = child.stderr.take().ok_or_else(piped)?;

    let ask = async move {
        // A child that dies, or answers without reading on, breaks the pipe; its end then tells more than this error.
        if stdin.write_all(header).await.is_ok() {
            let _ = stdin.write_all(guest.bytes()).await;
        }
        drop(stdin); // closed: the child sees the end
        Ok(())
    };
    let complain = async move {
        let mut kept = Vec::new();
        (&mut stderr).take(MAX_COMPLAINT_BYTES).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
        Ok(String::from_utf8_lossy(&kept).into_owned())
    };
    match tokio::try_join!(ask, listen(stdout), complain) {
        Ok(((), answer, complaint)) => Ok(Said::Ended { status: child.wait().await?, answer, complaint }),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            child.kill().await?;
            Ok(Said::Nonsense)
        }
        Err(error) => Err(error),
    }
}

/// Reads one reply; `None` when the child ended without a whole one. [`io::ErrorKind::InvalidData`] for anything else,
/// at its first bytes.
async fn listen(mut stdout: impl AsyncRead + Unpin) -> io::Result<Option<Answer>> {
    let mut header = [0; REPLY_HEADER_BYTES];
    match stdout.read_exact(&mut header).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let header = ReplyHeader::decode(&header).ok_or(io::ErrorKind::InvalidData)?;
    let mut payload = Vec::new();
    let most = u64::try_from(header.payload_bytes).unwrap_or(u64::MAX);
    stdout.take(most.saturating_add(1)).read_to_end(&mut payload).await?;
    match payload.len().cmp(&header.payload_bytes) {
        std::cmp::Ordering::Less => Ok(None),
        std::cmp::Ordering::Equal => Ok(Some((header.tag, payload))),
        std::cmp::Ordering::Greater => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn no_answer(error: io::Error) -> CompileError {
    CompileError::NoAnswer(Excerpt::new(&error.to_string()))
}

fn random<const N: usize>() -> Result<[u8; N], CompileError> {
    let mut bytes = [0; N];
    crate::random::fill(&mut bytes).map_err(|_| CompileError::Random)?;
    Ok(bytes)
}

//! A program beside this one, held to limits: it has its own process group, so much time and
//! memory, nothing to read from, and ends when nobody wants its answer any more.
//!
//! No shell is asked. What outlives a killed Glimpse ends by itself: its pipe is broken at its next
//! write, and the system ends it when its processor time is used up.

use std::ffi::OsString;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::VideoError;

/// How soon a caller that wants no more is heard.
const TICK: Duration = Duration::from_millis(50);
/// Bytes that are read at once.
const STEP: usize = 256 << 10;
/// Most that a program may say on its standard error.
const MOST_SAID: usize = 8 << 20;
/// Memory that it may ask for, in bytes.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 4 << 30;

/// Bounds on a run of a program.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    /// How long it may take.
    pub time: Duration,
    /// Whether its answer is still wanted.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
}

impl Patience<'_> {
    /// So long, whatever happens.
    pub fn of(time: Duration) -> Self {
        Self { time, is_over: &|| false }
    }
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub is_success: bool,
    /// What it said on its standard error.
    pub said: String,
}

/// Runs a program and gives its output to `take`, piece by piece, until that breaks off.
///
/// # Errors
/// If it cannot be started, or took too long; how it ends is no error here.
pub(super) fn run(
    program: &Path,
    args: &[OsString],
    patience: Patience<'_>,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<Ended, VideoError> {
    let failed = |source: io::Error| VideoError::Program { program: program.to_path_buf(), source };
    let mut running = Running::start(program, args).map_err(failed)?;
    let (tell, told) = sync_channel(8);
    let (out, err) = (running.0.stdout.take(), running.0.stderr.take());
    let readers = [spawn(out, Piece::Out, tell.clone()), spawn(err, Piece::Said, tell)];
    readers.into_iter().collect::<io::Result<()>>().map_err(failed)?;
    let (start, mut said) = (Instant::now(), Vec::new());
    loop {
        let left = patience.time.saturating_sub(start.elapsed());
        match told.recv_timeout(left.min(TICK)) {
            Ok(Piece::Out(bytes)) if take(&bytes).is_break() => break,
            Ok(Piece::Said(bytes)) if said.len() + bytes.len() > MOST_SAID => break,
            Ok(Piece::Said(bytes)) => said.extend(bytes),
            Ok(Piece::Out(_)) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let status = running.0.wait().map_err(failed)?;
                return Ok(Ended { is_success: status.success(), said: String::from_utf8_lossy(&said).into_owned() });
            }
            Err(RecvTimeoutError::Timeout) if (patience.is_over)() => return Err(VideoError::Cancelled),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(VideoError::TookTooLong(patience.time)),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    Ok(Ended { is_success: false, said: String::from_utf8_lossy(&said).into_owned() })
}

enum Piece {
    Out(Vec<u8>),
    Said(Vec<u8>),
}

/// Reads a stream to its end on a thread of its own, which ends with the program.
fn spawn(
    stream: Option<impl Read + Send + 'static>,
    piece: fn(Vec<u8>) -> Piece,
    tell: SyncSender<Piece>,
) -> io::Result<()> {
    let read = move || {
        let Some(mut stream) = stream else { return };
        let mut bytes = vec![0; STEP];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            if tell.send(piece(bytes[..count].to_vec())).is_err() {
                return;
            }
        }
    };
    Builder::new().name("glimpse-video".to_owned()).spawn(read).map(drop)
}

/// A program that is killed with all that it started when this is dropped.
struct Running(Child);

impl Running {
    fn start(program: &Path, args: &[OsString]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(args).env_remove("FFREPORT").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let running = Self(command.spawn()?);
        running.limit();
        Ok(running)
    }

    #[cfg(target_os = "linux")]
    fn limit(&self) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
        let pid = Some(Pid::from_child(&self.0));
        // Where the system refuses, time and output are still bounded.
        let _ = prlimit(pid, Resource::As, limit(MEMORY));
        let _ = prlimit(pid, Resource::Cpu, limit(PROCESSOR_SECONDS));
        let _ = prlimit(pid, Resource::Core, limit(0));
    }

    #[cfg(not(target_os = "linux"))]
    fn limit(&self) {}
}

/// Processor time of one run: a film of many hours takes some minutes.
#[cfg(target_os = "linux")]
const PROCESSOR_SECONDS: u64 = 3600;

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if matches!(self.0.try_wait(), Ok(None)) {
            use rustix::process::{Pid, Signal, kill_process_group};
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sh(
        script: &str,
        patience: Patience<'_>,
        take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Ended, VideoError> {
        run(Path::new("/bin/sh"), &["-c".into(), script.into()], patience, take)
    }

    #[test]
    fn output_comes_and_the_end_is_told() {
        let mut out = Vec::new();
        let ended = sh("echo one; echo two >&2; exit 3", Patience::of(Duration::from_secs(60)), |bytes| {
            out.extend_from_slice(bytes);
            ControlFlow::Continue(())
        });
        let ended = ended.unwrap();
        assert_eq!((&out[..], ended.said.as_str(), ended.is_success), (&b"one\n"[..], "two\n", false));
    }

    #[test]
    fn what_takes_too_long_ends_with_all_that_it_started() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("(sleep 1000 & echo $! >{}; wait)", file.path().display());
        let short = Patience::of(Duration::from_millis(500));
        assert!(matches!(sh(&script, short, |_| ControlFlow::Continue(())), Err(VideoError::TookTooLong(_))));
        let pid: u32 = std::fs::read_to_string(file.path()).unwrap().trim().parse().unwrap();
        let is_gone = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        while !is_gone() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_caller_that_wants_no_more_is_heard() {
        let long = Patience::of(Duration::from_secs(600));
        let cancelled = sh("sleep 1000", Patience { is_over: &|| true, ..long }, |_| ControlFlow::Continue(()));
        assert!(matches!(cancelled, Err(VideoError::Cancelled)));
        let mut pieces = 0;
        let ended = sh("while echo more; do :; done", long, |_| {
            pieces += 1;
            ControlFlow::Break(())
        });
        assert!(!ended.unwrap().is_success);
        assert_eq!(pieces, 1);
    }
}

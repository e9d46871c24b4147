//! Cancellation of writes and of child processes.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Command, Output, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use pinnace_wheel::Progress;

use crate::{process_group::ProcessGroup, project::Signal};

/// The interval at which cancellation is polled.
const POLL: Duration = Duration::from_millis(50);

/// A writer that fails once the caller cancels the work.
pub struct CancellableWriter<'a, W> {
    out: W,
    progress: &'a dyn Progress,
}

impl<W: std::fmt::Debug> std::fmt::Debug for CancellableWriter<'_, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancellableWriter").field("out", &self.out).finish_non_exhaustive()
    }
}

impl<'a, W: Write> CancellableWriter<'a, W> {
    /// Wraps a writer. `progress` reports the cancellation.
    pub fn new(out: W, progress: &'a dyn Progress) -> Self {
        Self { out, progress }
    }
}

impl<W: Write> Write for CancellableWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.progress.is_cancelled() {
            return Err(cancelled());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Runs a command to its end, and returns its output. On cancellation, terminates the command and all
/// processes of its group.
pub(crate) fn run(mut command: Command, progress: &dyn Progress) -> io::Result<Output> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let group = ProcessGroup::of(&child);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    loop {
        match ended.recv_timeout(POLL) {
            Ok(output) => return output,
            Err(RecvTimeoutError::Timeout) if !progress.is_cancelled() => {}
            Err(_) => {
                if let Some(group) = group {
                    group.signal(Signal::Terminate);
                }
                return Err(cancelled());
            }
        }
    }
}

fn cancelled() -> io::Error {
    io::Error::other("interrupted")
}

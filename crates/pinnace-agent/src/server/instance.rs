//! A process of a release, from its start to the end of its process group.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pinnace_deploy::{Process, ProcessGroup, Signal, Stop};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    gate::Upstream,
    grpc,
    log::Log,
    output::{Output, pump_output},
    recorded_group::{RecordedGroup, group_of},
};

/// A started process, the leader of a process group. Dropping it ends the group.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The name with the generation: `web 5`.
    pub(crate) name: String,
    pub(crate) process: Process,
    pub(crate) upstream: Arc<Upstream>,
    recorded: RecordedGroup,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// True once all output was read.
    is_read: watch::Receiver<bool>,
    output: Arc<Output>,
    is_over: AtomicBool,
}

/// The time that a process has to end after each request to stop, if it has no time left to drain.
const GRACE: Duration = Duration::from_secs(2);
/// The interval between checks of a process group.
const POLL: Duration = Duration::from_millis(20);
/// The time that output may arrive after a process has ended.
const LATE_OUTPUT: Duration = Duration::from_millis(200);

impl Instance {
    /// Starts a process.
    pub(crate) fn start(
        name: String,
        process: Process,
        mut command: Command,
        upstream: Arc<Upstream>,
        log: &Arc<Log>,
        groups: &Path,
    ) -> io::Result<Self> {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).spawn()?;
        let group = group_of(&child);
        let group = group.ok_or_else(|| io::Error::other("it has no number"))?;
        let recorded = RecordedGroup::record(group, groups);
        let output = Arc::new(Output::default());
        let out = child.stdout.take().map(|out| pump_output(out, name.clone(), &output, log));
        let err = child.stderr.take().map(|err| pump_output(err, name.clone(), &output, log));
        let (exited, exit) = watch::channel(None);
        let (read, is_read) = watch::channel(false);
        tokio::spawn(async move {
            let status = child.wait().await.unwrap_or_else(|_| ExitStatus::from_raw(0));
            let _ = exited.send(Some(status));
            let until = Instant::now() + LATE_OUTPUT;
            for pump in [out, err].into_iter().flatten() {
                let _ = timeout_at(until, pump).await;
            }
            let _ = read.send(true);
        });
        let is_over = AtomicBool::new(false);
        Ok(Self { name, process, upstream, recorded, exit, is_read, output, is_over })
    }

    /// Returns the number of the process, which is also that of its group.
    pub(crate) fn id(&self) -> i32 {
        self.group().leader()
    }

    /// Waits until the process has ended.
    pub(crate) async fn exited(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        let status = exit.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        status.unwrap_or_else(|| ExitStatus::from_raw(0))
    }

    /// Returns true if the process serves requests.
    pub(crate) fn is_web(&self) -> bool {
        self.name.starts_with("web ")
    }

    /// Returns the last lines of output. If the process has ended, it waits for the rest, which often explains the end.
    pub(crate) async fn last_output(&self) -> Vec<String> {
        if self.exit.borrow().is_some() {
            let mut is_read = self.is_read.clone();
            let _ = timeout(LATE_OUTPUT, is_read.wait_for(|is_read| *is_read)).await;
        }
        self.output.excerpt()
    }

    /// Returns the lines of output so far, and subscribes to the next ones.
    pub(crate) fn subscribe(&self) -> (Vec<String>, broadcast::Receiver<String>) {
        self.output.subscribe()
    }

    /// Asks the process to stop, and ends its group: when all of it has stopped, or at `until`.
    pub(crate) async fn end(&self, until: Instant) {
        self.ask_to_stop().await;
        let gone = async {
            self.exited().await;
            while self.group().is_alive() {
                sleep(POLL).await;
            }
        };
        if timeout_at(until, gone).await.is_err() {
            self.group().signal(Signal::Terminate);
            let last = Instant::now() + GRACE;
            while self.group().is_alive() && Instant::now() < last {
                sleep(POLL).await;
            }
            self.group().kill();
            self.exited().await;
        }
        self.recorded.forget();
        self.is_over.store(true, Ordering::SeqCst);
    }

    async fn ask_to_stop(&self) {
        match &self.process.stop {
            Stop::Grpc(path) => {
                let call = grpc::call(&self.upstream, path, Vec::new());
                if !matches!(timeout(GRACE, call).await, Ok(Ok(_))) {
                    self.group().signal(Signal::Terminate);
                }
            }
            Stop::Signal(signal) => self.group().signal(*signal),
            _ => self.group().signal(Signal::Terminate),
        }
    }

    fn group(&self) -> ProcessGroup {
        self.recorded.group
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // The number of a group that has ended may be another's by now.
        if !self.is_over.load(Ordering::SeqCst) {
            self.group().kill();
            self.recorded.forget();
        }
    }
}

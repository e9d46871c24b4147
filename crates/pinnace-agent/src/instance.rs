//! A process of a release, from its start to the end of its group.

use std::{
    collections::VecDeque,
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pinnace_deploy::{Process, Stop};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::{broadcast, watch},
    time::{Instant, sleep, timeout_at},
};

use crate::{gate::Upstream, grpc, log::Log, orphans::Group};

/// A process that was started, in a group of its own. Dropped, its group is ended.
#[derive(Debug)]
pub(crate) struct Instance {
    /// What people call it: `web 5`.
    pub(crate) name: String,
    pub(crate) process: Process,
    pub(crate) upstream: Arc<Upstream>,
    group: Group,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// Whether it has said all that it had to say.
    quiet: watch::Receiver<bool>,
    said: Arc<Said>,
    is_over: AtomicBool,
}

/// What a process has said lately.
#[derive(Debug)]
struct Said {
    lines: Mutex<VecDeque<String>>,
    listeners: broadcast::Sender<String>,
}

/// How many lines are kept to tell why a process failed.
const KEPT: usize = 60;
/// How much of it is told, in bytes.
const MOST_WORDS: usize = 16 << 10;
/// A line that is longer is told in parts.
const LONGEST: usize = 16 << 10;
/// How long a process that was asked to stop, and has no time left, may take before it is killed.
const LAST: Duration = Duration::from_secs(2);
/// How often it is looked whether a group has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How long output may come after the end of a process.
const AFTERWARDS: Duration = Duration::from_millis(200);

impl Instance {
    /// Starts a process.
    pub(crate) fn start(
        name: String,
        process: Process,
        mut command: Command,
        upstream: Arc<Upstream>,
        log: Arc<Log>,
        groups: PathBuf,
    ) -> io::Result<Self> {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = id.ok_or_else(|| io::Error::other("it has no number"))?;
        let group = Group::remembered(group, &groups);
        let said =
            Arc::new(Said { lines: Mutex::default(), listeners: broadcast::channel(1024).0 });
        let out = child.stdout.take().map(|out| tell(out, name.clone(), &said, &log));
        let err = child.stderr.take().map(|err| tell(err, name.clone(), &said, &log));
        let (exited, exit) = watch::channel(None);
        let (silenced, quiet) = watch::channel(false);
        tokio::spawn(async move {
            let status = child.wait().await.unwrap_or_else(|_| ExitStatus::from_raw(0));
            let _ = exited.send(Some(status));
            let until = Instant::now() + AFTERWARDS;
            for reader in [out, err].into_iter().flatten() {
                let _ = timeout_at(until, reader).await;
            }
            let _ = silenced.send(true);
        });
        let is_over = AtomicBool::new(false);
        Ok(Self { name, process, upstream, group, exit, quiet, said, is_over })
    }

    /// The number of the process, which is that of its group.
    pub(crate) fn id(&self) -> i32 {
        self.group.id.as_raw_nonzero().get()
    }

    /// Waits for its end.
    pub(crate) async fn exited(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        let status = exit.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        status.unwrap_or_else(|| ExitStatus::from_raw(0))
    }

    /// Whether it is the process that answers.
    pub(crate) fn is_web(&self) -> bool {
        self.name.starts_with("web ")
    }

    /// What it has said lately; of one that has ended all that it had to say, since that is often why it ended.
    pub(crate) async fn last_words(&self) -> Vec<String> {
        if self.exit.borrow().is_some() {
            let mut quiet = self.quiet.clone();
            let _ = timeout_at(Instant::now() + AFTERWARDS, quiet.wait_for(|quiet| *quiet)).await;
        }
        let lines = self.said.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut words, mut size) = (VecDeque::new(), 0);
        for line in lines.iter().rev() {
            size += line.len();
            if size > MOST_WORDS && !words.is_empty() {
                break;
            }
            words.push_front(line.chars().take(MOST_WORDS / 4).collect());
        }
        words.into()
    }

    /// What it has said, and says from now on.
    pub(crate) fn words(&self) -> (Vec<String>, broadcast::Receiver<String>) {
        let lines = self.said.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.iter().cloned().collect(), self.said.listeners.subscribe())
    }

    /// Asks it to stop, and ends its group: when all of it has stopped, or at that time.
    pub(crate) async fn end(&self, until: Instant) {
        self.ask_to_stop().await;
        let gone = async {
            self.exited().await;
            while self.lives() {
                sleep(LOOK).await;
            }
        };
        if timeout_at(until, gone).await.is_err() {
            self.signal(Signal::TERM);
            let last = Instant::now() + LAST;
            while self.lives() && Instant::now() < last {
                sleep(LOOK).await;
            }
            self.signal(Signal::KILL);
            self.exited().await;
        }
        self.group.forget();
        self.is_over.store(true, Ordering::SeqCst);
    }

    async fn ask_to_stop(&self) {
        match &self.process.stop {
            Stop::Grpc(path) => {
                let asked = grpc::call(&self.upstream, path, Vec::new());
                let asked = tokio::time::timeout(LAST, asked).await;
                if !matches!(asked, Ok(Ok(_))) {
                    self.signal(Signal::TERM);
                }
            }
            Stop::Signal(name) => self.signal(signal(name)),
            _ => self.signal(Signal::TERM),
        }
    }

    fn lives(&self) -> bool {
        test_kill_process_group(self.group.id).is_ok()
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group.id, signal);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A group that has ended may be another's number by now.
        if !self.is_over.load(Ordering::SeqCst) {
            self.signal(Signal::KILL);
            self.group.forget();
        }
    }
}

fn signal(name: &str) -> Signal {
    match name {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "WINCH" => Signal::WINCH,
        _ => Signal::TERM,
    }
}

/// Writes down what comes out of a process, line by line, until the last who may write to it has ended.
fn tell(
    out: impl AsyncRead + Send + Unpin + 'static,
    name: String,
    said: &Arc<Said>,
    log: &Arc<Log>,
) -> tokio::task::JoinHandle<()> {
    let (said, log) = (Arc::clone(said), Arc::clone(log));
    tokio::spawn(async move {
        let mut out = BufReader::new(out);
        let mut line = Vec::new();
        let mut pace = Pace::new();
        while let Ok(bytes @ [_, ..]) = out.fill_buf().await {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(bytes.len(), |end| end + 1);
            line.extend_from_slice(&bytes[..end.unwrap_or(taken)]);
            out.consume(taken);
            pace.keep(taken).await;
            if end.is_some() || line.len() >= LONGEST {
                said.line(&name, &log, &line);
                line.clear();
            }
        }
        if !line.is_empty() {
            said.line(&name, &log, &line);
        }
    })
}

/// A line without the sequences that colour a terminal (ECMA-48, section 5.4), and without other signs that steer one.
pub(crate) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\u{1b}' if signs.as_str().starts_with('[') => {
                signs.next();
                let _ = signs.find(|sign| ('@'..='~').contains(sign));
            }
            '\t' => text.push(sign),
            _ if sign.is_control() => {}
            _ => text.push(sign),
        }
    }
    text
}

/// How fast a process may speak. One that says more waits in writing, and not the rest of the machine.
struct Pace {
    began: Instant,
    cost: usize,
}

/// In bytes, in so much time; a line costs some, too, however short it is.
const PACE: usize = 512 << 10;
const BEAT: Duration = Duration::from_millis(250);
const LINE: usize = 64;

impl Pace {
    fn new() -> Self {
        Self { began: Instant::now(), cost: 0 }
    }

    async fn keep(&mut self, bytes: usize) {
        self.cost += bytes + LINE;
        if self.cost > PACE {
            sleep(BEAT.saturating_sub(self.began.elapsed())).await;
            *self = Self::new();
        }
    }
}

impl Said {
    fn line(&self, name: &str, log: &Log, line: &[u8]) {
        let text = plain(&String::from_utf8_lossy(line));
        log.say(name, &text);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(text.clone());
        let _ = self.listeners.send(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_no_part_of_a_line() {
        assert_eq!(plain("\u{1b}[32;1mgreen\u{1b}[0m\tand\r"), "green\tand");
        assert_eq!(plain("\u{1b}]0;title\u{7}x"), "]0;titlex");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}

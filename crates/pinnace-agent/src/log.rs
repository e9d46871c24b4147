//! What the processes of a service say.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::clock::{Clock, written};

/// The log of a service: a file that is begun again once it is large, the one before beside it, and whoever listens.
pub(crate) struct Log {
    path: PathBuf,
    clock: Clock,
    service: String,
    hearer: Arc<dyn Hearer>,
    file: Mutex<Option<Written>>,
    listeners: broadcast::Sender<Arc<str>>,
}

/// Hears what is said of services, as it is said.
pub trait Hearer: Send + Sync {
    /// A line: `who` is a process such as `web 5`, or `pinnace`, the agent itself.
    fn hear(&self, service: &str, who: &str, text: &str);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl Hearer for Deaf {
    fn hear(&self, _: &str, _: &str, _: &str) {}
}

/// Who speaks for the agent itself.
pub(crate) const AGENT: &str = "pinnace";

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Written {
    file: File,
    size: u64,
}

/// At this size a file is begun again.
const LARGE: u64 = 16 << 20;
/// How many lines may wait for somebody who listens slowly.
const WAITING: usize = 4096;
/// How much is read from the end of a file, to find its last lines.
const END: u64 = 4 << 20;

impl Log {
    /// The log in a file, which is made when something is said.
    pub(crate) fn new(path: PathBuf, clock: Clock, service: &str, hearer: Arc<dyn Hearer>) -> Self {
        let (file, service) = (Mutex::default(), service.to_owned());
        Self { path, clock, service, hearer, file, listeners: broadcast::channel(WAITING).0 }
    }

    /// Writes what a process says, a line. That it cannot be written does not end the process.
    pub(crate) fn say(&self, who: &str, text: &str) {
        self.hearer.hear(&self.service, who, text);
        let line: Arc<str> = format!("{} {who} | {text}", written(self.clock.now())).into();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.write(&mut file, &line).is_err() {
            *file = None;
        }
        let _ = self.listeners.send(line);
    }

    /// The last lines, and all that come from now on.
    pub(crate) fn listen(&self, lines: usize) -> (Vec<String>, broadcast::Receiver<Arc<str>>) {
        let _still = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        (self.last(lines).unwrap_or_default(), self.listeners.subscribe())
    }

    fn last(&self, lines: usize) -> io::Result<Vec<String>> {
        let mut found = VecDeque::new();
        for path in [&self.path, &before(&self.path)] {
            let mut older = end_of(path, lines - found.len())?;
            older.extend(found);
            found = older;
            if found.len() >= lines {
                break;
            }
        }
        Ok(found.into())
    }

    fn write(&self, file: &mut Option<Written>, line: &str) -> io::Result<()> {
        if file.as_ref().is_some_and(|file| file.size >= LARGE) {
            *file = None;
            self.begin_again()?;
        }
        let written = match file {
            Some(written) => written,
            None => file.insert(open(&self.path)?),
        };
        written.file.write_all(format!("{line}\n").as_bytes())?;
        written.size += line.len() as u64 + 1;
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a log is appended to, and not published")]
    fn begin_again(&self) -> io::Result<()> {
        std::fs::rename(&self.path, before(&self.path))
    }
}

fn before(path: &Path) -> PathBuf {
    path.with_extension("before.log")
}

fn open(path: &Path) -> io::Result<Written> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(Written { size: file.metadata()?.len(), file })
}

/// The last lines of a file, or all that are in its last megabytes.
fn end_of(path: &Path, lines: usize) -> io::Result<VecDeque<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
        opened => opened?,
    };
    let start = file.metadata()?.len().saturating_sub(END);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().skip(usize::from(start > 0)).collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_told_across_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().join("service.log"), Clock(|| 0), "x", Arc::new(Deaf));
        assert!(log.listen(5).0.is_empty());
        (0..4).for_each(|number| log.say("web 1", &number.to_string()));
        log.begin_again().unwrap();
        *log.file.lock().unwrap() = None;
        let (lines, mut more) = log.listen(2);
        assert_eq!(lines, ["1970-01-01T00:00:00Z web 1 | 2", "1970-01-01T00:00:00Z web 1 | 3"]);
        log.say("web 2", "new");
        assert!(more.try_recv().unwrap().ends_with("| new"));
        let lines = log.listen(3).0;
        assert!(lines[0].ends_with("| 2") && lines[2].ends_with("| new"), "{lines:?}");
    }
}

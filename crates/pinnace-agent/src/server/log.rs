//! The log of a service.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use super::clock::{Clock, rfc3339};

/// The log of a service: a file that is rotated once it is large, and its subscribers.
pub(crate) struct Log {
    path: PathBuf,
    clock: Clock,
    service: String,
    sink: Arc<dyn LogSink>,
    file: Mutex<Option<LogFile>>,
    subscribers: broadcast::Sender<Arc<str>>,
}

/// A receiver of all log lines of an agent's services, as they are written.
pub trait LogSink: Send + Sync {
    /// Receives a line. `source` is a process such as `web 5`, or `pinnace` for the agent itself. `service` is empty if the
    /// line concerns no single service.
    fn line(&self, service: &str, source: &str, text: &str);
}

/// A sink that ignores all lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl LogSink for NullSink {
    fn line(&self, _: &str, _: &str, _: &str) {}
}

/// The source of lines by the agent itself.
pub(crate) const AGENT: &str = "pinnace";

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct LogFile {
    file: File,
    size: u64,
}

/// The size at which a file is rotated.
const LARGE: u64 = 16 << 20;
/// The number of lines that may wait for a slow subscriber.
const WAITING: usize = 4096;
/// The bytes at the end of a file that are searched for its last lines.
const END: u64 = 4 << 20;

impl Log {
    /// Creates the log of a service. The file is created with the first line.
    pub(crate) fn new(path: PathBuf, clock: Clock, service: &str, sink: Arc<dyn LogSink>) -> Self {
        let (file, service) = (Mutex::default(), service.to_owned());
        Self { path, clock, service, sink, file, subscribers: broadcast::channel(WAITING).0 }
    }

    /// Writes a line. A line that cannot be written is lost; its process runs on.
    pub(crate) fn write(&self, source: &str, text: &str) {
        self.sink.line(&self.service, source, text);
        let line: Arc<str> = format!("{} {source} | {text}", rfc3339(self.clock.now())).into();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.append(&mut file, &line).is_err() {
            *file = None;
        }
        let _ = self.subscribers.send(line);
    }

    /// Returns the last lines, and subscribes to the next ones.
    pub(crate) fn subscribe(&self, lines: usize) -> (Vec<String>, broadcast::Receiver<Arc<str>>) {
        let _paused = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        (self.last(lines).unwrap_or_default(), self.subscribers.subscribe())
    }

    fn last(&self, lines: usize) -> io::Result<Vec<String>> {
        let mut found = VecDeque::new();
        for path in [&self.path, &rotated(&self.path)] {
            let mut older = last_lines(path, lines - found.len())?;
            older.extend(found);
            found = older;
            if found.len() >= lines {
                break;
            }
        }
        Ok(found.into())
    }

    fn append(&self, file: &mut Option<LogFile>, line: &str) -> io::Result<()> {
        if file.as_ref().is_some_and(|file| file.size >= LARGE) {
            *file = None;
            self.rotate()?;
        }
        let open = match file {
            Some(open) => open,
            None => file.insert(open(&self.path)?),
        };
        open.file.write_all(format!("{line}\n").as_bytes())?;
        open.size += line.len() as u64 + 1;
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "a log is appended to, and not published")]
    fn rotate(&self) -> io::Result<()> {
        std::fs::rename(&self.path, rotated(&self.path))
    }
}

fn rotated(path: &Path) -> PathBuf {
    path.with_extension("before.log")
}

fn open(path: &Path) -> io::Result<LogFile> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(LogFile { size: file.metadata()?.len(), file })
}

/// Reads the last lines of a file, or as many as are in its last megabytes.
fn last_lines(path: &Path, lines: usize) -> io::Result<VecDeque<String>> {
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
        let log = Log::new(folder.path().join("service.log"), Clock(|| 0), "x", Arc::new(NullSink));
        assert!(log.subscribe(5).0.is_empty());
        (0..4).for_each(|number| log.write("web 1", &number.to_string()));
        log.rotate().unwrap();
        *log.file.lock().unwrap() = None;
        let (lines, mut more) = log.subscribe(2);
        assert_eq!(lines, ["1970-01-01T00:00:00Z web 1 | 2", "1970-01-01T00:00:00Z web 1 | 3"]);
        log.write("web 2", "new");
        assert!(more.try_recv().unwrap().ends_with("| new"));
        let lines = log.subscribe(3).0;
        assert!(lines[0].ends_with("| 2") && lines[2].ends_with("| new"), "{lines:?}");
    }
}

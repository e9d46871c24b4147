//! The output of processes, line by line.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::broadcast,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::log::Log;

/// The last lines of a process's output, with subscribers for the next ones.
#[derive(Debug)]
pub(crate) struct Output {
    lines: Mutex<VecDeque<String>>,
    subscribers: broadcast::Sender<String>,
}

/// The number of lines that are kept to explain a failure.
const KEPT: usize = 60;
/// The size of an explanation, in bytes.
const EXCERPT: usize = 16 << 10;
/// A longer line is split.
const LONGEST: usize = 16 << 10;
/// The number of lines that may wait for a slow subscriber.
const WAITING: usize = 1024;

impl Default for Output {
    fn default() -> Self {
        Self { lines: Mutex::default(), subscribers: broadcast::channel(WAITING).0 }
    }
}

impl Output {
    /// Returns the lines that are kept, and subscribes to the next ones.
    pub(crate) fn subscribe(&self) -> (Vec<String>, broadcast::Receiver<String>) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.iter().cloned().collect(), self.subscribers.subscribe())
    }

    /// Returns the last lines, as many as fit into an explanation.
    pub(crate) fn excerpt(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut excerpt, mut size) = (VecDeque::new(), 0);
        for line in lines.iter().rev() {
            size += line.len();
            if size > EXCERPT && !excerpt.is_empty() {
                break;
            }
            excerpt.push_front(line.chars().take(EXCERPT / 4).collect());
        }
        excerpt.into()
    }

    fn add(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line.clone());
        let _ = self.subscribers.send(line);
    }
}

/// Copies a stream of a process into its output and the log, until the last process that may write to it has ended.
pub(crate) fn pump_output(
    stream: impl AsyncRead + Send + Unpin + 'static,
    name: String,
    output: &Arc<Output>,
    log: &Arc<Log>,
) -> JoinHandle<()> {
    let (output, log) = (Arc::clone(output), Arc::clone(log));
    let write = move |line: &[u8]| {
        let text = plain(&String::from_utf8_lossy(line));
        log.write(&name, &text);
        output.add(text);
    };
    tokio::spawn(async move {
        let mut stream = BufReader::new(stream);
        let (mut line, mut pace) = (Vec::new(), Pace::new());
        while let Ok(bytes @ [_, ..]) = stream.fill_buf().await {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(bytes.len(), |end| end + 1);
            line.extend_from_slice(&bytes[..end.unwrap_or(taken)]);
            stream.consume(taken);
            pace.keep(taken).await;
            if end.is_some() || line.len() >= LONGEST {
                write(&line);
                line.clear();
            }
        }
        if !line.is_empty() {
            write(&line);
        }
    })
}

/// Removes control sequences (ECMA-48, section 5.4) and other control characters from a line.
pub(crate) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' if characters.as_str().starts_with('[') => {
                characters.next();
                let _ = characters.find(|character| ('@'..='~').contains(character));
            }
            '\t' => text.push(character),
            _ if character.is_control() => {}
            _ => text.push(character),
        }
    }
    text
}

/// The rate limit of a process's output. A process that exceeds it blocks in its own writes.
struct Pace {
    began: Instant,
    cost: usize,
}

/// The bytes that a process may write in one interval.
const BUDGET: usize = 512 << 10;
const INTERVAL: Duration = Duration::from_millis(250);
/// The cost of a piece beside its bytes.
const PIECE: usize = 64;

impl Pace {
    fn new() -> Self {
        Self { began: Instant::now(), cost: 0 }
    }

    async fn keep(&mut self, bytes: usize) {
        self.cost += bytes + PIECE;
        if self.cost > BUDGET {
            sleep(INTERVAL.saturating_sub(self.began.elapsed())).await;
            *self = Self::new();
        }
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

    #[test]
    fn an_excerpt_has_the_last_lines_within_its_size() {
        let output = Output::default();
        (0..100).for_each(|number| output.add(number.to_string()));
        assert_eq!(output.excerpt().first().unwrap(), "40");
        (0..3).for_each(|_| output.add("x".repeat(EXCERPT / 2)));
        assert_eq!(output.excerpt().len(), 2);
        assert_eq!(output.subscribe().0.len(), KEPT);
    }
}

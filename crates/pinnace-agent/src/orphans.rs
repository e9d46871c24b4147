//! Processes that an agent has left when it was killed.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// The variable by which an agent knows its processes, and those that they have started. It holds the agent's folder.
pub(crate) const MARK: &str = "PINNACE_AGENT_DATA";
/// How long they may take to stop.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(20);

/// Ends all processes that carry the mark of the agent in this folder, and tells how many there were. Where the system
/// does not tell the variables of processes, none is found.
pub(crate) fn end(data: &Path) -> usize {
    let mark = [MARK.as_bytes(), b"=", data.as_os_str().as_encoded_bytes()].concat();
    let found = find(&mark);
    let signal = |signal| {
        for one in find(&mark) {
            // It may have ended meanwhile.
            let _ = kill_process(one, signal);
        }
    };
    signal(Signal::TERM);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && !find(&mark).is_empty() {
        thread::sleep(LOOK);
    }
    signal(Signal::KILL);
    found.len()
}

fn find(mark: &[u8]) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|one| one.file_name().to_str()?.parse::<i32>().ok());
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let others = numbers.filter(|number| *number != own);
    let marked = others.filter(|number| {
        let variables = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|one| one == mark)
    });
    marked.filter_map(Pid::from_raw).collect()
}

//! Processes that a killed agent has left behind.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use pinnace_deploy::{ProcessGroup, Signal};
use rustix::process::{Pid, Signal as RawSignal, kill_process};

use super::{recorded_group::take_recorded, state_dir::ServiceDir};

/// The environment variable that marks the processes of an agent and their children. It holds the agent's folder.
pub(crate) const MARK: &str = "PINNACE_AGENT_DATA";
/// The time that processes have to end after each signal.
const PATIENCE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);

/// Ends all processes that carry the mark of the agent in this folder and all process groups that it recorded. Returns
/// their number. Without `/proc` it finds none.
pub(crate) fn end(data: &Path) -> usize {
    let mark = mark(data);
    let folders = ServiceDir::all_groups(data);
    let groups: Vec<ProcessGroup> =
        folders.iter().flat_map(|folder| take_recorded(folder)).collect();
    let found = find(&mark);
    signal_all(&mark, RawSignal::TERM);
    groups.iter().for_each(|group| group.signal(Signal::Terminate));
    wait_for_end(&groups, &mark);
    signal_all(&mark, RawSignal::KILL);
    groups.iter().filter(|group| group.is_alive()).for_each(|group| group.kill());
    wait_for_end(&groups, &mark);
    let processes = found.into_iter().map(|process| process.as_raw_nonzero().get());
    let leaders = groups.iter().map(|group| group.leader());
    processes.chain(leaders).collect::<BTreeSet<_>>().len()
}

/// Sends a signal to all processes with the mark. They may have ended meanwhile.
fn signal_all(mark: &[u8], signal: RawSignal) {
    for process in find(mark) {
        let _ = kill_process(process, signal);
    }
}

fn wait_for_end(groups: &[ProcessGroup], mark: &[u8]) {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until
        && (groups.iter().any(|group| group.is_alive()) || !find(mark).is_empty())
    {
        thread::sleep(POLL);
    }
}

fn mark(data: &Path) -> Vec<u8> {
    [MARK.as_bytes(), b"=", data.as_os_str().as_encoded_bytes()].concat()
}

/// Finds the processes with this variable in their environment, except this one.
fn find(mark: &[u8]) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let others = numbers.filter(|number| *number != own);
    let marked = others.filter(|number| {
        let variables = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|variable| variable == mark)
    });
    marked.filter_map(Pid::from_raw).collect()
}

//! Processes that an agent has left when it was killed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::saved::Folder;

/// The variable by which an agent knows its processes, and those that they have started. It holds the agent's folder.
pub(crate) const MARK: &str = "PINNACE_AGENT_DATA";
/// How long they may take to stop.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(20);

/// A process group, remembered in a file of its number as long as it lives: a process may take off its mark.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: Pid,
    file: PathBuf,
}

impl Group {
    /// The group of a process that was just started.
    pub(crate) fn remembered(id: Pid, folder: &Path) -> Self {
        let number = id.as_raw_nonzero().get();
        let group = Self { id, file: folder.join(number.to_string()) };
        // Without it the mark must do.
        if let (Some(started), Ok(mut file)) = (started(number), File::create(&group.file)) {
            let _ = file.write_all(started.as_bytes());
        }
        group
    }

    /// It has ended.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// Ends all processes that carry the mark of the agent in this folder, and the groups that it remembers, and tells how
/// many there were. Where the system does not tell of processes, none is found.
pub(crate) fn end(data: &Path) -> usize {
    let mark = mark(data);
    let groups = remembered(data);
    let found = find(&mark);
    for signal in [Signal::TERM, Signal::KILL] {
        for one in find(&mark) {
            // It may have ended meanwhile.
            let _ = kill_process(one, signal);
        }
        for group in groups.iter().filter(|group| lives(**group)) {
            let _ = kill_process_group(*group, signal);
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until
            && (groups.iter().any(|one| lives(*one)) || !find(&mark).is_empty())
        {
            thread::sleep(LOOK);
        }
    }
    found.into_iter().chain(groups).map(|one| one.as_raw_nonzero()).collect::<BTreeSet<_>>().len()
}

/// Whether a group has a process that has not ended.
fn lives(group: Pid) -> bool {
    rustix::process::test_kill_process_group(group).is_ok()
}

/// The groups that an agent remembers, as far as their first processes are those that it started.
fn remembered(data: &Path) -> Vec<Pid> {
    let mut groups = Vec::new();
    for folder in Folder::all_groups(data) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
            let known = fs::read_to_string(entry.path()).ok();
            if known.is_some() && number.and_then(started) == known {
                groups.extend(number.and_then(Pid::from_raw));
            }
            let _ = fs::remove_file(entry.path());
        }
    }
    groups
}

/// When a process was started, since when the machine was: no other process has this number and this time.
fn started(number: i32) -> Option<String> {
    const STARTED: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // What is before the last parenthesis is a name, which may have spaces.
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(STARTED)?;
    Some(format!("{} {started}", boot.trim()))
}

fn mark(data: &Path) -> Vec<u8> {
    [MARK.as_bytes(), b"=", data.as_os_str().as_encoded_bytes()].concat()
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

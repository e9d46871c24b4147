//! Process groups, recorded on disk while they live.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// A process group (POSIX, section 3.296), named by its leader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Returns the group of a leader; `None` if the number is not one of a process.
    pub(crate) fn of(leader: i32) -> Option<Self> {
        Pid::from_raw(leader).map(Self)
    }

    /// Returns the group of a process that was started as a leader.
    pub(crate) fn of_child(child: &tokio::process::Child) -> Option<Self> {
        child.id().and_then(|id| Self::of(i32::try_from(id).ok()?))
    }

    pub(crate) fn leader(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Returns true if a process of the group has not ended.
    pub(crate) fn is_alive(self) -> bool {
        test_kill_process_group(self.0).is_ok()
    }

    /// Sends a signal to all processes of the group. They may have ended meanwhile.
    pub(crate) fn signal(self, signal: Signal) {
        let _ = kill_process_group(self.0, signal);
    }
}

/// A process group with a file that records it. The agent finds the group by it after a crash, even if its processes
/// have removed their mark.
#[derive(Debug)]
pub(crate) struct RecordedGroup {
    pub(crate) group: ProcessGroup,
    file: PathBuf,
}

impl RecordedGroup {
    /// Records the group of a process that was just started, in a folder.
    pub(crate) fn record(group: ProcessGroup, folder: &Path) -> Self {
        let recorded = Self { group, file: folder.join(group.leader().to_string()) };
        // Without the file, the mark in the environment must do.
        if let (Some(identity), Ok(mut file)) =
            (identity(group.leader()), File::create(&recorded.file))
        {
            let _ = file.write_all(identity.as_bytes());
        }
        recorded
    }

    /// Removes the record of a group that has ended.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// Takes the groups that a folder records, and removes the records. Groups whose leader is another process by now are
/// left out.
pub(crate) fn take_recorded(folder: &Path) -> Vec<ProcessGroup> {
    let mut groups = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let leader = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let recorded = fs::read_to_string(entry.path()).ok();
        if recorded.is_some() && leader.and_then(identity) == recorded {
            groups.extend(leader.and_then(ProcessGroup::of));
        }
        let _ = fs::remove_file(entry.path());
    }
    groups
}

/// Returns the boot of the machine and the start time of a process. No other process has this number and this identity.
fn identity(number: i32) -> Option<String> {
    /// The field `starttime` of proc_pid_stat(5), counted from the process state.
    const START_TIME: usize = 19;
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // The name in parentheses before the fields may have spaces.
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(START_TIME)?;
    Some(format!("{} {started}", boot.trim()))
}

//! Records of process groups on disk, as long as the groups live.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use pinnace_deploy::ProcessGroup;

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

/// Returns the group of a process that was started as a group leader.
pub(crate) fn group_of(child: &tokio::process::Child) -> Option<ProcessGroup> {
    child.id().and_then(|id| ProcessGroup::of_leader(i32::try_from(id).ok()?))
}

/// Takes the groups that a folder records, and removes the records. Groups whose leader is another process by now are
/// left out.
pub(crate) fn take_recorded(folder: &Path) -> Vec<ProcessGroup> {
    let mut groups = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let leader = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let recorded = fs::read_to_string(entry.path()).ok();
        if recorded.is_some() && leader.and_then(identity) == recorded {
            groups.extend(leader.and_then(ProcessGroup::of_leader));
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

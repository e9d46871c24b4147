//! A child process and its process group.

use std::{io, process::Child};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A process group, identified by its leader (POSIX, section 3.296).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Returns the group that a child leads. The child must have been started as a group leader.
    pub(crate) fn of(child: &Child) -> Option<Self> {
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(Self)
    }

    /// Returns true if the leader has exited. The leader is not reaped, so its PID is not reused.
    pub(crate) fn has_ended(self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.0), options)?.is_some())
    }

    /// Sends SIGTERM to all processes of the group.
    pub(crate) fn terminate(self) {
        // An error means that the group has already ended.
        let _ = kill_process_group(self.0, Signal::TERM);
    }

    /// Sends SIGKILL to all processes of the group.
    pub(crate) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

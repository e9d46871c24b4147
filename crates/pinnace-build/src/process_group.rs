//! A process and everything that it starts in its group.

use std::{io, process::Child};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A process group, named by its leader (POSIX, section 3.296).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Returns the group whose leader a child is; the child must have been started as one.
    pub(crate) fn of(child: &Child) -> Option<Self> {
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(Self)
    }

    /// Returns true if the leader has ended. The leader is not reaped, so its number stays its own.
    pub(crate) fn has_ended(self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.0), options)?.is_some())
    }

    /// Asks all processes of the group to end.
    pub(crate) fn terminate(self) {
        // A group that is empty by now is what was asked for.
        let _ = kill_process_group(self.0, Signal::TERM);
    }

    /// Ends all processes of the group at once.
    pub(crate) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

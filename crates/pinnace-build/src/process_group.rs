//! A child process and its process group.

use std::{io, process::Child};

use rustix::process::{
    Pid, Signal as RawSignal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group,
    waitid,
};

use crate::project::Signal;

/// A process group, identified by its leader (POSIX, section 3.296).
///
/// ```
/// use std::{os::unix::process::CommandExt, process::Command};
/// use pinnace_build::{ProcessGroup, Signal};
///
/// let mut child = Command::new("sleep").arg("60").process_group(0).spawn()?;
/// let group = ProcessGroup::of(&child).expect("the child leads it");
/// assert!(group.is_alive());
/// group.signal(Signal::Terminate);
/// assert!(!child.wait()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Returns the group that a child leads. The child must have been started as a group leader.
    pub fn of(child: &Child) -> Option<Self> {
        Self::of_leader(i32::try_from(child.id()).ok()?)
    }

    /// Returns the group of the leader with this process id; `None` if it is no process id.
    pub fn of_leader(id: i32) -> Option<Self> {
        Pid::from_raw(id).filter(|_| id > 0).map(Self)
    }

    /// Returns the process id of the leader.
    pub fn leader(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Returns true if a process of the group has not ended, or has not been reaped.
    pub fn is_alive(self) -> bool {
        test_kill_process_group(self.0).is_ok()
    }

    /// Sends a signal to all processes of the group.
    pub fn signal(self, signal: Signal) {
        self.send(match signal {
            Signal::Hangup => RawSignal::HUP,
            Signal::Interrupt => RawSignal::INT,
            Signal::Quit => RawSignal::QUIT,
            Signal::Terminate => RawSignal::TERM,
            Signal::User1 => RawSignal::USR1,
            Signal::User2 => RawSignal::USR2,
            Signal::WindowChange => RawSignal::WINCH,
        });
    }

    /// Sends SIGKILL to all processes of the group.
    pub fn kill(self) {
        self.send(RawSignal::KILL);
    }

    /// Returns true if the leader has exited. The leader is not reaped, so its process id is not reused.
    pub(crate) fn has_ended(self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.0), options)?.is_some())
    }

    fn send(self, signal: RawSignal) {
        // An error means that the group has already ended.
        let _ = kill_process_group(self.0, signal);
    }
}

use std::{path::PathBuf, process::Command};

use crate::ran::Ran;

/// Returns the path of the interpreter that `python3` on PATH starts.
///
/// A shim of a version manager is asked which interpreter it stands for.
pub fn python() -> PathBuf {
    let mut command = Command::new("python3");
    command.args(["-c", "import sys; print(sys.executable)"]);
    Ran::command(&mut command).ok().trim().into()
}

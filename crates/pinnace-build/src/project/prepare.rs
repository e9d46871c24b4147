//! The command that a project runs before it is scanned.

use std::{path::Path, process::Command};

use super::settings::Settings;
use crate::{Error, ErrorKind, Progress, Step, cancel};

/// The number of lines of output that an error shows.
const SHOWN_LINES: usize = 20;

/// Runs the `prepare` command of a project in its folder, if it has one.
///
/// # Errors
///
/// Returns [`ErrorKind::Prepare`] with the last lines of its output if the command fails.
pub fn prepare(settings: &Settings, folder: &Path, progress: &dyn Progress) -> Result<(), Error> {
    let Some((program, arguments)) = settings.prepare.split_first() else { return Ok(()) };
    progress.step(Step::Preparing);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let ran = cancel::run(command, progress);
    let ran = ran.map_err(Error::at("run (`prepare`)", Path::new(program)))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut last: Vec<&str> = said.lines().rev().take(SHOWN_LINES).collect();
    last.reverse();
    let (command, status) = (settings.prepare.join(" "), ran.status.to_string());
    Err(ErrorKind::Prepare { command, status, output: last.join("\n") }.into())
}

//! What a project wants to be run before it is looked at.

use std::path::Path;

use pinnace_deploy::Settings;

use crate::{Failure, session::Session};

/// Runs what the project wants to be run before it is looked at.
pub(crate) fn prepare(
    settings: &Settings,
    folder: &Path,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let Some((program, arguments)) = settings.prepare.split_first() else { return Ok(()) };
    session.reporter.step("preparing");
    let shown = settings.prepare.join(" ");
    let mut command = std::process::Command::new(program);
    command.args(arguments).current_dir(folder);
    let ran = session
        .interrupt
        .output(command)
        .map_err(|error| Failure::io(&format!("cannot run `{shown}` (`prepare`)"), &error))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last: Vec<&str> = said.lines().rev().take(20).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(Failure::job(format!("`{shown}` (`prepare`) failed, {}:\n{}", ran.status, last.join("\n"))))
}

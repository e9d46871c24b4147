//! Exit codes and hints for errors of `pinnace-build`, which know the options of the command.

use std::path::Path;

use pinnace_build::{ErrorKind as Build, OutputProblem, ProjectOption, Sdists};

use super::{store, wheel};
use crate::Failure;

/// Returns the failure of an error, with its exit code and its hint.
pub(super) fn failure(error: &pinnace_build::Error) -> Failure {
    match error.kind() {
        Build::Cancelled => return Failure::interrupted(),
        Build::Store(error) => return store::failure(error),
        Build::Wheel(error) => return wheel::failure(error),
        _ => {}
    }
    let failure = option_failure(error.kind()).unwrap_or_else(|| {
        let failure = Failure::from_error(error);
        if is_usage(error.kind()) { failure.bad_usage() } else { failure }
    });
    match usage_hint(error.kind()).or_else(|| hint(error.kind())) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Returns the failure of an error that the message of the command explains with its option names.
fn option_failure(kind: &Build) -> Option<Failure> {
    Some(match kind {
        Build::NoProject { option: ProjectOption::Extra } => {
            Failure::usage("`--extra` needs a project")
        }
        Build::NoProject { option: ProjectOption::Group } => {
            Failure::usage("`--group` needs a project")
        }
        Build::NoProject { .. } => Failure::usage("`--package` needs a `uv.lock`"),
        Build::NoMembers => Failure::usage("`--package` works only with a `uv.lock`"),
        Build::SeveralLocations { origin, names } => Failure::usage(format!(
            "`{origin}` has several locations; choose one with `--service`: {}",
            names.join(", ")
        )),
        Build::SeveralPlatforms => Failure::usage("`--compile` supports only one platform"),
        Build::NoPythonToCompile { target } => {
            Failure::job(format!("`--compile` needs a Python for {target}, and none was found"))
        }
        Build::LockName { path } => {
            Failure::usage(format!("not the name of a lock: `{}` (`-o`)", path.display()))
        }
        Build::Output { problem: OutputProblem::Stdout, .. } => {
            Failure::usage("`-o` cannot write to stdout; it needs a file")
        }
        Build::Output { path, problem: OutputProblem::Folder } => {
            Failure::usage(format!("`{}` is a folder; `-o` needs a file", path.display()))
        }
        _ => return None,
    })
}

/// Returns true if the command line is at fault.
fn is_usage(kind: &Build) -> bool {
    match kind {
        Build::Output { problem, .. } => !matches!(problem, OutputProblem::NoParent),
        // The interpreters are given by the script block and the options.
        Build::Pex(error) => matches!(error.kind(), pinnace_pex::ErrorKind::NoInterpreter { .. }),
        _ => matches!(
            kind,
            Build::Settings { .. }
                | Build::NoScheme
                | Build::UnknownExtra { .. }
                | Build::NotAllowed { .. }
                | Build::Quote { .. }
                | Build::UnknownKeyring { .. }
                | Build::RemoteFile { .. }
                | Build::IsLock { .. }
                | Build::SeveralMembers { .. }
                | Build::Nothing
                | Build::NothingToLock
                | Build::LockIsInput { .. }
                | Build::NothingToUpgrade { .. }
                | Build::NoOutput
        ),
    }
}

/// Returns the hint for a usage error.
const fn usage_hint(kind: &Build) -> Option<&'static str> {
    Some(match kind {
        Build::NoProject { option: ProjectOption::Extra | ProjectOption::Group } => {
            "pass its folder with `--project`"
        }
        Build::NoProject { .. } => {
            "build a workspace member with `pinnace build --lock uv.lock --package NAME`"
        }
        Build::UnknownKeyring { .. } => "use `disabled` or `subprocess`",
        Build::RemoteFile { .. } => "download the file, and pass its path",
        Build::IsLock { .. } => "build from a lock with `pinnace build --lock FILE`",
        Build::SeveralMembers { is_of_project: true, .. } => "pass the folder of one member",
        Build::SeveralMembers { .. } => "choose one with `--package`",
        Build::Nothing => {
            "pass requirements, as in `pinnace build flask -o app.pex`, or a folder of code with `-D`"
        }
        Build::NothingToLock => {
            "pass requirements, as in `pinnace lock flask -o pylock.toml`, or a file with `-r`"
        }
        Build::LockIsInput { .. } => "choose another file with `-o`",
        Build::LockName { .. } => {
            "use `pylock.toml`, or `NAME.txt` for a requirements file with hashes"
        }
        Build::NoOutput => "pass `--output`, as in `pinnace build flask -o app.pex`",
        Build::Output { problem, .. } => match problem {
            OutputProblem::NoParent => "create it, or choose another with `-o`",
            OutputProblem::NotArchive => "choose another file, or remove this one",
            OutputProblem::NotEmpty | OutputProblem::Edited => {
                "choose another folder, or remove this one"
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// Returns the hint for a build that failed.
fn hint(kind: &Build) -> Option<&str> {
    Some(match kind {
        Build::NoPythonToCompile { .. } => "pass one with `--python`, or drop `--compile`",
        Build::NotALock { .. } | Build::WrittenByHand { .. } => {
            "choose another file, or remove this one"
        }
        Build::DynamicRequirements { .. } => {
            "list its requirements in a file, and pass it with `-r`"
        }
        Build::NoRequirements { .. } => "choose a dependency group with `--group`",
        Build::UnreadableProject { path, .. } if has_requirements(path) => {
            "pass the `requirements.txt` beside it with `-r`"
        }
        Build::ForeignLock { .. } => {
            "convert it to a pylock.toml with `pex3 lock export --format pep-751 LOCK`"
        }
        Build::StaleLock { lock, .. } if lock.ends_with("uv.lock") => {
            "lock again with `uv lock` in the folder of the project"
        }
        Build::StaleLock { .. } => "lock again with `pinnace lock` in the folder of the project",
        Build::Unsolvable { sdists: Sdists::LeftOut, .. } => {
            "drop `--only-binary`, which excludes source distributions that could be built"
        }
        Build::Unsolvable { sdists: Sdists::NoBuilder, .. } => {
            "pass a Python of that version with `--python`, so that source distributions can be built"
        }
        Build::Unsolvable { hint, .. } => return hint.as_deref(),
        Build::NoBuilder { .. } => {
            "pass one with `--python`, or use only wheels with `--only-binary :all:`"
        }
        Build::NoPythonToAsk { .. } => {
            "pass one with `--python`, or describe the project in the `[project]` table of a `pyproject.toml`"
        }
        Build::NoPython { .. } => "pass one with `--python`",
        Build::NoPythonSatisfies { .. } => {
            "pass one with `--python`, or a platform with `--platform`"
        }
        _ => return None,
    })
}

fn has_requirements(project: &Path) -> bool {
    project.with_file_name("requirements.txt").is_file()
}

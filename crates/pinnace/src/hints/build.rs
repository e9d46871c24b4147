//! What `pinnace-build` says, in the words of the options.

use std::path::Path;

use pinnace_build::{ErrorKind as Build, OutputProblem, ProjectOption, Sdists};

use super::{of_store, of_wheel};
use crate::Failure;

pub(super) fn of_build(error: &pinnace_build::Error) -> Failure {
    match error.kind() {
        Build::Cancelled => return Failure::interrupted(),
        Build::Store(error) => return of_store(error),
        Build::Wheel(error) => return of_wheel(error),
        _ => {}
    }
    let failure = build_option(error.kind()).unwrap_or_else(|| {
        let failure = Failure::from_error(error);
        if is_build_usage(error.kind()) { failure.bad_usage() } else { failure }
    });
    match build_usage_hint(error.kind()).or_else(|| build_hint(error.kind())) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Returns the failure of an option that the library knows by another name.
fn build_option(kind: &Build) -> Option<Failure> {
    Some(match kind {
        Build::NoProject { option: ProjectOption::Extra } => {
            Failure::usage("`--extra` is of a project, and none is named")
        }
        Build::NoProject { option: ProjectOption::Group } => {
            Failure::usage("`--group` is of a project, and none is named")
        }
        Build::NoProject { .. } => {
            Failure::usage("`--package` is of a `uv.lock`, and none is named")
        }
        Build::NoMembers => Failure::usage("only a `uv.lock` has members for `--package`"),
        Build::SeveralLocations { origin, names } => Failure::usage(format!(
            "`{origin}`: it has several locations; name one with `--service`: {}",
            names.join(", ")
        )),
        Build::SeveralPlatforms => {
            Failure::usage("`--compile` is for one platform, and several are named")
        }
        Build::NoPythonToCompile { target } => {
            Failure::job(format!("`--compile` needs a Python of {target}, and none is here"))
        }
        Build::LockName { path } => {
            Failure::usage(format!("`-o {}` is no name of a lock", path.display()))
        }
        Build::Output { problem: OutputProblem::Stdout, .. } => {
            Failure::usage("`-o` takes a file, and cannot write to stdout")
        }
        Build::Output { path, problem: OutputProblem::Folder } => {
            Failure::usage(format!("`{}` is a folder; `-o` takes a file", path.display()))
        }
        _ => return None,
    })
}

/// Returns whether the command line is at fault.
fn is_build_usage(kind: &Build) -> bool {
    match kind {
        Build::Output { problem, .. } => !matches!(problem, OutputProblem::NoParent),
        // The code and the options name the interpreters.
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

/// Returns the way out of a command line that is at fault.
const fn build_usage_hint(kind: &Build) -> Option<&'static str> {
    Some(match kind {
        Build::NoProject { option: ProjectOption::Extra | ProjectOption::Group } => {
            "name its folder with `--project`"
        }
        Build::NoProject { .. } => "`pinnace build --lock uv.lock` builds a member of a workspace",
        Build::UnknownKeyring { .. } => "there are `disabled` and `subprocess`",
        Build::RemoteFile { .. } => "fetch the file, and name it",
        Build::IsLock { .. } => "`pinnace build --lock` builds from a lock",
        Build::SeveralMembers { is_of_project: true, .. } => "name the folder of one",
        Build::SeveralMembers { .. } => "name one with `--package`",
        Build::Nothing => {
            "name requirements, as in `pinnace build flask -o app.pex`, or a folder of code with `-D`"
        }
        Build::NothingToLock => {
            "name requirements, as in `pinnace lock flask -o pylock.toml`, or a file with `-r`"
        }
        Build::LockIsInput { .. } => "name another file with `-o`",
        Build::LockName { .. } => {
            "name it `pylock.toml`, or `….txt` for a requirements file with hashes"
        }
        Build::NoOutput => "name it with `--output`, as in `pinnace build flask -o app.pex`",
        Build::Output { problem, .. } => match problem {
            OutputProblem::NoParent => "make it, or write to another with `-o`",
            OutputProblem::NotArchive => "name another file, or remove it",
            OutputProblem::NotEmpty | OutputProblem::Edited => "name another folder, or remove it",
            _ => return None,
        },
        _ => return None,
    })
}

/// Returns the way out of a build that cannot be done as it stands.
fn build_hint(kind: &Build) -> Option<&'static str> {
    Some(match kind {
        Build::NoPythonToCompile { .. } => "name one with `--python`, or leave `--compile` out",
        Build::NotALock { .. } | Build::WrittenByHand { .. } => "name another file, or remove it",
        Build::DynamicRequirements { .. } => "name its requirements in a file with `-r`",
        Build::NoRequirements { .. } => "name a dependency group with `--group`",
        Build::UnreadableProject { path, .. } if has_requirements(path) => {
            "there is a `requirements.txt` beside it, which `-r` takes"
        }
        Build::ForeignLock { .. } => {
            "`pex3 lock export --format pep-751 LOCK` makes a pylock.toml of it"
        }
        Build::StaleLock { lock, .. } if lock.ends_with("uv.lock") => {
            "`uv lock` in the folder of the project locks again"
        }
        Build::StaleLock { .. } => "`pinnace lock` in the folder of the project locks again",
        Build::Unsolvable { sdists: Sdists::LeftOut, .. } => {
            "`--only-binary` leaves source distributions out, which would be built here"
        }
        Build::Unsolvable { sdists: Sdists::NoBuilder, .. } => {
            "a source distribution is built by a Python of that version, and there is none here: \
             name one with `--python`"
        }
        Build::NoBuilder { .. } => {
            "name one with `--python`, or take wheels alone with `--only-binary :all:`"
        }
        Build::NoPythonToAsk { .. } => {
            "name one with `--python`, or describe it in a `[project]` table of a `pyproject.toml`"
        }
        Build::NoPython { .. } => "name one with `--python`",
        Build::NoPythonSatisfies { .. } => "name one with `--python`, or a `--platform`",
        _ => return None,
    })
}

fn has_requirements(project: &Path) -> bool {
    project.with_file_name("requirements.txt").is_file()
}

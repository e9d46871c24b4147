//! `pinnace verify`: checks that a PEX file is intact and that its requirements are satisfied.

use pinnace_build::{Cache, Env, targets_of_files};
use pinnace_env::{Conflict, Policy, Ruling};
use pinnace_pex::{Pex, PexMerge};
use pinnace_wheel::Target;
use serde_json::json;

use super::info::open;
use crate::{Failure, arguments::Verify, output::Output, quantity::Count};

pub(crate) fn run(arguments: &Verify, env: &Env, output: Output) -> Result<(), Failure> {
    let pex = open(&arguments.file, env)?;
    let path = arguments.file.display().to_string();
    let mut problems: Vec<String> =
        pex.verify(env.threads).iter().map(ToString::to_string).collect();
    let (wheels, ignores_errors) = (pex.distributions().len(), pex.info().ignore_errors);
    let mut checked = Vec::new();
    // The wheels of a damaged file are not read.
    if problems.is_empty() {
        let cache = Cache::open(&env.cache_folder()?)?;
        let targets =
            targets_of_files(&arguments.platform.spec(), [&pex].into_iter(), env, &cache)?;
        if !ignores_errors {
            problems = conflicts(&path, pex, &targets)?;
        }
        checked = targets.iter().map(ToString::to_string).collect();
    }
    if !problems.is_empty() {
        return Err(failure(&path, &problems));
    }
    let (wheels, platforms) = (Count(wheels, "wheel"), checked.join(", "));
    let text = if ignores_errors {
        format!(
            "{path}: intact, {wheels}; requirements not checked, because the file ignores errors"
        )
    } else {
        format!("{path}: intact, {wheels}, all requirements satisfied on {platforms}")
    };
    let json = json!({ "file": path, "whole": true, "problems": [], "platforms": checked, "ignores_errors": ignores_errors });
    output.result(&text, &json)
}

fn failure(path: &str, problems: &[String]) -> Failure {
    let list: Vec<String> = problems.iter().map(|problem| format!("  - {problem}")).collect();
    let message = format!("`{path}` has problems:\n{}", list.join("\n"));
    let json = json!({ "file": path, "whole": false, "problems": problems });
    let hint = match problems.len() {
        1 => "build the file again",
        _ => "build the file again; the first problem may have caused the others",
    };
    Failure::job(message).with_json(json).hint(hint)
}

/// Returns the conflicts on any of the platforms.
fn conflicts(path: &str, pex: Pex, targets: &[Target]) -> Result<Vec<String>, Failure> {
    let files = [(path.to_owned(), pex)];
    let merge = PexMerge::plan(&files, targets)?;
    let policy = Policy::of_installers();
    let is_refused = |conflict: &&Conflict| policy.judge(conflict) == Ruling::Refuse;
    let refused = merge.conflicts().into_iter().filter(is_refused);
    let mut found: Vec<String> = refused.map(|conflict| merge.told(conflict)).collect();
    found.extend(merge.misfits().iter().map(|wheel| format!("`{wheel}` fits no platform")));
    Ok(found)
}

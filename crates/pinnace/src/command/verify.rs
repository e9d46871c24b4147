//! `pinnace verify`: the check of a PEX file: it is whole, and holds all that it requires.

use pinnace_build::{Cache, Env, targets_of_files};
use pinnace_env::{Policy, Ruling};
use pinnace_pex::{Pex, PexMerge};
use pinnace_wheel::Target;
use serde_json::json;

use super::info::open;
use crate::{
    Failure,
    arguments::Verify,
    progress::{Count, Output},
};

pub(crate) fn run(arguments: &Verify, env: &Env, output: Output) -> Result<(), Failure> {
    let pex = open(&arguments.file, env)?;
    let path = arguments.file.display().to_string();
    let mut problems: Vec<String> =
        pex.verify(env.threads).iter().map(ToString::to_string).collect();
    let (wheels, ignores) = (pex.distributions().len(), pex.info().ignore_errors);
    let mut checked = Vec::new();
    // A damaged file is not read any further.
    if problems.is_empty() {
        let cache = Cache::open(&env.cache_folder()?)?;
        let targets =
            targets_of_files(&arguments.platform.spec(), [&pex].into_iter(), env, &cache)?;
        if !ignores {
            problems = conflicts(&path, pex, &targets)?;
        }
        checked = targets.iter().map(ToString::to_string).collect();
    }
    if !problems.is_empty() {
        return Err(not_whole(&path, &problems));
    }
    let (wheels, platforms) = (Count(wheels, "wheel"), checked.join(", "));
    let text = if ignores {
        format!(
            "{path}: whole, {wheels}; that they go together was not checked, since the file ignores errors"
        )
    } else {
        format!("{path}: whole, {wheels} that go together on {platforms}")
    };
    let json = json!({ "file": path, "whole": true, "problems": [], "platforms": checked, "ignores_errors": ignores });
    output.result(&text, &json)
}

fn not_whole(path: &str, problems: &[String]) -> Failure {
    let list: Vec<String> = problems.iter().map(|one| format!("  - {one}")).collect();
    let shown = format!("`{path}` is not as it should be:\n{}", list.join("\n"));
    let json = json!({ "file": path, "whole": false, "problems": problems });
    Failure::job(shown).with_json(json).hint(match problems.len() {
        1 => "build it again",
        _ => "build it again; the first problem may be the cause of the others",
    })
}

/// Returns the conflicts on any of the platforms.
fn conflicts(path: &str, pex: Pex, targets: &[Target]) -> Result<Vec<String>, Failure> {
    let files = [(path.to_owned(), pex)];
    let merge = PexMerge::plan(&files, targets)?;
    let policy = Policy::of_installers();
    let refused = merge.conflicts().into_iter().filter(|one| policy.judge(one) == Ruling::Refuse);
    let mut found: Vec<String> = refused.map(|one| merge.told(one)).collect();
    found.extend(merge.misfits().iter().map(|wheel| format!("`{wheel}` fits no platform")));
    Ok(found)
}

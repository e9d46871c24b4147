//! `pinnace verify`: whether a PEX file is whole, and holds all that it requires.

use pinnace_env::{Policy, Ruling};
use pinnace_pex::{Pex, PexMerge};
use serde_json::json;

use super::info::open;
use crate::{
    Failure,
    arguments::Verify,
    environment::Environment,
    platforms,
    progress::{Count, Output},
    storage::Storage,
};

pub(crate) fn run(
    arguments: &Verify,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let pex = open(&arguments.file, environment)?;
    let path = arguments.file.display().to_string();
    let mut problems: Vec<String> =
        pex.verify(environment.threads).iter().map(ToString::to_string).collect();
    let (wheels, ignores) = (pex.distributions().len(), pex.info().ignore_errors);
    let mut checked = Vec::new();
    // What is damaged cannot be looked into.
    if problems.is_empty() {
        let storage = Storage::open(&environment.cache_folder()?)?;
        let targets =
            platforms::of_files(&arguments.platform, [&pex].into_iter(), environment, &storage)?;
        if !ignores {
            problems = conflicts(&path, pex, &targets)?;
        }
        checked = targets.iter().map(ToString::to_string).collect();
    }
    let platforms = checked.join(", ");
    if !problems.is_empty() {
        let list: Vec<String> = problems.iter().map(|one| format!("  - {one}")).collect();
        let count = problems.len();
        let shown = format!("`{path}` is not as it should be:\n{}", list.join("\n"));
        let json = json!({ "file": path, "whole": false, "problems": problems });
        return Err(Failure::job(shown).with_json(json).hint(match count {
            1 => "build it again",
            _ => "build it again; the first problem may be the cause of the others",
        }));
    }
    let wheels = Count(wheels, "wheel");
    let text = match ignores {
        true => format!(
            "{path}: whole, {wheels}; that they go together was not checked, since the file ignores errors"
        ),
        false => format!("{path}: whole, {wheels} that go together on {platforms}"),
    };
    let json = json!({ "file": path, "whole": true, "problems": [], "platforms": checked, "ignores_errors": ignores });
    output.result(&text, &json)
}

/// What does not go together on some platform.
fn conflicts(
    path: &str,
    pex: Pex,
    targets: &[pinnace_wheel::Target],
) -> Result<Vec<String>, Failure> {
    let files = [(path.to_owned(), pex)];
    let merge = PexMerge::plan(&files, targets)?;
    let policy = Policy::of_installers();
    let refused = merge.conflicts().into_iter().filter(|one| policy.judge(one) == Ruling::Refuse);
    let mut found: Vec<String> = refused.map(|one| merge.told(one)).collect();
    found.extend(merge.misfits().iter().map(|wheel| format!("`{wheel}` fits no platform")));
    Ok(found)
}

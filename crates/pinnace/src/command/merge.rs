//! `pinnace merge`: one PEX file out of several, checked.

use std::time::Instant;

use pinnace_build::{Cache, Env, PexOutput, PexWritten, targets_of_files};
use pinnace_env::{Conflict, ConflictKind, Policy, Ruling};
use pinnace_pex::{Pex, PexMerge};
use pinnace_store::Digest;
use serde_json::json;

use super::info::open;
use crate::{
    Failure,
    arguments::{LayoutName, Merge},
    interrupt::Interrupt,
    progress::{Count, Output, Reporter, Size},
};

pub(crate) fn run(arguments: &Merge, env: &Env, output: Output) -> Result<(), Failure> {
    let started = Instant::now();
    let interrupt = Interrupt::listen(|| {})?;
    let files = files(arguments, env)?;
    let out = PexOutput::open(&arguments.output, arguments.form.layout.into(), env)?;
    let cache = Cache::open(&env.cache_folder()?)?;
    let all = files.iter().map(|(_, pex)| pex);
    let targets = targets_of_files(&arguments.platform.spec(), all, env, &cache)?;
    let merge = PexMerge::plan(&files, &targets)?;
    for tolerated in judge(&merge, &policy(arguments), arguments.ignore_errors)? {
        output.say(format!("warning: {}", merge.told(tolerated)));
    }
    let main = files[0].1.info();
    if arguments.form.layout == LayoutName::Flat
        && (main.entry_point.is_some() || main.script.is_some())
    {
        output.say("warning: nothing of a `flat` layout starts: the entry point is not taken");
    }
    for (file, key, value) in merge.dropped()? {
        output.say(format!(
            "warning: {key} of {file} is not taken ({value}): the first file's settings count"
        ));
    }
    for wheel in merge.misfits() {
        output.say(format!("warning: `{wheel}` fits no platform of the file, and is left out"));
    }
    let reporter = Reporter::new(output.without_result(), interrupt.clone());
    let written = write(arguments, &merge, out, &reporter, env);
    let written = written.map_err(|failure| interrupt.explain(failure))?;
    let wheels: Vec<&str> = merge.distributions().into_iter().collect();
    let file = arguments.output.display().to_string();
    let (size, digest) = match &written.file {
        Some((bytes, sha256)) => (format!("{}, ", Size(*bytes)), Digest::new(*sha256)),
        None => (String::new(), Digest::new(written.key)),
    };
    let seconds = started.elapsed().as_secs_f64();
    let count = Count(wheels.len(), "wheel");
    let text = format!(
        "{file}: {size}{count} of {}, merged in {seconds:.2} s, {digest}",
        Count(files.len(), "file")
    );
    let json = json!({
        "file": file,
        "sha256": written.file.map(|(_, sha256)| Digest::new(sha256).to_string()),
        "bytes": written.file.map(|(bytes, _)| bytes),
        "key": Digest::new(written.key).to_string(),
        "wheels": wheels,
        "timings_ms": { "total": (seconds * 1e4).round() / 10.0 },
    });
    output.result(&text, &json)
}

/// The files that are merged; one that is named twice counts once.
fn files(arguments: &Merge, env: &Env) -> Result<Vec<(String, Pex)>, Failure> {
    let is_pex =
        |name: &&String| name.ends_with(".pex") && env.folder.join(name.as_str()).is_file();
    if let Some(file) = arguments.first_wins.iter().find(is_pex) {
        return Err(Failure::usage(format!(
            "`--first-wins={file}` names a file, and not a project or a path in one"
        ))
        .hint("`--first-wins` alone is for all of them"));
    }
    let mut files: Vec<(String, Pex)> = Vec::new();
    for path in &arguments.files {
        let name = path.display().to_string();
        if !files.iter().any(|(known, _)| *known == name) {
            let pex = open(path, env)?;
            if let Some(problem) = pex.verify(env.threads).first() {
                return Err(Failure::job(format!("`{name}` is damaged: {problem}"))
                    .hint("`pinnace verify` tells all that is wrong with it"));
            }
            files.push((name, pex));
        }
    }
    Ok(files)
}

fn policy(arguments: &Merge) -> Policy {
    let mut policy = Policy::new(Ruling::Refuse);
    if arguments.ignore_errors {
        for kind in [ConflictKind::Unsatisfied, ConflictKind::Unreadable, ConflictKind::Misfit] {
            policy = policy.with_kind(kind, Ruling::FirstWins);
        }
    }
    for what in &arguments.first_wins {
        if what == "**" {
            policy = [
                ConflictKind::SameProject,
                ConflictKind::SameFile,
                ConflictKind::FileAndFolder,
                ConflictKind::SameButForCase,
                ConflictKind::SameScript,
            ]
            .into_iter()
            .fold(policy, |policy, kind| policy.with_kind(kind, Ruling::FirstWins));
        }
        policy = match what.parse::<pinnace_wheel::ProjectName>() {
            Ok(project) => policy.with_project(project.as_str(), Ruling::FirstWins),
            Err(_) => policy,
        };
        policy = policy.with_path(what, Ruling::FirstWins);
    }
    policy
}

/// The conflicts that are tolerated.
fn judge<'m>(
    merge: &'m PexMerge<'_>,
    policy: &Policy,
    ignores_errors: bool,
) -> Result<Vec<&'m Conflict>, Failure> {
    let (refused, tolerated): (Vec<&Conflict>, Vec<&Conflict>) =
        merge.conflicts().into_iter().partition(|conflict| {
            // What an installer would make of one of the files is settled already.
            let was_there = conflict.is_within_a_layer()
                && Policy::of_installers().judge(conflict) == Ruling::FirstWins;
            // That nothing is missing is no matter of who wins.
            let must_hold = unmet(conflict) && !ignores_errors;
            !was_there && (must_hold || policy.judge(conflict) == Ruling::Refuse)
        });
    if refused.is_empty() {
        return Ok(tolerated);
    }
    let mut lines: Vec<String> =
        refused.iter().map(|one| format!("  - {}", merge.told(one))).collect();
    lines.extend(merge.misfits().iter().map(|wheel| format!("  - `{wheel}` fits no platform")));
    let failure = Failure::job(format!("the files do not go together:\n{}", lines.join("\n")));
    let twice = refused.iter().any(|one| one.kind() == ConflictKind::SameProject);
    let is_unmet = refused.iter().any(|one| unmet(one));
    if twice && is_unmet {
        return Err(failure.hint(
            "their requirements exclude one another: `pinnace build` with the requirements of all finds versions that \
             satisfy them, if there are any; `--first-wins --ignore-errors` writes a file in which some do not hold",
        ));
    }
    Err(failure.hint(match refused.iter().all(|one| unmet(one)) {
        true => "add a file that has what is missing, or pass `--ignore-errors`",
        false => "`--first-wins` takes what the first file has; `--first-wins=PROJECT` or `--first-wins='tests/**'` does so for some",
    }))
}

/// Whether it is about what is required, and not about who has what.
fn unmet(conflict: &Conflict) -> bool {
    use ConflictKind::{Misfit, Unreadable, Unsatisfied};
    matches!(conflict.kind(), Unsatisfied | Unreadable | Misfit)
}

fn write(
    arguments: &Merge,
    merge: &PexMerge<'_>,
    out: PexOutput,
    reporter: &Reporter,
    env: &Env,
) -> Result<PexWritten, Failure> {
    let (mut builder, wheels) = merge.builder()?;
    arguments.form.apply(&mut builder);
    if arguments.ignore_errors {
        builder.info_mut().ignore_errors = true;
    }
    Ok(out.write(&builder, &wheels, reporter, env.threads)?)
}

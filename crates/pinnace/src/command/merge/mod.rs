//! `pinnace merge`: several PEX files in one, checked.

mod judge;
mod report;

use std::time::Instant;

use pinnace_build::{Cache, Env, PexOutput, PexWritten, targets_of_files};
use pinnace_pex::{Pex, PexInfo, PexMerge};

use super::info::open;
use crate::{
    Failure,
    arguments::{LayoutName, Merge},
    interrupt::Interrupt,
    output::Output,
    progress::Reporter,
};

use judge::{judge, policy};
use report::Report;

pub(crate) fn run(arguments: &Merge, env: &Env, output: Output) -> Result<(), Failure> {
    let started = Instant::now();
    let interrupt = Interrupt::listen(|| {})?;
    let files = open_files(arguments, env)?;
    let out = PexOutput::open(&arguments.output, arguments.form.layout.into(), env)?;
    let cache = Cache::open(&env.cache_folder()?)?;
    let pexes = files.iter().map(|(_, pex)| pex);
    let targets = targets_of_files(&arguments.platform.spec(), pexes, env, &cache)?;
    let merge = PexMerge::plan(&files, &targets)?;
    for tolerated in judge(&merge, &policy(arguments), arguments.ignore_errors)? {
        output.say(format!("warning: {}", merge.told(tolerated)));
    }
    warn(arguments, &merge, files[0].1.info(), output)?;
    let reporter = Reporter::new(output.without_result(), interrupt.clone());
    let written = write(arguments, &merge, out, &reporter, env);
    let written = written.map_err(|failure| interrupt.explain(failure))?;
    let report = Report {
        file: arguments.output.display().to_string(),
        wheels: merge.distributions().into_iter().collect(),
        inputs: files.len(),
        written,
        seconds: started.elapsed().as_secs_f64(),
    };
    output.result(&report.as_text(), &report.as_json())
}

/// Opens the files. A file that is named twice counts once.
fn open_files(arguments: &Merge, env: &Env) -> Result<Vec<(String, Pex)>, Failure> {
    let is_pex =
        |name: &&String| name.ends_with(".pex") && env.folder.join(name.as_str()).is_file();
    if let Some(file) = arguments.first_wins.iter().find(is_pex) {
        return Err(Failure::usage(format!(
            "`--first-wins={file}` names a file; it needs a project or a path pattern"
        ))
        .hint("use `--first-wins` alone to let the first file win all conflicts"));
    }
    let mut files: Vec<(String, Pex)> = Vec::new();
    for path in &arguments.files {
        let name = path.display().to_string();
        if !files.iter().any(|(known, _)| *known == name) {
            let pex = open(path, env)?;
            if let Some(problem) = pex.verify(env.threads).first() {
                return Err(Failure::job(format!("`{name}` is damaged: {problem}"))
                    .hint("list all problems with `pinnace verify`"));
            }
            files.push((name, pex));
        }
    }
    Ok(files)
}

/// Prints what the merge drops.
fn warn(
    arguments: &Merge,
    merge: &PexMerge<'_>,
    first: &PexInfo,
    output: Output,
) -> Result<(), Failure> {
    let has_entry_point = first.entry_point.is_some() || first.script.is_some();
    if arguments.form.layout == LayoutName::Flat && has_entry_point {
        output.say(
            "warning: the `flat` layout has no entry point; that of the first file is dropped",
        );
    }
    for (file, key, value) in merge.dropped()? {
        output.say(format!(
            "warning: {key} of {file} ({value}) is dropped: the settings of the first file apply"
        ));
    }
    for wheel in merge.misfits() {
        output.say(format!("warning: `{wheel}` fits no platform of the file, and is left out"));
    }
    Ok(())
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

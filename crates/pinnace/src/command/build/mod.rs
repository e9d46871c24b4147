//! `pinnace build`: builds a PEX file from requirements and code.

mod report;

use pinnace_build::{Build as Job, BuildSpec, Emptiness, Env, Program, ScriptBlock, Split};
use pinnace_pex::{EntryPoint, InterpreterConstraint};

use crate::{
    Failure,
    arguments::{Build, LayoutName, Run},
    output::Output,
    session::Session,
};

use report::Report;

pub(crate) fn run(arguments: &Build, env: &Env, output: Output) -> Result<(), Failure> {
    check_arguments(arguments)?;
    let session = Session::start(env, output)?;
    let build = || -> Result<Report, Failure> {
        let cx = session.context(&arguments.index)?;
        Ok(Report(Job::from_spec(&cx, spec(arguments)?).run()?))
    };
    let built = build().map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let built = built?;
    built.0.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    output.result(&built.as_text(), &built.as_json())
}

fn spec(arguments: &Build) -> Result<BuildSpec, Failure> {
    let name_and_folder = |text: &String| {
        let (name, folder) = text.split_once('@').unwrap_or((text, ""));
        (name.to_owned(), folder.into())
    };
    let mut spec = BuildSpec::default();
    spec.inputs = arguments.inputs.spec();
    spec.lock.clone_from(&arguments.lock);
    spec.sources.clone_from(&arguments.sources);
    spec.packages = arguments.add_package.iter().map(name_and_folder).collect();
    spec.modules = arguments.add_module.iter().map(name_and_folder).collect();
    spec.program = program(&arguments.run)?;
    if arguments.no_pep723 {
        spec.script_block = ScriptBlock::Ignored;
    }
    spec.output.clone_from(&arguments.output);
    if arguments.split {
        spec.split = Split::Two;
    }
    if arguments.empty {
        spec.emptiness = Emptiness::Allowed;
    }
    spec.platforms = arguments.platform.spec();
    spec.file = arguments.start.spec();
    spec.solve = arguments.solve.spec();
    spec.indexes = arguments.index.spec();
    Ok(spec)
}

fn program(run: &Run) -> Result<Program, Failure> {
    Ok(match (&run.script, &run.entry, &run.executable) {
        (Some(name), ..) => Program::script(name),
        (_, Some(entry), _) => Program::EntryPoint(EntryPoint::parse(entry)?),
        (.., Some(file)) => Program::File(file.clone()),
        _ => Program::Interpreter,
    })
}

fn check_arguments(arguments: &Build) -> Result<(), Failure> {
    for constraint in &arguments.start.interpreter_constraint {
        constraint
            .parse::<InterpreterConstraint>()
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    let run = &arguments.run;
    if let Some(folder) = arguments.sources.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("no such folder: `{}` (`-D`)", folder.display())));
    }
    if let Some(file) = run.executable.iter().find(|file| !file.is_file()) {
        return Err(Failure::usage(format!("no such file: `{}` (`--exe`)", file.display())));
    }
    let runs = run.script.is_some() || run.entry.is_some() || run.executable.is_some();
    if arguments.start.form.layout == LayoutName::Flat
        && (runs || arguments.start.has_start_options())
    {
        return Err(Failure::usage("the `flat` layout has no entry point")
            .hint("drop the options for the start, or choose another `--layout`"));
    }
    if arguments.split && arguments.start.form.layout == LayoutName::Flat {
        return Err(Failure::usage("`--split` does not work with the `flat` layout")
            .hint("drop `--split`, or choose another `--layout`"));
    }
    Ok(())
}

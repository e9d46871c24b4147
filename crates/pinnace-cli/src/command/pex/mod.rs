//! `pinnace pex`: the arguments of the pex tool, so that whoever calls that can change one word.

mod table;
mod translate;

use clap::Parser;

use crate::{
    Failure,
    arguments::{Arguments, Command, Pex},
    command,
    environment::Environment,
    progress::Output,
};

use translate::translate;

pub(crate) fn run(
    arguments: &Pex,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let translated = translate(&arguments.arguments, &environment.folder)?;
    if !translated.ignored.is_empty() {
        let ignored = translated.ignored.join(", ");
        output.say(format!("note: without effect here: {ignored}"));
    }
    if translated.has_output {
        return build(translated.build, environment, output);
    }
    let folder =
        tempfile::tempdir().map_err(|error| Failure::io("cannot make a folder", &error))?;
    let file = folder.path().join("app.pex");
    let mut build_arguments = translated.build;
    build_arguments.push(format!("--output={}", file.display()));
    build(build_arguments, environment, output.without_result())?;
    let status = std::process::Command::new(&file).args(&translated.run).status();
    let status = status.map_err(|error| Failure::io("cannot run what was built", &error))?;
    drop(folder);
    // What it says is what we say; a signal is a failure.
    std::process::exit(status.code().unwrap_or(1))
}

fn build(arguments: Vec<String>, environment: &Environment, output: Output) -> Result<(), Failure> {
    let words = ["pinnace".to_owned(), "build".to_owned()].into_iter().chain(arguments);
    let parsed = Arguments::try_parse_from(words).map_err(|error| {
        Failure::usage(error.to_string().trim_start_matches("error: ").trim_end())
    })?;
    match parsed.command {
        Command::Build(build) => command::build::run(&build, environment, output),
        _ => Err(Failure::usage("this is no build")),
    }
}

//! `pinnace pex`: accepts the command line of the pex tool.

mod table;
mod translate;

use std::{os::unix::process::CommandExt, process::Command as Process};

use clap::Parser;
use pinnace_build::Env;
use pinnace_store::Digest;

use crate::{
    Failure,
    arguments::{Arguments, Command, Pex},
    command,
    output::Output,
};

use translate::translate;

pub(crate) fn run(arguments: &Pex, env: &Env, output: Output) -> Result<(), Failure> {
    let translated = translate(&arguments.arguments, &env.folder)?;
    if !translated.ignored.is_empty() {
        let ignored = translated.ignored.join(", ");
        output.say(format!("note: options without effect: {ignored}"));
    }
    if translated.has_output {
        build(translated.build, env, output)
    } else {
        build_and_run(translated.build, &translated.run, env, output)
    }
}

/// Builds a file in the cache, under a digest of the arguments, and replaces this process by it.
fn build_and_run(
    mut words: Vec<String>,
    run: &[String],
    env: &Env,
    output: Output,
) -> Result<(), Failure> {
    let folder = env.cache_folder()?.join("runs");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::io(&format!("cannot create `{}`", folder.display()), &error))?;
    let mut key = vec![env.folder.display().to_string()];
    key.extend(words.iter().cloned());
    let name = Digest::of(key.join("\0")).to_hex();
    let file = folder.join(format!("{}.pex", &name[..32]));
    words.extend(["--empty".to_owned(), format!("--output={}", file.display())]);
    build(words, env, output.without_result())?;
    // The program replaces this process, so that it receives the signals and sets the exit code.
    let error = Process::new(&file).args(run).exec();
    Err(Failure::io("cannot run the file that was built", &error))
}

fn build(arguments: Vec<String>, env: &Env, output: Output) -> Result<(), Failure> {
    let words = ["pinnace".to_owned(), "build".to_owned()].into_iter().chain(arguments);
    let parsed = Arguments::try_parse_from(words).map_err(|error| {
        Failure::usage(error.to_string().trim_start_matches("error: ").trim_end())
    })?;
    match parsed.command {
        Command::Build(build) => command::build::run(&build, env, output),
        _ => Err(Failure::usage("expected arguments of a build")),
    }
}

//! `pinnace pex`: the arguments of the pex tool, so that whoever calls that can change one word.

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
    progress::Output,
};

use translate::translate;

pub(crate) fn run(arguments: &Pex, env: &Env, output: Output) -> Result<(), Failure> {
    let translated = translate(&arguments.arguments, &env.folder)?;
    if !translated.ignored.is_empty() {
        let ignored = translated.ignored.join(", ");
        output.say(format!("note: without effect here: {ignored}"));
    }
    match translated.has_output {
        true => build(translated.build, env, output),
        false => build_and_run(translated.build, &translated.run, env, output),
    }
}

/// Becomes what is built. It stays in the cache, under the arguments that made it.
fn build_and_run(
    mut words: Vec<String>,
    run: &[String],
    env: &Env,
    output: Output,
) -> Result<(), Failure> {
    let folder = env.cache_folder()?.join("runs");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::io(&format!("cannot make `{}`", folder.display()), &error))?;
    let mut asked = vec![env.folder.display().to_string()];
    asked.extend(words.iter().cloned());
    let name = Digest::of(asked.join("\0")).to_hex();
    let file = folder.join(format!("{}.pex", &name[..32]));
    words.extend(["--empty".to_owned(), format!("--output={}", file.display())]);
    build(words, env, output.without_result())?;
    // It takes this process's place, so that it gets its signals, and its exit code is ours.
    let error = Process::new(&file).args(run).exec();
    Err(Failure::io("cannot run what was built", &error))
}

fn build(arguments: Vec<String>, env: &Env, output: Output) -> Result<(), Failure> {
    let words = ["pinnace".to_owned(), "build".to_owned()].into_iter().chain(arguments);
    let parsed = Arguments::try_parse_from(words).map_err(|error| {
        Failure::usage(error.to_string().trim_start_matches("error: ").trim_end())
    })?;
    match parsed.command {
        Command::Build(build) => command::build::run(&build, env, output),
        _ => Err(Failure::usage("this is no build")),
    }
}

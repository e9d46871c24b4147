//! The `pinnace` command: arguments, progress, reports, and nothing else.

mod agents;
mod arguments;
mod command;
mod deployments;
mod dotenv;
mod failure;
mod hints;
mod interrupt;
mod output;
mod progress;
mod quantity;
mod session;
mod stores;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

use pinnace_build::Env;

use arguments::{Arguments, Command};
use failure::Failure;
use output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(words()) {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap prints help and version to stdout, and errors to stderr.
            let _ = error.print();
            if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
                Output::json_only().fail_quietly(&usage(&error.to_string()));
            }
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    let output = arguments.output();
    let result = Env::read().map_err(Failure::from);
    match result.and_then(|env| run(arguments.command, &env, output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command, env: &Env, output: Output) -> Result<(), Failure> {
    match command {
        Command::Build(build) => command::build::run(&build, env, output),
        Command::Lock(lock) => command::lock::run(&lock, env, output),
        Command::Pex(pex) => command::pex::run(&pex, env, output),
        Command::Merge(merge) => command::merge::run(&merge, env, output),
        Command::Info(info) => command::info::run(&info, env, output),
        Command::Verify(verify) => command::verify::run(&verify, env, output),
        Command::Up(up) => command::up::run(*up, env, output),
        Command::Agent(agent) => command::agent::run(&agent, env, output),
        Command::Status(status) => command::status::run(&status, env, output),
        Command::Restart(restart) => command::restart::run(&restart, env, output),
        Command::Logs(logs) => command::logs::run(&logs, env, output),
        Command::Deploy(deploy) => command::deploy::run(&deploy, env, output),
        Command::Run(run) => command::run::run(&run, env, output),
        Command::Export(export) => command::export::run(&export, env, output),
        Command::Releases(releases) => command::releases::list(&releases, env, output),
        Command::Stop(stop) => command::stop::run(&stop, env, output),
        Command::Rollback(rollback) => command::rollback::run(&rollback, env, output),
        Command::Store(store) => command::store::run(&store, env, output),
        Command::Diff(diff) => command::diff::run(&diff, env, output),
    }
}

/// Returns the failure of a usage error of clap. The first line is the message, and the rest the hint.
fn usage(text: &str) -> Failure {
    let text = text.trim_start_matches("error: ").trim();
    match text.split_once("\n") {
        Some((first, rest)) => Failure::usage(first).hint(rest.trim()),
        None => Failure::usage(text),
    }
}

/// Returns the words of the command line. A `--` right after `pex` belongs to the pex tool, so it is
/// escaped for clap.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let verb = words.iter().skip(1).position(|word| !is_option(word)).map(|at| at + 1);
    if let Some(at) = verb.filter(|at| words[*at] == "pex")
        && words.get(at + 1).is_some_and(|word| word == "--")
    {
        words.insert(at + 1, "--".into());
    }
    words
}

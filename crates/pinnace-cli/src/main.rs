//! The `pinnace` command: arguments, progress, reports, and nothing else.

mod agents;
mod arguments;
mod backends;
mod choose;
mod command;
mod credentials;
mod destination;
mod dotenv;
mod environment;
mod failure;
mod inputs;
mod interpreters;
mod interrupt;
mod later;
mod modules;
mod output;
mod platforms;
mod prepare;
mod progress;
mod python;
mod services;
mod session;
mod steps;
mod storage;
mod stores;
mod supply;
mod timings;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

use arguments::{Arguments, Command};
use environment::Environment;
use failure::Failure;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(words()) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors, and go to stdout; clap knows.
            let _ = error.print();
            if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
                progress::Output::json_only().fail_quietly(&usage(&error.to_string()));
            }
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    let output = arguments.output();
    let result = Environment::read().and_then(|environment| match arguments.command {
        Command::Build(build) => command::build::run(&build, &environment, output),
        Command::Lock(lock) => command::lock::run(&lock, &environment, output),
        Command::Pex(pex) => command::pex::run(&pex, &environment, output),
        Command::Merge(merge) => command::merge::run(&merge, &environment, output),
        Command::Info(info) => command::info::run(&info, &environment, output),
        Command::Verify(verify) => command::verify::run(&verify, &environment, output),
        Command::Up(up) => command::up::run(*up, &environment, output),
        Command::Agent(agent) => command::agent::run(&agent, &environment, output),
        Command::Status(status) => command::status::run(&status, &environment, output),
        Command::Restart(restart) => command::restart::run(&restart, &environment, output),
        Command::Logs(logs) => command::logs::run(&logs, &environment, output),
        Command::Deploy(deploy) => command::deploy::run(&deploy, &environment, output),
        Command::Run(run) => command::run::run(&run, &environment, output),
        Command::Export(export) => command::export::run(&export, &environment, output),
        Command::Releases(releases) => command::releases::list(&releases, &environment, output),
        Command::Stop(stop) => command::stop::run(&stop, &environment, output),
        Command::Rollback(rollback) => command::rollback::run(&rollback, &environment, output),
        Command::Store(store) => command::store::run(&store, &environment, output),
        Command::Diff(diff) => command::diff::run(&diff, &environment, output),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// What clap says, as any other failure: in its first line, and the rest.
fn usage(said: &str) -> Failure {
    let said = said.trim_start_matches("error: ").trim();
    match said.split_once("\n") {
        Some((first, rest)) => Failure::usage(first).hint(rest.trim()),
        None => Failure::usage(said),
    }
}

/// The words of the command line. A `--` right behind `pex` is the pex tool's, and not our parser's.
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

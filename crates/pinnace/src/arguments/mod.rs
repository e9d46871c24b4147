//! The arguments of all commands.

mod agent;
mod deploy;
mod inputs;
mod start;
mod store;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::output::{Output, Style, Volume};

pub(crate) use agent::{Logs, Restart, RunAgent, Status, Up};
pub(crate) use deploy::{
    AgentArguments, Deploy, ExportRelease, Releases, Rollback, RunRelease, Stop, StoreArguments,
};
pub(crate) use inputs::{IndexArguments, InputArguments, PlatformArguments, SolveArguments};
pub(crate) use start::{FormArguments, LayoutName, StartArguments};
pub(crate) use store::{StoreCommand, StoreGc, StoreSubcommand};

/// Build Python programs into single files, deploy them and run them
#[derive(Debug, Parser)]
#[command(
    name = "pinnace",
    version,
    propagate_version = true,
    max_term_width = 100,
    args_override_self = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Args, Debug)]
struct Global {
    /// Print one JSON object on stdout instead of text; on failure `{"error": …}`
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    /// Print only errors and requested data
    #[arg(long, short, global = true, display_order = 901, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more detail, such as downloads and retries
    #[arg(long, short, global = true, display_order = 902, action = ArgAction::SetTrue)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a PEX file from requirements, code or a project
    Build(Box<Build>),
    /// Build with the arguments of the pex tool
    Pex(Pex),
    /// Lock requirements to exact files
    Lock(Box<Lock>),
    /// Merge PEX files into one
    Merge(Box<Merge>),
    /// Show the contents and settings of a PEX file
    Info(Info),
    /// Check a PEX file for damage and unsatisfied requirements
    Verify(Box<Verify>),
    /// Compare two PEX files
    Diff(Diff),
    /// Run a project on this machine, and redeploy it on every change
    Up(Box<Up>),
    /// Deploy a project to a store or an agent
    Deploy(Box<Deploy>),
    /// Run a service, a release or a PEX file
    Run(RunRelease),
    /// Export a release as two PEX files
    Export(ExportRelease),
    /// List services, or the releases of one service
    Releases(Releases),
    /// Roll a service back to an earlier release
    Rollback(Rollback),
    /// Stop a service on all agents
    Stop(Stop),
    /// Run an agent, which keeps the services of a store running on this machine
    Agent(Box<RunAgent>),
    /// Show the services of an agent
    Status(Status),
    /// Restart the processes of a service
    Restart(Restart),
    /// Show the logs of a service
    Logs(Logs),
    /// Inspect and maintain a store
    Store(StoreCommand),
}

/// The arguments of `pinnace build`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Without requirements, code or a lock, the project in the current folder is built.

Examples:
  pinnace build cowsay --script cowsay -o cowsay.pex
  pinnace build \"flask>=3\" -D src -m app:main -o app.pex
  pinnace build --lock pylock.toml -o app.pex")]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    /// Install the files of this `pylock.toml` or `uv.lock` without resolving
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "requirements", "requirement_files", "constraint", "overrides", "exclude", "pre",
        "exclude_newer", "no_deps", "only_binary", "no_binary",
    ])]
    pub(crate) lock: Option<PathBuf>,
    /// Folder whose contents to add as code (repeatable)
    #[arg(long = "sources", short = 'D', value_name = "DIR")]
    pub(crate) sources: Vec<PathBuf>,
    /// Package to add as code, such as `app.web` or `app.web@src` (repeatable)
    #[arg(long, value_name = "PKG[@DIR]")]
    pub(crate) add_package: Vec<String>,
    /// Module to add as code, such as `tool` or `tool@src` (repeatable)
    #[arg(long, value_name = "MOD[@DIR]")]
    pub(crate) add_module: Vec<String>,
    /// File to write, or folder with `--split` and most layouts [default for the project in the
    /// current folder: NAME.pex]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write two files into a folder: `deps.pex` with the wheels, and `source.pex` with the code,
    /// which runs with `PEX_PATH=deps.pex`
    #[arg(long)]
    pub(crate) split: bool,
    #[command(flatten)]
    pub(crate) run: Run,
    /// Ignore the PEP 723 metadata of `--exe`
    #[arg(long)]
    pub(crate) no_pep723: bool,
    /// Allow a file without wheels and code
    #[arg(long, hide = true)]
    pub(crate) empty: bool,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) start: StartArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// The arguments of `pinnace pex`.
#[derive(Args, Debug)]
#[command(after_help = "\
Without `-o`, the file is run with the arguments after `--`. A note names options that have no \
effect; options that are not supported are refused. See docs/pex.md.

Examples:
  pinnace pex flask -r requirements.txt -D src -m app.main:run -o app.pex
  pinnace pex cowsay -c cowsay -- -t hi")]
pub(crate) struct Pex {
    /// Arguments of the pex tool
    #[arg(value_name = "ARG", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// The arguments of `pinnace lock`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Without requirements, the project in the current folder is locked. Several platforms are \
resolved one by one into one lock.

Examples:
  pinnace lock \"flask>=3\" -o pylock.toml
  pinnace lock -r requirements.txt --platform linux_x86_64-cp312 --platform macosx_14_0_arm64-cp312")]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    /// File to write: a `pylock.toml`, a requirements file with hashes if the name ends in `.txt`,
    /// or `-` for stdout
    #[arg(long, short, value_name = "FILE", default_value = "pylock.toml")]
    pub(crate) output: PathBuf,
    /// Upgrade all projects [default: keep the versions of the existing file]
    #[arg(long, short = 'U')]
    pub(crate) upgrade: bool,
    /// Upgrade only this project (repeatable)
    #[arg(long, short = 'P', value_name = "NAME")]
    pub(crate) upgrade_package: Vec<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// The entry point of a file. Without one, the file is a Python interpreter.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(crate) struct Run {
    /// Console script to run, such as `-c cowsay`
    #[arg(long = "script", visible_alias = "console-script", short = 'c', value_name = "NAME")]
    pub(crate) script: Option<String>,
    /// Module or function to run, such as `-m app.main:run`
    #[arg(
        long = "entry",
        visible_alias = "entry-point",
        short = 'm',
        short_alias = 'e',
        value_name = "MOD[:OBJ]"
    )]
    pub(crate) entry: Option<String>,
    /// Python file to run; its PEP 723 dependencies are installed
    #[arg(long = "exe", value_name = "FILE")]
    pub(crate) executable: Option<PathBuf>,
}

/// The arguments of `pinnace merge`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pinnace merge app.pex libs.pex -o all.pex
  pinnace merge app.pex libs.pex --first-wins='tests/**' -o all.pex")]
pub(crate) struct Merge {
    /// PEX files or folders; the first one sets the entry point and the settings
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// File to write, or folder with most layouts
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Let the first file win conflicts: all of them, those of a project, or those of paths such as
    /// `tests/**` (repeatable)
    #[arg(long, value_name = "PROJECT|PATTERN", num_args = 0..=1, default_missing_value = "**",
          require_equals = true)]
    pub(crate) first_wins: Vec<String>,
    /// Write the file even if requirements are not satisfied
    #[arg(long)]
    pub(crate) ignore_errors: bool,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
}

/// The arguments of `pinnace info`.
#[derive(Args, Debug)]
pub(crate) struct Info {
    /// PEX file or folder
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// The arguments of `pinnace verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
The file is checked for the platforms that it was built for, unless platform options name others.")]
pub(crate) struct Verify {
    /// PEX file or folder
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
}

/// The arguments of `pinnace diff`.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// Old PEX file or folder
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// New PEX file or folder
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Exit with 1 if the files differ
    #[arg(long)]
    pub(crate) exit_code: bool,
}

impl Arguments {
    pub(crate) fn output(&self) -> Output {
        let style = if self.global.json { Style::Json } else { Style::Text };
        let volume = match (self.global.quiet, self.global.verbose) {
            (true, _) => Volume::Quiet,
            (_, true) => Volume::Verbose,
            _ => Volume::Normal,
        };
        Output { style, volume }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}

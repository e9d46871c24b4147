//! What can be said on the command line.

mod agent;
mod deploy;
mod inputs;
mod start;
mod store;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::progress::{Output, Style, Volume};

pub(crate) use agent::{Logs, Restart, RunAgent, Status, Up};
pub(crate) use deploy::{
    AgentArguments, Deploy, ExportRelease, Releases, Rollback, RunRelease, Stop, StoreArguments,
};
pub(crate) use inputs::{IndexArguments, InputArguments, PlatformArguments, SolveArguments};
pub(crate) use start::{FormArguments, LayoutName, StartArguments};
pub(crate) use store::{StoreCommand, StoreGc, StoreVerb};

/// Ships Python code in seconds: builds it, with all that it needs, into one file that runs.
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
    /// Print one JSON object on stdout at the end, and nothing else there; `{"error": …}` on failure
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    /// Say nothing but errors
    #[arg(long, short, global = true, display_order = 901, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more: what is fetched again, and why
    #[arg(long, short, global = true, display_order = 902, action = ArgAction::SetTrue)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a PEX file: one file that holds wheels and code, and runs
    Build(Box<Build>),
    /// Take the arguments of the pex tool, and build what it would
    Pex(Pex),
    /// Choose the exact files that satisfy requirements, and write them down
    Lock(Box<Lock>),
    /// Make one PEX file of several, and check that they go together
    Merge(Box<Merge>),
    /// Show what a PEX file holds
    Info(Info),
    /// Read all of a PEX file, and check that it is whole and holds all that it requires
    Verify(Box<Verify>),
    /// Say what differs between two PEX files
    Diff(Diff),
    /// Run a project here, and run it anew whenever it is saved
    Up(Box<Up>),
    /// Make a release of a project, and bring it live
    Deploy(Box<Deploy>),
    /// Run a service, a release or a PEX file: what is lacking is fetched first
    Run(RunRelease),
    /// Write a release as two PEX files, the same bytes wherever it is done
    Export(ExportRelease),
    /// List services, or the releases of one
    Releases(Releases),
    /// Bring an earlier release of a service live again
    Rollback(Rollback),
    /// Take a service out of use
    Stop(Stop),
    /// Keep the services of a store running on this machine
    Agent(Box<RunAgent>),
    /// Show what an agent runs
    Status(Status),
    /// Start new processes of what is live on an agent
    Restart(Restart),
    /// Show what the processes of a service say
    Logs(Logs),
    /// Look into a store, and look after it
    Store(StoreCommand),
}

/// Without requirements, code or a lock it builds the project in the current folder, as its files, its lock
/// and its `[tool.pinnace]` describe it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    /// Take the files of this `pylock.toml` or `uv.lock`, and resolve nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "requirements", "requirement_files", "constraint", "overrides", "exclude", "pre",
        "exclude_newer", "no_deps", "only_binary", "no_binary",
    ])]
    pub(crate) lock: Option<PathBuf>,
    /// Add the contents of this folder as code (may be repeated)
    #[arg(long = "sources", short = 'D', value_name = "DIR")]
    pub(crate) sources: Vec<PathBuf>,
    /// Add this package as code, as in `app.web` or `app.web@src` (may be repeated)
    #[arg(long, value_name = "PKG[@DIR]")]
    pub(crate) add_package: Vec<String>,
    /// Add this module as code, as in `tool` or `tool@src` (may be repeated)
    #[arg(long, value_name = "MOD[@DIR]")]
    pub(crate) add_module: Vec<String>,
    /// The file to write; a folder with the layouts that are one, and with `--split` [default of a bare
    /// `build`: the name of the project]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write two files into a folder: `deps.pex` with all wheels, and `source.pex` with the code, to be run
    /// with the first on its `PEX_PATH`
    #[arg(long)]
    pub(crate) split: bool,
    #[command(flatten)]
    pub(crate) run: Run,
    /// Read no `script` block of `--exe`
    #[arg(long)]
    pub(crate) no_pep723: bool,
    /// Build what holds nothing, too
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

/// Without an output file what is built is run, with the arguments behind `--`.
#[derive(Args, Debug)]
#[command(
    after_help = "For example:\n  pinnace pex flask -r requirements.txt -D src -m app.main:run -o app.pex\n  \
    pinnace pex cowsay -c cowsay -- -t hi\n\nAn option that has no effect here is named in a note, and one that cannot be honoured \
    is refused with what to do instead; docs/pex.md lists all of them."
)]
pub(crate) struct Pex {
    /// As the pex tool takes them
    #[arg(value_name = "ARG", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// Several platforms are several resolutions, in one lock. Without requirements it locks the project in the
/// current folder.
#[derive(Args, Clone, Debug)]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) inputs: InputArguments,
    /// The file to write: a `pylock.toml`, or by its name `….txt` a requirements file with hashes;
    /// `-` is stdout
    #[arg(long, short, value_name = "FILE", default_value = "pylock.toml")]
    pub(crate) output: PathBuf,
    /// Choose anew, whatever the file has so far
    #[arg(long, short = 'U')]
    pub(crate) upgrade: bool,
    /// Choose this project anew, and leave the others as the file has them (may be repeated)
    #[arg(long, short = 'P', value_name = "NAME")]
    pub(crate) upgrade_package: Vec<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
    #[command(flatten)]
    pub(crate) solve: SolveArguments,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// What the file runs. Without any of these it is an interpreter with all that it holds.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(crate) struct Run {
    /// Run this script of a distribution, as in `-c cowsay`
    #[arg(long = "script", visible_alias = "console-script", short = 'c', value_name = "NAME")]
    pub(crate) script: Option<String>,
    /// Run this module, or this function of one
    #[arg(
        long = "entry",
        visible_alias = "entry-point",
        short = 'm',
        short_alias = 'e',
        value_name = "MOD[:OBJ]"
    )]
    pub(crate) entry: Option<String>,
    /// Run this Python file; what its `script` block requires (PEP 723) is required
    #[arg(long = "exe", value_name = "FILE")]
    pub(crate) executable: Option<PathBuf>,
}

/// The first file is the main one: its entry point and its settings count, and where two files have
/// the same, what it has.
#[derive(Args, Debug)]
pub(crate) struct Merge {
    /// The PEX files, ours or those of the pex tool, in one piece or folders
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The file to write; a folder with the layouts that are one
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Where files do not go together, take what the first has: for all, or for a project or the paths
    /// of a pattern such as `tests/**` (may be repeated)
    #[arg(long, value_name = "PROJECT|PATTERN", num_args = 0..=1, default_missing_value = "**",
          require_equals = true)]
    pub(crate) first_wins: Vec<String>,
    /// Write the file although requirements are not satisfied
    #[arg(long)]
    pub(crate) ignore_errors: bool,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Info {
    /// The PEX file, or its folder
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Without a platform, a file is checked for those that it was built for; one that does not say, for
/// the default interpreter.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The PEX file, or its folder
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) platform: PlatformArguments,
}

#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// The old PEX file, or its folder
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The new one
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Exit with 1 if they differ
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

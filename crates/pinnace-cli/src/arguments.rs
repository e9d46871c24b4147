//! What can be said on the command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::progress::{Output, Style, Volume};

/// Ships Python code in seconds: builds it, with all that it needs, into one file that runs.
#[derive(Debug, Parser)]
#[command(name = "pinnace", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Args, Debug)]
struct Global {
    /// Print one JSON object on stdout at the end, and nothing else there; `{"error": …}` on failure
    #[arg(long, global = true)]
    json: bool,
    /// Say nothing but errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more: what is fetched again, and why
    #[arg(long, short, global = true, action = ArgAction::SetTrue)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a PEX file: one file that holds wheels and code, and runs
    Build(Box<Build>),
    /// Show what a PEX file holds
    Info(Info),
}

/// The three ways to say what runs exclude one another.
#[derive(Args, Debug)]
pub(crate) struct Build {
    /// What to install, as in `dagster` or `"flask[async]>=3"`
    #[arg(value_name = "REQ")]
    pub(crate) requirements: Vec<String>,
    /// Add the contents of this folder as code (may be repeated)
    #[arg(long = "sources", short = 'D', value_name = "DIR")]
    pub(crate) sources: Vec<PathBuf>,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) run: Run,
    /// The interpreter to build for: a path, or a name on PATH [default: python3]
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<String>,
    /// The file's first line, if not `#!/usr/bin/env pythonX.Y`
    #[arg(long, value_name = "LINE")]
    pub(crate) python_shebang: Option<String>,
    #[command(flatten)]
    pub(crate) index: IndexArguments,
}

/// What the file runs. Without any of these it is an interpreter with all that it holds.
#[derive(Args, Debug)]
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
    /// Run this Python file
    #[arg(long = "exe", value_name = "FILE")]
    pub(crate) executable: Option<PathBuf>,
}

/// Which index is asked. Without any of these: as pip and uv are configured, and else the index
/// that the interpreter's own pip asks.
#[derive(Args, Debug)]
#[command(next_help_heading = "Index options")]
pub(crate) struct IndexArguments {
    /// The index to ask
    #[arg(long, short = 'i', value_name = "URL")]
    pub(crate) index_url: Option<String>,
    /// An index to ask before it; the first that has a project owns its name (may be repeated)
    #[arg(long, value_name = "URL")]
    pub(crate) extra_index_url: Vec<String>,
    /// Fetch nothing: build from what is in the cache
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Info {
    /// The PEX file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
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

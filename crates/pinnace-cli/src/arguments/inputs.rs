//! What is wanted, for which platform, from where: the same for every verb that resolves.

use std::path::PathBuf;

use clap::Args;

/// What is wanted.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct InputArguments {
    /// What to install, as in `dagster`, `"flask[async]>=3"`, `./tool-1.0-py3-none-any.whl`
    #[arg(value_name = "REQ")]
    pub(crate) requirements: Vec<String>,
    /// Install what this file requires: a requirements file or a `pyproject.toml` (may be repeated)
    #[arg(long = "requirements", visible_alias = "requirement", short = 'r', value_name = "FILE")]
    pub(crate) requirement_files: Vec<PathBuf>,
    /// Install what the project in this folder requires
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// With this extra of the project (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub(crate) extra: Vec<String>,
    /// With this dependency group of the project (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,
    /// With `build --lock uv.lock`: the member of the workspace whose part is wanted
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// Folders whose code is wanted without being a project.
    #[arg(skip)]
    pub(crate) code: Vec<PathBuf>,
    /// Limit versions as this requirements file does (may be repeated)
    #[arg(long, visible_alias = "constraints", value_name = "FILE")]
    pub(crate) constraint: Vec<PathBuf>,
    /// Take this requirement in place of all others on its project, or those of a requirements file
    /// (may be repeated)
    #[arg(long = "override", value_name = "REQ|FILE")]
    pub(crate) overrides: Vec<String>,
    /// Leave this project out, whoever requires it (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<String>,
}

/// For what platform. Without any of these: the one that `python3` is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Platform options")]
pub(crate) struct PlatformArguments {
    /// The interpreter to build for: a path, a name on PATH, or a version [default: python3] (may be
    /// repeated)
    #[arg(long = "python", value_name = "PY")]
    pub(crate) pythons: Vec<String>,
    /// A platform to build for, as in `linux_x86_64-cp311` or `macosx_14_0_arm64-cp312`; a
    /// platform alone takes the version of `--python` (may be repeated)
    #[arg(long, value_name = "P")]
    pub(crate) platform: Vec<String>,
    /// A platform in full, as `pex3 interpreter inspect --markers --tags` prints it: the file, or the
    /// JSON itself (may be repeated)
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) complete_platform: Vec<String>,
    /// What a platform does not say, as in `python_full_version=3.11.9` (may be repeated)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) marker: Vec<String>,
}

impl PlatformArguments {
    /// Whether nothing is said.
    pub(crate) fn are_open(&self) -> bool {
        self.pythons.is_empty() && self.platform.is_empty() && self.complete_platform.is_empty()
    }

    /// Whether at most a version of Python is said.
    pub(crate) fn has_no_platform(&self) -> bool {
        self.platform.is_empty() && self.complete_platform.is_empty() && self.pythons.len() < 2
    }

    /// The interpreter that a platform alone takes its version of, and whose pip is asked.
    pub(crate) fn python(&self) -> Option<&str> {
        self.pythons.first().map(String::as_str)
    }
}

/// What will do.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Resolver options")]
pub(crate) struct SolveArguments {
    /// Take pre-releases as any release, and not only where nothing else is left
    #[arg(long)]
    pub(crate) pre: bool,
    /// Take what is asked for by name, and not what it requires
    #[arg(long, visible_alias = "intransitive")]
    pub(crate) no_deps: bool,
    /// Leave out what was uploaded at this time or later, as in `2026-11-25` or
    /// `2026-11-25T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(crate) exclude_newer: Option<String>,
    /// Refuse whatever has no hash in a requirements file
    #[arg(long)]
    pub(crate) require_hashes: bool,
    /// Take only wheels of these projects: names, `:all:` or `:none:` (may be repeated)
    #[arg(long, value_name = "NAMES")]
    pub(crate) only_binary: Vec<String>,
    /// Take no wheels of these projects: names, `:all:` or `:none:` (may be repeated)
    #[arg(long, value_name = "NAMES")]
    pub(crate) no_binary: Vec<String>,
}

/// Which index is asked. Without any of these: as pip and uv are configured, and else the index
/// that the interpreter's own pip asks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Index options")]
pub(crate) struct IndexArguments {
    /// The index to ask
    #[arg(long, short = 'i', visible_alias = "default-index", value_name = "URL")]
    pub(crate) index_url: Option<String>,
    /// An index to ask before it; the first that has a project owns its name (may be repeated)
    #[arg(long, visible_alias = "index", value_name = "URL")]
    pub(crate) extra_index_url: Vec<String>,
    /// A page or folder whose links are candidates, too (may be repeated)
    #[arg(long, short = 'f', value_name = "URL|DIR")]
    pub(crate) find_links: Vec<String>,
    /// Ask no index; take what `--find-links` and requirements by address have
    #[arg(long)]
    pub(crate) no_index: bool,
    /// Ask the `keyring` program for credentials: `disabled` or `subprocess`
    #[arg(long, value_name = "HOW")]
    pub(crate) keyring_provider: Option<String>,
    /// Fetch nothing: build from what is in the cache
    #[arg(long)]
    pub(crate) offline: bool,
}

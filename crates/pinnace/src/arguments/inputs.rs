//! Requirements, platforms, resolver rules and indexes: the arguments of all commands that resolve.

use std::path::PathBuf;

use clap::Args;
use pinnace_build::{IndexSpec, InputSpec, PlatformSpec, SolveSpec};

/// Requirements, and the files that hold them.
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

/// Platforms. Without any, the platform of `python3`.
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

impl InputArguments {
    pub(crate) fn spec(&self) -> InputSpec {
        let mut spec = InputSpec::default();
        spec.requirements.clone_from(&self.requirements);
        spec.requirement_files.clone_from(&self.requirement_files);
        spec.project.clone_from(&self.project);
        spec.extras.clone_from(&self.extra);
        spec.groups.clone_from(&self.group);
        spec.package.clone_from(&self.package);
        spec.constraints.clone_from(&self.constraint);
        spec.overrides.clone_from(&self.overrides);
        spec.excludes.clone_from(&self.exclude);
        spec
    }
}

impl PlatformArguments {
    pub(crate) fn spec(&self) -> PlatformSpec {
        let mut spec = PlatformSpec::default();
        spec.pythons.clone_from(&self.pythons);
        spec.platforms.clone_from(&self.platform);
        spec.complete_platforms.clone_from(&self.complete_platform);
        spec.markers.clone_from(&self.marker);
        spec
    }
}

impl SolveArguments {
    pub(crate) fn spec(&self) -> SolveSpec {
        let mut spec = SolveSpec::default();
        spec.prereleases = self.pre;
        spec.no_deps = self.no_deps;
        spec.exclude_newer.clone_from(&self.exclude_newer);
        spec.require_hashes = self.require_hashes;
        spec.only_binary.clone_from(&self.only_binary);
        spec.no_binary.clone_from(&self.no_binary);
        spec
    }
}

impl IndexArguments {
    pub(crate) fn spec(&self) -> IndexSpec {
        let mut spec = IndexSpec::default();
        spec.index_url.clone_from(&self.index_url);
        spec.extra_index_urls.clone_from(&self.extra_index_url);
        spec.find_links.clone_from(&self.find_links);
        spec.no_index = self.no_index;
        spec.offline = self.offline;
        spec
    }
}

/// Rules of the resolver.
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

/// Indexes. Without any, those that pip and uv are configured to ask, else the index that the
/// interpreter's own pip asks.
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

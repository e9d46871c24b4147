//! Requirements, platforms, resolver options and indexes: the arguments of all commands that resolve.

use std::path::PathBuf;

use clap::Args;
use pinnace_build::{IndexSpec, InputSpec, PlatformSpec, SolveSpec};

/// Requirements, and the files that hold them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct InputArguments {
    /// Requirements to install, such as `dagster`, `"flask[async]>=3"` or
    /// `./tool-1.0-py3-none-any.whl`
    #[arg(value_name = "REQ")]
    pub(crate) requirements: Vec<String>,
    /// Requirements file or `pyproject.toml` to install from (repeatable)
    #[arg(long = "requirements", visible_alias = "requirement", short = 'r', value_name = "FILE")]
    pub(crate) requirement_files: Vec<PathBuf>,
    /// Folder of a project to install
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Extra of the project to install (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) extra: Vec<String>,
    /// Dependency group of the project to install (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,
    /// Workspace member to build, with `build --lock uv.lock`
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// Requirements file that limits versions (repeatable)
    #[arg(long, visible_alias = "constraints", value_name = "FILE")]
    pub(crate) constraint: Vec<PathBuf>,
    /// Requirement that replaces all others on its project, or a file of such requirements
    /// (repeatable)
    #[arg(long = "override", value_name = "REQ|FILE")]
    pub(crate) overrides: Vec<String>,
    /// Project to leave out, even if others require it (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<String>,
}

/// The platforms of a build. The default is the platform of `python3`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Platform options")]
pub(crate) struct PlatformArguments {
    /// Interpreter to build for: a path, a name on PATH or a version (repeatable) [default:
    /// python3]
    #[arg(long = "python", value_name = "PY")]
    pub(crate) pythons: Vec<String>,
    /// Platform to build for, such as `linux_x86_64-cp311` or `macosx_14_0_arm64-cp312`; without a
    /// version, that of `--python` (repeatable)
    #[arg(long, value_name = "P")]
    pub(crate) platform: Vec<String>,
    /// Platform in full: the JSON of `pex3 interpreter inspect --markers --tags`, or a file of it
    /// (repeatable)
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) complete_platform: Vec<String>,
    /// Marker value that the platform does not tell, such as `python_full_version=3.11.9`
    /// (repeatable)
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

/// Options of the resolver.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Resolver options")]
pub(crate) struct SolveArguments {
    /// Allow pre-releases [default: only if no other release matches]
    #[arg(long)]
    pub(crate) pre: bool,
    /// Install only the named requirements, without their dependencies
    #[arg(long, visible_alias = "intransitive")]
    pub(crate) no_deps: bool,
    /// Ignore files uploaded at or after this time, such as `2026-11-25` or `2026-11-25T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(crate) exclude_newer: Option<String>,
    /// Require a hash for every requirement
    #[arg(long)]
    pub(crate) require_hashes: bool,
    /// Projects to install only from wheels: names, `:all:` or `:none:` (repeatable)
    #[arg(long, value_name = "NAMES")]
    pub(crate) only_binary: Vec<String>,
    /// Projects to build from source: names, `:all:` or `:none:` (repeatable)
    #[arg(long, value_name = "NAMES")]
    pub(crate) no_binary: Vec<String>,
}

/// Package indexes. The default is the configuration of pip and uv, else the index of the
/// interpreter's own pip.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Index options")]
pub(crate) struct IndexArguments {
    /// Package index [default: that of pip and uv]
    #[arg(long, short = 'i', visible_alias = "default-index", value_name = "URL")]
    pub(crate) index_url: Option<String>,
    /// Package index to ask first; a project comes only from the first index that has it
    /// (repeatable)
    #[arg(long, visible_alias = "index", value_name = "URL")]
    pub(crate) extra_index_url: Vec<String>,
    /// Page or folder of further files (repeatable)
    #[arg(long, short = 'f', value_name = "URL|DIR")]
    pub(crate) find_links: Vec<String>,
    /// Use no index, only `--find-links` and requirements with a URL
    #[arg(long)]
    pub(crate) no_index: bool,
    /// Credential helper: `subprocess` runs the `keyring` program [default: disabled]
    #[arg(long, value_name = "HOW")]
    pub(crate) keyring_provider: Option<String>,
    /// Download nothing; use only the cache
    #[arg(long)]
    pub(crate) offline: bool,
}

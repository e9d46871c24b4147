use std::fmt;

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree};

use crate::{Error, ExtraName, Match, Tag, Tags, Version, WheelName, linux};

/// What code will run on: interpreter, ABI, tags and marker environment. Described, never assumed
/// to be this machine.
///
/// ```
/// use pinnace_wheel::{Libc, Match, Target};
///
/// let target = Target::cpython_on_linux("3.12.4", "x86_64", Libc::Glibc { major: 2, minor: 28 })?;
/// assert_eq!(target.to_string(), "cp312-cp312-manylinux_2_28_x86_64");
/// let newer = "a-1-cp312-cp312-manylinux_2_39_x86_64.whl".parse()?;
/// assert!(matches!(target.rank(&newer), Match::Misfit(_)));
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Target {
    python: Version,
    tags: Tags,
    markers: Markers,
    label: String,
}

/// The C library of a Linux system, which decides which binary wheels it can load.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Libc {
    /// GNU (PEP 600).
    Glibc {
        /// `2` of 2.36.
        major: u32,
        /// `36` of 2.36.
        minor: u32,
    },
    /// musl (PEP 656).
    Musl {
        /// `1` of 1.2.
        major: u32,
        /// `2` of 1.2.
        minor: u32,
    },
}

/// What an interpreter says about itself and its system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// The full version: `3.13.0rc2`.
    pub version: String,
    /// `sys.abiflags`, and `t` and `d` for the free-threaded and the debug build: mostly empty.
    pub abi_flags: String,
    /// `platform.machine()`, which is what markers see.
    pub machine: String,
    /// What its binaries are built for, which is what tags say: `i686` where a 32-bit interpreter
    /// runs on an `x86_64` machine.
    pub architecture: String,
    /// The C library.
    pub libc: Libc,
    /// `platform.release()`; empty where unknown.
    pub release: String,
    /// `platform.version()`; empty where unknown.
    pub kernel: String,
}

impl Target {
    /// A final release of CPython on a Linux system; kernel release and version are blank.
    ///
    /// # Errors
    ///
    /// If the version is none.
    pub fn cpython_on_linux(version: &str, machine: &str, libc: Libc) -> Result<Self, Error> {
        Self::from_facts(&Facts {
            version: version.to_owned(),
            abi_flags: String::new(),
            machine: machine.to_owned(),
            architecture: machine.to_owned(),
            libc,
            release: String::new(),
            kernel: String::new(),
        })
    }

    /// CPython on Linux, as an interpreter describes it.
    ///
    /// # Errors
    ///
    /// If the version is none.
    pub fn from_facts(facts: &Facts) -> Result<Self, Error> {
        let python: Version = facts.version.parse()?;
        let [major, minor] = match python.release() {
            [major, minor, ..] => [*major, *minor],
            _ => return Err(Error::parse("Python version", &facts.version, "X.Y is expected")),
        };
        let platforms = linux::platforms(&facts.architecture, facts.libc);
        let abi = format!("cp{major}{minor}{}", facts.abi_flags);
        // `linux_*` is first, and says nothing about the C library.
        let best = platforms.get(1).or(platforms.first()).map_or("", |platform| platform);
        Ok(Self {
            label: format!("cp{major}{minor}-{abi}-{best}"),
            tags: Tags::new(cpython_tags(major, minor, &facts.abi_flags, &platforms)),
            markers: Markers::of(facts, &python)?,
            python,
        })
    }

    /// The full Python version.
    pub fn python(&self) -> &Version {
        &self.python
    }

    /// The tags that it accepts, best first.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// What its markers are.
    pub fn markers(&self) -> &Markers {
        &self.markers
    }

    /// Whether a wheel fits, and how well.
    pub fn rank(&self, wheel: &WheelName) -> Match {
        self.tags.rank(wheel)
    }
}

/// `cp312-cp312-manylinux_2_28_x86_64`: the best tag that says it all.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// The environment that markers are evaluated in (dependency specifiers, "Environment Markers").
#[derive(Clone, Debug)]
pub struct Markers(MarkerEnvironment);

impl Markers {
    fn of(facts: &Facts, python: &Version) -> Result<Self, Error> {
        // A release candidate of 3.13 is a 3.13 to every marker; the evaluator underneath would
        // say 3.12, so it gets the release part alone.
        let full = python.only_release().to_string();
        let short = full.split('.').take(2).collect::<Vec<_>>().join(".");
        MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name: "posix",
            platform_machine: &facts.machine,
            platform_python_implementation: "CPython",
            platform_release: &facts.release,
            platform_system: "Linux",
            platform_version: &facts.kernel,
            python_full_version: &full,
            python_version: &short,
            sys_platform: "linux",
        })
        .map(Self)
        .map_err(|error| Error::parse("Python version", &facts.version, error))
    }

    pub(crate) fn evaluate(&self, marker: &MarkerTree, extras: &[ExtraName]) -> bool {
        let extras: Vec<_> =
            extras.iter().filter_map(|extra| extra.as_str().parse().ok()).collect();
        marker.evaluate(&self.0, &extras)
    }
}

/// PEP 425 leaves the order to installers; this is the one of `packaging` 26.
fn cpython_tags(major: u64, minor: u64, flags: &str, platforms: &[String]) -> Vec<Tag> {
    let cp = format!("cp{major}{minor}");
    let abi = format!("{cp}{flags}");
    let free_threaded = flags.contains('t');
    let stable = if free_threaded { "abi3t" } else { "abi3" };
    let mut tags = Vec::new();
    let mut each = |python: &str, abi: &str| {
        tags.extend(platforms.iter().map(|platform| Tag::new(python, abi, platform)));
    };
    each(&cp, &abi);
    if flags.contains('d') {
        each(&cp, &abi.replace('d', ""));
    }
    each(&cp, stable);
    each(&cp, "none");
    for minor in (2..minor).rev() {
        each(&format!("cp{major}{minor}"), stable);
    }
    let generic = generic_pythons(major, minor);
    generic.iter().for_each(|python| each(python, "none"));
    tags.push(Tag::new(&cp, "none", "any"));
    tags.extend(generic.iter().map(|python| Tag::new(python, "none", "any")));
    tags
}

/// `py312`, `py3`, `py311`, …, `py30`.
fn generic_pythons(major: u64, minor: u64) -> Vec<String> {
    let mut pythons = vec![format!("py{major}{minor}"), format!("py{major}")];
    pythons.extend((0..minor).rev().map(|minor| format!("py{major}{minor}")));
    pythons
}

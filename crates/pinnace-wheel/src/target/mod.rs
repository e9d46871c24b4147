//! What code will run on.

mod complete;
mod parse;
mod platform;
mod python;

use std::fmt;

use crate::{
    Compatibility, Error, MarkerEnvironment, MarkerVariable as Variable, Tags, Version, WheelName,
};

pub use platform::{Libc, Platform, WindowsArchitecture};
use python::Precision;
pub use python::{Implementation, Python};

/// What code will run on: a Python on a system, with the tags and the marker environment that these
/// come to. Described, never assumed to be this machine.
///
/// ```
/// use pinnace_wheel::{Compatibility, Target};
///
/// let target: Target = "manylinux_2_28_x86_64-cp312".parse()?;
/// assert_eq!(target.to_string(), "manylinux_2_28_x86_64-cp312-cp312");
/// let newer = "a-1-cp312-cp312-manylinux_2_39_x86_64.whl".parse()?;
/// assert!(matches!(target.rank(&newer), Compatibility::Incompatible(_)));
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
///
/// # Spellings
///
/// | text | platform |
/// |---|---|
/// | `linux_x86_64-cp311` | CPython 3.11.0, glibc 2.28 (both assumed) |
/// | `manylinux_2_28_aarch64-cp312-cp312`, `cp312-cp312-manylinux_2_28_aarch64` | CPython 3.12.0 |
/// | `musllinux_1_2_x86_64-3.12.4` | CPython 3.12.4 |
/// | `macosx_14_0_arm64-cp313t` | the free-threaded build |
/// | `win_amd64-cp310`, `win_arm64-pp311` | Windows; PyPy |
/// | `linux_x86_64-cp-311-cp311`, `linux_x86_64-cp-3.11.4-cp311` | as the pex tool spells it |
/// | `x86_64-manylinux_2_28-cp312`, `aarch64-apple-darwin-cp312` | as uv spells it |
#[derive(Clone, Debug)]
pub struct Target {
    python: Version,
    tags: Tags,
    markers: MarkerEnvironment,
    label: String,
    assumptions: Vec<Assumption>,
}

/// Something that a platform's description did not say, and what was taken instead.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Assumption {
    /// The patch level of Python is 0. A platform such as `linux_x86_64-3.12.4` says better.
    PatchLevel(Version),
    /// The version of the system or its C library, which this tag has. Naming the tag says better.
    System(String),
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PatchLevel(version) => write!(f, "Python {version}"),
            Self::System(tag) => f.write_str(tag),
        }
    }
}

impl Target {
    /// A Python on a system.
    ///
    /// What neither tells is left open: the release and version of the kernel are empty, as the
    /// standard has it for what cannot be found out; other variables have no value, and a marker
    /// that asks for one is an error.
    pub fn new(python: Python, platform: &Platform) -> Self {
        let patch = (python.precision() == Precision::Minor)
            .then(|| Assumption::PatchLevel(python.version().clone()));
        Self {
            tags: Tags::new(python.tags(&platform.tags())),
            markers: markers(&python, platform),
            label: format!("{platform}-{python}"),
            assumptions: patch.into_iter().collect(),
            python: python.version().clone(),
        }
    }

    /// A final release of CPython on a Linux system; kernel release and version are blank.
    ///
    /// # Errors
    ///
    /// If the version is none.
    pub fn cpython_on_linux(version: &str, architecture: &str, libc: Libc) -> Result<Self, Error> {
        let python = Python::new(Implementation::CPython, version.parse()?)?;
        let architecture = architecture.into();
        Ok(Self::new(python, &Platform::Linux { architecture, libc }))
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
    pub fn markers(&self) -> &MarkerEnvironment {
        &self.markers
    }

    /// What its description did not say.
    pub fn assumptions(&self) -> &[Assumption] {
        &self.assumptions
    }

    /// Whether a wheel fits, and how well.
    pub fn rank(&self, wheel: &WheelName) -> Compatibility {
        self.tags.rank(wheel)
    }

    /// The same with a marker variable set, as in `platform_machine=aarch64`. A
    /// `python_full_version` is the version for everything else, too.
    ///
    /// # Errors
    ///
    /// If it is no assignment to a variable, or says another Python.
    pub fn with_marker(mut self, assignment: &str) -> Result<Self, Error> {
        self.markers = self.markers.with_assignment(assignment)?;
        let [major, minor] = python::minor_of(&self.python)?;
        let short = self.markers.get(Variable::PythonVersion).unwrap_or_default();
        if !short.is_empty() && short != format!("{major}.{minor}") {
            let reason = format!("the platform is of Python {}", self.python);
            return Err(Error::parse("`python_version` of that Python", short, reason));
        }
        if assignment.trim_start().starts_with(Variable::PythonFullVersion.as_str()) {
            let told = self.markers.get(Variable::PythonFullVersion).unwrap_or_default();
            let version: Version = told.parse()?;
            if python::minor_of(&version)? != python::minor_of(&self.python)? {
                let reason = format!("the platform is of Python {}", self.python);
                return Err(Error::parse("full version of that Python", told, reason));
            }
            if self.markers.get(Variable::ImplementationName) == Some("cpython") {
                self.markers =
                    self.markers.with(Variable::ImplementationVersion, &version.to_string());
            }
            self.python = version;
            self.assumptions.retain(|one| !matches!(one, Assumption::PatchLevel(_)));
        }
        Ok(self)
    }

    fn with_assumption(mut self, assumption: Option<Assumption>) -> Self {
        self.assumptions.extend(assumption);
        self
    }
}

/// As it may be written on the command line, but for the patch level.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

fn markers(python: &Python, platform: &Platform) -> MarkerEnvironment {
    // A release candidate of 3.13 is a 3.13 to every marker.
    let full = python.version().only_release().to_string();
    let short = full.split('.').take(2).collect::<Vec<_>>().join(".");
    let environment = MarkerEnvironment::default()
        .with(Variable::PythonVersion, &short)
        .with(Variable::PythonFullVersion, &full)
        .with(Variable::PlatformRelease, "")
        .with(Variable::PlatformVersion, "");
    let environment = match python.implementation() {
        Implementation::CPython => environment
            .with(Variable::ImplementationName, "cpython")
            .with(Variable::ImplementationVersion, &full)
            .with(Variable::PlatformPythonImplementation, "CPython"),
        // Which PyPy it is cannot be told from the Python that it is.
        Implementation::PyPy => environment
            .with(Variable::ImplementationName, "pypy")
            .with(Variable::PlatformPythonImplementation, "PyPy"),
    };
    let [os, system, name] = system_markers(platform);
    let environment = environment
        .with(Variable::OsName, os)
        .with(Variable::SysPlatform, system)
        .with(Variable::PlatformSystem, name);
    match machine(platform) {
        Some(machine) => environment.with(Variable::PlatformMachine, machine),
        None => environment,
    }
}

/// `os_name`, `sys_platform`, `platform_system`.
fn system_markers(platform: &Platform) -> [&'static str; 3] {
    match platform {
        Platform::Linux { .. } => ["posix", "linux", "Linux"],
        Platform::MacOs { .. } => ["posix", "darwin", "Darwin"],
        Platform::Windows(_) => ["nt", "win32", "Windows"],
        Platform::Ios { .. } => ["posix", "ios", "iOS"],
        Platform::Android { .. } => ["posix", "android", "Android"],
    }
}

fn machine(platform: &Platform) -> Option<&str> {
    match platform {
        Platform::Linux { architecture, .. } | Platform::MacOs { architecture, .. } => {
            Some(architecture)
        }
        Platform::Windows(WindowsArchitecture::Amd64) => Some("AMD64"),
        Platform::Windows(WindowsArchitecture::X86) => Some("x86"),
        Platform::Windows(WindowsArchitecture::Arm64) => Some("ARM64"),
        Platform::Ios { multiarch, .. } => multiarch.rsplit_once('_').map(|(machine, _)| machine),
        Platform::Android { abi, .. } => match &**abi {
            "arm64_v8a" => Some("aarch64"),
            "x86_64" => Some("x86_64"),
            _ => None,
        },
    }
}

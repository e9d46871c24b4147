//! Targets: the Python and the system that code will run on.

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

/// A target: a Python on a system, with its tags and its marker environment. A target is described,
/// never assumed to be this machine.
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

/// An assumption: a value that replaces a missing part of a platform's description.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Assumption {
    /// The patch level of Python is 0. A platform such as `linux_x86_64-3.12.4` gives it
    /// explicitly.
    PatchLevel(Version),
    /// The version of the system or its C library is that of this tag. Naming the tag gives it
    /// explicitly.
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
    /// Creates a target for a Python on a system.
    ///
    /// Parts that neither defines are left open. The release and version of the kernel are empty,
    /// as the standard prescribes for unknown values. Other variables have no value, and a marker
    /// that reads one is an error.
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

    /// Creates a target for a final release of CPython on a Linux system. The kernel's release and
    /// version are empty.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if `version` is not a Python version.
    pub fn cpython_on_linux(version: &str, architecture: &str, libc: Libc) -> Result<Self, Error> {
        let python = Python::new(Implementation::CPython, version.parse()?)?;
        let architecture = architecture.into();
        Ok(Self::new(python, &Platform::Linux { architecture, libc }))
    }

    /// Returns the full Python version.
    pub fn python(&self) -> &Version {
        &self.python
    }

    /// Returns the accepted tags, best first.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Returns the marker environment.
    pub fn markers(&self) -> &MarkerEnvironment {
        &self.markers
    }

    /// Returns the assumptions that replace missing parts of the description.
    pub fn assumptions(&self) -> &[Assumption] {
        &self.assumptions
    }

    /// Ranks a wheel by its best tag, or returns how it misses.
    pub fn rank(&self, wheel: &WheelName) -> Compatibility {
        self.tags.rank(wheel)
    }

    /// Sets a marker variable from an assignment such as `platform_machine=aarch64`. A
    /// `python_full_version` also becomes the Python version of the target.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text is not an assignment to a
    /// variable, or if it sets a different Python `X.Y`.
    pub fn with_marker(mut self, assignment: &str) -> Result<Self, Error> {
        self.markers = self.markers.with_assignment(assignment)?;
        let [major, minor] = python::minor_of(&self.python)?;
        let short = self.markers.get(Variable::PythonVersion).unwrap_or_default();
        if !short.is_empty() && short != format!("{major}.{minor}") {
            let reason = format!("the platform has Python {}", self.python);
            return Err(Error::parse("`python_version` of that Python", short, reason));
        }
        if assignment.trim_start().starts_with(Variable::PythonFullVersion.as_str()) {
            let full = self.markers.get(Variable::PythonFullVersion).unwrap_or_default();
            let version: Version = full.parse()?;
            if python::minor_of(&version)? != python::minor_of(&self.python)? {
                let reason = format!("the platform has Python {}", self.python);
                return Err(Error::parse("full version of that Python", full, reason));
            }
            if self.markers.get(Variable::ImplementationName) == Some("cpython") {
                self.markers =
                    self.markers.with(Variable::ImplementationVersion, &version.to_string());
            }
            self.python = version;
            self.assumptions.retain(|assumption| !matches!(assumption, Assumption::PatchLevel(_)));
        }
        Ok(self)
    }

    fn with_assumption(mut self, assumption: Option<Assumption>) -> Self {
        self.assumptions.extend(assumption);
        self
    }
}

/// Writes the platform in a form that the command line accepts, without the patch level.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

fn markers(python: &Python, platform: &Platform) -> MarkerEnvironment {
    // Markers see a release candidate of 3.13 as 3.13.
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
        // The version of PyPy itself cannot be derived from its Python version.
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

/// Returns `os_name`, `sys_platform` and `platform_system`.
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

use std::fmt;

use crate::Error;

/// A marker environment: the values that markers are evaluated with (dependency specifiers,
/// "Environment Markers").
///
/// A variable that the platform does not define has no value. A marker that reads it cannot be
/// evaluated, and the error names the variable.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MarkerEnvironment([Option<Box<str>>; 11]);

/// A variable of markers. `extra` is not among them, because each evaluation passes its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each is named as in the standard")]
pub enum MarkerVariable {
    ImplementationName,
    ImplementationVersion,
    OsName,
    PlatformMachine,
    PlatformPythonImplementation,
    PlatformRelease,
    PlatformSystem,
    PlatformVersion,
    PythonFullVersion,
    PythonVersion,
    SysPlatform,
}

impl MarkerVariable {
    /// All variables, sorted by name.
    pub const ALL: [Self; 11] = [
        Self::ImplementationName,
        Self::ImplementationVersion,
        Self::OsName,
        Self::PlatformMachine,
        Self::PlatformPythonImplementation,
        Self::PlatformRelease,
        Self::PlatformSystem,
        Self::PlatformVersion,
        Self::PythonFullVersion,
        Self::PythonVersion,
        Self::SysPlatform,
    ];

    /// Returns the variable's name, such as `python_version`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImplementationName => "implementation_name",
            Self::ImplementationVersion => "implementation_version",
            Self::OsName => "os_name",
            Self::PlatformMachine => "platform_machine",
            Self::PlatformPythonImplementation => "platform_python_implementation",
            Self::PlatformRelease => "platform_release",
            Self::PlatformSystem => "platform_system",
            Self::PlatformVersion => "platform_version",
            Self::PythonFullVersion => "python_full_version",
            Self::PythonVersion => "python_version",
            Self::SysPlatform => "sys_platform",
        }
    }

    /// Returns the variable with this name. Old names are accepted, too (PEP 345, setuptools).
    pub fn of(name: &str) -> Option<Self> {
        let current = match name {
            "os.name" => "os_name",
            "sys.platform" => "sys_platform",
            "platform.version" => "platform_version",
            "platform.machine" => "platform_machine",
            "platform.python_implementation" | "python_implementation" => {
                "platform_python_implementation"
            }
            current => current,
        };
        Self::ALL.into_iter().find(|variable| variable.as_str() == current)
    }

    /// Returns true if values are compared as versions, provided that both sides are versions.
    pub(super) fn is_version(self) -> bool {
        matches!(
            self,
            Self::ImplementationVersion
                | Self::PlatformRelease
                | Self::PythonFullVersion
                | Self::PythonVersion
        )
    }
}

impl fmt::Display for MarkerVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl MarkerEnvironment {
    /// Returns the value of a variable, or `None` if it is unknown.
    pub fn get(&self, variable: MarkerVariable) -> Option<&str> {
        self.0[variable as usize].as_deref()
    }

    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, variable: MarkerVariable, value: &str) -> Self {
        self.0[variable as usize] = Some(value.into());
        self
    }

    /// Removes a variable. A marker that reads it cannot be evaluated any more.
    #[must_use]
    pub fn without(mut self, variable: MarkerVariable) -> Self {
        self.0[variable as usize] = None;
        self
    }

    /// Sets a variable from an assignment such as `platform_release=5.15`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text is not `NAME=VALUE`, or if
    /// there is no such variable.
    pub fn with_assignment(self, assignment: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::parse("value of a marker variable", assignment, reason);
        let (name, value) =
            assignment.split_once('=').ok_or_else(|| refuse("expected `NAME=VALUE`"))?;
        let variable = MarkerVariable::of(name.trim());
        let known = || MarkerVariable::ALL.map(MarkerVariable::as_str).join(", ");
        let variable = variable.ok_or_else(|| {
            refuse(&format!("unknown variable `{}`; the variables are {}", name.trim(), known()))
        })?;
        Ok(self.with(variable, value.trim()))
    }
}

use std::path::PathBuf;

use pinnace_pex::{Compression, EntryPoint, WheelForm};

use crate::{Error, Preference};

/// The shape of a PEX file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Layout {
    /// One file.
    #[default]
    Zipapp,
    /// A folder of whole wheels, so that a copy moves only what changed.
    Packed,
    /// A folder of all files.
    Loose,
    /// Code and libraries at the top and nothing that boots, for AWS Lambda and Spark: a zip if the name
    /// ends in `.zip`, else a folder.
    Flat,
}

/// The program that a PEX file runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Program {
    /// An interpreter that sees everything in the file.
    #[default]
    Interpreter,
    /// A script of a distribution.
    Script(String),
    /// A module, or a function of one.
    EntryPoint(EntryPoint),
    /// A Python file.
    File(PathBuf),
}

impl Program {
    /// Parses `module` or `module:function`.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is neither.
    pub fn entry_point(text: &str) -> Result<Self, Error> {
        Ok(Self::EntryPoint(EntryPoint::parse(text)?))
    }

    /// Returns the program that runs a script of a distribution.
    pub fn script(name: impl Into<String>) -> Self {
        Self::Script(name.into())
    }
}

/// The form of a PEX file, and the way it starts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileSpec {
    /// The shape.
    pub layout: Layout,
    /// The form of wheels in it.
    pub wheel_form: WheelForm,
    /// The compression of everything but whole wheels.
    pub compression: Compression,
    /// True if bytecode is added, so that the first start need not make it.
    pub compile: bool,
    /// The first line, in place of the shell script that starts fastest.
    pub shebang: Option<String>,
    /// Other PEX files that are seen together with this one, separated by `:`.
    pub pex_path: Option<String>,
    /// The use of the interpreter's own packages: `false`, `prefer` or `fallback`.
    pub inherit_path: Option<String>,
    /// Variables that are set where the environment does not set them.
    pub inject_env: Vec<(String, String)>,
    /// Arguments before those of the user, each a line of shell words.
    pub inject_args: Vec<String>,
    /// Options of Python, each a line of shell words.
    pub inject_python_args: Vec<String>,
    /// Variables that are set to the paths of files in the PEX file.
    pub bind_resource_paths: Vec<(String, String)>,
    /// Constraints such as `CPython>=3.9,<3.13`, of which one must hold.
    pub interpreter_constraints: Vec<String>,
    /// The preferred interpreters, if the caller names an order.
    pub preference: Option<Preference>,
    /// The place of its scripts on `PATH` (`prepend`, `append`, or `false` for none), if it sets `VIRTUAL_ENV`.
    pub venv: Option<String>,
    /// True if `PEX_TOOLS=1` runs tools in place of the program.
    pub include_tools: bool,
    /// True if `PEX_*` variables are removed before the program starts.
    pub strip_pex_env: bool,
    /// True if starts print warnings.
    pub emit_warnings: bool,
    /// True if a start ignores wheels that do not fit.
    pub ignore_errors: bool,
    /// Notes about the build.
    pub build_properties: Vec<(String, String)>,
}

impl Default for FileSpec {
    fn default() -> Self {
        let (layout, wheel_form, compression) = Default::default();
        Self {
            layout,
            wheel_form,
            compression,
            compile: false,
            shebang: None,
            pex_path: None,
            inherit_path: None,
            inject_env: Vec::new(),
            inject_args: Vec::new(),
            inject_python_args: Vec::new(),
            bind_resource_paths: Vec::new(),
            interpreter_constraints: Vec::new(),
            preference: None,
            venv: None,
            include_tools: false,
            strip_pex_env: true,
            emit_warnings: true,
            ignore_errors: false,
            build_properties: Vec::new(),
        }
    }
}

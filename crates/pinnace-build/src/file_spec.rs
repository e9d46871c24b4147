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
    /// A folder of whole wheels, of which a sync copies only the changed ones.
    Packed,
    /// A folder of unpacked files.
    Loose,
    /// Code and libraries at the top level, without boot code, for AWS Lambda and Spark: a zip if the name ends in
    /// `.zip`, else a folder.
    Flat,
}

/// The program that a PEX file runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Program {
    /// An interpreter with all contents of the file on `sys.path`.
    #[default]
    Interpreter,
    /// A console script of a distribution.
    Script(String),
    /// An entry point: a module, or a function in a module.
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

    /// Creates a program that runs a console script of a distribution.
    pub fn script(name: impl Into<String>) -> Self {
        Self::Script(name.into())
    }
}

/// The format and start-up settings of a PEX file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileSpec {
    /// The shape.
    pub layout: Layout,
    /// The form of wheels in the file.
    pub wheel_form: WheelForm,
    /// The compression of everything but whole wheels.
    pub compression: Compression,
    /// True to add bytecode, so that the first start is faster.
    pub compile: bool,
    /// The first line, in place of the default shell script, which starts fastest.
    pub shebang: Option<String>,
    /// Other PEX files to put on `sys.path` with this one, separated by `:`.
    pub pex_path: Option<String>,
    /// The use of the interpreter's own packages: `false`, `prefer` or `fallback`.
    pub inherit_path: Option<String>,
    /// Environment variables to set, unless they are set already.
    pub inject_env: Vec<(String, String)>,
    /// Arguments to put before those of the user, each a line of shell words.
    pub inject_args: Vec<String>,
    /// Options of Python, each a line of shell words.
    pub inject_python_args: Vec<String>,
    /// Environment variables to set to the paths of resources in the PEX file.
    pub bind_resource_paths: Vec<(String, String)>,
    /// Interpreter constraints such as `CPython>=3.9,<3.13`, of which one must hold.
    pub interpreter_constraints: Vec<String>,
    /// The preference among matching interpreters.
    pub preference: Option<Preference>,
    /// The position of its scripts on `PATH` (`prepend`, `append`, or `false` for none), if it sets `VIRTUAL_ENV`.
    pub venv: Option<String>,
    /// True if `PEX_TOOLS=1` runs the tools in place of the program.
    pub include_tools: bool,
    /// True to remove `PEX_*` variables before the program starts.
    pub strip_pex_env: bool,
    /// True to print warnings at start-up.
    pub emit_warnings: bool,
    /// True to ignore incompatible wheels at start-up.
    pub ignore_errors: bool,
    /// Properties to record in PEX-INFO.
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

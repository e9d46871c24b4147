//! The layout and the start-up of a PEX file.

use clap::{Args, ValueEnum};
use pinnace_build::{FileSpec, Layout, Preference};
use pinnace_pex::{Compression, PexBuilder, WheelForm};

/// The layout of an output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum LayoutName {
    /// One file
    #[default]
    Zipapp,
    /// Folder with one file per wheel, so that copies transfer only changed wheels
    Packed,
    /// Folder of unpacked files
    Loose,
    /// Code and libraries without boot code, for AWS Lambda and Spark; a zip if the name ends in
    /// `.zip`, else a folder
    Flat,
}

/// The layout of an output, and the form of its wheels.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FormArguments {
    /// Layout of the output
    #[arg(long, value_enum, default_value_t, value_name = "LAYOUT")]
    pub(crate) layout: LayoutName,
    /// Store wheels unpacked, like the pex tool
    #[arg(long)]
    installed_wheels: bool,
    /// Compress everything except whole wheels
    #[arg(long)]
    compress: bool,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Zipapp => Self::Zipapp,
            LayoutName::Packed => Self::Packed,
            LayoutName::Loose => Self::Loose,
            LayoutName::Flat => Self::Flat,
        }
    }
}

impl FormArguments {
    pub(crate) fn apply(&self, builder: &mut PexBuilder) {
        if self.installed_wheels {
            builder.set_wheel_form(WheelForm::Installed);
        }
        if self.compress {
            builder.set_compression(Compression::Deflate);
        }
    }
}

/// The layout and the start-up of a PEX file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "File options")]
pub(crate) struct StartArguments {
    #[command(flatten)]
    pub(crate) form: FormArguments,
    /// Add bytecode for a faster first start
    #[arg(long)]
    pub(crate) compile: bool,
    /// Shebang line, in place of the shell script that starts fastest
    #[arg(long, value_name = "LINE")]
    pub(crate) python_shebang: Option<String>,
    /// Other PEX files to load with this one, separated by `:`
    #[arg(long, value_name = "FILE:…")]
    pub(crate) pex_path: Option<String>,
    /// Make site-packages and `PYTHONPATH` importable, before (`prefer`) or after (`fallback`) the
    /// wheels [default: false]
    #[arg(long, value_name = "HOW", value_parser = ["false", "prefer", "fallback"])]
    pub(crate) inherit_path: Option<String>,
    /// Environment variable to set at the start, unless it is set already (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) inject_env: Vec<(String, String)>,
    /// Arguments to pass to the program before those of the user (repeatable)
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) inject_args: Vec<String>,
    /// Options to pass to the Python interpreter (repeatable)
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) inject_python_args: Vec<String>,
    /// Environment variable to set to the path of a file of the code or a wheel (repeatable)
    #[arg(long, value_name = "NAME=PATH", value_parser = pair)]
    pub(crate) bind_resource_path: Vec<(String, String)>,
    /// Constraint on the interpreter, such as `CPython>=3.9,<3.13`; one of them must hold
    /// (repeatable)
    #[arg(long, value_name = "IC")]
    pub(crate) interpreter_constraint: Vec<String>,
    /// Interpreter to prefer among those that the constraints allow
    #[arg(long, value_name = "WHICH", value_parser = ["oldest", "newest"])]
    pub(crate) interpreter_selection_strategy: Option<String>,
    /// Set `VIRTUAL_ENV`; `prepend` and `append` also add the scripts to `PATH`
    #[arg(long, value_name = "WHERE", num_args = 0..=1, default_missing_value = "false",
          require_equals = false, value_parser = ["false", "prepend", "append"])]
    pub(crate) venv: Option<String>,
    /// Enable `PEX_TOOLS=1`, which runs the tools of the file instead of the program
    #[arg(long)]
    pub(crate) include_tools: bool,
    /// Keep `PEX_*` variables in the environment of the program
    #[arg(long)]
    pub(crate) no_strip_pex_env: bool,
    /// Print no warnings at the start
    #[arg(long)]
    pub(crate) no_emit_warnings: bool,
    /// Start even if requirements are not satisfied
    #[arg(long)]
    pub(crate) ignore_errors: bool,
    /// Property of the build to record in the file (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) build_property: Vec<(String, String)>,
}

impl StartArguments {
    pub(crate) fn spec(&self) -> FileSpec {
        let mut spec = FileSpec::default();
        spec.layout = self.form.layout.into();
        if self.form.installed_wheels {
            spec.wheel_form = WheelForm::Installed;
        }
        if self.form.compress {
            spec.compression = Compression::Deflate;
        }
        spec.compile = self.compile;
        spec.shebang.clone_from(&self.python_shebang);
        spec.pex_path.clone_from(&self.pex_path);
        spec.inherit_path.clone_from(&self.inherit_path);
        spec.inject_env.clone_from(&self.inject_env);
        spec.inject_args.clone_from(&self.inject_args);
        spec.inject_python_args.clone_from(&self.inject_python_args);
        spec.bind_resource_paths.clone_from(&self.bind_resource_path);
        spec.interpreter_constraints.clone_from(&self.interpreter_constraint);
        spec.preference = match self.interpreter_selection_strategy.as_deref() {
            Some("newest") => Some(Preference::Newest),
            Some(_) => Some(Preference::Oldest),
            None => None,
        };
        spec.venv.clone_from(&self.venv);
        spec.include_tools = self.include_tools;
        spec.strip_pex_env = !self.no_strip_pex_env;
        spec.emit_warnings = !self.no_emit_warnings;
        spec.ignore_errors = self.ignore_errors;
        spec.build_properties.clone_from(&self.build_property);
        spec
    }

    /// Returns true if any option of the start is given.
    pub(crate) fn has_start_options(&self) -> bool {
        self.python_shebang.is_some()
            || self.pex_path.is_some()
            || self.inherit_path.is_some()
            || !self.inject_env.is_empty()
            || !self.inject_args.is_empty()
            || !self.inject_python_args.is_empty()
            || !self.bind_resource_path.is_empty()
            || self.venv.is_some()
            || self.include_tools
            || self.no_strip_pex_env
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected `NAME=VALUE`".to_owned()),
    }
}

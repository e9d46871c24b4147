//! The form of a PEX file, and the way it starts.

use clap::{Args, ValueEnum};
use pinnace_build::{FileSpec, Layout, Preference};
use pinnace_pex::{Compression, PexBuilder, WheelForm};

/// The shape of what is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum LayoutName {
    /// One file
    #[default]
    Zipapp,
    /// A folder of wheels in one piece each, so that a copy moves only what changed
    Packed,
    /// A folder with all files by themselves
    Loose,
    /// Code and libraries at the top and nothing that boots, for AWS Lambda and Spark: a zip if the
    /// name ends in `.zip`, else a folder
    Flat,
}

/// The form of the file.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FormArguments {
    /// The shape of what is written
    #[arg(long, value_enum, default_value_t, value_name = "LAYOUT")]
    pub(crate) layout: LayoutName,
    /// Hold wheels unpacked, as the pex tool does, and not whole
    #[arg(long)]
    installed_wheels: bool,
    /// Compress what is not a whole wheel
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

/// The form of the file, and the way it starts.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of the file")]
pub(crate) struct StartArguments {
    #[command(flatten)]
    pub(crate) form: FormArguments,
    /// Add bytecode, so that the first start need not make it
    #[arg(long)]
    pub(crate) compile: bool,
    /// The file's first line, in place of the shell script that starts fastest
    #[arg(long, value_name = "LINE")]
    pub(crate) python_shebang: Option<String>,
    /// Other PEX files that are seen together with this one, separated by `:`
    #[arg(long, value_name = "FILE:…")]
    pub(crate) pex_path: Option<String>,
    /// What else is seen: `false`, `prefer` or `fallback`
    #[arg(long, value_name = "HOW", value_parser = ["false", "prefer", "fallback"])]
    pub(crate) inherit_path: Option<String>,
    /// Set a variable where the environment does not (may be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) inject_env: Vec<(String, String)>,
    /// Arguments that come before those of the user (may be repeated)
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) inject_args: Vec<String>,
    /// Options of Python that it starts with (may be repeated)
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) inject_python_args: Vec<String>,
    /// Set a variable to where a file of the code or a distribution is (may be repeated)
    #[arg(long, value_name = "NAME=PATH", value_parser = pair)]
    pub(crate) bind_resource_path: Vec<(String, String)>,
    /// Run only on interpreters of which one of these holds, as in `CPython>=3.9,<3.13` (may be
    /// repeated)
    #[arg(long, value_name = "IC")]
    pub(crate) interpreter_constraint: Vec<String>,
    /// Which of these to prefer: `oldest` or `newest`
    #[arg(long, value_name = "WHICH", value_parser = ["oldest", "newest"])]
    pub(crate) interpreter_selection_strategy: Option<String>,
    /// Set `VIRTUAL_ENV`, and where on `PATH` its scripts stand: `prepend`, `append` or `false` for nowhere
    #[arg(long, value_name = "WHERE", num_args = 0..=1, default_missing_value = "false",
          require_equals = false, value_parser = ["false", "prepend", "append"])]
    pub(crate) venv: Option<String>,
    /// Let `PEX_TOOLS=1` run tools in place of the program
    #[arg(long)]
    pub(crate) include_tools: bool,
    /// Leave `PEX_*` variables to the program
    #[arg(long)]
    pub(crate) no_strip_pex_env: bool,
    /// Say nothing at a start but errors
    #[arg(long)]
    pub(crate) no_emit_warnings: bool,
    /// Pass over what does not fit at a start
    #[arg(long)]
    pub(crate) ignore_errors: bool,
    /// Note something about the build (may be repeated)
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

    /// Returns true if any option is about the start of the file.
    pub(crate) fn is_about_starts(&self) -> bool {
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
        _ => Err("`NAME=VALUE` is expected".to_owned()),
    }
}

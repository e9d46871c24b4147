//! The defaults of a build without arguments: the project in the current folder, as a deployment runs it.

use std::path::{Path, PathBuf};

use pinnace_pex::console_scripts;

use super::{distribution::LocalDistribution, metadata::ProjectMetadata, settings::Settings};
use crate::{BuildSpec, Error, ErrorKind, InputSpec, Layout, PlatformSpec, Program, Split};

/// The port that replaces `{port}` in a PEX file, which no supervisor launches.
pub const DEFAULT_PORT: &str = "8000";

/// The defaults of the project in a folder.
#[derive(Debug)]
pub struct ProjectDefaults<'a> {
    folder: &'a Path,
    settings: &'a Settings,
}

impl<'a> ProjectDefaults<'a> {
    /// Creates the defaults of a project with these settings.
    pub fn new(folder: &'a Path, settings: &'a Settings) -> Self {
        Self { folder, settings }
    }

    /// Adds the platform of the settings, unless the caller names one.
    pub fn complete_platforms(&self, platforms: &mut PlatformSpec) {
        if platforms.is_empty() {
            platforms.pythons.extend(self.settings.python.clone());
            platforms.platforms.extend(self.settings.platform.clone());
        }
    }

    /// Completes the inputs, lock, program and output of a build. Returns notes for the user.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Nothing`] if the folder has no project.
    pub fn complete(
        &self,
        spec: &mut BuildSpec,
        projects: &ProjectMetadata<'_>,
    ) -> Result<Vec<String>, Error> {
        let named = std::mem::take(&mut spec.inputs);
        let mut inputs = InputSpec::of_project(self.folder, self.settings, projects)?;
        spec.lock = inputs.take_lock(self.folder);
        inputs.constraints = named.constraints;
        inputs.overrides = named.overrides;
        inputs.excludes = named.excludes;
        inputs.extras.extend(named.extras);
        inputs.groups.extend(named.groups);
        let is_project = inputs.project.is_some();
        if inputs.is_empty() && spec.lock.is_none() {
            return Err(ErrorKind::Nothing.into());
        }
        if !is_project {
            // The folder of a `requirements.txt` is the code.
            inputs.code.push(self.folder.to_owned());
        }
        spec.inputs = inputs;
        let distribution = projects.distribution(self.folder)?;
        let mut notes = Vec::new();
        if spec.program == Program::Interpreter && spec.file.layout != Layout::Flat {
            notes.extend(self.set_program(spec, distribution.as_ref())?);
        }
        if spec.output.is_none() {
            spec.output = Some(self.output(spec.split, distribution));
        }
        Ok(notes)
    }

    /// Returns the output, named after the project or else its folder.
    fn output(&self, split: Split, distribution: Option<LocalDistribution>) -> PathBuf {
        let name = distribution.map(|project| project.name);
        let name = name.or_else(|| Some(self.folder.file_name()?.to_str()?.to_owned()));
        let name = name.unwrap_or_else(|| "app".to_owned());
        match split {
            Split::One => format!("{name}.pex").into(),
            Split::Two => name.into(),
        }
    }

    /// Sets the program to that of the process `web`, else to the project's only script, else to the script
    /// with the project's name. Returns a note for the user.
    fn set_program(
        &self,
        spec: &mut BuildSpec,
        distribution: Option<&LocalDistribution>,
    ) -> Result<Option<String>, Error> {
        let Some(web) = self.settings.processes.get("web") else {
            if let Some(script) = distribution.and_then(only_script) {
                spec.program = Program::Script(script);
            }
            return Ok(None);
        };
        let is_python = web.argv[0].starts_with("python");
        let rest: &[String] = match web.argv.as_slice() {
            [_, flag, module, rest @ ..] if is_python && flag == "-m" => {
                spec.program = Program::entry_point(module)?;
                rest
            }
            [_, file, rest @ ..] if is_python && file.ends_with(".py") => {
                spec.program = Program::File(file.into());
                rest
            }
            [program, rest @ ..] if !is_python => {
                spec.program = Program::Script(program.clone());
                rest
            }
            _ => {
                let command = web.argv.join(" ");
                return Ok(Some(format!("`{command}` cannot be put into a file")));
            }
        };
        if spec.file.inject_args.is_empty() {
            let filled = rest.iter().map(|word| word.replace("{port}", DEFAULT_PORT));
            let quoted = filled.filter_map(|word| Some(shlex::try_quote(&word).ok()?.into_owned()));
            spec.file.inject_args = quoted.collect();
        }
        let is_filled = rest.iter().any(|word| word.contains("{port}"));
        Ok(is_filled.then(|| {
            format!("`{{port}}` is {DEFAULT_PORT} in the file: no launcher replaces it there")
        }))
    }
}

fn only_script(project: &LocalDistribution) -> Option<String> {
    let scripts = console_scripts(&project.entry_points);
    let names: Vec<&str> = scripts.iter().map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => names.contains(&project.name.as_str()).then(|| project.name.clone()),
    }
}

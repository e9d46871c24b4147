//! The environment variables of services that `pinnace up` runs.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use pinnace_agent::{Error, Variables, VariablesFolder};
use pinnace_build::Env;
use pinnace_deploy::DOTENV;

/// The variables of this process, or else those of the project's `.env`.
pub(crate) struct DotenvVariables {
    variables: BTreeMap<String, String>,
    file: PathBuf,
}

impl DotenvVariables {
    pub(crate) fn new(env: &Env, project: &Path) -> Self {
        Self { variables: env.variables.clone(), file: project.join(DOTENV) }
    }
}

impl Variables for DotenvVariables {
    fn value(&self, _: &str, name: &str) -> Result<Option<OsString>, Error> {
        match self.variables.get(name) {
            Some(value) => Ok(Some(value.into())),
            None => VariablesFolder::value_of_file(&self.file, name),
        }
    }

    fn location(&self, _: &str) -> String {
        format!(
            "set them in this environment, or in `NAME=value` lines of `{}`",
            self.file.display()
        )
    }
}

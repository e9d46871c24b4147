//! The variables of a developer's own services.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use pinnace_agent::{Error, Variables, VariablesFolder};

use crate::environment::Environment;

/// Variables that are around the command, else those of the project's `.env`.
pub(crate) struct Surroundings {
    variables: BTreeMap<String, String>,
    file: PathBuf,
}

impl Surroundings {
    pub(crate) fn new(environment: &Environment, project: &Path) -> Self {
        Self { variables: environment.variables.clone(), file: project.join(".env") }
    }
}

impl Variables for Surroundings {
    fn value(&self, _: &str, name: &str) -> Result<Option<OsString>, Error> {
        match self.variables.get(name) {
            Some(value) => Ok(Some(value.into())),
            None => VariablesFolder::value_of_file(&self.file, name),
        }
    }

    fn place(&self, _: &str) -> String {
        format!("set them here, or in lines `NAME=value` of `{}`", self.file.display())
    }
}

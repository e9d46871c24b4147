use std::path::{Path, PathBuf};

use pinnace_build::{Env, ProjectMetadata, Settings};

use crate::{Error, ErrorKind, ServiceName};

/// A project that can be deployed: its folder and its settings.
#[derive(Clone, Debug)]
pub struct Project {
    folder: PathBuf,
    settings: Settings,
}

impl Project {
    /// Opens the project in a folder. Relative paths start in the folder of `env`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoFolder`] if the folder does not exist, or an error if its settings are malformed.
    pub fn open(path: impl AsRef<Path>, env: &Env) -> Result<Self, Error> {
        Self::open_location(path, None, env)
    }

    /// Opens the project in a folder. If its `dagster_cloud.yaml` has several code locations, `location` names the
    /// one to serve.
    ///
    /// # Errors
    ///
    /// See [`Self::open`].
    pub fn open_location(
        path: impl AsRef<Path>,
        location: Option<&str>,
        env: &Env,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let folder = env.folder.join(path).canonicalize().ok().filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| ErrorKind::NoFolder { path: path.to_owned() })?;
        let settings = Settings::of_project(&folder, location)?;
        let folder = match &settings.folder {
            Some(own) => own.canonicalize().map_err(Error::at("look at", own))?,
            None => folder,
        };
        Ok(Self { folder, settings })
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the name of the service: that in the settings, else the name of the project, else the name of the
    /// folder.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::ServiceName`] if that name is malformed.
    pub fn service_name(&self, projects: &ProjectMetadata<'_>) -> Result<ServiceName, Error> {
        if let Some(name) = &self.settings.service {
            return name.parse();
        }
        if let Some(project) = projects.distribution(&self.folder)? {
            return project.name.parse();
        }
        let name = self.folder.file_name().and_then(|name| name.to_str());
        name.ok_or(ErrorKind::NoServiceName)?.parse()
    }
}

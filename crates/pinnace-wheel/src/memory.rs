use std::{collections::BTreeMap, sync::Arc};

use crate::{Address, Artifact, Error, File, Metadata, Project, ProjectName, Source, WheelName};

/// A [`Source`] in memory, for tests, for benchmarks, and as an example of a source.
#[derive(Debug, Default)]
pub struct MemorySource {
    files: BTreeMap<ProjectName, Vec<File>>,
    metadata: BTreeMap<String, Arc<Metadata>>,
}

impl MemorySource {
    /// Creates a source without projects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a wheel with its requirements. Returns its file, so that the caller can fill in
    /// details: a lock needs its SHA-256.
    ///
    /// # Errors
    ///
    /// Returns an error if the file name is malformed.
    pub fn add(&mut self, file_name: &str, requires: &[&str]) -> Result<&mut File, Error> {
        let wheel: WheelName = file_name.parse()?;
        let mut text = format!("Name: {}\nVersion: {}\n", wheel.project(), wheel.version());
        for requirement in requires {
            text.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        self.metadata.insert(file_name.to_owned(), Arc::new(Metadata::parse(text.as_bytes())?));
        let address = Address::parse(&format!("http://index.invalid/{file_name}"))?;
        let project = wheel.project().clone();
        self.push(project, File::new(Artifact::Wheel(wheel), address))
    }

    /// Adds a source distribution that must be built to know its requirements.
    ///
    /// # Errors
    ///
    /// Returns an error if the file name is malformed.
    pub fn add_sdist(&mut self, project: &str, file_name: &str) -> Result<&mut File, Error> {
        let project: ProjectName = project.parse()?;
        let artifact = Artifact::parse(file_name, &project)?;
        let address = Address::parse(&format!("http://index.invalid/{file_name}"))?;
        self.push(project, File::new(artifact, address))
    }

    fn push(&mut self, project: ProjectName, file: File) -> Result<&mut File, Error> {
        let files = self.files.entry(project).or_default();
        files.push(file);
        let last = files.len() - 1;
        Ok(&mut files[last])
    }
}

impl Source for MemorySource {
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error> {
        Ok(self.files.get(name).map(|files| Arc::new(Project::new(files.iter().cloned()))))
    }

    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error> {
        Ok(self.metadata.get(file.artifact.file_name()).cloned())
    }

    fn direct(&self, name: &ProjectName, url: &str) -> Result<File, Error> {
        let mut files = self.files.get(name).into_iter().flatten();
        let found = files.find(|file| file.address.to_string() == url).cloned();
        found.ok_or_else(|| Error::parse("known URL", url, "it was never added"))
    }
}

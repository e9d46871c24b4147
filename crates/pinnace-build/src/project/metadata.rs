//! The metadata of projects, from their files or their build backends.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use pinnace_store::Digest;
use pinnace_wheel::{Metadata, Pyproject, Request, Target};
use sha2::{Digest as _, Sha256};

use super::{
    distribution::LocalDistribution,
    import_roots::import_roots,
    read::{MetadataSource, read_project},
    settings::Settings,
};
use crate::{
    BackendMetadata, Context, Error, ErrorKind, IndexSpec, Refresh, Rules, Scan, ScanIndex, Step,
    index_sources::IndexSources, interpreters::interpreter, local_builder,
};

/// A reader of projects. It queries a project's build backend, once, if the files leave metadata open.
pub struct ProjectMetadata<'a> {
    cx: &'a Context<'a>,
    /// The indexes for the requirements of backends.
    indexes: IndexSpec,
    /// The platform of backend queries; by default, that of the default interpreter.
    target: Option<Target>,
    python: Option<String>,
    /// The project whose settings select the files that ship.
    own: Option<(PathBuf, Settings)>,
    refresh: Refresh,
    asked: Mutex<BTreeMap<PathBuf, BackendMetadata>>,
}

impl std::fmt::Debug for ProjectMetadata<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectMetadata").field("own", &self.own).finish_non_exhaustive()
    }
}

/// The cache bucket of scans, by the project's folder.
const BUCKET: &str = "scan-1";
/// The name that setuptools gives to a project without a name.
const NAMELESS: &str = "unknown";

impl<'a> ProjectMetadata<'a> {
    /// Creates a reader. The requirements of backends come from `indexes`. Backends are queried for `target`,
    /// with an interpreter like `python`.
    pub fn new(
        cx: &'a Context<'a>,
        indexes: &IndexSpec,
        target: Option<&Target>,
        python: Option<&str>,
    ) -> Self {
        Self {
            cx,
            indexes: indexes.clone(),
            target: target.cloned(),
            python: python.map(str::to_owned),
            own: None,
            refresh: Refresh::IfChanged,
            asked: Mutex::default(),
        }
    }

    /// Sets the project whose settings select the files that ship, and the rule for querying its backend again.
    #[must_use]
    pub fn for_project(self, folder: &Path, settings: &Settings, refresh: Refresh) -> Self {
        Self { own: Some((folder.to_owned(), settings.clone())), refresh, ..self }
    }

    /// Reads the project in a folder; `None` if the folder has none.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is malformed, or the backend fails.
    pub fn project(&self, folder: &Path) -> Result<Option<Pyproject>, Error> {
        let Some(project) = read_project(folder)? else { return Ok(None) };
        match MetadataSource::of(folder, &project)? {
            MetadataSource::Files | MetadataSource::FilesAndBackend => Ok(Some(project)),
            MetadataSource::Backend => {
                let metadata = self.ask(folder, &project)?.metadata;
                Ok(Some(project.described(Metadata::parse(metadata.as_bytes())?)))
            }
        }
    }

    /// Reads the project in a folder as a distribution; a dynamic version may become 0. Returns `None` if the
    /// folder has no project with a name.
    ///
    /// # Errors
    ///
    /// See [`Self::project`].
    pub fn distribution(&self, folder: &Path) -> Result<Option<LocalDistribution>, Error> {
        match read_project(folder)? {
            Some(project) if MetadataSource::of(folder, &project)? == MetadataSource::Backend => {
                named(&self.ask(folder, &project)?)
            }
            _ => LocalDistribution::of_project(folder),
        }
    }

    /// Reads the project in a folder as a distribution, with the import roots from its backend.
    pub(crate) fn local(
        &self,
        folder: &Path,
    ) -> Result<(Option<LocalDistribution>, Vec<String>), Error> {
        let scan = self.scan(folder)?;
        match self.described(folder, &scan)? {
            Some(described) => {
                let roots = import_roots(&scan, &described.modules);
                Ok((named(&described)?, roots.folders))
            }
            None => Ok((LocalDistribution::of_project(folder)?, Vec::new())),
        }
    }

    /// Reads the project in a folder as a distribution with the files of a scan, with the top-level modules
    /// from its backend.
    ///
    /// # Errors
    ///
    /// See [`Self::project`]; also returns [`ErrorKind::ChangedWhileAsked`] if the backend saw other files.
    pub fn shipped(
        &self,
        folder: &Path,
        scan: &Scan,
    ) -> Result<(Option<LocalDistribution>, Vec<String>), Error> {
        match self.described(folder, scan)? {
            Some(described) => Ok((named(&described)?, described.modules)),
            None => Ok((LocalDistribution::of_project(folder)?, Vec::new())),
        }
    }

    /// Scans a folder for the files that ship, without reading files that are unchanged since the last scan.
    ///
    /// # Errors
    ///
    /// See [`Scan::of`].
    pub fn scan(&self, folder: &Path) -> Result<Scan, Error> {
        let (cache, env) = (self.cx.cache(), self.cx.env());
        let key = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        let key = Digest::new(key.into()).to_hex();
        let known = cache.recall(BUCKET, &key).map(|bytes| ScanIndex::parse(&bytes));
        let known = known.unwrap_or_default();
        let scan = Scan::of(folder, &self.rules(folder)?, &known, env.threads)?;
        if scan.index != known {
            cache.remember(BUCKET, &key, &scan.index.to_bytes(env.now));
        }
        Ok(scan)
    }

    /// Returns the backend's metadata for the files of a scan, if the backend is a source of metadata. If the
    /// backend is only needed for the version, its failure is ignored.
    fn described(&self, folder: &Path, scan: &Scan) -> Result<Option<BackendMetadata>, Error> {
        let Some(project) = read_project(folder)? else { return Ok(None) };
        let described = match MetadataSource::of(folder, &project)? {
            MetadataSource::Files => return Ok(None),
            MetadataSource::Backend => self.ask(folder, &project)?,
            MetadataSource::FilesAndBackend => match self.ask(folder, &project) {
                Ok(described) => described,
                Err(_) if !self.cx.is_cancelled() => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        if described.is_of(scan) {
            return Ok(Some(described));
        }
        Err(ErrorKind::ChangedWhileAsked { folder: folder.to_owned() }.into())
    }

    fn ask(&self, folder: &Path, project: &Pyproject) -> Result<BackendMetadata, Error> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked.get(folder) {
            return Ok(known.clone());
        }
        let (cx, python) = (self.cx, self.python.as_deref());
        let target = match &self.target {
            Some(target) => target.clone(),
            None => interpreter(python, cx.env(), cx.cache())?.target().clone(),
        };
        let sources = IndexSources::of_backend(project, cx.env())?;
        let index = cx.index(&self.indexes, &sources, python)?;
        let builder = local_builder(cx, &index, &Request::default(), &target, python);
        let no_python =
            || ErrorKind::NoPythonToAsk { folder: folder.to_owned(), target: target.to_string() };
        let builder = builder.ok_or_else(no_python)?;
        let scan = self.scan(folder)?;
        cx.progress().step(Step::AskingBackend);
        let described = builder.describe(folder, &scan, self.refresh)?;
        asked.insert(folder.to_owned(), described.clone());
        Ok(described)
    }

    fn rules(&self, folder: &Path) -> Result<Rules, Error> {
        match &self.own {
            Some((own, settings)) if own == folder => {
                Rules::new(&settings.include, &settings.exclude)
            }
            _ => Rules::new(&[], &[]),
        }
    }
}

/// Returns the distribution of a backend's metadata, if it has a name.
fn named(described: &BackendMetadata) -> Result<Option<LocalDistribution>, Error> {
    Ok(Some(LocalDistribution::of_backend(described)?).filter(|project| project.name != NAMELESS))
}

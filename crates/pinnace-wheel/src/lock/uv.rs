//! A reader of `uv.lock`: it selects the part that one member of a workspace depends on.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Files, FolderKind, Package, Selection, paths, pylock::refuse, select::check_python};
use crate::{
    Address, Artifact, Error, ErrorKind, ExtraName, File, Marker, ProjectName, Target, Version,
    sha256::parse_sha256, timestamp,
};

/// A `uv.lock`, from which the caller selects the part that a member depends on.
#[derive(Clone, Debug)]
pub struct UvLock {
    folder: PathBuf,
    requires_python: Option<String>,
    packages: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    version: u32,
    requires_python: Option<String>,
    #[serde(default, rename = "package")]
    packages: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    name: String,
    version: Option<String>,
    source: Source,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    wheels: Vec<FileRow>,
    sdist: Option<FileRow>,
    #[serde(default)]
    metadata: PackageMetadata,
}

/// The metadata of a project: its extras and dependency groups.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PackageMetadata {
    #[serde(default)]
    provides_extras: Vec<String>,
    #[serde(default)]
    requires_dev: BTreeMap<String, toml::Value>,
}

/// The source of a package; one of the fields is set.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Source {
    registry: Option<String>,
    url: Option<String>,
    path: Option<String>,
    git: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    r#virtual: Option<String>,
}

impl Source {
    /// Returns the folder of local source code.
    fn folder(&self) -> Option<&String> {
        self.directory.as_ref().or(self.editable.as_ref()).or(self.r#virtual.as_ref())
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Dependency {
    name: String,
    version: Option<String>,
    source: Option<Source>,
    marker: Option<String>,
    #[serde(default)]
    extra: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileRow {
    url: Option<String>,
    path: Option<String>,
    filename: Option<String>,
    hash: Option<String>,
    size: Option<u64>,
    upload_time: Option<String>,
}

impl UvLock {
    /// Parses the text of a `uv.lock` that lies in `folder`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lock`] if the text is not a lock of version 1.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Error> {
        let document: Document =
            toml::from_str(text).map_err(|error| refuse(Error::toml_reason(text, &error)))?;
        match document.version {
            1 => Ok(Self {
                folder: folder.to_owned(),
                requires_python: document.requires_python,
                packages: document.packages,
            }),
            version => Err(refuse(format!(
                "unsupported version {version} of `uv.lock`; version 1 is supported"
            ))),
        }
    }

    /// Returns the names of the projects with local source code.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().filter(|row| row.source.folder().is_some()).map(|row| &*row.name)
    }

    /// Selects the packages that a member depends on, on a platform, with these extras and
    /// dependency groups. The member itself is among the folders.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lock`] if there is no such member, extra or group, if the lock is
    /// incomplete, or if no file of a project is compatible.
    pub fn select(
        &self,
        member: &ProjectName,
        target: &Target,
        extras: &[ExtraName],
        groups: &[ProjectName],
    ) -> Result<Selection, Error> {
        check_python(self.requires_python.as_deref(), target).map_err(refuse)?;
        let mut reach =
            Reach { lock: self, target, seen: BTreeSet::new(), waiting: VecDeque::new() };
        reach.start(member, extras, groups)?;
        let rows = reach.walk()?;
        let mut selection = Selection::default();
        for at in rows {
            let row = &self.packages[at];
            self.package(row)?.add_to(&mut selection, target)?;
            if let (Some(_), Some(folder)) = (&row.source.r#virtual, selection.folders.last_mut()) {
                folder.kind = FolderKind::Virtual;
            }
        }
        selection.pins.sort_by(|a, b| a.project().cmp(b.project()));
        selection.folders.sort();
        Ok(selection)
    }

    fn package(&self, row: &Row) -> Result<Package, Error> {
        let name: ProjectName = row.name.parse()?;
        let version: Option<Version> = row.version.as_ref().map(|text| text.parse()).transpose()?;
        let source = &row.source;
        let files = if let Some(folder) = source.folder() {
            Files::Directory(paths::absolute(&self.folder, folder))
        } else if let Some(git) = &source.git {
            Files::Repository(git.clone())
        } else {
            let mut files = Vec::new();
            for file in row.wheels.iter().chain(&row.sdist) {
                files.push(self.file(file, source, &name)?);
            }
            Files::Listed(files)
        };
        let (marker, requires_python, index) = (None, None, None);
        Ok(Package { name, version, marker, requires_python, index, files })
    }

    fn file(&self, row: &FileRow, source: &Source, project: &ProjectName) -> Result<File, Error> {
        let url = row.url.as_ref().or(source.url.as_ref());
        let path = row.path.as_ref().or(source.path.as_ref());
        let address = match (url, path, &source.registry) {
            (Some(url), ..) => Address::parse(url)?,
            (None, Some(path), Some(registry)) if !registry.contains("://") => {
                Address::of_path(&self.folder.join(registry).join(path))?
            }
            (None, Some(path), _) => Address::of_path(&self.folder.join(path))?,
            (None, None, _) => {
                return Err(refuse(format!("a file of `{project}` has neither `url` nor `path`")));
            }
        };
        let name = row.filename.clone().unwrap_or_else(|| address.file_name());
        let mut file = File::new(Artifact::parse(&name, project)?, address);
        let hash = row.hash.as_deref().and_then(|hash| hash.strip_prefix("sha256:"));
        file.sha256 = hash.and_then(parse_sha256);
        if file.sha256.is_none() {
            return Err(refuse(format!("`{name}` has no SHA-256")));
        }
        file.size = row.size;
        file.uploaded_at = row.upload_time.as_deref().and_then(timestamp::parse);
        Ok(file)
    }
}

/// A walk from a member along its dependencies.
struct Reach<'a> {
    lock: &'a UvLock,
    target: &'a Target,
    /// Packages that were reached, each with an extra or without.
    seen: BTreeSet<(usize, Option<ExtraName>)>,
    waiting: VecDeque<(usize, Option<ExtraName>)>,
}

impl<'a> Reach<'a> {
    fn start(
        &mut self,
        member: &ProjectName,
        extras: &[ExtraName],
        groups: &[ProjectName],
    ) -> Result<(), Error> {
        let rows = self.lock.packages.iter();
        let named = |row: &Row| {
            row.source.folder().is_some()
                && row.name.parse::<ProjectName>().is_ok_and(|name| name == *member)
        };
        let at = rows.clone().position(named).ok_or_else(|| {
            let known: Vec<_> = self.lock.members().collect();
            refuse(format!("it has no member `{member}`; its members are {}", known.join(", ")))
        })?;
        let row = &self.lock.packages[at];
        self.push(at, None);
        for extra in extras {
            let named = |name: &str| name.parse::<ExtraName>().is_ok_and(|it| it == *extra);
            let mut known = row.optional_dependencies.keys().chain(&row.metadata.provides_extras);
            if !known.any(|name| named(name)) {
                return Err(refuse(format!("`{member}` has no extra `{extra}`")));
            }
            self.push(at, Some(extra.clone()));
        }
        for group in groups {
            let mut known = row.dev_dependencies.iter();
            let found =
                known.find(|(name, _)| name.parse::<ProjectName>().is_ok_and(|it| it == *group));
            let declared = row.metadata.requires_dev.keys();
            let is_empty = declared.filter_map(|name| name.parse::<ProjectName>().ok());
            match found {
                Some((_, dependencies)) => self.follow(dependencies)?,
                None if is_empty.into_iter().any(|name| name == *group) => {}
                None => {
                    let reason = format!("`{member}` has no dependency group `{group}`");
                    return Err(refuse(reason));
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, at: usize, extra: Option<ExtraName>) {
        if self.seen.insert((at, extra.clone())) {
            self.waiting.push_back((at, extra));
        }
    }

    /// Returns the packages that the walk reaches, each once.
    fn walk(mut self) -> Result<BTreeSet<usize>, Error> {
        while let Some((at, extra)) = self.waiting.pop_front() {
            let row = &self.lock.packages[at];
            match extra {
                None => self.follow(&row.dependencies)?,
                Some(extra) => {
                    let mut known = row.optional_dependencies.iter();
                    let named = |name: &str| name.parse::<ExtraName>().is_ok_and(|it| it == extra);
                    // uv leaves out extras that require nothing.
                    if let Some((_, dependencies)) = known.find(|(name, _)| named(name)) {
                        self.follow(dependencies)?;
                    }
                }
            }
        }
        Ok(self.seen.into_iter().map(|(at, _)| at).collect())
    }

    fn follow(&mut self, dependencies: &'a [Dependency]) -> Result<(), Error> {
        for dependency in dependencies {
            if !self.applies(dependency)? {
                continue;
            }
            let at = self.find(dependency)?;
            self.push(at, None);
            for extra in &dependency.extra {
                self.push(at, Some(extra.parse()?));
            }
        }
        Ok(())
    }

    fn applies(&self, dependency: &Dependency) -> Result<bool, Error> {
        let Some(text) = &dependency.marker else { return Ok(true) };
        if text.contains("extra == 'extra-") || text.contains("extra == 'group-") {
            return Err(refuse(format!(
                "`{}` depends on which of several conflicting extras is chosen, \
                 which is not supported; export a `pylock.toml`",
                dependency.name
            )));
        }
        let marker: Marker = text.parse()?;
        marker.holds(self.target.markers(), &[]).map_err(|source| {
            ErrorKind::Marker { requirement: dependency.name.clone(), source }.into()
        })
    }

    fn find(&self, dependency: &Dependency) -> Result<usize, Error> {
        let matches = |row: &Row| {
            row.name == dependency.name
                && (dependency.version.is_none() || dependency.version == row.version)
                && dependency.source.as_ref().is_none_or(|source| *source == row.source)
        };
        self.lock
            .packages
            .iter()
            .position(matches)
            .ok_or_else(|| refuse(format!("`{}` is required, but has no entry", dependency.name)))
    }
}

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_wheel::{
    Dependencies, ExtraName, Formats, Index, Inputs as FileInputs, LocalPath, Lock, Metadata,
    Prereleases, ProjectName, Pyproject, Request, Requirement, RequirementsReader, parse_timestamp,
};

use super::{
    project::locked_preferences,
    spec::{InputSpec, SolveSpec},
    workspace,
};
use crate::{
    Context, Env, Error, ErrorKind, IndexSpec, ProjectMetadata,
    index_sources::{IndexSources, Lookups},
};

/// The inputs of a build: a request for the resolver, and the indexes and folders that its files come from.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Inputs {
    /// The request for the resolver.
    pub request: Request,
    /// The local projects, whose code is in folders.
    pub locals: BTreeSet<ProjectName>,
    /// The folders whose code to add.
    pub folders: Vec<PathBuf>,
    /// The files that were read.
    pub files: BTreeSet<PathBuf>,
    /// Notes for the user.
    pub notes: Vec<String>,
    sources: IndexSources,
}

impl Inputs {
    /// Reads requirements, requirements files, projects and workspaces.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is missing or malformed, or a project lacks a requested extra, group or source.
    pub fn read(
        spec: &InputSpec,
        solve: &SolveSpec,
        env: &Env,
        projects: &ProjectMetadata<'_>,
    ) -> Result<Self, Error> {
        let mut reading = Reading { env, projects, inputs: Self::default(), open: BTreeSet::new() };
        let files = RefCell::default();
        let read_text = |path: &Path| noted(path, &files);
        let mut reader = RequirementsReader::new(&read_text, &env.variables);
        for text in &spec.requirements {
            reader.argument(text, &env.folder)?;
        }
        for file in spec.requirement_files.iter().chain(&spec.constraints) {
            if file.to_string_lossy().contains("://") {
                return Err(ErrorKind::RemoteFile { file: file.clone() }.into());
            }
        }
        for file in &spec.requirement_files {
            let path = env.folder.join(file);
            match Kind::of(&path)? {
                Kind::Project => reading.project(&path, spec)?,
                Kind::Requirements => reader.read(&path)?,
            }
        }
        for file in &spec.constraints {
            reader.read_constraints(&env.folder.join(file))?;
        }
        if let Some(folder) = &spec.project {
            reading.project(&env.folder.join(folder).join("pyproject.toml"), spec)?;
        }
        reading.file_inputs(reader.finish())?;
        reading.inputs.folders.extend(spec.code.iter().cloned());
        reading.inputs.files.append(&mut files.borrow_mut());
        reading.overrides_and_excludes(spec)?;
        reading.solve(solve)?;
        Ok(reading.inputs)
    }

    /// Returns true if there are no requirements, so that no index is needed.
    pub fn is_empty(&self) -> bool {
        self.request.requirements().next().is_none()
    }

    /// Opens the indexes for these inputs: those of `indexes`, else of the inputs, else of the configuration.
    ///
    /// # Errors
    ///
    /// Returns an error if an address is malformed, or if no index is configured and there is no interpreter
    /// whose pip has a default.
    pub fn index<'c>(
        &self,
        cx: &'c Context<'_>,
        indexes: &IndexSpec,
        python: Option<&str>,
    ) -> Result<Index<'c>, Error> {
        let lookups = if self.is_empty() { Lookups::None } else { Lookups::Expected };
        cx.index(indexes, &IndexSources { lookups, ..self.sources.clone() }, python)
    }

    /// Opens the indexes for the requirements of build backends, even if these inputs have no requirements.
    ///
    /// # Errors
    ///
    /// See [`Self::index`].
    pub fn backend_index<'c>(
        &self,
        cx: &'c Context<'_>,
        indexes: &IndexSpec,
        python: Option<&str>,
    ) -> Result<Index<'c>, Error> {
        let choice = self.sources.choice.clone();
        cx.index(indexes, &IndexSources { choice, ..IndexSources::default() }, python)
    }

    /// Opens the indexes that a project names, for the requirements of its build backend.
    ///
    /// # Errors
    ///
    /// See [`Self::index`].
    pub fn index_of_backend<'c>(
        project: &Pyproject,
        cx: &'c Context<'_>,
        indexes: &IndexSpec,
        python: Option<&str>,
    ) -> Result<Index<'c>, Error> {
        cx.index(indexes, &IndexSources::of_backend(project, cx.env())?, python)
    }
}

/// The kind of an input file.
enum Kind {
    Requirements,
    Project,
}

impl Kind {
    fn of(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if Lock::is_file_name(name) || name == "uv.lock" {
            return Err(ErrorKind::IsLock { path: path.to_owned() }.into());
        }
        Ok(if name.ends_with(".toml") { Self::Project } else { Self::Requirements })
    }
}

struct Reading<'e> {
    env: &'e Env,
    projects: &'e ProjectMetadata<'e>,
    inputs: Inputs,
    /// The folders of projects that were read.
    open: BTreeSet<PathBuf>,
}

impl Reading<'_> {
    fn require(&mut self, requirement: Requirement, origin: Option<&str>) {
        self.change(|request| request.require(requirement, origin));
    }

    fn change(&mut self, change: impl FnOnce(Request) -> Request) {
        self.inputs.request = change(std::mem::take(&mut self.inputs.request));
    }

    fn file_inputs(&mut self, mut inputs: FileInputs) -> Result<(), Error> {
        for named in inputs.requirements.iter_mut().chain(&mut inputs.constraints) {
            named.origin = self.shown(&named.origin).unwrap_or_default();
        }
        self.change(|request| request.with_inputs(&inputs));
        for folder in &inputs.folders {
            self.folder(folder)?;
        }
        let choice = &mut self.inputs.sources.choice;
        choice.no_index |= inputs.index.no_index;
        choice.index = inputs.index.index.or(choice.index.take());
        choice.extra.extend(inputs.index.extra);
        choice.find_links.extend(inputs.index.find_links);
        self.inputs.notes.extend(inputs.ignored);
        Ok(())
    }

    fn open_project(&mut self, path: &Path) -> Result<Pyproject, Error> {
        self.inputs.files.extend(path.canonicalize());
        workspace::open(path, self.projects)
    }

    /// Returns a path for messages, relative to the current folder if it is below that.
    fn shown(&self, origin: &str) -> Option<String> {
        let folder = format!("{}/", self.env.folder.display());
        let shown = origin.strip_prefix(&folder).unwrap_or(origin);
        (!shown.is_empty()).then(|| shown.to_owned())
    }

    /// Reads a project that the caller names, with its extras and groups.
    fn project(&mut self, path: &Path, spec: &InputSpec) -> Result<(), Error> {
        let project = self.open_project(path)?;
        let extras = parse_all::<ExtraName>(&spec.extras)?;
        let known = project.extras()?;
        if let Some(extra) = extras.iter().find(|extra| !known.contains(*extra)) {
            let (path, extra) = (path.to_owned(), extra.to_string());
            return Err(ErrorKind::UnknownExtra { path, extra }.into());
        }
        let origin = self.shown(&path.display().to_string());
        let metadata = project.metadata()?;
        if metadata.is_none() && project.name()?.is_some() {
            return Err(dynamic(path));
        }
        if metadata.is_none() && spec.groups.is_empty() {
            return Err(ErrorKind::NoRequirements { path: path.to_owned() }.into());
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut used = BTreeSet::new();
        if let Some(metadata) = metadata {
            used.extend(names(&metadata));
            let requirement = with_extras(metadata.name(), &extras)?;
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            self.add_local(metadata, folder);
            self.require(requirement, origin.as_deref());
        }
        for group in parse_all::<ProjectName>(&spec.groups)? {
            for requirement in project.group(&group)? {
                used.insert(requirement.name().clone());
                self.require(requirement, origin.as_deref());
            }
        }
        self.settings(&project, origin.as_deref())?;
        for (name, version) in locked_preferences(folder)? {
            self.change(|request| request.prefer(name, version));
        }
        self.paths(&project, path, &used)
    }

    /// Adds a local project.
    fn add_local(&mut self, metadata: Metadata, folder: PathBuf) {
        self.inputs.locals.insert(metadata.name().clone());
        let shown = folder.display().to_string();
        self.change(|request| request.with_local(metadata, &shown));
        self.inputs.folders.push(folder);
    }

    /// Applies `[tool.uv]` of the project.
    fn settings(&mut self, project: &Pyproject, origin: Option<&str>) -> Result<(), Error> {
        for constraint in project.constraints()? {
            self.change(|request| request.constrain(constraint, origin));
        }
        for requirement in project.overrides()? {
            self.change(|request| request.replace(requirement));
        }
        for name in project.excludes()? {
            self.change(|request| request.exclude(name));
        }
        self.inputs.sources.take_routes(project, self.env)?;
        self.inputs.sources.take_indexes(project, self.env)
    }

    /// Reads the local projects of a project's `[tool.uv.sources]`. One that is used must exist, since an index may
    /// have another project of that name.
    fn paths(
        &mut self,
        project: &Pyproject,
        at: &Path,
        used: &BTreeSet<ProjectName>,
    ) -> Result<(), Error> {
        let folder = at.parent().unwrap_or(Path::new("")).to_owned();
        let mut paths: BTreeMap<ProjectName, PathBuf> =
            project.paths()?.into_iter().map(|(name, path)| (name, folder.join(path))).collect();
        for name in project.members()? {
            paths.insert(name.clone(), workspace::member(&name, &folder)?);
        }
        for (name, path) in paths {
            let path = path.canonicalize().unwrap_or(path);
            if !path.exists() && used.contains(&name) {
                return Err(ErrorKind::MissingSource { project: name.to_string(), path }.into());
            }
            if path.is_dir() && self.open.insert(path.clone()) {
                let found = self.local(&path)?;
                if found != name {
                    let (found, expected) = (found.to_string(), name.to_string());
                    return Err(ErrorKind::OtherProject { path, found, expected }.into());
                }
            }
        }
        Ok(())
    }

    /// Reads a required folder: its code and its requirements.
    fn folder(&mut self, folder: &LocalPath) -> Result<(), Error> {
        let path = folder.path.canonicalize().unwrap_or_else(|_| folder.path.clone());
        self.open.insert(path.clone());
        let name = self.local(&path)?;
        let mut text = with_extras(&name, &folder.extras)?.to_string();
        if let Some(marker) = &folder.marker {
            text.push_str(&format!(" ; {marker}"));
        }
        let origin = self.shown(&folder.origin);
        self.require(text.parse()?, origin.as_deref());
        Ok(())
    }

    fn local(&mut self, folder: &Path) -> Result<ProjectName, Error> {
        let path = folder.join("pyproject.toml");
        let project = self.open_project(&path)?;
        let metadata = project.metadata()?.ok_or_else(|| dynamic(&path))?;
        let (name, used) = (metadata.name().clone(), names(&metadata));
        self.add_local(metadata, folder.to_owned());
        self.inputs.sources.take_routes(&project, self.env)?;
        self.paths(&project, &path, &used)?;
        Ok(name)
    }

    /// Reads an override: a requirement, or the path of a requirements file, as in uv.
    fn overrides(&mut self, text: &str) -> Result<Vec<Requirement>, Error> {
        let path = self.env.folder.join(text);
        if !path.is_file() && !text.ends_with(".txt") {
            return Ok(vec![text.parse()?]);
        }
        let files = RefCell::default();
        let read_text = |path: &Path| noted(path, &files);
        let mut reader = RequirementsReader::new(&read_text, &self.env.variables);
        reader.read(&path)?;
        self.inputs.files.append(&mut files.borrow_mut());
        Ok(reader.finish().requirements.into_iter().map(|named| named.requirement).collect())
    }

    fn overrides_and_excludes(&mut self, spec: &InputSpec) -> Result<(), Error> {
        for text in &spec.overrides {
            for requirement in self.overrides(text)? {
                self.change(|request| request.replace(requirement));
            }
        }
        for name in parse_all::<ProjectName>(&spec.excludes)? {
            self.change(|request| request.exclude(name));
        }
        Ok(())
    }

    fn solve(&mut self, solve: &SolveSpec) -> Result<(), Error> {
        if solve.prereleases {
            self.change(|request| request.with_prereleases(Prereleases::Allowed));
        }
        if solve.no_deps {
            self.change(|request| request.with_dependencies(Dependencies::Ignored));
        }
        if solve.require_hashes {
            self.change(Request::require_hashes);
        }
        if let Some(time) = &solve.exclude_newer {
            let time = parse_timestamp(time)?;
            self.change(|request| request.exclude_newer(time));
        }
        for formats in parse_all::<Formats>(&solve.only_binary)? {
            self.change(|request| request.with_only_binary(formats));
        }
        for formats in parse_all::<Formats>(&solve.no_binary)? {
            self.change(|request| request.with_no_binary(formats));
        }
        Ok(())
    }
}

/// Reads a file, and records its path.
fn noted(path: &Path, files: &RefCell<BTreeSet<PathBuf>>) -> io::Result<String> {
    files.borrow_mut().extend(path.canonicalize());
    fs::read_to_string(path)
}

/// Returns the projects that a project requires, including those of its extras.
fn names(metadata: &Metadata) -> BTreeSet<ProjectName> {
    let requirements = metadata.requires().filter_map(|text| text.parse::<Requirement>().ok());
    requirements.map(|requirement| requirement.name().clone()).collect()
}

fn dynamic(path: &Path) -> Error {
    ErrorKind::DynamicRequirements { path: path.to_owned() }.into()
}

fn with_extras(name: &ProjectName, extras: &[ExtraName]) -> Result<Requirement, Error> {
    let extras: Vec<_> = extras.iter().map(ExtraName::as_str).collect();
    Ok(format!("{name}[{}]", extras.join(",")).parse()?)
}

fn parse_all<T: std::str::FromStr<Err = pinnace_wheel::Error>>(
    texts: &[String],
) -> Result<Vec<T>, Error> {
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}

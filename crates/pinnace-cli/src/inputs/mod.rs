//! What the user wants, from arguments and files, as one request.

mod indexes;
mod project;
mod workspace;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_wheel::{
    Address, Dependencies, ExtraName, Formats, IndexChoice, Inputs, LocalPath, Lock, Metadata,
    Prereleases, ProjectName, Pyproject, Request, Requirement, RequirementsReader, parse_timestamp,
};

use crate::{
    Failure,
    arguments::{InputArguments, SolveArguments},
    backends::Backends,
    environment::Environment,
};

pub(crate) use project::{inputs_of, lock_of};

/// What is wanted, and where it may come from.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) request: Request,
    /// What the inputs say about indexes.
    pub(crate) index: IndexChoice,
    /// Projects that one index has.
    pub(crate) routes: BTreeMap<ProjectName, Address>,
    /// The projects whose code is in folders here.
    pub(crate) locals: BTreeSet<ProjectName>,
    /// The folders whose code is wanted.
    pub(crate) folders: Vec<PathBuf>,
    /// The files that were read.
    pub(crate) files: BTreeSet<PathBuf>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
    /// Whether it is for what backends require, which nobody knows before they are asked.
    pub(crate) is_for_backends: bool,
}

impl Wanted {
    /// Whatever the backend of a project will require, from where the project says.
    pub(crate) fn for_backend(
        project: &Pyproject,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let mut wanted = Self { is_for_backends: true, ..Self::default() };
        wanted.take_indexes(project, environment)?;
        Ok(wanted)
    }

    /// Reads arguments and the files that they name.
    pub(crate) fn read(
        arguments: &InputArguments,
        solve: &SolveArguments,
        environment: &Environment,
        backends: &Backends<'_>,
    ) -> Result<Self, Failure> {
        let mut reading =
            Reading { environment, backends, wanted: Self::default(), open: BTreeSet::new() };
        let files = RefCell::default();
        let read_text = |path: &Path| noted(path, &files);
        let mut reader = RequirementsReader::new(&read_text, &environment.variables);
        for text in &arguments.requirements {
            reader.argument(text, &environment.folder)?;
        }
        for file in arguments.requirement_files.iter().chain(&arguments.constraint) {
            if file.to_string_lossy().contains("://") {
                return Err(Failure::usage("only requirements files of this machine are read")
                    .hint("fetch the file, and name it"));
            }
        }
        for file in &arguments.requirement_files {
            let path = environment.folder.join(file);
            match kind_of(&path)? {
                Kind::Project => reading.project(&path, arguments)?,
                Kind::Requirements => reader.read(&path)?,
            }
        }
        for file in &arguments.constraint {
            reader.read_constraints(&environment.folder.join(file))?;
        }
        if let Some(folder) = &arguments.project {
            let folder = environment.folder.join(folder);
            reading.project(&folder.join("pyproject.toml"), arguments)?;
        }
        reading.inputs(reader.finish())?;
        reading.wanted.folders.extend(arguments.code.iter().cloned());
        reading.wanted.files.append(&mut files.borrow_mut());
        reading.arguments(arguments, solve)?;
        Ok(reading.wanted)
    }

    /// Whatever backends will require, from where this comes from.
    pub(crate) fn of_backends(&self) -> Self {
        Self { is_for_backends: true, index: self.index.clone(), ..Self::default() }
    }

    /// Whether nothing will be looked up.
    pub(crate) fn needs_no_index(&self) -> bool {
        !self.is_for_backends && self.request.requirements().next().is_none()
    }
}

enum Kind {
    Requirements,
    Project,
}

/// What a file that requirements are read from is.
fn kind_of(path: &Path) -> Result<Kind, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if Lock::is_file_name(name) || name == "uv.lock" {
        let message = format!("`{}` is a lock, and not what is required", path.display());
        return Err(Failure::usage(message).hint("`pinnace build --lock` builds from a lock"));
    }
    Ok(if name.ends_with(".toml") { Kind::Project } else { Kind::Requirements })
}

struct Reading<'e> {
    environment: &'e Environment,
    backends: &'e Backends<'e>,
    wanted: Wanted,
    /// The folders that were read.
    open: BTreeSet<PathBuf>,
}

impl Reading<'_> {
    fn require(&mut self, requirement: Requirement, origin: Option<&str>) {
        let request = std::mem::take(&mut self.wanted.request);
        self.wanted.request = request.require(requirement, origin);
    }

    fn change(&mut self, change: impl FnOnce(Request) -> Request) {
        self.wanted.request = change(std::mem::take(&mut self.wanted.request));
    }

    fn inputs(&mut self, mut inputs: Inputs) -> Result<(), Failure> {
        for named in inputs.requirements.iter_mut().chain(&mut inputs.constraints) {
            named.origin = self.shown(&named.origin).unwrap_or_default();
        }
        self.change(|request| request.with_inputs(&inputs));
        for folder in &inputs.folders {
            self.folder(folder)?;
        }
        let index = &mut self.wanted.index;
        index.no_index |= inputs.index.no_index;
        index.index = inputs.index.index.or(index.index.take());
        index.extra.extend(inputs.index.extra);
        index.find_links.extend(inputs.index.find_links);
        self.wanted.notes.extend(inputs.ignored);
        Ok(())
    }

    fn open_project(&mut self, path: &Path) -> Result<Pyproject, Failure> {
        self.wanted.files.extend(path.canonicalize());
        workspace::open(path, self.backends)
    }

    /// Where something stands, from where the user stands.
    fn shown(&self, origin: &str) -> Option<String> {
        let folder = format!("{}/", self.environment.folder.display());
        let shown = origin.strip_prefix(&folder).unwrap_or(origin);
        (!shown.is_empty()).then(|| shown.to_owned())
    }

    /// A project that is named as such: what it requires is wanted, not the project.
    fn project(&mut self, path: &Path, arguments: &InputArguments) -> Result<(), Failure> {
        let project = self.open_project(path)?;
        let extras = parse_all::<ExtraName>(&arguments.extra)?;
        let known = project.extras()?;
        if let Some(extra) = extras.iter().find(|extra| !known.contains(*extra)) {
            return Err(Failure::usage(format!("`{}` has no extra `{extra}`", path.display())));
        }
        let origin = self.shown(&path.display().to_string());
        let metadata = project.metadata()?;
        if metadata.is_none() && project.name()?.is_some() {
            return Err(dynamic(path));
        }
        if metadata.is_none() && arguments.group.is_empty() {
            let message = format!(
                "`{}` has no `[project]`, and says nothing that is required",
                path.display()
            );
            return Err(Failure::job(message).hint("name a dependency group with `--group`"));
        }
        let mut used = BTreeSet::new();
        if let Some(metadata) = metadata {
            used.extend(names(&metadata));
            let name = metadata.name().clone();
            let requirement = with_extras(name.clone(), &extras)?;
            self.wanted.locals.insert(name.clone());
            let folder = path.parent().unwrap_or(Path::new(""));
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            let shown = folder.display().to_string();
            self.change(|request| request.with_local(metadata, &shown));
            self.require(requirement, origin.as_deref());
            self.wanted.folders.push(folder.to_owned());
        }
        for group in parse_all::<ProjectName>(&arguments.group)? {
            for requirement in project.group(&group)? {
                used.insert(requirement.name().clone());
                self.require(requirement, origin.as_deref());
            }
        }
        self.settings(&project, origin.as_deref())?;
        self.preferences(path.parent().unwrap_or(Path::new("")))?;
        self.paths(&project, path, &used)
    }

    /// What `[tool.uv]` of the project that is built says.
    fn settings(&mut self, project: &Pyproject, origin: Option<&str>) -> Result<(), Failure> {
        for constraint in project.constraints()? {
            self.change(|request| request.constrain(constraint, origin));
        }
        for requirement in project.overrides()? {
            self.change(|request| request.replace(requirement));
        }
        for name in project.excludes()? {
            self.change(|request| request.exclude(name));
        }
        self.wanted.take_routes(project, self.environment)?;
        self.wanted.take_indexes(project, self.environment)
    }

    /// Projects that the sources of a project find beside it. One that is used must be there: an
    /// index may have another project of that name.
    fn paths(
        &mut self,
        project: &Pyproject,
        at: &Path,
        used: &BTreeSet<ProjectName>,
    ) -> Result<(), Failure> {
        let folder = at.parent().unwrap_or(Path::new("")).to_owned();
        let mut paths: BTreeMap<ProjectName, PathBuf> =
            project.paths()?.into_iter().map(|(name, path)| (name, folder.join(path))).collect();
        for name in project.members()? {
            paths.insert(name.clone(), workspace::member(&name, &folder)?);
        }
        for (name, path) in paths {
            let path = path.canonicalize().unwrap_or(path);
            if !path.exists() && used.contains(&name) {
                let message = format!("the source of `{name}`, `{}`, is not there", path.display());
                return Err(Failure::job(message));
            }
            if path.is_dir() && self.open.insert(path.clone()) {
                let found = self.local(&path)?;
                if found != name {
                    let message = format!("`{}` is `{found}`, and not `{name}`", path.display());
                    return Err(Failure::job(message));
                }
            }
        }
        Ok(())
    }

    /// A folder that is required: its code, and what that requires.
    fn folder(&mut self, folder: &LocalPath) -> Result<(), Failure> {
        let path = folder.path.canonicalize().unwrap_or_else(|_| folder.path.clone());
        self.open.insert(path.clone());
        let name = self.local(&path)?;
        let mut text = with_extras(name, &folder.extras)?.to_string();
        if let Some(marker) = &folder.marker {
            text.push_str(&format!(" ; {marker}"));
        }
        let origin = self.shown(&folder.origin);
        self.require(text.parse()?, origin.as_deref());
        Ok(())
    }

    fn local(&mut self, folder: &Path) -> Result<ProjectName, Failure> {
        let path = folder.join("pyproject.toml");
        let project = self.open_project(&path)?;
        let metadata = project.metadata()?.ok_or_else(|| dynamic(&path))?;
        let (name, used) = (metadata.name().clone(), names(&metadata));
        self.wanted.locals.insert(name.clone());
        let shown = folder.display().to_string();
        self.change(|request| request.with_local(metadata, &shown));
        self.wanted.folders.push(folder.to_owned());
        self.wanted.take_routes(&project, self.environment)?;
        self.paths(&project, &path, &used)?;
        Ok(name)
    }

    /// A requirement, or a requirements file of them, as uv has it.
    fn overrides(&mut self, text: &str) -> Result<Vec<Requirement>, Failure> {
        let path = self.environment.folder.join(text);
        if !path.is_file() && !text.ends_with(".txt") {
            return Ok(vec![text.parse()?]);
        }
        let files = RefCell::default();
        let read_text = |path: &Path| noted(path, &files);
        let mut reader = RequirementsReader::new(&read_text, &self.environment.variables);
        reader.read(&path)?;
        self.wanted.files.append(&mut files.borrow_mut());
        Ok(reader.finish().requirements.into_iter().map(|named| named.requirement).collect())
    }

    fn arguments(
        &mut self,
        arguments: &InputArguments,
        solve: &SolveArguments,
    ) -> Result<(), Failure> {
        for text in &arguments.overrides {
            for requirement in self.overrides(text)? {
                self.change(|request| request.replace(requirement));
            }
        }
        for name in parse_all::<ProjectName>(&arguments.exclude)? {
            self.change(|request| request.exclude(name));
        }
        if solve.pre {
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

/// Where no lock is read, extras and groups are a project's, and there are no members.
pub(crate) fn check_names(arguments: &InputArguments) -> Result<(), Failure> {
    let is_project = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "toml");
    let has_project =
        arguments.project.is_some() || arguments.requirement_files.iter().any(is_project);
    for (option, names) in [("--extra", &arguments.extra), ("--group", &arguments.group)] {
        if !has_project && !names.is_empty() {
            let message = format!("`{option}` is of a project, and none is named");
            return Err(Failure::usage(message).hint("name its folder with `--project`"));
        }
    }
    match &arguments.package {
        Some(_) => Err(Failure::usage("`--package` is of a `uv.lock`, and none is named")
            .hint("`pinnace build --lock uv.lock` builds a member of a workspace")),
        None => Ok(()),
    }
}

/// Reads a file, and notes that it was read.
fn noted(path: &Path, files: &RefCell<BTreeSet<PathBuf>>) -> io::Result<String> {
    files.borrow_mut().extend(path.canonicalize());
    fs::read_to_string(path)
}

fn pyproject(path: &Path, backends: &Backends<'_>) -> Result<Pyproject, Failure> {
    // Where a folder's project is meant, its other files count, too.
    if path.file_name().is_some_and(|name| name == "pyproject.toml") {
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if let Some(project) = backends.project(&folder)? {
            return Ok(project);
        }
    }
    let text = fs::read_to_string(path).map_err(|error| {
        let failure =
            Failure::job(format!("cannot read the project `{}`: {error}", path.display()));
        match path.with_file_name("requirements.txt").is_file() {
            true => failure.hint("there is a `requirements.txt` beside it, which `-r` takes"),
            false => failure,
        }
    })?;
    Ok(Pyproject::parse(&text, &path.display().to_string())?)
}

/// The projects that a project requires, with whatever extra.
fn names(metadata: &Metadata) -> BTreeSet<ProjectName> {
    let requirements = metadata.requires().filter_map(|text| text.parse::<Requirement>().ok());
    requirements.map(|requirement| requirement.name().clone()).collect()
}

fn dynamic(path: &Path) -> Failure {
    let message = format!(
        "`{}` does not say what the project requires, but only building would",
        path.display()
    );
    Failure::job(message).hint("name its requirements in a file with `-r`")
}

fn with_extras(name: ProjectName, extras: &[ExtraName]) -> Result<Requirement, Failure> {
    let extras: Vec<_> = extras.iter().map(ExtraName::as_str).collect();
    Ok(format!("{name}[{}]", extras.join(",")).parse()?)
}

fn parse_all<T: std::str::FromStr<Err = pinnace_wheel::Error>>(
    texts: &[String],
) -> Result<Vec<T>, Failure> {
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}

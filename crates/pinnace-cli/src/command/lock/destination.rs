//! Where a lock goes, and what is there already.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use pinnace_store::{Access, PendingFile};
use pinnace_wheel::{Lock, ProjectName, Request, RequirementsReader, Version};

use crate::{Failure, arguments, environment::Environment, inputs::Wanted, output};

/// Where a lock goes.
pub(super) struct Destination {
    named: PathBuf,
    path: PathBuf,
    /// Where paths in the lock start, as it is named: not where a link leads.
    folder: PathBuf,
    form: Form,
}

/// In what form.
enum Form {
    Lock,
    Requirements,
    /// A lock, on stdout.
    Stdout,
}

impl Destination {
    pub(super) fn of(
        arguments: &arguments::Lock,
        wanted: &Wanted,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let named = arguments.output.clone();
        let path = output::resolved(&named, environment)?;
        let folder = environment.folder.join(&named);
        let folder = folder.parent().unwrap_or(Path::new("")).to_owned();
        let destination = Self { form: Form::of(&named)?, named, path, folder };
        destination.check_inputs(wanted)?;
        Ok(destination)
    }

    /// The file as it was named; `None` is stdout.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match self.form {
            Form::Stdout => None,
            Form::Lock | Form::Requirements => Some(self.named.clone()),
        }
    }

    /// What is wanted is not written over by what comes of it.
    fn check_inputs(&self, wanted: &Wanted) -> Result<(), Failure> {
        match wanted.files.contains(&self.path) {
            true => {
                let message = format!("`{}` is an input, and is left alone", self.path.display());
                Err(Failure::usage(message).hint("name another file with `-o`"))
            }
            false => Ok(()),
        }
    }

    /// What the file had so far stays, as far as it will do. What is no lock is not written over.
    pub(super) fn prefer(
        &self,
        mut request: Request,
        arguments: &arguments::Lock,
    ) -> Result<Request, Failure> {
        let before = match self.form {
            Form::Stdout => Versions::new(),
            Form::Requirements => pinned(&self.path)?,
            Form::Lock => locked(&self.path, &self.folder)?,
        };
        let names = arguments.upgrade_package.iter().map(|name| name.parse::<ProjectName>());
        let anew: Vec<ProjectName> = names.collect::<Result<_, _>>()?;
        let unknown = anew.iter().find(|name| !before.iter().any(|(known, _)| known == *name));
        if let Some(name) = unknown {
            let message = format!("`{}` has no `{name}` to upgrade", self.named.display());
            return Err(Failure::usage(message));
        }
        for (name, version) in before {
            if !arguments.upgrade && !anew.contains(&name) {
                request = request.prefer(name, version);
            }
        }
        Ok(request)
    }

    /// Made first, so that a folder that cannot be written to is known before anything is fetched.
    pub(super) fn open(&self, environment: &Environment) -> Result<Option<PendingFile>, Failure> {
        match self.form {
            Form::Stdout => Ok(None),
            _ => output::create(&self.named, Access::ReadWrite, environment).map(Some),
        }
    }

    pub(super) fn text(&self, lock: &Lock) -> String {
        match self.form {
            Form::Requirements => lock.to_requirements(),
            Form::Lock | Form::Stdout => lock.to_toml(&self.folder),
        }
    }

    pub(super) fn write(&self, mut pending: PendingFile, text: &str) -> Result<(), Failure> {
        let doing = format!("cannot write `{}`", self.path.display());
        pending.write_all(text.as_bytes()).map_err(|error| Failure::io(&doing, &error))?;
        Ok(pending.commit()?)
    }
}

impl Form {
    fn of(named: &Path) -> Result<Self, Failure> {
        let name = named.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = named.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            _ if named.as_os_str() == "-" => Ok(Self::Stdout),
            Some("txt") => Ok(Self::Requirements),
            Some("toml") if name != "pyproject.toml" => Ok(Self::Lock),
            _ => {
                let message = format!("`-o {}` is no name of a lock", named.display());
                Err(Failure::usage(message)
                    .hint("name it `pylock.toml`, or `….txt` for a requirements file with hashes"))
            }
        }
    }
}

type Versions = Vec<(ProjectName, Version)>;

/// The versions of a lock; none if there is no file.
fn locked(file: &Path, folder: &Path) -> Result<Versions, Failure> {
    let refuse = |reason: &str| {
        Failure::job(format!("`{}` is there already, and is no lock: {reason}", file.display()))
            .hint("name another file, or remove it")
    };
    let text = match fs::read_to_string(file) {
        Ok(text) if text.is_empty() => return Ok(Versions::new()),
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Versions::new()),
        Err(error) => return Err(refuse(&error.to_string())),
    };
    let before = Lock::parse(&text, folder).map_err(|error| refuse(&error.to_string()))?;
    let versions = before.versions();
    Ok(versions.filter_map(|(name, version)| Some((name.clone(), version?.clone()))).collect())
}

/// The pins of a requirements file, of which an earlier run wrote only such.
fn pinned(file: &Path) -> Result<Versions, Failure> {
    if !file.exists() {
        return Ok(Versions::new());
    }
    let read_text = |path: &Path| -> io::Result<String> { fs::read_to_string(path) };
    let variables = BTreeMap::new();
    let mut reader = RequirementsReader::new(&read_text, &variables);
    reader.read(file)?;
    let inputs = reader.finish();
    let mut versions = Versions::new();
    for named in &inputs.requirements {
        let (requirement, pinned) = (&named.requirement, named.requirement.specifiers().pinned());
        match pinned {
            Some(version) => versions.push((requirement.name().clone(), version)),
            None if requirement.url().is_some() => {}
            None => return Err(by_hand(file)),
        }
    }
    let is_blank = fs::read_to_string(file).is_ok_and(|text| text.trim().is_empty());
    match inputs.requirements.is_empty() && inputs.folders.is_empty() && !is_blank {
        true => Err(by_hand(file)),
        false => Ok(versions),
    }
}

fn by_hand(file: &Path) -> Failure {
    let message = format!(
        "`{}` is there already, and does not pin what it has: somebody wrote it",
        file.display()
    );
    Failure::job(message).hint("name another file, or remove it")
}

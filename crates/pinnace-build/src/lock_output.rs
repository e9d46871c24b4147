//! The output file of a lock, and the earlier lock in it.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use pinnace_store::{Access, PendingFile};
use pinnace_wheel::{Lock, ProjectName, RequirementsReader, Version};

use crate::{
    Env, Error, ErrorKind, Inputs,
    output_file::{create_output, resolve_output},
};

/// The destination of a lock.
pub(crate) struct LockOutput {
    named: PathBuf,
    path: PathBuf,
    /// The folder that paths in the lock start in: that of the file as named, before following links.
    folder: PathBuf,
    form: Form,
}

/// The format of a lock.
enum Form {
    /// A `pylock.toml`.
    Lock,
    /// A requirements file with hashes.
    Requirements,
    /// A `pylock.toml` on stdout.
    Stdout,
}

impl LockOutput {
    /// Resolves the destination. `-` is stdout; a name that ends in `.txt` is a requirements file.
    pub(crate) fn new(named: &Path, inputs: &Inputs, env: &Env) -> Result<Self, Error> {
        let path = resolve_output(named, env)?;
        let folder = env.folder.join(named);
        let folder = folder.parent().unwrap_or(Path::new("")).to_owned();
        let form = Form::of(named)?;
        // The lock must not replace one of its own inputs.
        if inputs.files.contains(&path) {
            return Err(ErrorKind::LockIsInput { path }.into());
        }
        Ok(Self { named: named.to_owned(), path, folder, form })
    }

    /// Returns the file as it was named; `None` for stdout.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self.form {
            Form::Stdout => None,
            Form::Lock | Form::Requirements => Some(self.named.clone()),
        }
    }

    /// Reads the versions of the earlier lock. Fails if the file is not a lock, so that it is not replaced.
    pub(crate) fn locked(&self) -> Result<BTreeMap<ProjectName, Version>, Error> {
        match self.form {
            Form::Stdout => Ok(BTreeMap::new()),
            Form::Requirements => pinned(&self.path),
            Form::Lock => locked(&self.path, &self.folder),
        }
    }

    /// Creates the file before any download, so that an unwritable folder fails early.
    pub(crate) fn create(&self, env: &Env) -> Result<Option<PendingFile>, Error> {
        match self.form {
            Form::Stdout => Ok(None),
            _ => create_output(&self.named, Access::ReadWrite, env).map(Some),
        }
    }

    /// Returns the text of a lock in this format.
    pub(crate) fn text(&self, lock: &Lock) -> String {
        match self.form {
            Form::Requirements => lock.to_requirements(),
            Form::Lock | Form::Stdout => lock.to_toml(&self.folder),
        }
    }

    /// Writes the file.
    pub(crate) fn write(&self, mut pending: PendingFile, text: &str) -> Result<(), Error> {
        pending.write_all(text.as_bytes()).map_err(Error::at("write", &self.path))?;
        Ok(pending.commit()?)
    }
}

impl Form {
    fn of(named: &Path) -> Result<Self, Error> {
        let name = named.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = named.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            _ if named.as_os_str() == "-" => Ok(Self::Stdout),
            Some("txt") => Ok(Self::Requirements),
            Some("toml") if name != "pyproject.toml" => Ok(Self::Lock),
            _ => Err(ErrorKind::LockName { path: named.to_owned() }.into()),
        }
    }
}

/// Reads the versions of a lock; empty if the file is missing.
fn locked(file: &Path, folder: &Path) -> Result<BTreeMap<ProjectName, Version>, Error> {
    let refuse = |reason: String| ErrorKind::NotALock { path: file.to_owned(), reason };
    let text = match fs::read_to_string(file) {
        Ok(text) if text.is_empty() => return Ok(BTreeMap::new()),
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(refuse(error.to_string()).into()),
    };
    Ok(Lock::parse(&text, folder).map_err(|error| refuse(error.to_string()))?.pinned())
}

/// Reads the pins of a requirements file. Fails if it has other lines, since an earlier run writes only pins.
fn pinned(file: &Path) -> Result<BTreeMap<ProjectName, Version>, Error> {
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let by_hand = || ErrorKind::WrittenByHand { path: file.to_owned() };
    let read_text = |path: &Path| -> io::Result<String> { fs::read_to_string(path) };
    let variables = BTreeMap::new();
    let mut reader = RequirementsReader::new(&read_text, &variables);
    reader.read(file)?;
    let inputs = reader.finish();
    let pins = inputs.pinned().ok_or_else(by_hand)?;
    let is_blank = fs::read_to_string(file).is_ok_and(|text| text.trim().is_empty());
    if inputs.requirements.is_empty() && inputs.folders.is_empty() && !is_blank {
        return Err(by_hand().into());
    }
    Ok(pins)
}

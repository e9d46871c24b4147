//! Requirements files, with the syntax of pip.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use super::{
    IndexChoice, Inputs, Named,
    line::{Line, lines},
    place::{Parsed, Place, place_of},
};
use crate::{Error, ErrorKind, error::without_secrets, sha256::parse_sha256};

/// A reader of the files that requirements files name.
pub trait ReadText {
    /// Reads the text of the file at that path.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read.
    fn read_text(&self, path: &Path) -> io::Result<String>;
}

impl<F: Fn(&Path) -> io::Result<String>> ReadText for F {
    fn read_text(&self, path: &Path) -> io::Result<String> {
        self(path)
    }
}

/// A reader of requirements files, and of the files that they name.
///
/// ```
/// use std::{collections::BTreeMap, io, path::Path};
/// use pinnace_wheel::RequirementsReader;
///
/// let read = |path: &Path| match path.to_str() {
///     Some("/project/requirements.txt") => Ok("-r base.txt\nflask>=3 # the web\n".to_owned()),
///     Some("/project/base.txt") => Ok("six==1.16.0\n".to_owned()),
///     _ => Err(io::ErrorKind::NotFound.into()),
/// };
/// let variables = BTreeMap::new();
/// let mut reader = RequirementsReader::new(&read, &variables);
/// reader.read(Path::new("/project/requirements.txt"))?;
/// let inputs = reader.finish();
/// assert_eq!(inputs.requirements[0].origin, "/project/base.txt, line 1");
/// assert_eq!(inputs.requirements[1].requirement.to_string(), "flask>=3");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[expect(missing_debug_implementations, reason = "it holds a trait object")]
pub struct RequirementsReader<'a> {
    files: &'a dyn ReadText,
    variables: &'a BTreeMap<String, String>,
    inputs: Inputs,
    /// The files that are being read; each is named by the one before.
    open: Vec<PathBuf>,
    /// The number of files read so far.
    read: usize,
}

/// The maximum depth of files that name one another. A deeper chain is taken for a cycle.
const DEEPEST: usize = 32;

/// The maximum number of files. Files that each name two others add up to millions.
const MOST_FILES: usize = 1_000;

/// The part of the inputs that the lines of a file add to.
#[derive(Clone, Copy)]
enum Role {
    Requirements,
    Constraints,
}

impl<'a> RequirementsReader<'a> {
    /// Creates a reader that expands `${NAME}` with these variables.
    pub fn new(files: &'a dyn ReadText, variables: &'a BTreeMap<String, String>) -> Self {
        Self { files, variables, inputs: Inputs::default(), open: Vec::new(), read: 0 }
    }

    /// Reads a requirements file.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Input`] with the file and the line.
    pub fn read(&mut self, path: &Path) -> Result<(), Error> {
        self.file(path, Role::Requirements)
    }

    /// Reads a constraints file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RequirementsReader::read`].
    pub fn read_constraints(&mut self, path: &Path) -> Result<(), Error> {
        self.file(path, Role::Constraints)
    }

    /// Reads one requirement that does not come from a file. It may be anything that a line of a
    /// requirements file allows. Paths are relative to `folder`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`] if the text is not a requirement.
    pub fn argument(&mut self, text: &str, folder: &Path) -> Result<(), Error> {
        let place = Place { file: folder.join("arguments"), origin: String::new() };
        self.requirement(text.trim(), &place, Role::Requirements)
            .map_err(|reason| Error::parse("requirement", text, reason))
    }

    /// Returns the content of all files read so far.
    pub fn finish(self) -> Inputs {
        self.inputs
    }

    fn file(&mut self, path: &Path, role: Role) -> Result<(), Error> {
        let refuse = |reason: String| -> Error {
            let place = without_secrets(&path.display().to_string());
            ErrorKind::Input { place, reason }.into()
        };
        self.read += 1;
        if self.read > MOST_FILES {
            return Err(refuse(format!("there are more than {MOST_FILES} files")));
        }
        if self.open.iter().any(|open| open == path) || self.open.len() == DEEPEST {
            return Err(refuse("it includes itself, directly or through others".to_owned()));
        }
        let text = self.files.read_text(path).map_err(|error| refuse(unreadable(&error)))?;
        self.open.push(path.to_owned());
        for line in lines(&text, self.variables) {
            let origin = format!("{}, line {}", path.display(), line.number);
            let place = Place { file: path.to_owned(), origin };
            self.line(&line, &place, role)?;
        }
        self.open.pop();
        Ok(())
    }

    fn line(&mut self, line: &Line, place: &Place, role: Role) -> Result<(), Error> {
        let refuse = |reason: String| -> Error {
            let reason = without_secrets(&reason);
            ErrorKind::Input { place: place.origin.clone(), reason }.into()
        };
        if !line.text.starts_with('-') {
            return self.requirement(&line.text, place, role).map_err(refuse);
        }
        let (name, value) = option(&line.text);
        match (name, role) {
            ("-r" | "--requirement" | "-c" | "--constraint", _) if value.contains("://") => {
                Err(refuse(format!("`{value}` is an address; only local files are supported")))
            }
            ("-r" | "--requirement", _) => self.file(&place.beside(value), role),
            ("-c" | "--constraint", _) => self.file(&place.beside(value), Role::Constraints),
            ("-e" | "--editable", Role::Constraints) => {
                Err(refuse("a constraint cannot be a folder".to_owned()))
            }
            _ => self.option(name, value, place).map_err(refuse),
        }
    }

    fn option(&mut self, name: &str, value: &str, place: &Place) -> Result<(), String> {
        let address = |text: &str| place.address(text);
        let index = &mut self.inputs.index;
        match name {
            "-e" | "--editable" => return self.requirement(value, place, Role::Requirements),
            "-i" | "--index-url" | "--pypi-url" => {
                (index.index, index.no_index) = (Some(address(value)?), false);
            }
            "--extra-index-url" => index.extra.push(address(value)?),
            "-f" | "--find-links" => index.find_links.push(address(value)?),
            "--no-index" => {
                *index = IndexChoice {
                    no_index: true,
                    find_links: index.find_links.clone(),
                    ..IndexChoice::default()
                }
            }
            "--only-binary" => {
                let formats = value.parse().map_err(|error: Error| error.to_string())?;
                self.inputs.only_binary =
                    std::mem::take(&mut self.inputs.only_binary).then(formats);
            }
            "--no-binary" => {
                let formats = value.parse().map_err(|error: Error| error.to_string())?;
                self.inputs.no_binary = std::mem::take(&mut self.inputs.no_binary).then(formats);
            }
            "--pre" => self.inputs.prereleases = true,
            "--require-hashes" => self.inputs.require_hashes = true,
            "--prefer-binary" | "--trusted-host" | "--use-feature" | "--no-use-pep517"
            | "--use-pep517" | "--config-settings" | "-C" | "--global-option" => {
                let ignored = format!("{}: `{name}` has no effect", place.origin);
                self.inputs.ignored.push(ignored);
            }
            _ => return Err(format!("unknown option `{name}`")),
        }
        Ok(())
    }

    fn requirement(&mut self, text: &str, place: &Place, role: Role) -> Result<(), String> {
        let (text, options) = split_options(text);
        if text.ends_with(".txt") && !text.contains([' ', '@']) {
            let shown = without_secrets(text);
            return Err(format!("`{shown}` looks like a file; use `-r {shown}`"));
        }
        let sha256 = hashes(options)?;
        self.inputs.require_hashes |= !sha256.is_empty() && matches!(role, Role::Requirements);
        let parsed = match place_of(text) {
            None => Parsed::Requirement(text.parse().map_err(|error: Error| {
                format!("`{}` is not a requirement: {}", without_secrets(text), error.reason())
            })?),
            Some(path) => place.local(path, text)?,
        };
        match (parsed, role) {
            (Parsed::Requirement(requirement), role) => {
                let requirement = place.absolute(requirement)?;
                if let Parsed::Folder(folder) = place.folder_of(&requirement) {
                    self.inputs.folders.push(folder);
                    return Ok(());
                }
                let named = Named { requirement, origin: place.origin.clone(), sha256 };
                match role {
                    Role::Requirements => self.inputs.requirements.push(named),
                    Role::Constraints => self.inputs.constraints.push(named),
                }
            }
            (Parsed::Folder(folder), Role::Requirements) => self.inputs.folders.push(folder),
            (Parsed::Folder(_), Role::Constraints) => {
                return Err("a constraint cannot be a folder".to_owned());
            }
        }
        Ok(())
    }
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => format!("cannot read it: {error}"),
    }
}

/// Splits an option into name and value: `--name value`, `--name=value`, `-rvalue`.
fn option(line: &str) -> (&str, &str) {
    let end = line.find(['=', ' ', '\t']).unwrap_or(line.len());
    let (name, value) = line.split_at(end);
    let short = !name.starts_with("--") && name.len() > 2;
    match short.then(|| line.split_at_checked(2)).flatten() {
        Some((name, value)) => (name, unquote(value.trim())),
        None => (name, unquote(value.trim_start_matches('=').trim())),
    }
}

fn unquote(text: &str) -> &str {
    let quoted = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// Splits a line into the requirement and the options behind it.
fn split_options(text: &str) -> (&str, &str) {
    match text.find(" --") {
        Some(at) => (text[..at].trim(), text[at..].trim()),
        None => (text.trim(), ""),
    }
}

/// Parses `--hash=sha256:…`. Other options of single requirements concern builds and are ignored.
fn hashes(options: &str) -> Result<Vec<[u8; 32]>, String> {
    let mut sha256 = Vec::new();
    let mut weaker = None;
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--hash") {
            Some("") => words.next(),
            Some(value) => value.strip_prefix('='),
            None => continue,
        };
        let value = value.ok_or("`--hash` has no value")?;
        let (kind, hex) = value.split_once(':').ok_or("write a hash as `--hash=sha256:…`")?;
        match kind {
            "sha256" => {
                sha256.push(parse_sha256(hex).ok_or("a hash is not 64 hexadecimal digits")?)
            }
            other => weaker = Some(other),
        }
    }
    match weaker {
        Some(kind) if sha256.is_empty() => {
            Err(format!("it has only `{kind}` hashes; SHA-256 is required"))
        }
        _ => Ok(sha256),
    }
}

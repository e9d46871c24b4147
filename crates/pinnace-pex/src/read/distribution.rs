use std::io::{Read, Seek};

use pinnace_archive::{Mode, sha256};
use pinnace_env::{Contents, Distribution, File, Place, Rules, Script, declares_namespace};
use pinnace_wheel::{Metadata, Target, WheelName};

use super::{Span, Tree, not_pex, wheel_name};
use crate::{
    Error, ErrorKind, PlatformRules, WheelFiles,
    record::Record,
    runtime::hex,
    scheme::{Scheme, place},
    scripts::console_scripts,
    wheels::Seeking,
};

/// The form in which wheels are stored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WheelForm {
    /// A whole wheel with the bytes that the index serves.
    #[default]
    Whole,
    /// An unpacked wheel, which is the default of the pex tool.
    Installed,
}

/// A distribution in a PEX file.
#[derive(Clone, Debug)]
pub struct PexDistribution {
    name: WheelName,
    recorded: String,
    form: WheelForm,
    /// The members of the wheel, or the installed files.
    tree: Tree,
    /// The bytes of the wheel.
    whole: Option<Span>,
}

/// A file of a distribution, with its place in an installation.
pub(crate) struct Part<'a> {
    /// The path in the tree.
    pub(crate) path: &'a str,
    pub(crate) mode: Mode,
    pub(crate) size: u64,
    pub(crate) scheme: Scheme,
    /// The path in the scheme.
    pub(crate) place: &'a str,
}

impl PexDistribution {
    pub(super) fn open(
        pex: &Tree,
        name: &str,
        recorded: &str,
        are_wheels: bool,
    ) -> Result<Self, Error> {
        let path = format!(".deps/{name}");
        let form = if are_wheels { WheelForm::Whole } else { WheelForm::Installed };
        let (name, recorded) = (wheel_name(name)?, recorded.to_owned());
        if !pex.has(&path) {
            let tree = pex.below(&path);
            return if tree.files().is_empty() {
                Err(not_pex(&format!("`{path}` is missing")))
            } else {
                Ok(Self { name, recorded, form, tree, whole: None })
            };
        }
        let span = pex.span(&path)?;
        let tree = Tree::of_zip(span.clone())?;
        let whole = (form == WheelForm::Whole).then_some(span);
        Ok(Self { name, recorded, form, tree, whole })
    }

    /// Opens a wheel that is not in a PEX file.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Wheel`] if the wheel is missing, and [`ErrorKind::Archive`] if it is
    /// not an archive.
    pub fn of_wheel(
        name: &WheelName,
        sha256: [u8; 32],
        wheels: &dyn WheelFiles,
    ) -> Result<Self, Error> {
        let fault = |source| ErrorKind::Wheel { wheel: name.to_string(), source };
        let span =
            wheels.open(&sha256).map(Seeking::new).and_then(Span::of_wheel).map_err(fault)?;
        let tree = Tree::of_zip(span.clone())?;
        let (name, recorded) = (name.clone(), hex(&sha256));
        Ok(Self { name, recorded, form: WheelForm::Whole, tree, whole: Some(span) })
    }

    /// Returns the file name of the wheel, also if the distribution is installed.
    pub fn name(&self) -> &WheelName {
        &self.name
    }

    /// Returns the digest in `PEX-INFO`.
    pub fn recorded(&self) -> &str {
        &self.recorded
    }

    /// Returns the form in which the distribution is stored.
    pub fn form(&self) -> WheelForm {
        self.form
    }

    /// Returns a reader of the wheel, if it is stored whole.
    pub fn whole(&self) -> Option<impl Read + Seek + Send + 'static> {
        self.whole.clone().map(Span::reader)
    }

    /// Reads and parses METADATA.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if METADATA is missing or cannot be parsed.
    pub fn metadata(&self) -> Result<Metadata, Error> {
        let bytes = self.read(&self.dist_info("METADATA")?)?;
        Metadata::parse(&bytes).map_err(|error| self.malformed(&error.to_string()))
    }

    /// Checks whether the Python of a platform satisfies `Requires-Python`.
    pub(super) fn runs_on(&self, target: &Target) -> Result<bool, Error> {
        let metadata = self.metadata()?;
        let python = metadata.requires_python();
        Ok(python.is_none_or(|python| PlatformRules(target).is_python(python)))
    }

    /// Returns the description that a merge needs. Its id depends on the files that an installer
    /// would create, so both forms of one wheel are one distribution.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if the distribution is malformed. Files with a digest in
    /// RECORD are not read, so damage shows only in files without one.
    pub fn distribution(&self) -> Result<Distribution<[u8; 32]>, Error> {
        let contents = self.contents()?;
        let metadata = self.metadata()?;
        let mut all = Vec::new();
        for file in contents.files() {
            all.extend([file.place().folder(), "/", file.path(), "\0"].map(str::as_bytes).concat());
            all.extend(file.id());
        }
        let name = &self.name;
        let requires = metadata.requires().map(str::to_owned).collect();
        let (project, version) = (name.project().as_str(), name.version().to_string());
        let distribution = Distribution::new(project, version, name.as_str(), sha256(&all));
        let python = metadata.requires_python().map(str::to_owned);
        Ok(distribution.requiring(requires, Vec::new()).for_python(python).with_contents(contents))
    }

    /// Returns the scripts and the files as installed, each file with its SHA-256.
    fn contents(&self) -> Result<Contents<[u8; 32]>, Error> {
        let record = self.record()?;
        let mut files = Vec::new();
        for part in self.parts()? {
            if is_of_installer(part.path) {
                continue;
            }
            let id = match record.sha256(part.path) {
                Some(recorded) => recorded,
                None => sha256(&self.read(part.path)?),
            };
            let file = File::new(part.scheme.place(), part.place, id);
            let declares = part.place.ends_with("/__init__.py")
                && part.scheme == Scheme::Library
                && (1..LONGEST_DECLARATION).contains(&part.size)
                && declares_namespace(&self.read(part.path)?);
            files.push(if declares { file.declaring_namespace() } else { file });
        }
        let contents = Contents::new(files).map_err(|error| self.malformed(&error.to_string()))?;
        Ok(contents.with_scripts(self.console_scripts()?))
    }

    pub(super) fn console_scripts(&self) -> Result<Vec<Script>, Error> {
        let path = self.dist_info("entry_points.txt")?;
        if !self.tree.has(&path) {
            return Ok(Vec::new());
        }
        let text = self.read(&path)?;
        let scripts = console_scripts(&String::from_utf8_lossy(&text)).into_iter();
        Ok(scripts.map(|(name, target)| Script::new(name, target)).collect())
    }

    /// Returns the files, each with its place in an installation.
    pub(crate) fn parts(&self) -> Result<Vec<Part<'_>>, Error> {
        let generated = match self.form {
            WheelForm::Whole => Vec::new(),
            WheelForm::Installed => self.console_scripts()?,
        };
        let mut parts = Vec::new();
        for (path, mode, size) in self.tree.sizes() {
            let found = match self.form {
                WheelForm::Whole => Some(place(path).ok_or_else(|| {
                    self.malformed(&format!("`{path}` is data of an unknown kind"))
                })?),
                WheelForm::Installed => installed_place(path),
            };
            let is_generated = |scheme: Scheme, place: &str| {
                scheme == Scheme::Scripts && generated.iter().any(|script| script.name() == place)
            };
            let Some((scheme, place)) = found else { continue };
            if !(self.form == WheelForm::Installed && is_generated(scheme, place)) {
                parts.push(Part { path, mode, size, scheme, place });
            }
        }
        Ok(parts)
    }

    pub(crate) fn record(&self) -> Result<Record, Error> {
        let path = self.dist_info("RECORD")?;
        Record::parse(self.name.as_str(), &path, self.read(&path)?)
    }

    /// Reads a file of the distribution.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.tree.read(path).map_err(|error| self.malformed(&error.to_string()))
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Returns the checksums of the files, without reading the files. Damaged files have other
    /// checksums. Files in a folder have none.
    pub(crate) fn marks(&self) -> Vec<(&str, u64, u32)> {
        self.tree.marks()
    }

    pub(crate) fn span(&self) -> Option<&Span> {
        self.whole.as_ref()
    }

    /// Returns the path of a file in the `.dist-info` folder.
    pub(crate) fn dist_info(&self, file: &str) -> Result<String, Error> {
        let files = self.tree.files();
        let mut found = files.iter().filter_map(|(path, _)| {
            let (folder, name) = path.split_once('/')?;
            (folder.ends_with(".dist-info") && name == "METADATA").then_some(folder)
        });
        match (found.next(), found.next()) {
            (Some(folder), None) => Ok(format!("{folder}/{file}")),
            _ => Err(self.malformed("it must have one `.dist-info/METADATA`")),
        }
    }

    pub(crate) fn malformed(&self, reason: &str) -> Error {
        let (wheel, reason) = (self.name.to_string(), reason.to_owned());
        ErrorKind::Malformed { wheel, reason }.into()
    }
}

/// The size limit of an `__init__.py` that only declares a namespace. It leaves room for a licence
/// text above.
const LONGEST_DECLARATION: u64 = 4096;

/// Checks whether an installer wrote the file. Such files differ between installations with equal
/// contents.
fn is_of_installer(path: &str) -> bool {
    let name = path.split_once(".dist-info/").map_or("", |(_, name)| name);
    matches!(
        name,
        "RECORD" | "RECORD.jws" | "RECORD.p7s" | "INSTALLER" | "REQUESTED" | "direct_url.json"
    )
}

/// Returns the place of a file that the pex tool installed, or `None` for bytecode and the pex
/// tool's own files.
fn installed_place(path: &str) -> Option<(Scheme, &str)> {
    let is_bytecode = path.ends_with(".pyc") || path.ends_with(".pyo");
    if path == ".layout.json" || is_bytecode || path.contains(".pex-info/") {
        return None;
    }
    let Some(stashed) = path.strip_prefix(".prefix/") else { return Some((Scheme::Library, path)) };
    let (kind, rest) = stashed.split_once('/')?;
    match kind {
        "bin" | "Scripts" => Some((Scheme::Scripts, rest)),
        "data" => Some((Scheme::Data, rest)),
        "platlib" | "purelib" => Some((Scheme::Library, rest)),
        // `site/pythonX.Y/project/…`
        "include" => rest.splitn(4, '/').nth(3).map(|path| (Scheme::Headers, path)),
        _ => None,
    }
}

impl Scheme {
    pub(crate) fn place(self) -> Place {
        match self {
            Self::Library => Place::Library,
            Self::Scripts => Place::Scripts,
            Self::Headers => Place::Headers,
            Self::Data => Place::Data,
        }
    }
}

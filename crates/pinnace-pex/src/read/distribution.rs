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

/// How wheels are held.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WheelForm {
    /// Whole: the bytes are the index's own.
    #[default]
    Whole,
    /// Unpacked, as the pex tool does it by default.
    Installed,
}

/// A distribution in a PEX file.
#[derive(Clone, Debug)]
pub struct PexDistribution {
    name: WheelName,
    recorded: String,
    form: WheelForm,
    /// The members of the wheel, or the files of the installation.
    tree: Tree,
    /// The wheel's own bytes.
    whole: Option<Span>,
}

/// A file of a distribution: where it is, and what an installer makes of it.
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
            return match tree.files().is_empty() {
                true => Err(not_pex(&format!("`{path}` is missing"))),
                false => Ok(Self { name, recorded, form, tree, whole: None }),
            };
        }
        let span = pex.span(&path)?;
        let tree = Tree::of_zip(span.clone())?;
        let whole = (form == WheelForm::Whole).then_some(span);
        Ok(Self { name, recorded, form, tree, whole })
    }

    /// A wheel that is in no PEX file yet.
    ///
    /// # Errors
    ///
    /// If it is not there, or no archive.
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

    /// The name of the wheel that it is, or was.
    pub fn name(&self) -> &WheelName {
        &self.name
    }

    /// The digest that `PEX-INFO` has.
    pub fn recorded(&self) -> &str {
        &self.recorded
    }

    /// How it is held.
    pub fn form(&self) -> WheelForm {
        self.form
    }

    /// The wheel's bytes, if it is held whole.
    pub fn whole(&self) -> Option<impl Read + Seek + Send + 'static> {
        self.whole.clone().map(Span::reader)
    }

    /// Its METADATA.
    ///
    /// # Errors
    ///
    /// If there is none that can be read.
    pub fn metadata(&self) -> Result<Metadata, Error> {
        let bytes = self.read(&self.dist_info("METADATA")?)?;
        Metadata::parse(&bytes).map_err(|error| self.malformed(&error.to_string()))
    }

    /// Whether a platform's Python is one that it runs on.
    pub(super) fn runs_on(&self, target: &Target) -> Result<bool, Error> {
        let metadata = self.metadata()?;
        let python = metadata.requires_python();
        Ok(python.is_none_or(|python| PlatformRules(target).is_python(python)))
    }

    /// What merging must know of it. Its id tells what an installer would make of it, so that one
    /// wheel in two forms is one distribution.
    ///
    /// # Errors
    ///
    /// If it is malformed, or damaged where RECORD says nothing.
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
        let one = Distribution::new(project, version, name.as_str(), sha256(&all));
        let python = metadata.requires_python().map(str::to_owned);
        Ok(one.requiring(requires, Vec::new()).for_python(python).with_contents(contents))
    }

    /// Its files as installed, each by its SHA-256, and its scripts.
    fn contents(&self) -> Result<Contents<[u8; 32]>, Error> {
        let record = self.record()?;
        let mut files = Vec::new();
        for part in self.parts()? {
            if is_of_installer(part.path) {
                continue;
            }
            let id = match record.sha256(part.path) {
                Some(told) => told,
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

    /// Its files, and where an installer puts them.
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
                scheme == Scheme::Scripts && generated.iter().any(|one| one.name() == place)
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

    /// A file of its tree.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.tree.read(path).map_err(|error| self.malformed(&error.to_string()))
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// What its bytes are marked with, where that takes no reading: what is damaged has other marks. Files of
    /// a folder have none.
    pub(crate) fn marks(&self) -> Vec<(&str, u64, u32)> {
        self.tree.marks()
    }

    pub(crate) fn span(&self) -> Option<&Span> {
        self.whole.as_ref()
    }

    /// The path of a file of its `.dist-info` folder.
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

/// No `__init__.py` that only declares a namespace is longer, whatever its licence says above.
const LONGEST_DECLARATION: u64 = 4096;

/// What installers write about how they installed, so that it differs where nothing else does.
fn is_of_installer(path: &str) -> bool {
    let name = path.split_once(".dist-info/").map_or("", |(_, name)| name);
    matches!(
        name,
        "RECORD" | "RECORD.jws" | "RECORD.p7s" | "INSTALLER" | "REQUESTED" | "direct_url.json"
    )
}

/// Where the pex tool puts what does not go into the library; `None` for its own files and bytecode.
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

//! Reading PEX files from this crate or the pex tool: as one file, packed or loose.

mod codec;
mod distribution;
mod layer;
mod span;
mod tree;
mod wheels;

use std::{fs::File, path::Path};

use pinnace_archive::{ArchivePath, ContentDigest, Mode};
use pinnace_wheel::WheelName;

pub(crate) use self::{span::Span, tree::Tree};
use crate::{EntryPoint, Error, ErrorKind, PexInfo, ScriptTarget, error::archive, sources};

pub use self::{
    distribution::{PexDistribution, WheelForm},
    layer::PexLayer,
    wheels::PexWheels,
};

/// A PEX file that is open for reading. Nothing in it is executed.
///
/// ```
/// use pinnace_pex::{EntryPoint, NoWheels, Pex, PexBuilder};
///
/// let mut builder = PexBuilder::new();
/// builder.add_bytes("hello.py", b"print('hello')\n")?;
/// builder.set_entry_point(EntryPoint::parse("hello")?);
/// let mut bytes = Vec::new();
/// builder.write(&mut bytes, &NoWheels, 1)?;
///
/// let pex = Pex::parse(bytes)?;
/// assert_eq!(pex.info().entry_point.as_deref(), Some("hello"));
/// assert_eq!(pex.code().collect::<Vec<_>>(), ["hello.py"]);
/// # Ok::<(), pinnace_pex::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pex {
    info: PexInfo,
    layout: PexLayout,
    shebang: String,
    tree: Tree,
    distributions: Vec<PexDistribution>,
}

/// The layouts that can boot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PexLayout {
    /// One zip file.
    Zipapp,
    /// A folder with each wheel and the boot code as one file.
    Packed,
    /// A folder with all files unpacked.
    Loose,
}

/// The length limit of a shebang, in bytes. No system runs a longer one.
const LONGEST_SHEBANG: u64 = 4096;

/// The top-level names that are not user code.
const OWN: [&str; 5] = ["PEX-INFO", "__main__.py", ".bootstrap", ".deps", "__pex__"];

impl Pex {
    /// Opens a file or a folder.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Source`] if the path cannot be read, and [`ErrorKind::NotPex`] if it is not
    /// a PEX file. Returns [`ErrorKind::Archive`] if the strict reader refuses the zip.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            // Check this before walking the folder, which may be the root of a disk.
            if !path.join("PEX-INFO").is_file() {
                return Err(not_pex("it has no PEX-INFO"));
            }
            return Self::of_folder(Tree::of_folder(path)?);
        }
        // Opening a named pipe would block until a writer opens it.
        if !path.metadata().map_err(sources::at(path))?.is_file() {
            return Err(not_pex("it is not a regular file"));
        }
        let file = File::open(path).and_then(Span::of_file).map_err(sources::at(path))?;
        Self::of_zip(file)
    }

    /// Parses a PEX file in memory.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::open`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::of_zip(Span::of_bytes(bytes))
    }

    fn of_zip(span: Span) -> Result<Self, Error> {
        let tree = Tree::of_zip(span)?;
        let prefix = tree.zip().map(|zip| zip.prefix(LONGEST_SHEBANG)).transpose();
        let prefix = prefix.map_err(archive)?.unwrap_or_default();
        Self::of_tree(tree, PexLayout::Zipapp, first_line(&prefix))
    }

    fn of_folder(tree: Tree) -> Result<Self, Error> {
        let layout = if tree.has(".bootstrap") { PexLayout::Packed } else { PexLayout::Loose };
        let main = tree.read("__main__.py")?;
        Self::of_tree(tree, layout, first_line(&main))
    }

    fn of_tree(tree: Tree, layout: PexLayout, shebang: String) -> Result<Self, Error> {
        if !tree.has("PEX-INFO") {
            return Err(not_pex("it has no PEX-INFO"));
        }
        let info = PexInfo::parse(&tree.read("PEX-INFO")?)?;
        let named = info.distributions.iter();
        let distributions = named.map(|(name, digest)| {
            PexDistribution::open(&tree, name, digest, info.deps_are_wheel_files)
        });
        let distributions = distributions.collect::<Result<_, _>>()?;
        Ok(Self { info, layout, shebang, tree, distributions })
    }

    /// Returns the `PEX-INFO`.
    pub fn info(&self) -> &PexInfo {
        &self.info
    }

    /// Returns the layout.
    pub fn layout(&self) -> PexLayout {
        self.layout
    }

    /// Returns the first line without `#!`, or an empty text if the file has no shebang.
    pub fn shebang(&self) -> &str {
        &self.shebang
    }

    /// Returns the number of files. A distribution that is stored as one file counts as one.
    pub fn file_count(&self) -> usize {
        self.tree.files().len()
    }

    /// Returns the distributions in `PEX-INFO`, sorted by name.
    pub fn distributions(&self) -> &[PexDistribution] {
        &self.distributions
    }

    /// Returns the target of a console script of one of the distributions.
    pub fn script(&self, name: &str) -> Option<ScriptTarget> {
        self.distributions.iter().find_map(|distribution| {
            let scripts = distribution.console_scripts().ok()?;
            let script = scripts.iter().find(|script| script.name() == name)?;
            EntryPoint::parse(script.target()).ok().map(ScriptTarget::EntryPoint)
        })
    }

    /// Returns the paths of the user code, sorted.
    pub fn code(&self) -> impl Iterator<Item = &str> {
        self.code_files().into_iter().map(|(path, _)| path)
    }

    /// Reads a file of user code.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is missing or damaged.
    pub fn read_code(&self, path: &str) -> Result<Vec<u8>, Error> {
        if is_code(path) {
            self.tree.read(path)
        } else {
            Err(not_pex(&format!("`{path}` is not user code")))
        }
    }

    pub(crate) fn code_files(&self) -> Vec<(&str, Mode)> {
        let mut files = self.tree.files();
        // Skip the link `pex` beside the `__main__.py` of a folder.
        files.retain(|(path, _)| {
            is_code(path) && !(self.layout != PexLayout::Zipapp && *path == "pex")
        });
        files
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// Returns the digest of the boot code.
pub(crate) fn boot_digest(pex: &Pex) -> Result<[u8; 32], Error> {
    let mut digest = ContentDigest::new(b"");
    for (path, mode) in pex.tree.files() {
        if matches!(path.split('/').next(), Some(".bootstrap" | "__pex__")) {
            let content = pinnace_archive::sha256(&pex.tree.read(path)?);
            digest.file(&ArchivePath::parse(path).map_err(archive)?, mode, &content);
        }
    }
    Ok(digest.finish())
}

fn is_code(path: &str) -> bool {
    !OWN.contains(&path.split('/').next().unwrap_or_default())
}

fn first_line(text: &[u8]) -> String {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line.strip_prefix(b"#!").unwrap_or_default()).into_owned()
}

pub(crate) fn not_pex(reason: &str) -> Error {
    ErrorKind::NotPex { reason: reason.to_owned() }.into()
}

/// Parses the name of a wheel.
pub(crate) fn wheel_name(text: &str) -> Result<WheelName, Error> {
    text.parse().map_err(|error| not_pex(&format!("the distribution `{text}`: {error}")))
}

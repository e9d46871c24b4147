use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use pinnace_archive::{Archive, Leniency, Limits, Method, Mode, Policy};

use super::Span;
use crate::{Error, ErrorKind, error::archive, sources};

/// A tree of files, in a zip or on disk.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    store: Arc<Store>,
    /// The prefix of the file names in the store.
    prefix: String,
}

#[derive(Debug)]
enum Store {
    Zip(Archive<Span>, Span),
    Folder(BTreeMap<String, (Mode, PathBuf)>),
}

/// The policy for zips. It allows every name that this system can hold, since the file was built to
/// run here.
const POLICY: Policy =
    Policy::wheel().allow(Leniency::Prefix).allow(Leniency::NormalizationCollision);

impl Tree {
    pub(crate) fn of_zip(span: Span) -> Result<Self, Error> {
        let zip = Archive::open(span.clone(), POLICY).map_err(archive)?;
        let store = Store::Zip(zip, span);
        Ok(Self { store: Arc::new(store), prefix: String::new() })
    }

    pub(crate) fn of_folder(folder: &Path) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        walk(folder, "", 0, &mut files)?;
        Ok(Self { store: Arc::new(Store::Folder(files)), prefix: String::new() })
    }

    /// Returns the subtree of a folder, which may be empty.
    pub(crate) fn below(&self, folder: &str) -> Self {
        let prefix = format!("{}{folder}/", self.prefix);
        Self { store: self.store.clone(), prefix }
    }

    /// Returns the zip if the tree is all of a zip, rather than a part of one.
    pub(crate) fn zip(&self) -> Option<&Archive<Span>> {
        match &*self.store {
            Store::Zip(zip, _) if self.prefix.is_empty() => Some(zip),
            _ => None,
        }
    }

    /// Returns the bytes of the zip, or `None` for a tree on disk.
    pub(crate) fn whole(&self) -> Option<&Span> {
        match &*self.store {
            Store::Zip(_, span) => Some(span),
            Store::Folder(_) => None,
        }
    }

    /// Returns the files, sorted by path.
    pub(crate) fn files(&self) -> Vec<(&str, Mode)> {
        match &*self.store {
            Store::Zip(..) => {
                self.sizes().into_iter().map(|(path, mode, _)| (path, mode)).collect()
            }
            Store::Folder(files) => {
                self.on_disk(files).map(|(path, (mode, _))| (path, *mode)).collect()
            }
        }
    }

    /// Returns the files with their sizes in bytes. A file that has been deleted in the meantime
    /// counts as 0 bytes.
    pub(crate) fn sizes(&self) -> Vec<(&str, Mode, u64)> {
        match &*self.store {
            Store::Zip(zip, _) => {
                let files = zip.sorted().filter(|entry| !entry.is_directory());
                let own = files.filter_map(|entry| {
                    let path = entry.name().strip_prefix(self.prefix.as_str())?;
                    Some((path, entry.mode(), entry.size()))
                });
                own.collect()
            }
            Store::Folder(files) => {
                let size = |file: &Path| file.metadata().map_or(0, |metadata| metadata.len());
                self.on_disk(files).map(|(path, (mode, file))| (path, *mode, size(file))).collect()
            }
        }
    }

    /// Returns the files on disk below the prefix.
    fn on_disk<'a>(
        &'a self,
        files: &'a BTreeMap<String, (Mode, PathBuf)>,
    ) -> impl Iterator<Item = (&'a str, &'a (Mode, PathBuf))> {
        files
            .range(self.prefix.clone()..)
            .map_while(|(path, file)| Some((path.strip_prefix(self.prefix.as_str())?, file)))
    }

    /// Returns the names, sizes and checksums of the members from the central directory. The result
    /// is empty for files on disk.
    pub(crate) fn marks(&self) -> Vec<(&str, u64, u32)> {
        let Store::Zip(zip, _) = &*self.store else { return Vec::new() };
        let marks = zip.sorted().filter(|entry| entry.is_file()).filter_map(|entry| {
            let path = entry.name().strip_prefix(self.prefix.as_str())?;
            Some((path, entry.size(), entry.crc32()))
        });
        marks.collect()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        let path = format!("{}{path}", self.prefix);
        match &*self.store {
            Store::Zip(zip, _) => zip.find(&path).is_some(),
            Store::Folder(files) => files.contains_key(&path),
        }
    }

    /// Reads a file into memory, up to the default member limit of the archive crate.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let full = format!("{}{path}", self.prefix);
        match &*self.store {
            Store::Zip(zip, _) => {
                let entry = zip.find(&full).ok_or_else(|| missing(&full))?;
                zip.read(entry).map_err(archive)
            }
            Store::Folder(files) => {
                let (_, file) = files.get(&full).ok_or_else(|| missing(&full))?;
                let size = file.metadata().map_err(sources::at(file))?.len();
                if size > Limits::default().member {
                    let reason = format!("it is too large to read into memory: {size} bytes");
                    return Err(ErrorKind::Unfit { path: full, reason }.into());
                }
                std::fs::read(file).map_err(sources::at(file))
            }
        }
    }

    /// Returns the bytes of a file in place. A compressed file is read into memory.
    pub(crate) fn span(&self, path: &str) -> Result<Span, Error> {
        let full = format!("{}{path}", self.prefix);
        match &*self.store {
            Store::Zip(zip, whole) => {
                let entry = zip.find(&full).ok_or_else(|| missing(&full))?;
                match entry.method() {
                    Method::Stored => {
                        let start = zip.data_offset(entry).map_err(archive)?;
                        Ok(whole.part(start, entry.size()))
                    }
                    _ => zip.read(entry).map(Span::of_bytes).map_err(archive),
                }
            }
            Store::Folder(files) => {
                let (_, file) = files.get(&full).ok_or_else(|| missing(&full))?;
                File::open(file).and_then(Span::of_file).map_err(sources::at(file))
            }
        }
    }
}

fn missing(path: &str) -> Error {
    ErrorKind::NotPex { reason: format!("`{path}` is missing") }.into()
}

/// The depth limit of a folder. No real tree is deeper.
const DEEPEST: usize = 100;

/// Collects all files below a folder, and refuses links, whose targets may be outside of it.
fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut BTreeMap<String, (Mode, PathBuf)>,
) -> Result<(), Error> {
    let refuse = |path: String, reason: &str| -> Error {
        ErrorKind::Unfit { path, reason: reason.to_owned() }.into()
    };
    if depth > DEEPEST {
        return Err(refuse(prefix.to_owned(), "its folders are nested too deeply"));
    }
    for entry in std::fs::read_dir(folder).map_err(sources::at(folder))? {
        let entry = entry.map_err(sources::at(folder))?;
        let file = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(refuse(file.display().to_string(), "its name is not UTF-8"));
        };
        let (path, kind) =
            (format!("{prefix}{name}"), entry.file_type().map_err(sources::at(&file))?);
        if kind.is_dir() {
            walk(&file, &format!("{path}/"), depth + 1, found)?;
        } else if kind.is_file() {
            found.insert(path, (sources::mode(&file)?, file));
        } else if path != "pex" {
            // The one allowed link is `pex`, beside `__main__.py`.
            return Err(refuse(path, "it is a link, or not a regular file"));
        }
    }
    Ok(())
}

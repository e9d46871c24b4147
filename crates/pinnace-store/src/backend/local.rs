//! The local disk as a backend: each object is a file below the store's folder.

use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata},
    io::{self, Read as _, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{Backend, Listed, Meta, PutMode, PutResult, Reading, Upload};
use crate::{Error, Key, LocalStore, PendingFile, atomic_file::PREFIX};

/// Folders beside the objects, which hold none.
const OWN: [&str; 2] = ["reserve", "unfinished"];

impl Backend for LocalStore {
    fn location(&self) -> String {
        Self::identity_of(self.root(), self.durability())
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        let path = self.place(key);
        // Opening a foreign pipe at that path would block forever.
        if self.head(key)?.is_none() {
            return Ok(None);
        }
        let Some(mut file) = found(File::open(&path)).map_err(Error::at("open", &path))? else {
            return Ok(None);
        };
        let whole = file.metadata().map_err(Error::at("look at", &path))?.len();
        let range = range.unwrap_or(0..whole);
        let (start, end) = (range.start.min(whole), range.end.min(whole));
        file.seek(SeekFrom::Start(start)).map_err(Error::at("read", &path))?;
        let size = end.saturating_sub(start);
        Ok(Some(Reading { size, body: Box::new(file.take(size)) }))
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(LocalUpload { store: self, file: self.pending()? }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let path = self.place(key);
        let found = found(fs::metadata(&path)).map_err(Error::at("look at", &path))?;
        Ok(found.filter(Metadata::is_file).map(|metadata| meta(&metadata)))
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let mut listed = Vec::new();
        self.walk(prefix, after, limit, &mut listed)?;
        Ok(listed)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        let path = self.place(key);
        found(fs::remove_file(&path)).map(drop).map_err(Error::at("remove", &path))
    }

    fn file(&self, key: &Key) -> Option<PathBuf> {
        Some(self.place(key))
    }

    fn sweep(&self, before: u64) -> Result<usize, Error> {
        let mut swept = 0;
        for entry in self.names(&self.unfinished())? {
            // Foreign files are left alone.
            if !entry.name.starts_with(PREFIX) {
                continue;
            }
            let path = self.unfinished().join(&entry.name);
            let old = found(fs::symlink_metadata(&path)).map_err(Error::at("look at", &path))?;
            if old.is_some_and(|metadata| metadata.is_file() && meta(&metadata).modified < before) {
                found(fs::remove_file(&path)).map_err(Error::at("remove", &path))?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    fn refill_reserve(&self) {
        self.fill_reserve();
    }

    fn release_reserve(&self) -> Result<bool, Error> {
        let mut relieved = false;
        for path in self.reserve() {
            let removed = found(fs::remove_file(&path)).map_err(Error::at("remove", &path))?;
            relieved |= removed.is_some();
        }
        Ok(relieved)
    }

    /// Creates a file to learn the time: the disk may be another machine's.
    fn now(&self) -> Result<u64, Error> {
        let folder = self.unfinished();
        let file = tempfile::tempfile_in(&folder);
        let metadata = file.and_then(|file| file.metadata());
        metadata
            .map(|metadata| meta(&metadata).modified)
            .map_err(Error::at("create a file in", &folder))
    }
}

impl LocalStore {
    fn place(&self, key: &Key) -> PathBuf {
        self.root().join(key.as_str())
    }

    /// Lists objects in the order of whole keys, in which `a.b` comes before `a/b`. Reads the
    /// metadata of listed objects only.
    fn walk(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
        listed: &mut Vec<Listed>,
    ) -> Result<(), Error> {
        let folder = self.root().join(prefix);
        for Name { name, is_folder } in self.names(&folder)? {
            if listed.len() >= limit {
                break;
            }
            let text = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let plain = text.trim_end_matches('/');
            // Foreign files are ignored.
            let Ok(key) = plain.parse::<Key>() else { continue };
            if OWN.contains(&plain) {
                continue;
            }
            if is_folder {
                let is_past = after.is_some_and(|after| {
                    after.as_str() > text.as_str() && !after.as_str().starts_with(&text)
                });
                if !is_past {
                    self.walk(plain, after, limit, listed)?;
                }
            } else if after.is_none_or(|after| key > *after) {
                let meta = self.head(&key)?;
                listed.extend(meta.map(|meta| Listed { key, meta }));
            }
        }
        Ok(())
    }

    /// Returns the names in a folder, sorted. Names of folders end in `/`, as they do in keys.
    /// Links are followed: a store may be spread over disks.
    fn names(&self, folder: &Path) -> Result<BTreeSet<Name>, Error> {
        let mut names = BTreeSet::new();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            // A folder that cannot be read, such as a link to a missing disk, is not an empty
            // store.
            Err(error) if fs::symlink_metadata(folder).is_ok() => {
                return Err(Error::at("read", folder)(error));
            }
            Err(error) => {
                return found(Err(error))
                    .map(|_: Option<()>| names)
                    .map_err(Error::at("read", folder));
            }
        };
        for entry in entries {
            let entry = entry.map_err(Error::at("read", folder))?;
            let Ok(mut name) = entry.file_name().into_string() else { continue };
            let mut kind = entry.file_type().map_err(Error::at("look at", &entry.path()))?;
            if kind.is_symlink() {
                let path = entry.path();
                kind = fs::metadata(&path).map_err(Error::at("follow", &path))?.file_type();
            }
            let is_folder = kind.is_dir();
            if is_folder {
                name.push('/');
            }
            names.insert(Name { name, is_folder });
        }
        Ok(names)
    }
}

/// An entry of a folder.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Name {
    name: String,
    is_folder: bool,
}

fn meta(metadata: &Metadata) -> Meta {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Meta { size: metadata.len(), modified: since.map_or(0, |since| since.as_secs()) }
}

/// Turns the error of a missing file into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

struct LocalUpload<'a> {
    store: &'a LocalStore,
    file: PendingFile,
}

impl Write for LocalUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Upload for LocalUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        let path = self.store.place(key);
        self.file.publish(path, mode)
    }
}

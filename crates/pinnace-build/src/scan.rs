//! The scan of a project: the files that ship, and their digests.

use std::{
    fs::{self, File, Metadata},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use ignore::gitignore::Gitignore;
use pinnace_store::{Digest, parallel};
use sha2::{Digest as _, Sha256};

use crate::{
    Error, ErrorKind, FileMode, Reason, Rules, ScanIndex, TreeFile, rules::ignore_file,
    scan_index::FileStamp,
};

/// The result of a scan: the files of a project that ship, and those that do not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Scan {
    /// The files that ship, sorted by path.
    pub files: Vec<TreeFile>,
    /// The files and folders that do not ship.
    pub left_out: Vec<LeftOut>,
    /// The index for the next scan.
    pub index: ScanIndex,
    /// The number of files that were read.
    pub read: usize,
}

/// A file or folder that does not ship.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The path in the project; a folder ends in `/`.
    pub path: String,
    /// The reason.
    pub reason: Reason,
}

/// The maximum nesting of folders, since links may form a cycle.
const MAX_DEPTH: usize = 100;

impl Scan {
    /// Scans the project in a folder. Does not read files that are unchanged since the scan of `known`. Follows
    /// links that stay in the project.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unfit`] for a link that leaves the project, a name that is not UTF-8, or an entry
    /// that is neither file nor folder; [`ErrorKind::Changed`] for a file that changes during the scan.
    pub fn of(
        folder: &Path,
        rules: &Rules,
        known: &ScanIndex,
        threads: usize,
    ) -> Result<Self, Error> {
        let root = folder.canonicalize().map_err(Error::at("look at", folder))?;
        let (mut found, mut left_out) = walk(&root, rules, threads)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        left_out.sort_by(|a, b| a.path.cmp(&b.path));
        let digests = parallel::each(&found, threads, |file| {
            let known = known.digest(&file.path, &file.stamp);
            known.map_or_else(
                || file.read().map(|digest| (digest, true)),
                |digest| Ok((digest, false)),
            )
        });
        let mut scan = Self { left_out, ..Self::default() };
        let mut stamps = Vec::with_capacity(found.len());
        for (file, digest) in found.into_iter().zip(digests) {
            let (digest, was_read) = digest?;
            scan.read += usize::from(was_read);
            stamps.push((file.path.clone(), file.stamp, digest));
            let Found { path, mode, stamp: FileStamp { size, .. }, .. } = file;
            scan.files.push(TreeFile { path, mode, digest, size });
        }
        scan.index = ScanIndex::of(stamps);
        Ok(scan)
    }
}

/// A file that ships, before its digest is known.
struct Found {
    path: String,
    place: PathBuf,
    mode: FileMode,
    stamp: FileStamp,
}

impl Found {
    /// Returns the digest of the content. Fails if the file changed since it was found.
    fn read(&self) -> Result<Digest, Error> {
        let fault = || Error::at("read", &self.place);
        let mut file = File::open(&self.place).map_err(fault())?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer).map_err(fault())? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        let after = FileStamp::of(&file.metadata().map_err(fault())?);
        if after != self.stamp {
            return Err(ErrorKind::Changed { path: self.path.clone() }.into());
        }
        Ok(Digest::new(hash.finalize().into()))
    }
}

/// The part of a folder's contents that ships.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Shipped {
    All,
    /// Only files that the settings include, since an ignore file matches the folder.
    Included,
}

/// The ignore files that apply to a folder, those of its parents first.
type Ignores = Vec<Arc<Gitignore>>;

/// A folder to scan.
struct Folder {
    place: PathBuf,
    /// The path in the project with a trailing `/`; empty for the project's own folder.
    prefix: String,
    ignores: Ignores,
    shipped: Shipped,
}

/// Walks the folders of a project, and reads folders of the same depth in parallel.
fn walk(root: &Path, rules: &Rules, threads: usize) -> Result<(Vec<Found>, Vec<LeftOut>), Error> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    let (place, prefix, ignores) = (root.to_owned(), String::new(), ignore_files_above(root));
    let mut level = vec![Folder { place, prefix, ignores, shipped: Shipped::All }];
    for _ in 0..MAX_DEPTH {
        let scanned = parallel::each(&level, threads, |folder| {
            let (found, left_out, inner) = Default::default();
            let mut scan = FolderScan { root, rules, folder, found, left_out, inner };
            scan.read_entries().map(|()| (scan.found, scan.left_out, scan.inner))
        });
        level.clear();
        for folder in scanned {
            let (some, out, inner) = folder?;
            found.extend(some);
            left_out.extend(out);
            level.extend(inner);
        }
        if level.is_empty() {
            return Ok((found, left_out));
        }
    }
    Err(unfit(&level[0].prefix, "its folders are nested too deeply, or a link leads back"))
}

/// The scan of one folder.
struct FolderScan<'a> {
    root: &'a Path,
    rules: &'a Rules,
    folder: &'a Folder,
    found: Vec<Found>,
    left_out: Vec<LeftOut>,
    inner: Vec<Folder>,
}

impl FolderScan<'_> {
    fn read_entries(&mut self) -> Result<(), Error> {
        let folder = &self.folder.place;
        let own = ignore_file(&folder.join(".gitignore"), folder).map(Arc::new);
        let ignores: Ignores = self.folder.ignores.iter().cloned().chain(own).collect();
        for entry in fs::read_dir(folder).map_err(Error::at("read", folder))? {
            let entry = entry.map_err(Error::at("read", folder))?;
            let place = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(unfit(&place.display().to_string(), "its name is not UTF-8"));
            };
            let path = format!("{}{name}", self.folder.prefix);
            let metadata = entry.metadata().map_err(Error::at("look at", &place))?;
            // Links that do not ship are not followed.
            let is_followed = metadata.is_symlink() && !self.is_left_out(&path, &place, &ignores);
            let (place, metadata) =
                if is_followed { self.follow(&path, &place)? } else { (place, metadata) };
            self.entry(path, place, &metadata, &ignores)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: String,
        place: PathBuf,
        metadata: &Metadata,
        ignores: &Ignores,
    ) -> Result<(), Error> {
        let is_folder = metadata.is_dir();
        let is_environment = is_folder && place.join("pyvenv.cfg").exists();
        let reason = self.rules.leaves_out(&path, is_folder);
        if let Some(reason) = reason.or(is_environment.then_some(Reason::OfTool)) {
            self.leave_out(path, is_folder, reason);
            return Ok(());
        }
        let included = self.rules.includes(&path, is_folder);
        let ignored = (!included).then(|| ignored(ignores, &place, is_folder, self.root)).flatten();
        let shipped = match (included, &ignored) {
            (true, _) => Shipped::All,
            (false, Some(_)) => Shipped::Included,
            (false, None) => self.folder.shipped,
        };
        if shipped == Shipped::Included && !(is_folder && self.rules.includes_something()) {
            if let Some(reason) = ignored {
                self.leave_out(path, is_folder, reason);
            }
            return Ok(());
        }
        if is_folder {
            let (prefix, ignores) = (path + "/", ignores.clone());
            self.inner.push(Folder { place, prefix, ignores, shipped });
            return Ok(());
        }
        if !metadata.is_file() {
            return Err(unfit(&path, "it is neither a file nor a folder; `exclude` leaves it out"));
        }
        let mode = if is_executable(metadata) { FileMode::Executable } else { FileMode::File };
        self.found.push(Found { path, place, mode, stamp: FileStamp::of(metadata) });
        Ok(())
    }

    fn is_left_out(&self, path: &str, place: &Path, ignores: &Ignores) -> bool {
        self.rules.leaves_out(path, false).is_some()
            || !self.rules.includes(path, false)
                && ignored(ignores, place, false, self.root).is_some()
    }

    fn leave_out(&mut self, path: String, is_folder: bool, reason: Reason) {
        let path = if is_folder { path + "/" } else { path };
        self.left_out.push(LeftOut { path, reason });
    }

    /// Follows a link, which must stay in the project.
    fn follow(&self, path: &str, link: &Path) -> Result<(PathBuf, Metadata), Error> {
        let place = link
            .canonicalize()
            .map_err(|error| unfit(path, &format!("it is a link that leads nowhere ({error})")))?;
        if !place.starts_with(self.root) {
            let reason = format!(
                "it is a link that leads out of the project, to `{}`; `exclude` leaves it out",
                place.display()
            );
            return Err(unfit(path, &reason));
        }
        if link.starts_with(&place) {
            return Err(unfit(path, "it is a link that leads back to a folder that it is in"));
        }
        let metadata = fs::metadata(&place).map_err(Error::at("look at", &place))?;
        Ok((place, metadata))
    }
}

/// Returns the ignore files of the repository above a project.
fn ignore_files_above(root: &Path) -> Ignores {
    let Some(repository) = root.ancestors().find(|folder| folder.join(".git").exists()) else {
        return Ignores::new();
    };
    let own = ignore_file(&repository.join(".git/info/exclude"), repository);
    let parents = root.ancestors().skip(1).take_while(|folder| folder.starts_with(repository));
    let mut parents: Vec<&Path> = parents.collect();
    parents.reverse();
    let files =
        parents.into_iter().filter_map(|folder| ignore_file(&folder.join(".gitignore"), folder));
    own.into_iter().chain(files).map(Arc::new).collect()
}

/// Returns the pattern by which an ignore file leaves out a path. The nearest ignore file with a match decides.
fn ignored(ignores: &Ignores, place: &Path, is_folder: bool, root: &Path) -> Option<Reason> {
    for rules in ignores.iter().rev() {
        match rules.matched(place, is_folder) {
            ignore::Match::None => {}
            ignore::Match::Whitelist(_) => return None,
            ignore::Match::Ignore(glob) => {
                let file = glob.from().unwrap_or(Path::new(".gitignore"));
                let file = file.strip_prefix(root).unwrap_or(file).display().to_string();
                return Some(Reason::Ignored { pattern: glob.original().to_owned(), file });
            }
        }
    }
    None
}

fn unfit(path: &str, reason: &str) -> Error {
    let path = path.strip_suffix('/').unwrap_or(path);
    ErrorKind::Unfit { path: path.to_owned(), reason: reason.to_owned() }.into()
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &Metadata) -> bool {
    false
}

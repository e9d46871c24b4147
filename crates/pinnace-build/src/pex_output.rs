//! The output of a build: a file or a folder.

use std::{
    io::{BufWriter, Read, Seek},
    path::Path,
};

use pinnace_pex::{FolderLayout, Pex, PexBuilder, WheelFiles};
use pinnace_store::{Access, Durability, PendingFile, PendingFolder};
use pinnace_wheel::Progress;

use crate::{
    CancellableWriter, Env, Error, ErrorKind, Layout, OutputProblem, output_file::create_output,
};

/// The size of write buffers.
const BUFFER: usize = 1 << 18;

/// The output of a PEX file. Open it before any download, so that an unwritable folder fails early.
#[derive(Debug)]
pub struct PexOutput(Destination);

#[derive(Debug)]
enum Destination {
    File(PendingFile),
    FlatFile(PendingFile),
    Folder(PendingFolder, FolderLayout),
}

/// The size and digests of a PEX file that was written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PexWritten {
    /// The size in bytes and the SHA-256 of a file; `None` for a folder.
    pub file: Option<(u64, [u8; 32])>,
    /// The digest of prefix and entries; `None` for a folder.
    pub content_digest: Option<[u8; 32]>,
    /// The cache key under which the boot code unpacks the file; for the flat layout, the content digest.
    pub key: [u8; 32],
    /// True if the file is so large that `python FILE` needs Python 3.13.
    pub is_large: bool,
}

impl PexOutput {
    /// Opens the output.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Output`] if the path exists and is not the output of a build, or cannot be written.
    pub fn open(named: &Path, layout: Layout, env: &Env) -> Result<Self, Error> {
        if named.as_os_str() == "-" {
            return Err(refuse(named, OutputProblem::Stdout));
        }
        let is_zip = named.extension().is_some_and(|extension| extension == "zip");
        if layout == Layout::Zipapp || is_zip {
            check_file(&env.folder.join(named))?;
        }
        let folder = match layout {
            Layout::Zipapp => {
                let file = create_output(named, Access::Executable, env)?;
                return Ok(Self(Destination::File(file)));
            }
            Layout::Flat if is_zip => {
                let file = create_output(named, Access::ReadWrite, env)?;
                return Ok(Self(Destination::FlatFile(file)));
            }
            Layout::Flat => FolderLayout::Flat,
            Layout::Packed => FolderLayout::Packed,
            Layout::Loose => FolderLayout::Loose,
        };
        let path = env.folder.join(named);
        check_folder(&path)?;
        let pending = PendingFolder::create(&path, Durability::Durable)?;
        Ok(Self(Destination::Folder(pending, folder)))
    }

    /// Returns the paths of the output itself, to leave out of the code: it may lie in a folder of code.
    pub fn own_paths(&self) -> Vec<&Path> {
        match &self.0 {
            Destination::File(file) | Destination::FlatFile(file) => {
                vec![file.path(), file.unfinished_path()]
            }
            Destination::Folder(folder, _) => vec![folder.path()],
        }
    }

    /// Writes a PEX file, which appears under its name once it is complete.
    ///
    /// # Errors
    ///
    /// Returns an error if the observer cancels, a wheel cannot be read, or the file cannot be written. An earlier
    /// file is then unchanged.
    pub fn write(
        self,
        builder: &PexBuilder,
        wheels: &dyn WheelFiles,
        progress: &dyn Progress,
        threads: usize,
    ) -> Result<PexWritten, Error> {
        match self.0 {
            Destination::File(mut file) => {
                let out = BufWriter::with_capacity(BUFFER, &mut file);
                let out = CancellableWriter::new(out, progress);
                let written = builder.write(out, wheels, threads)?;
                file.commit()?;
                let archive = written.archive;
                Ok(PexWritten {
                    file: Some((archive.bytes, archive.sha256)),
                    content_digest: Some(archive.content_digest),
                    key: written.key,
                    is_large: written.is_large,
                })
            }
            Destination::FlatFile(mut file) => {
                let out = BufWriter::with_capacity(BUFFER, &mut file);
                let archive = builder.write_flat(CancellableWriter::new(out, progress), wheels)?;
                file.commit()?;
                let (bytes, key) = (archive.bytes, archive.content_digest);
                let file = Some((bytes, archive.sha256));
                Ok(PexWritten { file, content_digest: Some(key), key, is_large: false })
            }
            Destination::Folder(folder, layout) => {
                let key = builder.write_folder(&folder.unfinished_path(), layout, wheels)?;
                if progress.is_cancelled() {
                    return Err(ErrorKind::Cancelled.into());
                }
                folder.commit()?;
                Ok(PexWritten { file: None, content_digest: None, key, is_large: false })
            }
        }
    }
}

fn refuse(path: &Path, problem: OutputProblem) -> Error {
    ErrorKind::Output { path: path.to_owned(), problem }.into()
}

/// Refuses to replace a file that is not an archive, since no build wrote it.
fn check_file(path: &Path) -> Result<(), Error> {
    let is_other = path.metadata().is_ok_and(|file| file.is_file() && file.len() > 0);
    if !is_other || is_archive(path) {
        return Ok(());
    }
    Err(refuse(path, OutputProblem::NotArchive))
}

/// Returns true if a file ends as a zip does (APPNOTE 4.3.16).
fn is_archive(path: &Path) -> bool {
    const END: u64 = 22 + 65_536;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(std::io::SeekFrom::Start(length.saturating_sub(END)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end).map(|_| end)
    };
    read().is_ok_and(|end| end.windows(4).any(|four| four == b"PK\x05\x06"))
}

/// Refuses to replace a folder that is not the unchanged output of a build, since it may be the only copy.
fn check_folder(path: &Path) -> Result<(), Error> {
    if path.is_symlink() || path.exists() && !path.is_dir() {
        return Err(refuse(path, OutputProblem::NotFolder));
    }
    let is_empty = path.read_dir().map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        return Ok(());
    }
    let built = Pex::open(path).ok().filter(|pex| pex.info().pinnace.is_some());
    match built {
        None => Err(refuse(path, OutputProblem::NotEmpty)),
        Some(pex) if !pex.verify(1).is_empty() => Err(refuse(path, OutputProblem::Edited)),
        Some(_) => Ok(()),
    }
}

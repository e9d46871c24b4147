//! Where what is built or merged goes: a file, or a folder.

use std::{
    io::{BufWriter, Read, Seek},
    path::Path,
};

use pinnace_pex::{FolderLayout, Pex, PexBuilder, WheelFiles};
use pinnace_store::{Access, Durability, PendingFile, PendingFolder};

use crate::{
    Failure, arguments::LayoutName, environment::Environment, interrupt::Interrupt, output,
};

/// Made first, so that a folder that cannot be written to is known before anything is fetched.
pub(crate) enum Destination {
    File(PendingFile),
    FlatFile(PendingFile),
    Folder(PendingFolder, FolderLayout),
}

/// What was written.
pub(crate) struct Written {
    /// Its bytes and their digest, of a file.
    pub(crate) file: Option<(u64, [u8; 32])>,
    /// The digest of prefix and members, of a file.
    pub(crate) content_digest: Option<[u8; 32]>,
    /// The key under which a machine unpacks it; of a flat one, the digest of what it holds.
    pub(crate) key: [u8; 32],
    pub(crate) is_large: bool,
}

impl Destination {
    pub(crate) fn open(
        named: &Path,
        layout: LayoutName,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        if named.as_os_str() == "-" {
            return Err(Failure::usage("`-o` takes a file, and cannot write to stdout"));
        }
        let is_zip = named.extension().is_some_and(|extension| extension == "zip");
        if matches!(layout, LayoutName::Zipapp) || is_zip {
            check_file(&environment.folder.join(named))?;
        }
        let folder = match layout {
            LayoutName::Zipapp => {
                return output::create(named, Access::Executable, environment).map(Self::File);
            }
            LayoutName::Flat if is_zip => {
                return output::create(named, Access::ReadWrite, environment).map(Self::FlatFile);
            }
            LayoutName::Flat => FolderLayout::Flat,
            LayoutName::Packed => FolderLayout::Packed,
            LayoutName::Loose => FolderLayout::Loose,
        };
        let path = environment.folder.join(named);
        check_folder(&path)?;
        Ok(Self::Folder(PendingFolder::create(&path, Durability::Durable)?, folder))
    }

    /// Paths that are not part of what is built, though they may lie in a folder that is.
    pub(crate) fn left_out(&self) -> Vec<&Path> {
        match self {
            Self::File(file) | Self::FlatFile(file) => vec![file.path(), file.unfinished_path()],
            Self::Folder(folder, _) => vec![folder.path()],
        }
    }

    pub(crate) fn write(
        self,
        builder: &PexBuilder,
        wheels: &dyn WheelFiles,
        interrupt: &Interrupt,
        threads: usize,
    ) -> Result<Written, Failure> {
        match self {
            Self::File(mut file) => {
                let out = interrupt.guard(BufWriter::with_capacity(1 << 18, &mut file));
                let written = builder.write(out, wheels, threads)?;
                file.commit()?;
                let archive = written.archive;
                Ok(Written {
                    file: Some((archive.bytes, archive.sha256)),
                    content_digest: Some(archive.content_digest),
                    key: written.key,
                    is_large: written.is_large,
                })
            }
            Self::FlatFile(mut file) => {
                let out = interrupt.guard(BufWriter::with_capacity(1 << 18, &mut file));
                let archive = builder.write_flat(out, wheels)?;
                file.commit()?;
                let (bytes, key) = (archive.bytes, archive.content_digest);
                let file = Some((bytes, archive.sha256));
                Ok(Written { file, content_digest: Some(key), key, is_large: false })
            }
            Self::Folder(folder, layout) => {
                let key = builder.write_folder(&folder.unfinished_path(), layout, wheels)?;
                if interrupt.is_set() {
                    return Err(Failure::interrupted());
                }
                folder.commit()?;
                Ok(Written { file: None, content_digest: None, key, is_large: false })
            }
        }
    }
}

/// A file is replaced if it is one that a build may have made: an archive.
fn check_file(path: &Path) -> Result<(), Failure> {
    let is_other = path.metadata().is_ok_and(|file| file.is_file() && file.len() > 0);
    if !is_other || is_archive(path) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{}` is there already, and no archive; it is left alone",
        path.display()
    ))
    .hint("name another file, or remove it"))
}

/// Whether a file ends as a zip does (APPNOTE 4.3.16).
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

/// A folder is replaced if a build made it: anything else may be somebody's only copy.
fn check_folder(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if path.is_symlink() || path.exists() && !path.is_dir() {
        let message = format!("`{shown}` is no folder, and this layout is one");
        return Err(Failure::usage(message));
    }
    let is_empty = path.read_dir().map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        return Ok(());
    }
    let built = Pex::open(path).ok().filter(|pex| pex.info().pinnace.is_some());
    let reason = match built {
        None => "not empty, nor a PEX file in a folder",
        Some(pex) if !pex.verify(1).is_empty() => "not as a build made it",
        Some(_) => return Ok(()),
    };
    Err(Failure::usage(format!("`{shown}` is there already, and {reason}"))
        .hint("name another folder, or remove it"))
}

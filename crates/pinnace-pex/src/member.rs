//! The members of a PEX file, before they are written to a zip or a folder.

use std::{borrow::Cow, collections::BTreeMap, fs::File, path::PathBuf};

use pinnace_archive::{ArchivePath, Content, ContentDigest, Mode};

use crate::{
    Error, ErrorKind, WheelFiles,
    error::archive,
    sources::at,
    wheels::{self, WheelArchive},
};

pub(crate) type Members = BTreeMap<ArchivePath, (Mode, Member)>;

/// A member that is ready to be written.
#[derive(Clone, Debug)]
pub(crate) enum Member {
    Bytes(Vec<u8>),
    /// An archive, never compressed.
    Archive(Vec<u8>),
    /// Boot code, compressed: it depends on the version of Pinnace in any case.
    Code(Vec<u8>),
    File {
        file: PathBuf,
        sha256: [u8; 32],
    },
    Wheel {
        name: String,
        sha256: [u8; 32],
    },
    /// A member of a wheel.
    Inside {
        wheel: String,
        sha256: [u8; 32],
        entry: String,
        /// The expected SHA-256.
        content: [u8; 32],
    },
}

impl Member {
    pub(crate) fn measure(file: PathBuf) -> Result<Self, Error> {
        let open = File::open(&file).and_then(Content::measure);
        let sha256 = open.map_err(at(&file))?.sha256();
        Ok(Self::File { file, sha256 })
    }

    /// Returns the bytes of a member of the user code.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::File { file, .. } => std::fs::read(file).map_err(at(file)),
            Self::Bytes(bytes) | Self::Archive(bytes) | Self::Code(bytes) => Ok(bytes.clone()),
            Self::Wheel { .. } | Self::Inside { .. } => Ok(Vec::new()),
        }
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        match self {
            Self::Bytes(bytes) | Self::Archive(bytes) | Self::Code(bytes) => {
                pinnace_archive::sha256(bytes)
            }
            Self::File { sha256, .. } | Self::Wheel { sha256, .. } => *sha256,
            Self::Inside { content, .. } => *content,
        }
    }
}

/// A reader of members inside wheels. It keeps the last wheel open.
pub(crate) struct Reader<'w> {
    files: &'w dyn WheelFiles,
    open: Option<([u8; 32], WheelArchive)>,
}

impl<'w> Reader<'w> {
    pub(crate) fn new(files: &'w dyn WheelFiles) -> Self {
        Self { files, open: None }
    }

    /// Returns the bytes of a member of a wheel, checked against its SHA-256.
    pub(crate) fn inside<'m>(
        &mut self,
        wheel: &str,
        sha256: &[u8; 32],
        entry: &str,
        content: &[u8; 32],
    ) -> Result<Cow<'m, [u8]>, Error> {
        let zip = match self.open.take().filter(|(open, _)| open == sha256) {
            Some((_, zip)) => zip,
            None => wheels::open(self.files, wheel, sha256)?,
        };
        let found = zip.find(entry).map(|entry| zip.read(entry)).transpose().map_err(archive)?;
        self.open = Some((*sha256, zip));
        match found.filter(|bytes| pinnace_archive::sha256(bytes) == *content) {
            Some(bytes) => Ok(bytes.into()),
            None => {
                let reason = format!("`{entry}` does not match its RECORD");
                Err(ErrorKind::Malformed { wheel: wheel.to_owned(), reason }.into())
            }
        }
    }
}

pub(crate) fn insert(
    members: &mut Members,
    path: &str,
    mode: Mode,
    member: Member,
) -> Result<(), Error> {
    members.insert(ArchivePath::parse(path).map_err(archive)?, (mode, member));
    Ok(())
}

/// Returns the content digest of the members, without a prefix and without folders, which are
/// implied by the files.
pub(crate) fn digest<'a>(
    members: impl Iterator<Item = (&'a ArchivePath, &'a (Mode, Member))>,
) -> [u8; 32] {
    let mut digest = ContentDigest::new(b"");
    for (path, (mode, member)) in members {
        digest.file(path, *mode, &member.sha256());
    }
    digest.finish()
}

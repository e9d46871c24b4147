//! What a PEX file is made of, before it is put into a zip or a folder.

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use pinnace_archive::{ArchivePath, Content, ContentDigest, Mode};

use crate::{Error, error::archive, sources::at};

pub(crate) type Members = BTreeMap<ArchivePath, (Mode, Member)>;

/// One member, ready to be written.
#[derive(Clone, Debug)]
pub(crate) enum Member {
    Bytes(Vec<u8>),
    /// Boot code, which is compressed: it is of one version of Pinnace anyway.
    Code(Vec<u8>),
    File {
        file: PathBuf,
        sha256: [u8; 32],
    },
    Wheel {
        name: String,
        sha256: [u8; 32],
    },
}

impl Member {
    pub(crate) fn measure(file: PathBuf) -> Result<Self, Error> {
        let open = File::open(&file).and_then(Content::measure);
        let sha256 = open.map_err(at(&file))?.sha256();
        Ok(Self::File { file, sha256 })
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        match self {
            Self::Bytes(bytes) | Self::Code(bytes) => pinnace_archive::sha256(bytes),
            Self::File { sha256, .. } | Self::Wheel { sha256, .. } => *sha256,
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

/// The content digest of files, without prefix and without folders, which follow from the files.
pub(crate) fn digest<'a>(
    members: impl Iterator<Item = (&'a ArchivePath, &'a (Mode, Member))>,
) -> [u8; 32] {
    let mut digest = ContentDigest::new(b"");
    for (path, (mode, member)) in members {
        digest.file(path, *mode, &member.sha256());
    }
    digest.finish()
}

//! Writing a PEX file in one piece.

use std::{
    fs::File,
    io::{self, Cursor, Seek, SeekFrom, Write},
    thread,
};

use pinnace_archive::{Content, Deflate, Summary, Writer};

use crate::{
    Error, ErrorKind, ReadSeek, WheelFiles,
    error::archive,
    measure::InOrder,
    member::{Member, Members},
    runtime::Import,
    sources::at,
};

/// Writes the members behind a prefix; wheels are opened and measured on `threads` threads ahead.
pub(crate) fn zip<W: Write>(
    out: W,
    prefix: &[u8],
    members: &Members,
    wheels: &dyn WheelFiles,
    threads: usize,
) -> Result<Summary, Error> {
    let digests: Vec<[u8; 32]> = members.values().filter_map(|(_, one)| wheel(one)).collect();
    thread::scope(|scope| {
        let measured = InOrder::start(scope, wheels, &digests, threads)
            .map_err(|source| ErrorKind::Thread { source })?;
        write_members(out, prefix, members, measured)
    })
}

/// How Python will read these members: zip64 begins where 16 bits are too few for their number, or
/// 32 for their bytes.
pub(crate) fn import(members: &Members, wheels: &dyn WheelFiles) -> Result<Import, Error> {
    let mut bytes = 0;
    for (path, (_, member)) in members {
        bytes += 200 + 2 * path.as_str().len() as u64;
        bytes += match member {
            Member::Bytes(content) | Member::Code(content) => content.len() as u64,
            Member::File { file, .. } => file.metadata().map_err(at(file))?.len(),
            Member::Wheel { name, sha256 } => wheels
                .open(sha256)
                .and_then(|mut file| file.seek(SeekFrom::End(0)))
                .map_err(|source| ErrorKind::Wheel { wheel: name.clone(), source })?,
        };
    }
    let folders: std::collections::BTreeSet<&str> =
        members.keys().flat_map(|path| parents(path.as_str())).collect();
    let entries = members.len() + folders.len();
    let fits = entries < 0xffff && bytes < 0xffff_0000;
    Ok(if fits { Import::Zip } else { Import::Zip64 })
}

/// `a/b/c` lies in `a` and `a/b`.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn wheel(member: &Member) -> Option<[u8; 32]> {
    match member {
        Member::Wheel { sha256, .. } => Some(*sha256),
        _ => None,
    }
}

/// Wheels come out of `measured` in the order of the members.
fn write_members<W: Write>(
    out: W,
    prefix: &[u8],
    members: &Members,
    mut measured: InOrder,
) -> Result<Summary, Error> {
    let mut writer = Writer::with_prefix(out, prefix).map_err(archive)?;
    let deflate = Deflate::new(9);
    for (path, (mode, member)) in members {
        match member {
            Member::Bytes(bytes) => writer.bytes(path, *mode, bytes).map_err(archive)?,
            Member::Code(bytes) => {
                let encoded =
                    Content::encode(Cursor::new(bytes), &deflate, Cursor::new(Vec::new()));
                let content = encoded.map_err(at(path.as_str().as_ref()))?;
                writer.file(path, *mode, content).map_err(archive)?;
            }
            Member::Wheel { name, .. } => {
                let fault = |source| ErrorKind::Wheel { wheel: name.clone(), source };
                let content: Content<Box<dyn ReadSeek>> = measured.next().map_err(fault)?;
                writer.file(path, *mode, content).map_err(archive)?;
            }
            Member::File { file, sha256 } => {
                let content = File::open(file).and_then(Content::measure).map_err(at(file))?;
                if content.sha256() != *sha256 {
                    let changed = io::Error::other("it changed while the PEX file was being built");
                    return Err(at(file)(changed));
                }
                writer.file(path, *mode, content).map_err(archive)?;
            }
        }
    }
    writer.finish().map(|(_, summary)| summary).map_err(archive)
}

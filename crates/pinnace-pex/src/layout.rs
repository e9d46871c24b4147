//! The layouts of a PEX file, and a writer for those that are folders.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::Path,
};

use pinnace_archive::Mode;

use crate::{
    Error, ErrorKind, WheelFiles,
    member::{Member, Members, Reader},
    sources::at,
};

/// The layouts that are folders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FolderLayout {
    /// A folder with each wheel and the boot code as one file, so that a copy transfers only
    /// changed parts.
    Packed,
    /// A folder with all files unpacked.
    Loose,
    /// Code and libraries at the top, for AWS Lambda, Spark and the like, without boot code.
    Flat,
}

/// Writes the members into an existing, empty folder.
pub(crate) fn write(
    folder: &Path,
    members: &Members,
    wheels: &dyn WheelFiles,
) -> Result<(), Error> {
    let mut made: BTreeSet<&str> = BTreeSet::new();
    let mut reader = Reader::new(wheels);
    for (path, (mode, member)) in members {
        let target = folder.join(path.as_str());
        let parent = path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
        if made.insert(parent) {
            fs::create_dir_all(folder.join(parent)).map_err(writing(&folder.join(parent)))?;
        }
        let mut out = fs::File::create_new(&target).map_err(writing(&target))?;
        copy(&mut out, member, &mut reader, wheels, &target)?;
        if *mode == Mode::Executable {
            make_executable(&out).map_err(writing(&target))?;
        }
    }
    Ok(())
}

/// Creates a symbolic link beside the files, on systems that support links.
pub(crate) fn link(folder: &Path, name: &str, target: &str) -> Result<(), Error> {
    let path = folder.join(name);
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, &path).map_err(writing(&path))?;
    #[cfg(not(unix))]
    let _ = (path, target);
    Ok(())
}

fn copy(
    out: &mut fs::File,
    member: &Member,
    reader: &mut Reader<'_>,
    wheels: &dyn WheelFiles,
    target: &Path,
) -> Result<(), Error> {
    match member {
        Member::Bytes(bytes) | Member::Archive(bytes) | Member::Code(bytes) => {
            out.write_all(bytes).map_err(writing(target))
        }
        Member::File { file, .. } => {
            let mut source = fs::File::open(file).map_err(at(file))?;
            io::copy(&mut source, out).map(drop).map_err(writing(target))
        }
        Member::Wheel { name, sha256 } => {
            let fault = |source| ErrorKind::Wheel { wheel: name.clone(), source };
            let mut source = wheels.open(sha256).map_err(fault)?;
            io::copy(&mut source, out).map(drop).map_err(writing(target))
        }
        Member::Inside { wheel, sha256, entry, content } => {
            let bytes = reader.inside(wheel, sha256, entry, content)?;
            out.write_all(&bytes).map_err(writing(target))
        }
    }
}

pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| ErrorKind::Write { path: path.to_owned(), source }.into()
}

#[cfg(unix)]
fn make_executable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    // Every user who may read the file may also execute it.
    file.set_permissions(fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(not(unix))]
fn make_executable(_file: &fs::File) -> io::Result<()> {
    Ok(())
}

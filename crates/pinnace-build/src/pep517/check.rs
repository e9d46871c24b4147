//! The check of a wheel that a backend built: the right project, for the right platform.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use pinnace_pex::PexDistribution;
use pinnace_wheel::{Compatibility, Metadata, ProjectName, Tag, Target, Version, WheelName};

use super::elf::{self, Needs};
use crate::{Cache, Error, ErrorKind, Wheel};

/// A check of the wheel of one build.
pub(super) struct Check<'a> {
    /// The name of the source in messages.
    pub(super) what: &'a str,
    pub(super) target: &'a Target,
    pub(super) cache: &'a Cache,
}

/// Libraries that every Linux with a `manylinux` tag has (PEP 600, and the policies of auditwheel).
const EVERYWHERE: [&str; 17] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libnsl.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libatomic.so.1",
    "libz.so.1",
    "libX11.so.6",
    "libXext.so.6",
    "libXrender.so.1",
    "libGL.so.1",
    "libglib-2.0.so.0",
];

/// ELF `e_machine` values, by the architecture in a platform tag.
const MACHINES: [(&str, u16); 8] = [
    ("x86_64", 62),
    ("i686", 3),
    ("aarch64", 183),
    ("armv7l", 40),
    ("ppc64le", 21),
    ("s390x", 22),
    ("riscv64", 243),
    ("loongarch64", 258),
];

impl Check<'_> {
    /// Checks the project, version and tags of the file name.
    pub(super) fn name(
        &self,
        wheel: &WheelName,
        asked: (&ProjectName, &Version),
    ) -> Result<(), Error> {
        let (project, version) = asked;
        if (wheel.project(), wheel.version()) != (project, version) {
            return Err(self.refuse(format!("the result is `{wheel}`, not {project} {version}")));
        }
        match self.target.rank(wheel) {
            Compatibility::Compatible(_) => Ok(()),
            Compatibility::Incompatible(_) if wheel.compressed_tags().ends_with("-none-any") => {
                Err(self.refuse(format!("the result is `{wheel}`, which is for another Python")))
            }
            Compatibility::Incompatible(_) => Err(self.refuse(format!(
                "it has native code, and a wheel that is built here (`{wheel}`) does not run on {}; a \
                 version with a wheel for that platform would do, and `--only-binary {project}` \
                 takes no other",
                self.target
            ))),
        }
    }

    /// Checks that METADATA names the project and version.
    pub(super) fn metadata(
        &self,
        metadata: &Metadata,
        asked: (&ProjectName, &Version),
    ) -> Result<(), Error> {
        let (project, version) = asked;
        if (metadata.name(), metadata.version()) == (project, version) {
            return Ok(());
        }
        Err(self.refuse(format!(
            "its metadata names {} {}, not {project} {version}",
            metadata.name(),
            metadata.version()
        )))
    }

    /// Checks the contents of a wheel in the cache. Returns its metadata, and notes for the user.
    pub(super) fn contents(
        &self,
        wheel: &Wheel,
        known: Option<&Metadata>,
    ) -> Result<(Metadata, Vec<String>), Error> {
        let name = &wheel.name;
        let distribution = PexDistribution::of_wheel(name, *wheel.digest.as_bytes(), self.cache)?;
        let metadata = distribution.metadata()?;
        self.metadata(&metadata, (name.project(), name.version()))?;
        if known.is_some_and(|known| !known.says_the_same(&metadata)) {
            return Err(
                self.refuse("its metadata differs from that of an earlier query".to_owned())
            );
        }
        // Unpacking checks every file against RECORD.
        let folder = self.cache.unpack(wheel)?;
        Ok((metadata, self.native(name, &folder)?))
    }

    /// Checks that the native code in a folder runs on the platform.
    fn native(&self, name: &WheelName, folder: &Path) -> Result<Vec<String>, Error> {
        let (mut own, mut foreign) = (BTreeSet::new(), BTreeSet::new());
        for file in files(folder)? {
            own.extend(file.file_name().map(|name| name.to_string_lossy().into_owned()));
            let Some(needs) = self.needs(&file)? else { continue };
            self.runs(&file, &needs)?;
            foreign.extend(needs.libraries);
        }
        let is_foreign = |library: &String| {
            !own.contains(library)
                && !EVERYWHERE.contains(&library.as_str())
                && !library.starts_with("ld-")
        };
        let foreign: Vec<String> = foreign.into_iter().filter(is_foreign).collect();
        if foreign.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![format!(
            "`{}` was built here, and needs of the system that it runs on: {}",
            name.project(),
            foreign.join(", ")
        )])
    }

    fn needs(&self, file: &Path) -> Result<Option<Needs>, Error> {
        let mut bytes = vec![0; 4];
        let mut open = File::open(file).map_err(Error::at("open", file))?;
        let read = open.read(&mut bytes).map_err(Error::at("read", file))?;
        if &bytes[..read] != b"\x7fELF" {
            return Ok(None);
        }
        open.read_to_end(&mut bytes).map_err(Error::at("read", file))?;
        let shown = shown(file);
        elf::needs(&bytes).map_err(|error| {
            self.refuse(format!("`{shown}` in it is a malformed library: {error}"))
        })
    }

    fn runs(&self, file: &Path, needs: &Needs) -> Result<(), Error> {
        let shown = shown(file);
        let platforms: Vec<&str> = self.target.tags().iter().map(Tag::platform).collect();
        let on_linux = platforms.iter().find(|platform| platform.contains("linux"));
        let Some(on_linux) = on_linux else {
            return Err(self.refuse(format!(
                "`{shown}` in it is native code for Linux, and the platform is {}",
                self.target
            )));
        };
        let expected = MACHINES.iter().find(|(machine, _)| on_linux.ends_with(machine));
        if expected.is_some_and(|(_, machine)| *machine != needs.machine) {
            return Err(self.refuse(format!("`{shown}` in it is for another kind of processor")));
        }
        let other = format!("`{shown}` in it is for another C library than {} has", self.target);
        match (libc(self.target), needs.glibc) {
            (Some(Libc::Glibc(has)), Some(wants)) if wants > has => Err(self.refuse(format!(
                "`{shown}` in it needs glibc {}.{}, and {} has {}.{}: build it on an older system, \
                 or say with `--platform` what it will run on",
                wants.0, wants.1, self.target, has.0, has.1
            ))),
            (Some(Libc::Glibc(_)), _) if shown.contains("-linux-musl.") => Err(self.refuse(other)),
            (Some(Libc::Musl), _) if needs.is_of_glibc() || shown.contains("-linux-gnu.") => {
                Err(self.refuse(other))
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, reason: String) -> Error {
        ErrorKind::Build { what: self.what.to_owned(), reason, log: String::new() }.into()
    }
}

enum Libc {
    Glibc((u32, u32)),
    Musl,
}

/// Returns the C library of a platform, by the newest of its tags; `None` if it has no such tag.
fn libc(target: &Target) -> Option<Libc> {
    let version = |platform: &str| -> Option<(u32, u32)> {
        let mut parts = platform.strip_prefix("manylinux_")?.split('_');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    let platforms = || target.tags().iter().map(Tag::platform);
    match platforms().filter_map(version).max() {
        Some(version) => Some(Libc::Glibc(version)),
        None => {
            platforms().any(|platform| platform.starts_with("musllinux_")).then_some(Libc::Musl)
        }
    }
}

fn shown(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Lists all files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::at("read", &folder))? {
            let path = entry.map_err(Error::at("read", &folder))?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

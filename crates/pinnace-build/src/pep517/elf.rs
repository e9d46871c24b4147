//! The requirements of native code: processor, libraries and glibc version (System V ABI; PEP 600).

use object::{
    Endianness,
    elf::{DT_NEEDED, FileHeader32, FileHeader64},
    read::{
        FileKind,
        elf::{Dyn, FileHeader},
    },
};

/// The requirements of a program or library.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Needs {
    /// The processor, as an ELF `e_machine` value.
    pub(super) machine: u16,
    /// The names of the libraries.
    pub(super) libraries: Vec<String>,
    /// The newest version of glibc whose symbols it uses.
    pub(super) glibc: Option<(u32, u32)>,
}

impl Needs {
    /// Returns true if it is linked to glibc: only glibc has a file named `libc.so.6`.
    pub(super) fn is_of_glibc(&self) -> bool {
        self.glibc.is_some() || self.libraries.iter().any(|library| library == "libc.so.6")
    }
}

/// Reads the requirements of an ELF file; `None` for any other file.
///
/// # Errors
///
/// Returns an error if the file starts as ELF and is malformed.
pub(super) fn needs(bytes: &[u8]) -> Result<Option<Needs>, object::Error> {
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf32) => read::<FileHeader32<Endianness>>(bytes).map(Some),
        Ok(FileKind::Elf64) => read::<FileHeader64<Endianness>>(bytes).map(Some),
        _ => Ok(None),
    }
}

fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Needs, object::Error> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut needs = Needs { machine: header.e_machine(endian), ..Needs::default() };
    if let Some((entries, link)) = sections.dynamic(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        for entry in entries.iter().filter(|entry| entry.tag32(endian) == Some(DT_NEEDED)) {
            let name = entry.string(endian, strings)?;
            needs.libraries.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    if let Some((mut libraries, link)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                needs.glibc = needs.glibc.max(glibc(version.name(endian, strings)?));
            }
        }
    }
    Ok(needs)
}

/// Parses a version such as `GLIBC_2.17`.
fn glibc(name: &[u8]) -> Option<(u32, u32)> {
    let mut parts = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_program_needs_a_c_library() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = needs(&own).unwrap().unwrap();
        assert!(needs.libraries.iter().any(|library| library.starts_with("libc.")), "{needs:?}");
        #[cfg(target_env = "gnu")]
        assert!(needs.glibc >= Some((2, 2)), "{needs:?}");
    }

    #[test]
    fn other_files_have_no_needs_and_damaged_ones_are_refused() {
        assert_eq!(needs(b"#!/bin/sh\n").unwrap(), None);
        assert_eq!(needs(b"").unwrap(), None);
        let mut own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        own.truncate(1000);
        assert!(needs(&own).is_err());
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(glibc(b"GLIBC_2.17"), Some((2, 17)));
        assert_eq!(glibc(b"GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc(b"GLIBC_PRIVATE"), None);
        assert_eq!(glibc(b"GLIBCXX_3.4"), None);
    }
}

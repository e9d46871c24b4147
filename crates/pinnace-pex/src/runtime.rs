//! The boot code that every PEX file of ours carries, and how it is told who it boots.

use std::collections::BTreeMap;

use pinnace_archive::{Archive, ArchivePath, Mode, Policy, Writer};

use crate::{Error, ErrorKind, PexInfo, error::archive};

/// The boot code of PEX files, and the texts around it: what of a file depends on the version of Pinnace
/// that writes it.
///
/// A builder uses its own. One that is given another, which was kept, writes what the version writes that it
/// is of, byte for byte.
///
/// ```
/// use pinnace_pex::Runtime;
///
/// let own = Runtime::own();
/// assert_eq!(Runtime::parse(&own.to_bytes()?)?, own);
/// # Ok::<(), pinnace_pex::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Runtime {
    files: BTreeMap<String, Vec<u8>>,
}

/// The parts of a runtime by name, as those of this version are.
const OWN: [(&str, &[u8]); 10] = [
    ("boot/pinnace_boot.py", include_bytes!("../python/pinnace_boot.py")),
    ("boot/pinnace_choose.py", include_bytes!("../python/pinnace_choose.py")),
    ("boot/pinnace_unpack.py", include_bytes!("../python/pinnace_unpack.py")),
    ("format", b"pinnace-runtime 1\n"),
    ("import.py", include_bytes!("../python/pex.py")),
    ("large.txt", include_bytes!("../python/large.txt")),
    ("main.py", include_bytes!("../python/main.py")),
    ("pythons.txt", include_bytes!("../python/pythons.txt")),
    ("prefix.sh", include_bytes!("../python/prefix.sh")),
    ("tools/pinnace_tools.py", include_bytes!("../python/pinnace_tools.py")),
];

/// No part is larger.
const LARGEST: u64 = 4 << 20;

impl Default for Runtime {
    fn default() -> Self {
        Self::own()
    }
}

impl Runtime {
    /// That of this version.
    pub fn own() -> Self {
        let files = OWN.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        Self { files: files.collect() }
    }

    /// One archive of all of it, the same on every machine.
    ///
    /// # Errors
    ///
    /// None that are known: it is a small archive in memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut zip = Writer::new(Vec::new());
        for (name, bytes) in &self.files {
            let path = ArchivePath::parse(name).map_err(archive)?;
            zip.bytes(&path, Mode::File, bytes).map_err(archive)?;
        }
        Ok(zip.finish().map_err(archive)?.0)
    }

    /// Reads one that was kept.
    ///
    /// # Errors
    ///
    /// If it is none, or of a newer format.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: &str| ErrorKind::Runtime { reason: reason.to_owned() };
        let zip = Archive::open(bytes, Policy::strict()).map_err(archive)?;
        let mut files = BTreeMap::new();
        for entry in zip.entries().iter().filter(|entry| entry.is_file()) {
            if entry.size() > LARGEST {
                return Err(refuse("a part of it is too large").into());
            }
            files.insert(entry.name().to_owned(), zip.read(entry).map_err(archive)?);
        }
        match files.get("format").map(Vec::as_slice) {
            Some(b"pinnace-runtime 1\n") => {}
            Some(format) if format.starts_with(b"pinnace-runtime ") => {
                return Err(refuse("it is of a newer format; use a newer pinnace").into());
            }
            _ => return Err(refuse("it does not say its format").into()),
        }
        let missing = OWN.iter().find(|(name, _)| {
            !name.contains('/')
                && files.get(*name).is_none_or(|text| std::str::from_utf8(text).is_err())
        });
        match missing {
            None => Ok(Self { files }),
            Some((name, _)) => Err(refuse(&format!("it has no `{name}`")).into()),
        }
    }

    /// `__pex__/__init__.py`, for `import __pex__`.
    pub(crate) fn import(&self) -> &[u8] {
        self.part("import.py").as_bytes()
    }

    /// The members of `.bootstrap/`, by name.
    pub(crate) fn bootstrap(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.below("boot/")
    }

    /// What a file with `PEX_TOOLS` has besides.
    pub(crate) fn tools(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.below("tools/")
    }

    fn below<'r>(&'r self, folder: &'r str) -> impl Iterator<Item = (&'r str, &'r [u8])> {
        let files = self.files.iter();
        files.filter_map(move |(name, bytes)| Some((name.strip_prefix(folder)?, bytes.as_slice())))
    }

    /// A text that [`Self::parse`] has seen.
    fn part(&self, name: &str) -> &str {
        let bytes = self.files.get(name).map(Vec::as_slice).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The digest under which the boot code is kept in the cache.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let all: Vec<u8> = self.bootstrap().flat_map(|(_, content)| content).copied().collect();
        pinnace_archive::sha256(&all)
    }

    /// `__main__.py`, which knows the key of its file, and what counts before its environment is found.
    pub(crate) fn main_module(&self, key: &[u8; 32], info: &PexInfo) -> Vec<u8> {
        let baked = serde_json::json!({
            "inherit_path": info.inherit_path,
            "inject_python_args": info.inject_python_args,
            "pex_path": info.pex_path,
        });
        let (key, runtime, main) = (hex(key), hex(&self.digest()), self.part("main.py"));
        format!("KEY = \"{key}\"\nRUNTIME = \"{runtime}\"\nBAKED = {baked}\n{main}").into_bytes()
    }

    /// The shell script that a file begins with: it finds an environment that is ready without starting
    /// a first Python. `names` are the interpreters that the file is for.
    pub(crate) fn shell(
        &self,
        key: &[u8; 32],
        info: &PexInfo,
        names: &[String],
        import: Import,
    ) -> String {
        let others = self.part("pythons.txt").split_whitespace().map(str::to_owned);
        let others = others.filter(|name| !names.contains(name));
        let names: Vec<String> = names.iter().cloned().chain(others).collect();
        let arguments: String =
            info.inject_python_args.iter().map(|one| format!("{} ", quoted(one))).collect();
        // Which environment it is depends on other files, or there is none to go to.
        let quick = info.pex_path.is_empty() && info.inherit_path == "false";
        let load = if import == Import::Zip64 { self.part("large.txt").trim_end() } else { "" };
        let load = if load.is_empty() { String::new() } else { format!("{load} ") };
        self.part("prefix.sh")
            .replace("@KEY@", &hex(key))
            .replace("@NAMES@", &names.join(":"))
            .replace("@QUICK@", if quick { "yes" } else { "no" })
            .replace("@LOAD@", &load)
            .replace("@ARGUMENTS@", &arguments)
    }
}

/// How Python gets at the main module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Import {
    /// As of any zip.
    Zip,
    /// Zip64, which `zipimport` reads from 3.13 on only.
    Zip64,
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

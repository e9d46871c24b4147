//! The boot code that every PEX file of Pinnace carries, and the values that are filled into it.

use std::collections::BTreeMap;

use pinnace_archive::{Archive, Policy};

use crate::{Error, ErrorKind, PexInfo, error::archive, stored_zip::stored_zip};

/// The boot code of a PEX file and its text templates: all parts of a file that depend on the
/// version of Pinnace that writes it.
///
/// A builder uses the runtime of its own version. With the saved runtime of another version, it
/// writes the files of that version, byte for byte.
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

/// Joins the parts of a Python module in their order, as one file with two empty lines between definitions. A part uses names
/// of the parts before and after it.
macro_rules! module {
    ($first:literal $(, $rest:literal)*) => {
        concat!(include_str!($first) $(, "\n\n", include_str!($rest))*).as_bytes()
    };
}

/// The module that unpacks PEX files into environments.
const UNPACK: &[u8] = module!(
    "../python/unpack/pex.py",
    "../python/unpack/digests.py",
    "../python/unpack/environment.py",
    "../python/unpack/cache.py",
    "../python/unpack/runtime.py",
    "../python/unpack/wheels.py",
    "../python/unpack/processes.py",
    "../python/unpack/archives.py",
    "../python/unpack/members.py",
    "../python/unpack/manifest.py",
    "../python/unpack/build.py",
    "../python/unpack/links.py",
    "../python/unpack/scripts.py"
);

/// The parts of this version's runtime, by name.
const OWN: [(&str, &[u8]); 10] = [
    ("boot/pinnace_boot.py", include_bytes!("../python/pinnace_boot.py")),
    ("boot/pinnace_choose.py", include_bytes!("../python/pinnace_choose.py")),
    ("boot/pinnace_unpack.py", UNPACK),
    ("format", b"pinnace-runtime 1\n"),
    ("import.py", include_bytes!("../python/pex.py")),
    ("large.txt", include_bytes!("../python/large.txt")),
    ("main.py", include_bytes!("../python/main.py")),
    ("pythons.txt", include_bytes!("../python/pythons.txt")),
    ("prefix.sh", include_bytes!("../python/prefix.sh")),
    ("tools/pinnace_tools.py", include_bytes!("../python/pinnace_tools.py")),
];

/// The size limit of one part, in bytes.
const LARGEST: u64 = 4 << 20;

impl Default for Runtime {
    fn default() -> Self {
        Self::own()
    }
}

impl Runtime {
    /// Returns the runtime of this version.
    pub fn own() -> Self {
        let files = OWN.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        Self { files: files.collect() }
    }

    /// Returns the runtime as one archive, with equal bytes on every machine.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Archive`] if the archive cannot be written. No case is known, since it
    /// is small and in memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        stored_zip(self.files.iter().map(|(name, bytes)| (name, bytes.as_slice())))
    }

    /// Parses a saved runtime.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Runtime`] if a part is missing or too large, or if the format is newer.
    /// Returns [`ErrorKind::Archive`] if the bytes are not an archive.
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

    /// Returns `__pex__/__init__.py`, which implements `import __pex__`.
    pub(crate) fn import(&self) -> &[u8] {
        self.part("import.py").as_bytes()
    }

    /// Returns the members of `.bootstrap/`, by name.
    pub(crate) fn bootstrap(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.below("boot/")
    }

    /// Returns the additional members of `.bootstrap/` for `PEX_TOOLS`.
    pub(crate) fn tools(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.below("tools/")
    }

    fn below<'r>(&'r self, folder: &'r str) -> impl Iterator<Item = (&'r str, &'r [u8])> {
        let files = self.files.iter();
        files.filter_map(move |(name, bytes)| Some((name.strip_prefix(folder)?, bytes.as_slice())))
    }

    /// Returns a text part; [`Self::parse`] has checked that it exists.
    fn part(&self, name: &str) -> &str {
        let bytes = self.files.get(name).map(Vec::as_slice).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Returns the digest under which a machine caches the boot code.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let all: Vec<u8> = self.bootstrap().flat_map(|(_, content)| content).copied().collect();
        pinnace_archive::sha256(&all)
    }

    /// Returns `__main__.py`, with the key of the file and the settings that apply before the
    /// environment is found.
    pub(crate) fn main_module(&self, key: &[u8; 32], info: &PexInfo) -> Vec<u8> {
        let baked = serde_json::json!({
            "inherit_path": info.inherit_path,
            "inject_python_args": info.inject_python_args,
            "pex_path": info.pex_path,
        });
        let (key, runtime, main) = (hex(key), hex(&self.digest()), self.part("main.py"));
        format!("KEY = \"{key}\"\nRUNTIME = \"{runtime}\"\nBAKED = {baked}\n{main}").into_bytes()
    }

    /// Returns the shell script at the start of a file. It finds a ready environment without
    /// starting a first Python. `names` are the interpreters that the file is built for.
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
        let arguments: String = info
            .inject_python_args
            .iter()
            .map(|argument| format!("{} ", quoted(argument)))
            .collect();
        // With `pex_path`, the environment depends on other files. With `inherit_path`, the start
        // does not switch to the environment's interpreter.
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

/// The zip format that Python meets when it imports the main module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Import {
    /// A zip without zip64.
    Zip,
    /// A zip64 archive, which `zipimport` reads only since Python 3.13.
    Zip64,
}

/// Quotes a word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

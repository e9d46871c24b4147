//! The boot code that every PEX file of ours carries, and how it is told who it boots.

use crate::PexInfo;

const PREFIX: &str = include_str!("../python/prefix.sh");
const MAIN: &str = include_str!("../python/main.py");

/// `__pex__/__init__.py`, for `import __pex__`.
pub(crate) const IMPORT: &[u8] = include_bytes!("../python/pex.py");

/// The members of `.bootstrap/`, by name.
pub(crate) const BOOTSTRAP: [(&str, &[u8]); 3] = [
    ("pinnace_boot.py", include_bytes!("../python/pinnace_boot.py")),
    ("pinnace_choose.py", include_bytes!("../python/pinnace_choose.py")),
    ("pinnace_unpack.py", include_bytes!("../python/pinnace_unpack.py")),
];

/// What a file with `PEX_TOOLS` has besides.
pub(crate) const TOOLS: (&str, &[u8]) =
    ("pinnace_tools.py", include_bytes!("../python/pinnace_tools.py"));

/// Starts Python on a file that is too large for its zip import, which some versions of it have.
const LOAD: &str = "-c 'import sys; pex = sys.argv[1]; del sys.argv[0]; found = sys.path[:]; \
sys.path[:] = [one for one in found if one.startswith(sys.base_prefix)]; import zipfile; \
sys.path[:] = found; name = pex + \"/__main__.py\"; \
exec(compile(zipfile.ZipFile(pex).read(\"__main__.py\"), name, \"exec\"), \
{\"__name__\": \"__main__\", \"__file__\": name})' ";

/// The Pythons that boot such a file, in the order in which they are looked for.
const OTHERS: [&str; 9] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3.9",
    "python3.8",
    "python",
];

/// How Python gets at the main module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Import {
    /// As of any zip.
    Zip,
    /// Zip64, which `zipimport` reads from 3.13 on only.
    Zip64,
}

/// The digest under which the boot code is kept in the cache.
pub(crate) fn digest() -> [u8; 32] {
    let all: Vec<u8> = BOOTSTRAP.iter().flat_map(|(_, content)| *content).copied().collect();
    pinnace_archive::sha256(&all)
}

/// `__main__.py`, which knows the key of its file, and what counts before its environment is found.
pub(crate) fn main_module(key: &[u8; 32], info: &PexInfo) -> Vec<u8> {
    let baked = serde_json::json!({
        "inherit_path": info.inherit_path,
        "inject_python_args": info.inject_python_args,
        "pex_path": info.pex_path,
    });
    let (key, runtime) = (hex(key), hex(&digest()));
    format!("KEY = \"{key}\"\nRUNTIME = \"{runtime}\"\nBAKED = {baked}\n{MAIN}").into_bytes()
}

/// The shell script that a file begins with: it finds an environment that is ready without starting
/// a first Python. `names` are the interpreters that the file is for.
pub(crate) fn shell(key: &[u8; 32], info: &PexInfo, names: &[String], import: Import) -> String {
    let others = OTHERS.iter().map(|name| (*name).to_owned());
    let others = others.filter(|name| !names.contains(name));
    let names: Vec<String> = names.iter().cloned().chain(others).collect();
    let arguments: String =
        info.inject_python_args.iter().map(|one| format!("{} ", quoted(one))).collect();
    // Which environment it is depends on other files, or there is none to go to.
    let quick = info.pex_path.is_empty() && info.inherit_path == "false";
    let load = if import == Import::Zip64 { LOAD } else { "" };
    PREFIX
        .replace("@KEY@", &hex(key))
        .replace("@NAMES@", &names.join(":"))
        .replace("@QUICK@", if quick { "yes" } else { "no" })
        .replace("@LOAD@", load)
        .replace("@ARGUMENTS@", &arguments)
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

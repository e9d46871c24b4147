//! The boot code that every PEX file of ours carries, and how it is told who it boots.

const MAIN: &str = include_str!("../python/main.py");

/// The members of `.bootstrap/`, by name.
pub(crate) const BOOTSTRAP: [(&str, &[u8]); 2] = [
    ("pinnace_boot.py", include_bytes!("../python/pinnace_boot.py")),
    ("pinnace_unpack.py", include_bytes!("../python/pinnace_unpack.py")),
];

/// The digest under which the boot code is kept in the cache.
pub(crate) fn digest() -> [u8; 32] {
    let all: Vec<u8> = BOOTSTRAP.iter().flat_map(|(_, content)| *content).copied().collect();
    pinnace_archive::sha256(&all)
}

/// `__main__.py`, which knows the key of its file.
pub(crate) fn main_module(key: &[u8; 32]) -> Vec<u8> {
    format!("KEY = \"{}\"\nRUNTIME = \"{}\"\n{MAIN}", hex(key), hex(&digest())).into_bytes()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Bytecode that was made of a module in one environment, for the same module in another.

use std::{
    fs::{self, File, FileTimes},
    path::{Path, PathBuf},
};

use pinnace_store::Digest;
use sha2::{Digest as _, Sha256};

/// An environment of an earlier release, for the same interpreter.
#[derive(Clone, Debug)]
pub(crate) struct Kin {
    /// The folder of its source, or of a part of that.
    pub(crate) folder: PathBuf,
    /// What the interpreter calls its bytecode: `cpython-312`.
    pub(crate) tag: String,
}

/// Where interpreters keep bytecode (PEP 3147).
const CACHE: &str = "__pycache__";

impl Kin {
    /// Gives the bytecode of a module to the new environment, if its text there is this one. The interpreter believes it by the size
    /// and the time of the text (PEP 552), so that the new text is given the time of the old one. What cannot be had
    /// is made again.
    pub(crate) fn give(&self, name: &str, text: &Digest, path: &Path, file: &File) {
        let old = self.folder.join(name);
        let Some((theirs, ours)) = self.bytecode(&old).zip(self.bytecode(path)) else { return };
        if !theirs.is_file() || !fs::read(&old).is_ok_and(|bytes| digest(&bytes) == *text) {
            return;
        }
        let modified = fs::metadata(&old).and_then(|old| old.modified());
        let dated = modified.and_then(|time| file.set_times(FileTimes::new().set_modified(time)));
        let folder = ours.parent().unwrap_or(path);
        if dated.is_ok() && (folder.is_dir() || fs::create_dir(folder).is_ok()) {
            let _ = fs::copy(theirs, ours);
        }
    }

    /// Where the bytecode of a module is; `None` for what is none.
    fn bytecode(&self, module: &Path) -> Option<PathBuf> {
        let stem = module.file_name()?.to_str()?.strip_suffix(".py")?;
        Some(module.parent()?.join(CACHE).join(format!("{stem}.{}.pyc", self.tag)))
    }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

//! Reuse of bytecode from an earlier environment.

use std::{
    fs::{self, File, FileTimes},
    path::{Path, PathBuf},
};

use pinnace_store::Digest;

/// An environment of an earlier release, for the same interpreter.
#[derive(Clone, Debug)]
pub(crate) struct PreviousEnvironment {
    /// The folder of its source, or of one source layer.
    pub(crate) folder: PathBuf,
    /// The tag of the interpreter's bytecode, such as `cpython-312`.
    pub(crate) tag: String,
}

/// The folder of bytecode (PEP 3147).
const CACHE: &str = "__pycache__";

impl PreviousEnvironment {
    /// Copies the bytecode of a module to the new environment, if its source is unchanged. The interpreter
    /// validates bytecode by the size and modification time of the source (PEP 552), so the new file gets the
    /// time of the old one. Failures are ignored, since the interpreter compiles the module again.
    pub(crate) fn copy_bytecode(&self, name: &str, text: &Digest, path: &Path, file: &File) {
        let old = self.folder.join(name);
        let Some((theirs, ours)) = self.bytecode(&old).zip(self.bytecode(path)) else { return };
        if !theirs.is_file() || !fs::read(&old).is_ok_and(|bytes| Digest::of(&bytes) == *text) {
            return;
        }
        let modified = fs::metadata(&old).and_then(|old| old.modified());
        let dated = modified.and_then(|time| file.set_times(FileTimes::new().set_modified(time)));
        let folder = ours.parent().unwrap_or(path);
        if dated.is_ok() && (folder.is_dir() || fs::create_dir(folder).is_ok()) {
            let _ = fs::copy(theirs, ours);
        }
    }

    /// Returns the path of a module's bytecode; `None` for other files.
    fn bytecode(&self, module: &Path) -> Option<PathBuf> {
        let stem = module.file_name()?.to_str()?.strip_suffix(".py")?;
        Some(module.parent()?.join(CACHE).join(format!("{stem}.{}.pyc", self.tag)))
    }
}

//! Paths in locks, relative to the folder that contains the lock.

use std::path::{Component, Path, PathBuf};

/// Makes a path from a lock absolute, without `.` and `..`.
pub(super) fn absolute(folder: &Path, path: &str) -> PathBuf {
    let mut absolute = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(absolute.pop()),
            other => absolute.push(other),
        }
    }
    absolute
}

/// Converts an absolute path to its form in a lock: relative to the lock's folder, with `/` on
/// every system.
pub(super) fn relative(folder: &Path, path: &Path) -> String {
    let (own, theirs) = (folder.components(), path.components());
    let shared = own.clone().zip(theirs.clone()).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return path.to_string_lossy().replace('\\', "/");
    }
    let up = own.skip(shared).map(|_| "..".to_owned());
    let down = theirs.skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_there_and_back() {
        let folder = Path::new("/a/b");
        for (path, text) in
            [("/a/b/c.whl", "c.whl"), ("/a/b", "."), ("/a/d/e", "../d/e"), ("/f", "../../f")]
        {
            assert_eq!(relative(folder, Path::new(path)), text);
            assert_eq!(absolute(folder, text), Path::new(path));
        }
        assert_eq!(absolute(folder, "./x/../y"), Path::new("/a/b/y"));
        assert_eq!(absolute(folder, "/z"), Path::new("/z"));
    }
}

//! Import roots: the folders that a project's modules are imported from.

use std::collections::BTreeSet;

use crate::Scan;

/// The import roots of a project.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ImportRoots {
    /// The folders, as paths in the project; the project's own folder is the empty path.
    pub folders: Vec<String>,
    /// The modules that no shipped file belongs to.
    pub missing: Vec<String>,
}

/// Finds the import roots of top-level modules among the files that ship.
pub fn import_roots(scan: &Scan, modules: &[String]) -> ImportRoots {
    let (mut roots, mut missing) = (BTreeSet::new(), Vec::new());
    for module in modules {
        let places = scan.files.iter().filter_map(|file| place(&file.path, module));
        // Prefer the conventional folders, then the least nested one.
        let order = |folder: &&str| {
            let usual = ["", "src", "lib", "python"].iter().position(|name| name == folder);
            (usual.unwrap_or(usize::MAX), folder.matches('/').count(), (*folder).to_owned())
        };
        match places.min_by_key(order) {
            Some(folder) => drop(roots.insert(folder.to_owned())),
            None => missing.push(module.clone()),
        }
    }
    ImportRoots { folders: roots.into_iter().collect(), missing }
}

/// Returns the import root of a module, if the file at a path belongs to it.
fn place<'p>(path: &'p str, module: &str) -> Option<&'p str> {
    let is_code = [".py", ".so", ".pyd"].iter().any(|end| path.ends_with(end));
    if !is_code {
        return None;
    }
    let parts = path.match_indices(module).map(|(at, _)| at);
    let mut starts = parts.filter(|at| *at == 0 || path.as_bytes()[at - 1] == b'/');
    let start = starts.find(|at| {
        let rest = &path[at + module.len()..];
        // A package, or a file of that name with any extension.
        rest.starts_with('/') || rest.starts_with('.') && !rest.contains('/')
    })?;
    Some(path[..start].trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use crate::{FileMode, TreeFile};
    use pinnace_store::Digest;

    use super::*;

    #[test]
    fn modules_are_found_in_the_usual_folders() {
        let mut scan = Scan::default();
        for path in [
            "a/shop/x.py",
            "bin/shop",
            "deep/er/ext.cpython-312-x86_64-linux-gnu.so",
            "deep/er/other/tool.py",
            "doc/shop.rst",
            "flat/a.py",
            "lib/shop/__init__.py",
            "lib/tool.py",
            "setup.py",
            "shop.toml",
            "tests/shop/x.py",
        ] {
            let digest = Digest::new([0; 32]);
            let (path, mode) = (path.to_owned(), FileMode::File);
            scan.files.push(TreeFile { path, mode, digest, size: 0 });
        }
        let of = |modules: &[&str]| {
            let modules: Vec<String> = modules.iter().map(|module| (*module).to_owned()).collect();
            let found = import_roots(&scan, &modules);
            (found.folders, found.missing)
        };
        assert_eq!(of(&["shop", "tool"]), (vec!["lib".to_owned()], vec![]));
        assert_eq!(of(&["flat", "gone"]), (vec![String::new()], vec!["gone".to_owned()]));
        assert_eq!(of(&["ext"]), (vec!["deep/er".to_owned()], vec![]));
        assert_eq!(of(&["x"]), (vec!["a/shop".to_owned()], vec![]));
        assert_eq!(of(&[]), (vec![], vec![]));
    }
}

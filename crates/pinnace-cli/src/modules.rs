//! Where the modules of a project are, which its backend names.

use std::collections::BTreeSet;

use pinnace_deploy::Scan;

/// The folders in which the modules at the top of a project are, and those that are nowhere.
pub(crate) fn roots(scan: &Scan, modules: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut roots, mut missing) = (BTreeSet::new(), Vec::new());
    for module in modules {
        let places = scan.files.iter().filter_map(|file| place(&file.path, module));
        // Where there are several, what projects call so comes first, and then what is nearest.
        let order = |folder: &&str| {
            let usual = ["", "src", "lib", "python"].iter().position(|one| one == folder);
            (usual.unwrap_or(usize::MAX), folder.matches('/').count(), (*folder).to_owned())
        };
        match places.min_by_key(order) {
            Some(folder) => drop(roots.insert(folder.to_owned())),
            None => missing.push(module.clone()),
        }
    }
    (roots.into_iter().collect(), missing)
}

/// The folder from which a file shows that a module can be imported.
fn place<'p>(path: &'p str, module: &str) -> Option<&'p str> {
    let is_code = [".py", ".so", ".pyd"].iter().any(|end| path.ends_with(end));
    if !is_code {
        return None;
    }
    let parts = path.match_indices(module).map(|(at, _)| at);
    let mut starts = parts.filter(|at| *at == 0 || path.as_bytes()[at - 1] == b'/');
    let start = starts.find(|at| {
        let rest = &path[at + module.len()..];
        // A folder, or a file with nothing but an ending.
        rest.starts_with('/') || rest.starts_with('.') && !rest.contains('/')
    })?;
    Some(path[..start].trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use pinnace_deploy::{FileMode, TreeFile};
    use pinnace_store::Digest;

    use super::*;

    #[test]
    fn modules_are_found_where_projects_have_them() {
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
            roots(&scan, &modules.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["shop", "tool"]), (vec!["lib".to_owned()], vec![]));
        assert_eq!(of(&["flat", "gone"]), (vec![String::new()], vec!["gone".to_owned()]));
        assert_eq!(of(&["ext"]), (vec!["deep/er".to_owned()], vec![]));
        assert_eq!(of(&["x"]), (vec!["a/shop".to_owned()], vec![]));
        assert_eq!(of(&[]), (vec![], vec![]));
    }
}

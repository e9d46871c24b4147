//! Source files as a tree of manifests, one for each folder, so that an unchanged folder keeps its digest.

use std::collections::BTreeMap;

use pinnace_build::{FileMode, TreeFile};
use pinnace_store::{Digest, Manifest};
use serde_json::{Map, Value, json};

use crate::{Error, ErrorKind};

/// The kind of the manifest of a folder.
pub(crate) const KIND: &str = "tree";

/// A folder and everything below it, as manifests.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Digest,
    nodes: BTreeMap<Digest, Manifest>,
}

/// The maximum nesting of folders.
const MAX_DEPTH: usize = 100;

impl Tree {
    /// Creates the tree of files with distinct paths.
    ///
    /// # Errors
    ///
    /// Returns an error if a path has an empty part, `.` or `..`, or is both a file and a folder.
    pub fn of<'f>(files: impl IntoIterator<Item = &'f TreeFile>) -> Result<Self, Error> {
        let mut top = Folder::default();
        for file in files {
            top.insert(&file.path, file)?;
        }
        let mut nodes = BTreeMap::new();
        let root = top.encode(&mut nodes)?;
        Ok(Self { root, nodes })
    }

    /// Returns the digest of the whole tree.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// Returns the manifests of all folders.
    pub fn nodes(&self) -> impl Iterator<Item = (&Digest, &Manifest)> {
        self.nodes.iter()
    }

    /// Lists the files of a tree, sorted by path. `read` returns the manifest of a digest.
    ///
    /// # Errors
    ///
    /// Returns an error if a manifest is malformed, or `read` fails.
    pub fn files(
        root: &Digest,
        read: &mut dyn FnMut(&Digest) -> Result<Manifest, Error>,
    ) -> Result<Vec<TreeFile>, Error> {
        let mut files = Vec::new();
        walk(root, "", 0, read, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

#[derive(Default)]
struct Folder<'f> {
    entries: BTreeMap<&'f str, Entry<'f>>,
}

enum Entry<'f> {
    File(&'f TreeFile),
    Folder(Folder<'f>),
}

impl<'f> Folder<'f> {
    fn insert(&mut self, path: &'f str, file: &'f TreeFile) -> Result<(), Error> {
        let refuse = |reason: &str| {
            let (path, reason) = (file.path.clone(), reason.to_owned());
            Err(ErrorKind::Unfit { path, reason }.into())
        };
        let (name, rest) = path.split_once('/').map_or((path, None), |(a, b)| (a, Some(b)));
        if !is_name(name) {
            return refuse("its name is not a valid file name");
        }
        match (rest, self.entries.get_mut(name)) {
            (None, None) => {
                self.entries.insert(name, Entry::File(file));
                Ok(())
            }
            (Some(rest), Some(Entry::Folder(folder))) => folder.insert(rest, file),
            (Some(rest), None) => {
                let mut folder = Folder::default();
                folder.insert(rest, file)?;
                self.entries.insert(name, Entry::Folder(folder));
                Ok(())
            }
            _ => refuse("another file or folder has its name"),
        }
    }

    fn encode(&self, nodes: &mut BTreeMap<Digest, Manifest>) -> Result<Digest, Error> {
        let mut entries = Map::new();
        for (name, entry) in &self.entries {
            let value = match entry {
                Entry::File(file) => {
                    let mode = match file.mode {
                        FileMode::File => "file",
                        FileMode::Executable => "executable",
                    };
                    json!({ "blob": file.digest.to_string(), "bytes": file.size, "mode": mode })
                }
                Entry::Folder(folder) => json!({ "tree": folder.encode(nodes)?.to_string() }),
            };
            entries.insert((*name).to_owned(), value);
        }
        let manifest = Manifest::new(KIND, json!({ "entries": entries }))
            .map_err(|error| ErrorKind::Unfit { path: String::new(), reason: error.to_string() })?;
        let digest = manifest.digest();
        nodes.insert(digest, manifest);
        Ok(digest)
    }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['\0', '\\'])
}

fn walk(
    digest: &Digest,
    prefix: &str,
    depth: usize,
    read: &mut dyn FnMut(&Digest) -> Result<Manifest, Error>,
    files: &mut Vec<TreeFile>,
) -> Result<(), Error> {
    let refuse = |reason: String| ErrorKind::Manifest { digest: *digest, kind: KIND, reason };
    if depth > MAX_DEPTH {
        return Err(refuse("its folders are nested too deeply".to_owned()).into());
    }
    let manifest = read(digest)?;
    let entries = manifest.get("entries").and_then(Value::as_object);
    let Some(entries) = entries.filter(|_| manifest.kind() == KIND) else {
        return Err(refuse(format!("it is of the kind `{}`", manifest.kind())).into());
    };
    for (name, entry) in entries {
        if !is_name(name) || name.contains('/') {
            return Err(refuse(format!("`{name}` is not a valid file name")).into());
        }
        let path = format!("{prefix}{name}");
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        if let Ok(tree) = text("tree").parse() {
            walk(&tree, &format!("{path}/"), depth + 1, read, files)?;
            continue;
        }
        let mode = match text("mode") {
            "file" => Some(FileMode::File),
            "executable" => Some(FileMode::Executable),
            _ => None,
        };
        let size = entry.get("bytes").and_then(Value::as_u64);
        let (Ok(digest), Some(mode), Some(size)) = (text("blob").parse(), mode, size) else {
            return Err(refuse(format!("`{name}` is neither a file nor a folder")).into());
        };
        files.push(TreeFile { path, mode, digest, size });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: u8) -> TreeFile {
        let (path, digest) = (path.to_owned(), Digest::new([content; 32]));
        TreeFile { path, mode: FileMode::File, digest, size: 1 }
    }

    #[test]
    fn unchanged_folders_keep_their_digests() {
        let old = Tree::of(&[file("a/b/c.py", 1), file("a/d.py", 2), file("e.py", 3)]).unwrap();
        let new = Tree::of(&[file("e.py", 9), file("a/d.py", 2), file("a/b/c.py", 1)]).unwrap();
        assert_ne!(old.root(), new.root());
        let changed: Vec<_> =
            new.nodes().filter(|(digest, _)| !old.nodes.contains_key(digest)).collect();
        assert_eq!(changed.len(), 1);
        let files = Tree::files(&new.root(), &mut |digest| Ok(new.nodes[digest].clone())).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/b/c.py", "a/d.py", "e.py"]);
        assert_eq!(files[2], file("e.py", 9));
    }

    #[test]
    fn malformed_trees_are_refused() {
        for paths in
            [&["a", "a/b"][..], &["a/b", "a"], &["a", "a"], &["../a"], &["a//b"], &["a\\b"], &[""]]
        {
            let files: Vec<TreeFile> = paths.iter().map(|path| file(path, 1)).collect();
            assert!(Tree::of(&files).is_err(), "{paths:?}");
        }
        for entries in [json!({ "..": {} }), json!({ "a/b": {} }), json!({ "a": {} }), json!(1)] {
            let manifest = Manifest::new(KIND, json!({ "entries": entries })).unwrap();
            let root = manifest.digest();
            assert!(Tree::files(&root, &mut |_| Ok(manifest.clone())).is_err(), "{entries}");
        }
    }
}

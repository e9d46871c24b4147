use std::fmt;

/// A kind of place in an environment. Apart from [`Place::Code`], the places correspond to the
/// schemes of the binary distribution format.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Place {
    /// The user's own code, which precedes every library on `sys.path`.
    Code,
    /// Modules of distributions: `purelib` and `platlib`.
    Library,
    /// Programs: `scripts`.
    Scripts,
    /// C headers: `headers`.
    Headers,
    /// The root of the installation: `data`.
    Data,
}

/// A file of a layer or of a distribution. `Id` identifies its content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File<Id> {
    pub(crate) place: Place,
    pub(crate) path: String,
    pub(crate) id: Id,
    pub(crate) role: Role,
}

/// The role of a file in a merge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Plain,
    /// The file only declares a namespace package, so any other file that does can replace it.
    Namespace,
}

/// All files of a layer or of a distribution, and its console scripts. They are sorted, each path
/// is safe and unique, and no path is both a file and a folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contents<Id> {
    pub(crate) files: Vec<File<Id>>,
    pub(crate) scripts: Vec<Script>,
}

/// A program that an installer generates for an entry point (`console_scripts`, `gui_scripts`).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Script {
    pub(crate) name: String,
    pub(crate) target: String,
}

/// An error in the files given as [`Contents`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContentsError {
    /// A path that is absolute, empty, or has an empty part, `.` or `..`.
    Unsafe {
        /// The path.
        path: String,
    },
    /// A path that occurs twice.
    Twice {
        /// The path.
        path: String,
    },
    /// A path that is both a file and a folder.
    FileAndFolder {
        /// The path.
        path: String,
    },
}

impl<Id> File<Id> {
    /// Creates a file at a path below a place, with `/` between its parts.
    pub fn new(place: Place, path: impl Into<String>, id: Id) -> Self {
        Self { place, path: path.into(), id, role: Role::Plain }
    }

    /// Returns a copy marked as a file that only declares a namespace package: see
    /// [`declares_namespace`](crate::declares_namespace).
    #[must_use]
    pub fn declaring_namespace(mut self) -> Self {
        self.role = Role::Namespace;
        self
    }

    /// Returns the place.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns the path below the place.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the identifier of the content.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Returns true if the file is marked as one that only declares a namespace package.
    pub fn declares_namespace(&self) -> bool {
        self.role == Role::Namespace
    }

    fn key(&self) -> (Place, &str) {
        (self.place, &self.path)
    }
}

impl<Id> Default for Contents<Id> {
    fn default() -> Self {
        Self { files: Vec::new(), scripts: Vec::new() }
    }
}

impl<Id> Contents<Id> {
    /// Creates contents from files in any order.
    ///
    /// # Errors
    ///
    /// Returns an error if the files cannot all exist in one folder.
    pub fn new(files: impl IntoIterator<Item = File<Id>>) -> Result<Self, ContentsError> {
        let mut files: Vec<File<Id>> = files.into_iter().collect();
        files.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        if let Some(file) = files.iter().find(|file| !is_safe(&file.path)) {
            return Err(ContentsError::Unsafe { path: file.path.clone() });
        }
        if let Some([first, _]) = files.array_windows().find(|[a, b]| a.key() == b.key()) {
            return Err(ContentsError::Twice { path: first.path.clone() });
        }
        // A folder's files follow the folder's name, with only names like `file-x` in between.
        let mut above: Vec<&File<Id>> = Vec::new();
        for file in &files {
            while above.last().is_some_and(|last| !begins(file, last)) {
                above.pop();
            }
            let folder = above.iter().find(|last| is_below(&file.path, &last.path));
            if let Some(folder) = folder {
                return Err(ContentsError::FileAndFolder { path: folder.path.clone() });
            }
            above.push(file);
        }
        Ok(Self { files, scripts: Vec::new() })
    }

    /// Returns a copy with console scripts. If two have one name, the first one counts.
    #[must_use]
    pub fn with_scripts(mut self, scripts: impl IntoIterator<Item = Script>) -> Self {
        self.scripts = scripts.into_iter().collect();
        self.scripts.sort_by(|a, b| a.name.cmp(&b.name));
        self.scripts.dedup_by(|later, first| later.name == first.name);
        self
    }

    /// Returns the files, by place and path.
    pub fn files(&self) -> &[File<Id>] {
        &self.files
    }

    /// Returns the console scripts, by name.
    pub fn scripts(&self) -> &[Script] {
        &self.scripts
    }
}

impl Script {
    /// Creates a script with this name that runs `module:function`.
    pub fn new(name: impl Into<String>, target: impl Into<String>) -> Self {
        Self { name: name.into(), target: target.into() }
    }

    /// Returns the program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the entry point that the script runs.
    pub fn target(&self) -> &str {
        &self.target
    }
}

fn begins<Id>(file: &File<Id>, start: &File<Id>) -> bool {
    file.place == start.place && file.path.starts_with(&start.path)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn is_safe(path: &str) -> bool {
    !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

impl Place {
    /// Returns the name of the place's folder in an unpacked distribution. Conflicts use the name
    /// too.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Library => "lib",
            Self::Scripts => "bin",
            Self::Headers => "include",
            Self::Data => "data",
        }
    }
}

impl fmt::Display for ContentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe { path } => write!(f, "not a safe relative path: `{path}`"),
            Self::Twice { path } => write!(f, "duplicate path: `{path}`"),
            Self::FileAndFolder { path } => write!(f, "`{path}` is both a file and a folder"),
        }
    }
}

impl std::error::Error for ContentsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(paths: &[&str]) -> Result<Contents<u8>, ContentsError> {
        Contents::new(paths.iter().map(|path| File::new(Place::Library, *path, 0)))
    }

    #[test]
    fn what_cannot_stand_in_one_folder_is_refused() {
        for (paths, expected) in [
            (&["a/../b"][..], ContentsError::Unsafe { path: "a/../b".into() }),
            (&["/a"], ContentsError::Unsafe { path: "/a".into() }),
            (&["a\\b"], ContentsError::Unsafe { path: "a\\b".into() }),
            (&["a", "b", "a"], ContentsError::Twice { path: "a".into() }),
            (&["a/b", "a-b", "a"], ContentsError::FileAndFolder { path: "a".into() }),
            (&["a/b/c/d", "a/b", "a/b-"], ContentsError::FileAndFolder { path: "a/b".into() }),
        ] {
            assert_eq!(contents(paths), Err(expected), "{paths:?}");
        }
    }

    #[test]
    fn one_path_in_two_places_is_two_files() {
        let files = [File::new(Place::Library, "a", 0), File::new(Place::Data, "a/b", 0)];
        assert_eq!(Contents::new(files).map(|contents| contents.files().len()), Ok(2));
        assert_eq!(
            contents(&["a-b", "a.py", "a/x", "ab"]).map(|contents| contents.files().len()),
            Ok(4)
        );
    }
}

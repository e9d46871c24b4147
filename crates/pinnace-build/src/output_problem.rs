use std::path::Path;

/// A reason why a path cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OutputProblem {
    /// The path is stdout, and the output is not text.
    Stdout,
    /// The path is a folder, and the output is a file.
    Folder,
    /// The path is a device or a pipe.
    NotOrdinary,
    /// The path's folder does not exist.
    NoParent,
    /// The path exists, and is not an archive.
    NotArchive,
    /// The path exists, and is not a folder.
    NotFolder,
    /// The path is a folder that is neither empty nor a PEX file.
    NotEmpty,
    /// The path is a PEX file in a folder that was edited since its build.
    Edited,
}

impl OutputProblem {
    /// Returns the message for a path.
    pub(crate) fn shown(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Stdout => "cannot write to stdout: the output is a file".to_owned(),
            Self::Folder => format!("cannot write a file to `{path}`: it is a folder"),
            Self::NotOrdinary => format!("cannot write to `{path}`: it is not a regular file"),
            Self::NoParent => format!("no such folder: `{path}`"),
            Self::NotArchive => {
                format!("`{path}` exists and is not an archive")
            }
            Self::NotFolder => format!("`{path}` exists and is not a folder, as this layout needs"),
            Self::NotEmpty => {
                format!("`{path}` exists and is neither empty nor a PEX file in a folder")
            }
            Self::Edited => format!("`{path}` exists and was edited since its build"),
        }
    }
}

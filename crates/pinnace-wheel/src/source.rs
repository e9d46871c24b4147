use std::sync::Arc;

use crate::{Error, File, Metadata, Project, ProjectName, Specifiers};

/// A source of projects and their metadata for [`resolve`](crate::resolve).
///
/// Answers must not change during a resolution.
pub trait Source: Sync {
    /// Returns the project of that name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns an error if the source cannot find out.
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error>;

    /// Returns the metadata of a file that this source listed. Returns `None` for a source
    /// distribution that must be built to know it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Metadata`](crate::ErrorKind::Metadata) if the metadata is not that of
    /// the file: the resolver then skips the release. Any other error ends the resolution.
    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error>;

    /// Returns the one file at the address of a requirement `name @ address`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not available, or belongs to another project. The default
    /// implementation always fails.
    fn direct(&self, name: &ProjectName, url: &str) -> Result<File, Error> {
        let _ = name;
        Err(Error::parse("known URL", url, "this source has no files by address"))
    }

    /// Returns true if the resolution should stop as soon as possible.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Hints that the resolver will ask for this project soon, and likely in a version that
    /// satisfies these specifiers. Answers do not depend on the hint.
    fn prefetch(&self, _name: &ProjectName, _specifiers: &Specifiers) {}

    /// Hints that the resolver will likely ask for the metadata of these wheels one after the
    /// other: it is going through the versions of a project.
    fn prefetch_metadata(&self, _files: Vec<File>) {}
}

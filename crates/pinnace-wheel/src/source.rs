use std::sync::Arc;

use crate::{Error, File, Metadata, Project, ProjectName, Specifiers};

/// Where [`resolve`](crate::resolve) learns what there is.
///
/// Answers must not change during a resolution.
pub trait Source: Sync {
    /// The project of that name; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If it cannot be found out.
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error>;

    /// The metadata of a file that this source listed; `None` if it is a source distribution that
    /// would have to be built to know.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Metadata`](crate::ErrorKind::Metadata) if it is not that of the file: the
    /// release is then passed over. Any other error ends the resolution.
    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error>;

    /// The one file at the address of a requirement `name @ address`.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or is not of that project; by default always.
    fn direct(&self, name: &ProjectName, url: &str) -> Result<File, Error> {
        let _ = name;
        Err(Error::parse("URL that is known", url, "this source has no files by address"))
    }

    /// Whether the resolution shall stop as soon as possible.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// A hint that this project will be asked for soon, and likely in a version that satisfies
    /// these specifiers. The answers do not depend on it.
    fn prefetch(&self, _name: &ProjectName, _specifiers: &Specifiers) {}

    /// A hint that the metadata of these wheels will likely be asked for one after the other: the
    /// solver is going through the versions of a project.
    fn prefetch_metadata(&self, _files: Vec<File>) {}
}

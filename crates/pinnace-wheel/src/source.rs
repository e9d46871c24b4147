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

    /// The metadata of a wheel that [`Source::project`] listed.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or is not that of the wheel.
    fn metadata(&self, file: &File) -> Result<Arc<Metadata>, Error>;

    /// A hint that this project will be asked for soon, and likely in a version that satisfies
    /// these specifiers. The answers do not depend on it.
    fn expect(&self, _name: &ProjectName, _specifiers: &Specifiers) {}

    /// A hint that the metadata of these wheels will likely be asked for one after the other: the
    /// solver is going through the versions of a project.
    fn expect_metadata(&self, _files: Vec<File>) {}
}

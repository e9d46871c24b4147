//! A source with someone who can build.

use std::{error::Error as StdError, sync::Arc};

use crate::{Error, ErrorKind, File, Metadata, Project, ProjectName, Source, Specifiers};

/// Builds source distributions, as far as it takes to know what they require.
pub trait SdistMetadata: Send + Sync {
    /// The metadata that a wheel built from this source distribution would have.
    ///
    /// # Errors
    ///
    /// If it cannot be built. That ends the resolution: an older release that happens to have a wheel is
    /// nothing that anybody asked for.
    fn metadata(&self, file: &File) -> Result<Metadata, Box<dyn StdError + Send + Sync>>;
}

/// A [`Source`] whose source distributions are built where they do not say what they require.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds nothing but trait objects")]
pub struct BuildingSource<'a> {
    source: &'a dyn Source,
    build: &'a dyn SdistMetadata,
}

impl<'a> BuildingSource<'a> {
    /// That source, with someone to build.
    pub fn new(source: &'a dyn Source, build: &'a dyn SdistMetadata) -> Self {
        Self { source, build }
    }
}

impl Source for BuildingSource<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error> {
        self.source.project(name)
    }

    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error> {
        if let Some(told) = self.source.metadata(file)? {
            return Ok(Some(told));
        }
        let built = self.build.metadata(file).map_err(|source| -> Error {
            let file = file.artifact.file_name().to_owned();
            ErrorKind::Build { file, source }.into()
        })?;
        Ok(Some(Arc::new(built)))
    }

    fn direct(&self, name: &ProjectName, url: &str) -> Result<File, Error> {
        self.source.direct(name, url)
    }

    fn is_cancelled(&self) -> bool {
        self.source.is_cancelled()
    }

    fn prefetch(&self, name: &ProjectName, specifiers: &Specifiers) {
        self.source.prefetch(name, specifiers);
    }

    fn prefetch_metadata(&self, files: Vec<File>) {
        self.source.prefetch_metadata(files);
    }
}

//! A source that is combined with a builder.

use std::{error::Error as StdError, sync::Arc};

use crate::{Error, ErrorKind, File, Metadata, Project, ProjectName, Source, Specifiers};

/// A builder of source distributions, as far as it takes to know their requirements.
pub trait SdistMetadata: Send + Sync {
    /// Returns the metadata that a wheel built from this source distribution would have.
    ///
    /// # Errors
    ///
    /// Returns an error if the build fails. The error ends the resolution: the user did not ask for
    /// an older release that happens to have a wheel.
    fn metadata(&self, file: &File) -> Result<Metadata, Box<dyn StdError + Send + Sync>>;
}

/// A [`Source`] that builds source distributions if they do not state their requirements.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds nothing but trait objects")]
pub struct BuildingSource<'a> {
    source: &'a dyn Source,
    build: &'a dyn SdistMetadata,
}

impl<'a> BuildingSource<'a> {
    /// Combines a source with a builder.
    pub fn new(source: &'a dyn Source, build: &'a dyn SdistMetadata) -> Self {
        Self { source, build }
    }
}

impl Source for BuildingSource<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error> {
        self.source.project(name)
    }

    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error> {
        if let Some(metadata) = self.source.metadata(file)? {
            return Ok(Some(metadata));
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

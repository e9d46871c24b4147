//! The index as a source of the resolver.

use std::sync::Arc;

use super::{Index, direct, metadata, page, prefetch_queue::PrefetchRequest};
use crate::{Error, File, Metadata, Project, ProjectName, Source, Specifiers};

impl Source for Index<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error> {
        self.projects.get_or_make(name.clone(), || page::project(self, name))
    }

    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error> {
        let key = file.address.without_credentials();
        self.metadata.get_or_make(key, || Ok(metadata::metadata(self, file)?.map(Arc::new)))
    }

    fn direct(&self, name: &ProjectName, url: &str) -> Result<File, Error> {
        direct::file(self, name, url)
    }

    fn is_cancelled(&self) -> bool {
        self.parts.progress.is_cancelled()
    }

    fn prefetch(&self, name: &ProjectName, specifiers: &Specifiers) {
        self.prefetch_queue.push(|| PrefetchRequest::Project(name.clone(), specifiers.clone()));
    }

    fn prefetch_metadata(&self, files: Vec<File>) {
        for file in files {
            self.prefetch_queue.push(|| PrefetchRequest::Metadata(Box::new(file)));
        }
    }
}

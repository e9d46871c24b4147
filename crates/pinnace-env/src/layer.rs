use std::sync::Arc;

use crate::Contents;

/// An input of a merge: a named, ordered set of distributions, and files. `Id` identifies contents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layer<Id> {
    pub(crate) name: String,
    pub(crate) requires: Vec<String>,
    pub(crate) distributions: Vec<Distribution<Id>>,
    pub(crate) contents: Arc<Contents<Id>>,
}

/// A project that is installed or will be installed: a whole wheel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Distribution<Id> {
    pub(crate) project: String,
    pub(crate) version: String,
    pub(crate) file_name: String,
    pub(crate) id: Id,
    pub(crate) requires: Vec<String>,
    pub(crate) extras: Vec<String>,
    pub(crate) requires_python: Option<String>,
    pub(crate) contents: Arc<Contents<Id>>,
}

impl<Id> Layer<Id> {
    /// Creates an empty layer. Conflicts refer to the layer by this name.
    pub fn new(name: impl Into<String>) -> Self {
        let (requires, distributions) = (Vec::new(), Vec::new());
        Self { name: name.into(), requires, distributions, contents: Arc::default() }
    }

    /// Sets the layer's own requirements: what its user asked for.
    #[must_use]
    pub fn requiring(mut self, requires: Vec<String>) -> Self {
        self.requires = requires;
        self
    }

    /// Returns a copy with one more distribution.
    #[must_use]
    pub fn with(mut self, distribution: Distribution<Id>) -> Self {
        self.distributions.push(distribution);
        self
    }

    /// Sets the layer's own files. They precede the files of all distributions.
    #[must_use]
    pub fn with_contents(mut self, contents: Contents<Id>) -> Self {
        self.contents = Arc::new(contents);
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<Id> Distribution<Id> {
    /// Creates a distribution without requirements and files. The project's name must be normalised
    /// (PEP 503).
    pub fn new(
        project: impl Into<String>,
        version: impl Into<String>,
        file_name: impl Into<String>,
        id: Id,
    ) -> Self {
        Self {
            project: project.into(),
            version: version.into(),
            file_name: file_name.into(),
            id,
            requires: Vec::new(),
            extras: Vec::new(),
            requires_python: None,
            contents: Arc::default(),
        }
    }

    /// Sets the requirements (`Requires-Dist` headers) and the requested extras.
    #[must_use]
    pub fn requiring(mut self, requires: Vec<String>, extras: Vec<String>) -> Self {
        self.requires = requires;
        self.extras = extras;
        self
    }

    /// Sets the supported versions of Python (`Requires-Python` header).
    #[must_use]
    pub fn for_python(mut self, specifiers: Option<String>) -> Self {
        self.requires_python = specifiers;
        self
    }

    /// Sets the files and scripts.
    #[must_use]
    pub fn with_contents(mut self, contents: Contents<Id>) -> Self {
        self.contents = Arc::new(contents);
        self
    }

    /// Returns the project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Returns the version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the wheel's file name.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Returns the identifier of the content.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Returns the requirements (`Requires-Dist` headers).
    pub fn requires(&self) -> &[String] {
        &self.requires
    }

    /// Returns the supported versions of Python (`Requires-Python` header).
    pub fn requires_python(&self) -> Option<&str> {
        self.requires_python.as_deref()
    }

    /// Returns the files and scripts.
    pub fn contents(&self) -> &Contents<Id> {
        &self.contents
    }
}

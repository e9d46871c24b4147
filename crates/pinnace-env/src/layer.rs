use std::sync::Arc;

use crate::Contents;

/// One input of a merge: a named, ordered set of distributions, and files. `Id` tells contents
/// apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layer<Id> {
    pub(crate) name: String,
    pub(crate) requires: Vec<String>,
    pub(crate) distributions: Vec<Distribution<Id>>,
    pub(crate) contents: Arc<Contents<Id>>,
}

/// An installed project, or one that will be: a wheel in one piece.
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
    /// An empty layer. The name is what conflicts call it.
    pub fn new(name: impl Into<String>) -> Self {
        let (requires, distributions) = (Vec::new(), Vec::new());
        Self { name: name.into(), requires, distributions, contents: Arc::default() }
    }

    /// The same layer with what it requires by itself: what its user asked for.
    #[must_use]
    pub fn requiring(mut self, requires: Vec<String>) -> Self {
        self.requires = requires;
        self
    }

    /// The same layer with one distribution more.
    #[must_use]
    pub fn with(mut self, distribution: Distribution<Id>) -> Self {
        self.distributions.push(distribution);
        self
    }

    /// The same layer with files of its own; they are seen before those of any distribution.
    #[must_use]
    pub fn with_contents(mut self, contents: Contents<Id>) -> Self {
        self.contents = Arc::new(contents);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<Id> Distribution<Id> {
    /// A distribution that requires nothing, and of whose files nothing is known. The project's
    /// name must be normalised (PEP 503).
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

    /// The same with what it requires (`Requires-Dist` headers), and the extras that are asked for.
    #[must_use]
    pub fn requiring(mut self, requires: Vec<String>, extras: Vec<String>) -> Self {
        self.requires = requires;
        self.extras = extras;
        self
    }

    /// The same with the versions of Python that it runs on (`Requires-Python` header).
    #[must_use]
    pub fn for_python(mut self, specifiers: Option<String>) -> Self {
        self.requires_python = specifiers;
        self
    }

    /// The same with its files and scripts.
    #[must_use]
    pub fn with_contents(mut self, contents: Contents<Id>) -> Self {
        self.contents = Arc::new(contents);
        self
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The wheel's file name.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// What its content is known by.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// What it requires (`Requires-Dist` headers).
    pub fn requires(&self) -> &[String] {
        &self.requires
    }

    /// The versions of Python that it runs on (`Requires-Python` header).
    pub fn requires_python(&self) -> Option<&str> {
        self.requires_python.as_deref()
    }

    /// Its files and scripts.
    pub fn contents(&self) -> &Contents<Id> {
        &self.contents
    }
}

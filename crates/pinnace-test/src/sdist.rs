use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};

use crate::files;

/// A source distribution that is made in memory, with exactly the files that are added.
///
/// ```
/// use pinnace_test::Sdist;
///
/// let tool = Sdist::new("tool", "1.0").file("pyproject.toml", "[build-system]\nrequires = []\n");
/// assert_eq!(tool.file_name(), "tool-1.0.tar.gz");
/// ```
#[derive(Clone, Debug)]
pub struct Sdist {
    project: String,
    version: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Sdist {
    /// Returns a source distribution without files.
    pub fn new(project: &str, version: &str) -> Self {
        Self { project: project.to_owned(), version: version.to_owned(), files: Vec::new() }
    }

    /// Adds a file, at a path below the top folder `PROJECT-VERSION`.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    /// Adds files: paths and contents.
    pub fn files(self, files: &[(&str, &str)]) -> Self {
        files.iter().fold(self, |sdist, (path, content)| sdist.file(path, content))
    }

    /// Returns the normalized name of the project.
    pub fn project(&self) -> String {
        self.project.replace(['_', '.'], "-").to_lowercase()
    }

    /// Returns the file name.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tar.gz", self.project, self.version)
    }

    /// Returns the compressed archive.
    pub fn bytes(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let path = format!("{}-{}/{path}", self.project, self.version);
            archive.append_data(&mut header, path, content.as_slice()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// Writes the archive to a folder, which is created if it is missing, and returns its path.
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join(self.file_name());
        files::write(&path, self.bytes());
        path
    }
}

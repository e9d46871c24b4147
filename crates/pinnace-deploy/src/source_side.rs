//! The source side of an environment: the code of local projects, and the files that make it importable.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_build::LocalDistribution;

use crate::{Contents, Error, Layer, previous_environment::PreviousEnvironment};

/// The folder of the project's own code, in an environment.
pub(crate) const CODE: &str = "code";
/// The folder of the code of other local projects.
const LOCAL: &str = "local";

/// The source side of an environment that is being written.
pub(crate) struct SourceSide<'a> {
    pub(crate) contents: &'a Contents<'a>,
    /// The unfinished folder of the environment.
    pub(crate) folder: &'a Path,
    /// The final folder of the environment.
    pub(crate) place: &'a Path,
    /// The folder of site-packages, in the environment.
    pub(crate) library: PathBuf,
    /// An environment of an earlier release, and the tag of its bytecode.
    pub(crate) previous: Option<(&'a Path, String)>,
}

impl SourceSide<'_> {
    /// Writes the files, the metadata and the import roots of all source layers.
    pub(crate) fn write(&self) -> Result<(), Error> {
        let mut imports = Vec::new();
        let code = self.folder.join(CODE);
        fs::create_dir_all(&code).map_err(Error::at("create the folder", &code))?;
        for (number, layer) in self.contents.release().sources().enumerate() {
            let folder = match number {
                0 => PathBuf::from(CODE),
                _ => Path::new(LOCAL).join(&layer.name),
            };
            let files = self.contents.files(&layer.digest)?;
            let previous = self.previous.as_ref().map(|(environment, tag)| PreviousEnvironment {
                folder: environment.join(&folder),
                tag: tag.clone(),
            });
            self.contents.write_files(&files, &self.folder.join(&folder), previous.as_ref())?;
            imports.extend(self.imports(layer, &folder));
            layer.distribution.iter().try_for_each(|project| self.write_distribution(project))?;
        }
        self.write_import_roots(&imports)
    }

    /// Returns the import roots of a layer, by their final paths.
    fn imports(&self, layer: &Layer, folder: &Path) -> Vec<String> {
        let root = self.place.join(folder);
        let folders = layer.imports.iter().map(|import| match import.as_str() {
            "" => root.clone(),
            import => root.join(import),
        });
        folders.map(|folder| folder.display().to_string()).collect()
    }

    /// Writes the files by which `importlib.metadata` finds a project.
    fn write_distribution(&self, project: &LocalDistribution) -> Result<(), Error> {
        let folder = self.folder.join(&self.library);
        for (name, text) in project.files() {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
            write(&path, text.as_bytes()).map_err(Error::at("write", &path))?;
        }
        Ok(())
    }

    /// Writes a `.pth` file that puts the import roots before all libraries on `sys.path`.
    fn write_import_roots(&self, imports: &[String]) -> Result<(), Error> {
        if imports.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = imports.iter().map(|path| literal(path)).collect();
        let line = format!(
            "import sys; sys.path[:0] = [one for one in [{}] if one not in sys.path]\n",
            list.join(", ")
        );
        let path = self.folder.join(&self.library).join("_pinnace.pth");
        write(&path, line.as_bytes()).map_err(Error::at("write", &path))
    }
}

/// Returns a text as a Python literal in ASCII, so that the source encoding does not matter.
fn literal(text: &str) -> String {
    let escaped = text.chars().map(|symbol| match symbol {
        ' '..='~' if !matches!(symbol, '\'' | '\\') => symbol.to_string(),
        _ => format!("\\U{:08x}", u32::from(symbol)),
    });
    format!("'{}'", escaped.collect::<String>())
}

/// Writes a new file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut fs::File::create_new(path)?, bytes)
}

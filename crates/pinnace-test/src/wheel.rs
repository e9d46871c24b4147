use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{archive::zip, digest::sha256_base64, files};

/// A wheel that is made in memory.
///
/// `METADATA`, `WHEEL` and `RECORD` are generated. A file of the same path, added by
/// [`file`](Self::file), takes the place of a generated one.
///
/// ```
/// use pinnace_test::Wheel;
///
/// let native = Wheel::new("native", "2.1").tag("cp312-cp312-win_amd64").file("native.pyd", b"MZ");
/// assert_eq!(native.file_name(), "native-2.1-cp312-cp312-win_amd64.whl");
/// assert_eq!(Wheel::named(&native.file_name()).file("native.pyd", b"MZ").bytes(), native.bytes());
/// ```
#[derive(Clone, Debug)]
pub struct Wheel {
    /// The name as files spell it, without hyphens.
    stem: String,
    version: String,
    tag: String,
    metadata: String,
    entry_points: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Wheel {
    /// Returns a wheel for every platform, without modules.
    pub fn new(project: &str, version: &str) -> Self {
        Self {
            stem: project.replace('-', "_"),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            metadata: format!("Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"),
            entry_points: String::new(),
            files: BTreeMap::new(),
        }
    }

    /// Returns a wheel with the project, version and tag of a file name.
    pub fn named(file_name: &str) -> Self {
        let parts: Vec<&str> = file_name.strip_suffix(".whl").unwrap().splitn(3, '-').collect();
        Self::new(parts[0], parts[1]).tag(parts[2])
    }

    /// Sets the tag, such as `cp312-cp312-win_amd64`; a build number may stand before it.
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// Adds a requirement.
    pub fn requires(self, requirement: &str) -> Self {
        self.header("Requires-Dist", requirement)
    }

    /// Adds a header of `METADATA`, such as `Requires-Python`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.metadata.push_str(&format!("{name}: {value}\n"));
        self
    }

    /// Adds a file. `{info}` in its path stands for the folder `.dist-info`. Files in a folder
    /// `scripts` are executable.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = path.replace("{info}", &self.info());
        self.files.insert(path, content.as_ref().to_vec());
        self
    }

    /// Adds files: paths and contents.
    pub fn files(self, files: &[(&str, &str)]) -> Self {
        files.iter().fold(self, |wheel, (path, content)| wheel.file(path, content))
    }

    /// Adds a program to `entry_points.txt`, such as `moo` for `moo:main`.
    pub fn console_script(mut self, name: &str, target: &str) -> Self {
        if self.entry_points.is_empty() {
            self.entry_points.push_str("[console_scripts]\n");
        }
        self.entry_points.push_str(&format!("{name} = {target}\n"));
        self
    }

    /// Returns the normalized name of the project.
    pub fn project(&self) -> String {
        self.stem.replace(['_', '.'], "-").to_lowercase()
    }

    /// Returns the file name.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.whl", self.stem, self.version, self.tag)
    }

    /// Returns the text of `METADATA`.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// Returns the archive, whose bytes depend on nothing but what was added.
    pub fn bytes(&self) -> Vec<u8> {
        let mut members = self.generated();
        members.extend(self.files.clone());
        let record = format!("{}/RECORD", self.info());
        let rows: String = members
            .iter()
            .filter(|(path, _)| **path != record)
            .map(|(path, bytes)| {
                format!("{path},sha256={},{}\n", sha256_base64(bytes), bytes.len())
            })
            .collect();
        members.entry(record.clone()).or_insert(format!("{rows}{record},,\n").into_bytes());
        zip(&members)
    }

    /// Writes the wheel to a folder, which is created if it is missing, and returns its path.
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join(self.file_name());
        files::write(&path, self.bytes());
        path
    }

    fn info(&self) -> String {
        format!("{}-{}.dist-info", self.stem, self.version)
    }

    /// Returns the files of `.dist-info` but for `RECORD`.
    fn generated(&self) -> BTreeMap<String, Vec<u8>> {
        let texts = [
            ("METADATA", self.metadata.clone()),
            ("WHEEL", self.wheel_file()),
            ("entry_points.txt", self.entry_points.clone()),
        ];
        let written = texts.into_iter().filter(|(_, text)| !text.is_empty());
        written.map(|(name, text)| (format!("{}/{name}", self.info()), text.into_bytes())).collect()
    }

    /// Returns the text of `WHEEL`, with a line for every tag that a compressed tag stands for.
    fn wheel_file(&self) -> String {
        let mut text = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n".to_owned();
        let mut parts = self.tag.rsplitn(3, '-');
        let (platforms, abis) = (parts.next().unwrap(), parts.next().unwrap());
        let pythons = parts.next().unwrap();
        let (build, pythons) = pythons.split_once('-').unwrap_or(("", pythons));
        for python in pythons.split('.') {
            for abi in abis.split('.') {
                for platform in platforms.split('.') {
                    text.push_str(&format!("Tag: {python}-{abi}-{platform}\n"));
                }
            }
        }
        if !build.is_empty() {
            text.push_str(&format!("Build: {build}\n"));
        }
        text
    }
}

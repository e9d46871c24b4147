//! A writer of locks: the order is always the same, and each file takes one line.

use std::{fmt::Write as _, path::Path};

use super::{Files, Lock, Package, paths};
use crate::{Artifact, ExtraName, File, ProjectName, sha256::hex, timestamp::Timestamp};

impl Lock {
    /// Returns the text of a `pylock.toml` in `folder`. Paths of local files are relative to the
    /// folder. Equal locks give equal texts.
    pub fn to_toml(&self, folder: &Path) -> String {
        let mut text = String::from("lock-version = \"1.0\"\n");
        if !self.environments.is_empty() {
            text.push_str("environments = [\n");
            for marker in &self.environments {
                line(&mut text, &format!("    {},", quoted(&marker.to_string())));
            }
            text.push_str("]\n");
        }
        if let Some(specifiers) = &self.requires_python {
            line(&mut text, &format!("requires-python = {}", quoted(specifiers)));
        }
        list(&mut text, "extras", self.extras.iter().map(ExtraName::as_str));
        list(&mut text, "dependency-groups", self.groups.iter().map(ProjectName::as_str));
        list(&mut text, "default-groups", self.default_groups.iter().map(ProjectName::as_str));
        text.push_str("created-by = \"pinnace\"\n");
        if self.packages.is_empty() {
            text.push_str("packages = []\n");
        }
        if !self.loosened.is_empty() {
            text.push_str("\n[tool.pinnace]\n");
            list(&mut text, "loosened", self.loosened.iter().map(ProjectName::as_str));
        }
        self.packages.iter().for_each(|package| write_package(package, folder, &mut text));
        text
    }

    /// Returns the lock as a requirements file with hashes. Markers tell the platforms apart.
    pub fn to_requirements(&self) -> String {
        let mut text = String::new();
        for package in &self.packages {
            let (subject, files): (String, &[File]) = match &package.files {
                Files::Listed(files) => {
                    let version = package.version.as_ref().map(|it| format!("=={it}"));
                    (version.unwrap_or_default(), files)
                }
                Files::Archive(file) => {
                    (format!(" @ {}", file.address), std::slice::from_ref(file))
                }
                Files::Directory(path) => {
                    // An editable requirement cannot have a marker.
                    let path = path.display();
                    line(
                        &mut text,
                        &match &package.marker {
                            Some(marker) => format!("{path} ; {marker}"),
                            None => format!("-e {path}"),
                        },
                    );
                    continue;
                }
                Files::Repository(url) => (format!(" @ {url}"), &[]),
            };
            let _ = write!(text, "{}{subject}", package.name);
            if let Some(marker) = &package.marker {
                let _ = write!(text, " ; {marker}");
            }
            for sha256 in files.iter().filter_map(|file| file.sha256) {
                let _ = write!(text, " \\\n    --hash=sha256:{}", hex(&sha256));
            }
            text.push('\n');
        }
        text
    }
}

/// Writes a list of names. Writes nothing if the list is empty.
fn list<'a>(text: &mut String, key: &str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<String> = names.map(quoted).collect();
    if !names.is_empty() {
        line(text, &format!("{key} = [{}]", names.join(", ")));
    }
}

fn write_package(package: &Package, folder: &Path, text: &mut String) {
    text.push_str("\n[[packages]]\n");
    line(text, &format!("name = {}", quoted(package.name.as_str())));
    if let Some(version) = &package.version {
        line(text, &format!("version = {}", quoted(&version.to_string())));
    }
    if let Some(marker) = &package.marker {
        line(text, &format!("marker = {}", quoted(&marker.to_string())));
    }
    if let Some(specifiers) = &package.requires_python {
        line(text, &format!("requires-python = {}", quoted(specifiers)));
    }
    if let Some(index) = &package.index {
        line(text, &format!("index = {}", quoted(&index.to_string())));
    }
    match &package.files {
        Files::Listed(files) => listed(files, folder, text),
        Files::Archive(file) => {
            line(text, &format!("archive = {{ {} }}", fields(file, folder, Named::No)));
        }
        Files::Directory(path) => {
            let path = quoted(&paths::relative(folder, path));
            line(text, &format!("directory = {{ path = {path}, editable = true }}"));
        }
        Files::Repository(url) => line(text, &format!("vcs = {{ url = {} }}", quoted(url))),
    }
}

fn listed(files: &[File], folder: &Path, text: &mut String) {
    let sdist = files.iter().find(|file| matches!(file.artifact, Artifact::Sdist(_)));
    if let Some(sdist) = sdist {
        line(text, &format!("sdist = {{ {} }}", fields(sdist, folder, Named::Yes)));
    }
    let mut wheels = files.iter().filter(|file| file.artifact.wheel().is_some()).peekable();
    if wheels.peek().is_some() {
        text.push_str("wheels = [\n");
        for wheel in wheels {
            line(text, &format!("    {{ {} }},", fields(wheel, folder, Named::Yes)));
        }
        text.push_str("]\n");
    }
}

/// The choice to write a file's name beside its address, or not.
#[derive(Clone, Copy)]
enum Named {
    Yes,
    No,
}

fn fields(file: &File, folder: &Path, named: Named) -> String {
    let mut fields = Vec::new();
    if let Named::Yes = named {
        fields.push(format!("name = {}", quoted(file.artifact.file_name())));
    }
    fields.push(match file.address.to_path() {
        Some(path) => format!("path = {}", quoted(&paths::relative(folder, &path))),
        None => format!("url = {}", quoted(&file.address.to_string())),
    });
    fields.extend(file.uploaded_at.map(|time| format!("upload-time = {}", Timestamp(time))));
    fields.extend(file.size.map(|size| format!("size = {size}")));
    fields
        .extend(file.sha256.map(|sha256| format!("hashes = {{ sha256 = \"{}\" }}", hex(&sha256))));
    fields.join(", ")
}

/// Formats a text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for symbol in text.chars() {
        match symbol {
            '"' | '\\' => quoted.extend(['\\', symbol]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

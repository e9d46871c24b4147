use std::collections::BTreeMap;

use pinnace_archive::{ArchivePath, Mode, Writer};

/// Returns a zip of these files, by path. Files in a folder `scripts` are executable.
pub fn zip(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (path, content) in files {
        let mode = if path.contains("scripts/") { Mode::Executable } else { Mode::File };
        writer.bytes(&ArchivePath::parse(path).unwrap(), mode, content).unwrap();
    }
    writer.finish().unwrap().0
}

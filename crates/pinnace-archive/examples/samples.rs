//! Writes one archive of each kind into a folder, for other tools to read:
//!
//! ```text
//! cargo run -p pinnace-archive --example samples -- FOLDER
//! ```

use std::{
    env::args,
    error::Error,
    fs::File,
    io::{self, BufWriter, Seek, Write},
    path::Path,
};

use pinnace_archive::{ArchiveBuilder, ArchivePath, Content, Deflate, Mode, WriteOptions, Writer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = args().nth(1).ok_or("which folder?")?;
    let at = |name: &str| File::create(Path::new(&folder).join(name)).map(BufWriter::new);
    let deflate = Deflate::default();
    let all = all()?;
    all.write(at("stored.zip")?, &WriteOptions::default())?;
    all.write(at("deflated.zip")?, &WriteOptions::default().encoder(&deflate).threads(2))?;
    let mut script = self::all()?;
    script.set_prefix(b"#!/usr/bin/env python3\n");
    script.write(at("script.zip")?, &WriteOptions::default())?;
    ArchiveBuilder::new().write(at("empty.zip")?, &WriteOptions::default())?;
    many()?.write(at("many.zip")?, &WriteOptions::default())?;
    large(File::create(Path::new(&folder).join("large.zip"))?)
}

/// Builds a module, a package, a namespace package, a program, and names that are not ASCII.
fn all() -> Result<ArchiveBuilder<'static>> {
    let mut builder = ArchiveBuilder::new();
    for (name, mode, content) in [
        ("__main__.py", Mode::File, "import module; print(module.NAME)\n".to_owned()),
        ("module.py", Mode::File, "NAME = 'from the archive'\n".to_owned()),
        ("package/__init__.py", Mode::File, String::new()),
        ("package/inner.py", Mode::File, "# a comment\n".repeat(5000)),
        ("space/deep/inner.py", Mode::File, "X = 1\n".to_owned()),
        ("bin/run", Mode::Executable, "#!/bin/sh\nexit 0\n".to_owned()),
        ("\u{fc}ml\u{e4}ut/\u{1f680}.txt", Mode::File, "\u{1f680}".repeat(9)),
    ] {
        builder.add_bytes(&ArchivePath::parse(name)?, mode, content)?;
    }
    builder.add_directory(&ArchivePath::parse("empty")?)?;
    Ok(builder)
}

/// Builds more entries than 16 bits can count.
fn many() -> Result<ArchiveBuilder<'static>> {
    let mut builder = ArchiveBuilder::new();
    for n in 0..70_000 {
        builder.add_bytes(&ArchivePath::parse(&format!("{n:06}"))?, Mode::File, "")?;
    }
    Ok(builder)
}

/// Writes a member of more than 32 bits can count, and one behind it. Holes take no space on disk.
fn large(file: File) -> Result<()> {
    let mut writer = Writer::new(Holes(file));
    let zeros = tempfile::tempfile()?;
    zeros.set_len((4 << 30) + 5)?;
    let content = Content::measure(zeros)?;
    writer.file(&ArchivePath::parse("a")?, Mode::File, content)?;
    writer.bytes(&ArchivePath::parse("b")?, Mode::File, b"beyond")?;
    writer.finish()?;
    Ok(())
}

/// A file that seeks over zeros instead of writing them.
struct Holes(File);

impl Write for Holes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| *byte == 0) {
            self.0.seek_relative(bytes.len() as i64)?;
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

//! Writes a folder as an archive. The bytes are the same on every machine.
//!
//! ```text
//! cargo run -p pinnace-archive --example reproducible -- FOLDER OUT.zip
//! ```
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{env::args, error::Error, fs::File, io::BufWriter, path::Path};

use pinnace_archive::{ArchiveBuilder, SymlinkPolicy, WriteOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = args().nth(1).ok_or("which folder?")?;
    let out = File::create(args().nth(2).ok_or("which archive?")?)?;

    let mut builder = ArchiveBuilder::new();
    builder.add_folder(Path::new(&folder), SymlinkPolicy::Follow)?;
    let summary = builder.write(BufWriter::new(out), &WriteOptions::default().threads(2))?;

    println!("{} entries, {} bytes", summary.entries, summary.bytes);
    Ok(())
}

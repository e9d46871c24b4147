//! `pinnace store put` and `pinnace store get`.

use std::{
    fs::File,
    io::{self, BufWriter, Read},
    path::{Path, PathBuf},
};

use pinnace_build::{CancellableWriter, create_output};
use pinnace_store::{Access, Digest};
use serde_json::json;

use super::Job;
use crate::{Failure, interrupt::Interrupt};

impl Job<'_> {
    /// Stores files, and prints their digests.
    pub(super) fn put(&self, files: &[PathBuf]) -> Result<(), Failure> {
        let mut stored = Vec::new();
        for file in files {
            let unreadable = |error: io::Error| {
                Failure::job(format!("cannot read `{}`: {error}", file.display()))
            };
            let (source, interrupt) = (self.source(file).map_err(unreadable)?, &self.interrupt);
            let mut source = Counted { source, bytes: 0, interrupt };
            let digest = self.store.put(&mut source)?;
            stored.push((file.display().to_string(), digest, source.bytes));
        }
        let text: Vec<String> =
            stored.iter().map(|(file, digest, _)| format!("{digest}  {file}")).collect();
        let json = stored.iter().map(|(file, digest, bytes)| {
            json!({ "file": file, "digest": digest.to_string(), "bytes": bytes })
        });
        let json: Vec<_> = json.collect();
        self.result(&text.join("\n"), &json!({ "stored": json }))
    }

    /// Writes an object to a file, or to stdout.
    pub(super) fn get(&self, digest: &str, out: &Path) -> Result<(), Failure> {
        let digest = self.resolve(digest)?;
        let missing = || Failure::job(format!("no such object: {digest}"));
        let mut blob = self.store.get(&digest)?.ok_or_else(missing)?;
        let bytes = blob.size();
        if out.as_os_str() == "-" {
            let mut stdout = CancellableWriter::new(io::stdout().lock(), &*self.reporter);
            return io::copy(&mut blob, &mut stdout)
                .and_then(|_| io::Write::flush(&mut stdout))
                .map_err(|error| Failure::io("cannot write to stdout", &error));
        }
        let mut file = create_output(out, Access::ReadWrite, self.env)?;
        let mut writer =
            CancellableWriter::new(BufWriter::with_capacity(1 << 18, &mut file), &*self.reporter);
        io::copy(&mut blob, &mut writer)
            .and_then(|_| io::Write::flush(&mut writer))
            .map_err(|error| Failure::io(&format!("cannot write `{}`", out.display()), &error))?;
        drop(writer);
        file.commit()?;
        let shown = out.display().to_string();
        let json = json!({ "file": shown, "digest": digest.to_string(), "bytes": bytes });
        self.result(&format!("{shown}: {bytes} bytes, {digest}"), &json)
    }

    /// Opens a file, or stdin for `-`.
    fn source(&self, file: &Path) -> io::Result<Box<dyn Read>> {
        if file.as_os_str() == "-" {
            return Ok(Box::new(self.interrupt.stdin()));
        }
        let path = self.env.folder.join(file);
        // Opening a pipe would block until another process writes to it.
        if path.metadata()?.is_file() {
            Ok(Box::new(File::open(path)?))
        } else {
            Err(io::Error::other("not a regular file; read stdin with `-`"))
        }
    }

    /// Returns the only digest that begins with the text.
    fn resolve(&self, text: &str) -> Result<Digest, Failure> {
        if let Ok(digest) = text.parse() {
            return Ok(digest);
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_lowercase();
        let found = self.store.find(&digits)?;
        match found.as_slice() {
            [digest] => Ok(*digest),
            [] => Err(Failure::job(format!("no object in the store begins with `{text}`"))),
            several => {
                let all: Vec<String> = several.iter().map(|digest| format!("  {digest}")).collect();
                Err(Failure::usage(format!("`{text}` is ambiguous:\n{}", all.join("\n"))))
            }
        }
    }
}

/// A source that counts its bytes, and ends with an error after an interrupt.
struct Counted<'a> {
    source: Box<dyn Read>,
    bytes: u64,
    interrupt: &'a Interrupt,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupt.is_set() {
            return Err(io::Error::other("interrupted"));
        }
        let n = self.source.read(buffer)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

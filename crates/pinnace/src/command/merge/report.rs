//! The report of a merge.

use pinnace_build::PexWritten;
use pinnace_store::Digest;
use serde_json::{Value, json};

use crate::quantity::{Count, Size};

/// A finished merge.
pub(super) struct Report<'a> {
    pub(super) file: String,
    pub(super) wheels: Vec<&'a str>,
    /// The number of merged files.
    pub(super) inputs: usize,
    pub(super) written: PexWritten,
    pub(super) seconds: f64,
}

impl Report<'_> {
    pub(super) fn as_text(&self) -> String {
        let (size, digest) = match self.written.file {
            Some((bytes, sha256)) => (format!("{}, ", Size(bytes)), Digest::new(sha256)),
            None => (String::new(), Digest::new(self.written.key)),
        };
        let (file, seconds) = (&self.file, self.seconds);
        let (wheels, inputs) = (Count(self.wheels.len(), "wheel"), Count(self.inputs, "file"));
        format!("{file}: {size}{wheels} of {inputs}, merged in {seconds:.2} s, {digest}")
    }

    pub(super) fn as_json(&self) -> Value {
        let file = self.written.file;
        json!({
            "file": self.file,
            "sha256": file.map(|(_, sha256)| Digest::new(sha256).to_string()),
            "bytes": file.map(|(bytes, _)| bytes),
            "key": Digest::new(self.written.key).to_string(),
            "wheels": self.wheels,
            "timings_ms": { "total": (self.seconds * 1e4).round() / 10.0 },
        })
    }
}

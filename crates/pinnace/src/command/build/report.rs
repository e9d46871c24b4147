//! The report of a build.

use std::time::Duration;

use pinnace_build::{Built, BuiltFile, PexWritten};
use pinnace_store::Digest;
use serde_json::{Map, Value, json};

use crate::quantity::{Count, Size};

/// A finished build.
pub(super) struct Report(pub(super) Built);

impl Report {
    pub(super) fn as_text(&self) -> String {
        let built = &self.0;
        let total = built.timings.total().as_secs_f64();
        let line = |file: &BuiltFile| {
            let is_code = built.files.len() > 1 && file.path.ends_with("source.pex");
            let wheels = Count(if is_code { 0 } else { built.wheels.len() }, "wheel");
            let (size, digest) = match file.written.file {
                Some((bytes, sha256)) => (format!("{}, ", Size(bytes)), Digest::new(sha256)),
                None => (String::new(), Digest::new(file.written.key)),
            };
            format!("{}: {size}{wheels}, built in {total:.2} s, {digest}", file.path.display())
        };
        built.files.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn as_json(&self) -> Value {
        let built = &self.0;
        let output = built.output.display().to_string();
        let mut json = match built.files.as_slice() {
            [file] => file_as_json(&output, &file.written),
            several => {
                let file =
                    |file: &BuiltFile| file_as_json(&file.path.to_string_lossy(), &file.written);
                json!({ "file": output, "files": several.iter().map(file).collect::<Vec<_>>() })
            }
        };
        let distributions = built.wheels.iter().map(|wheel| {
            json!({
                "name": wheel.name.project().as_str(),
                "version": wheel.name.version().to_string(),
                "wheel": wheel.name.as_str(),
                "sha256": wheel.digest.to_hex(),
            })
        });
        let milliseconds = |time: &Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let timings = built.timings.steps().iter();
        let timings: Map<String, Value> =
            timings.map(|(name, time)| (name.clone(), milliseconds(time).into())).collect();
        json["distributions"] = distributions.collect();
        json["timings_ms"] = timings.into();
        json
    }
}

fn file_as_json(file: &str, written: &PexWritten) -> Value {
    json!({
        "file": file,
        "sha256": written.file.map(|(_, sha256)| Digest::new(sha256).to_string()),
        "content_digest": written.content_digest.map(|sha256| Digest::new(sha256).to_string()),
        "key": Digest::new(written.key).to_string(),
        "bytes": written.file.map(|(bytes, _)| bytes),
    })
}

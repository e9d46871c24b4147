//! What the user is told of a build.

use std::{path::PathBuf, time::Duration};

use pinnace_store::Digest;
use serde_json::json;

use super::Wheel;
use crate::{
    destination::Written,
    progress::{Count, Size},
};

/// What was built, and how long it took.
pub(super) struct Built {
    /// The file, or the folder of them.
    pub(super) file: String,
    pub(super) files: Vec<(PathBuf, Written)>,
    pub(super) wheels: Vec<Wheel>,
    pub(super) timings: Vec<(&'static str, Duration)>,
    pub(super) notes: Vec<String>,
}

impl Built {
    pub(super) fn as_text(&self) -> String {
        let total = self.timings.last().map(|(_, total)| total.as_secs_f64()).unwrap_or_default();
        let line = |(name, written): &(PathBuf, Written)| {
            let is_code = self.files.len() > 1 && name.ends_with("source.pex");
            let wheels = Count(if is_code { 0 } else { self.wheels.len() }, "wheel");
            let (size, digest) = match &written.file {
                Some((bytes, sha256)) => (format!("{}, ", Size(*bytes)), Digest::new(*sha256)),
                None => (String::new(), Digest::new(written.key)),
            };
            format!("{}: {size}{wheels}, built in {total:.2} s, {digest}", name.display())
        };
        self.files.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        let milliseconds = |time: &Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let distributions = self.wheels.iter().map(|one| {
            json!({
                "name": one.name.project().as_str(),
                "version": one.name.version().to_string(),
                "wheel": one.name.as_str(),
                "sha256": Digest::new(one.sha256).to_hex(),
            })
        });
        let described = |file: &str, written: &Written| {
            json!({
                "file": file,
                "sha256": written.file.map(|(_, sha256)| Digest::new(sha256).to_string()),
                "content_digest": written.content_digest.map(|one| Digest::new(one).to_string()),
                "key": Digest::new(written.key).to_string(),
                "bytes": written.file.map(|(bytes, _)| bytes),
            })
        };
        let mut json = match self.files.as_slice() {
            [(_, only)] => described(&self.file, only),
            several => {
                let files =
                    several.iter().map(|(name, one)| described(&name.to_string_lossy(), one));
                json!({ "file": self.file, "files": files.collect::<Vec<_>>() })
            }
        };
        let more = json!({
            "distributions": distributions.collect::<Vec<_>>(),
            "timings_ms": self.timings.iter().map(|(name, time)| ((*name).to_owned(), milliseconds(time).into())).collect::<serde_json::Map<_, _>>(),
        });
        if let (Some(json), Some(more)) = (json.as_object_mut(), more.as_object()) {
            json.extend(more.clone());
        }
        json
    }
}

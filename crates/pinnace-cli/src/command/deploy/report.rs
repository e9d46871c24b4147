//! What a deploy has done, as text and as JSON.

use std::{path::PathBuf, time::Duration};

use pinnace_deploy::Moved;
use pinnace_store::Digest;
use serde_json::{Value, json};

use super::sources::Sources;
use crate::progress::{Count, Size};

/// What a deploy has done.
pub(crate) struct Done {
    pub(crate) service: String,
    pub(crate) release: Option<Digest>,
    pub(crate) generation: u64,
    pub(crate) path: Path,
    pub(crate) reason: String,
    pub(crate) deps: Option<Digest>,
    pub(crate) source: Option<Digest>,
    pub(crate) moved: Moved,
    pub(crate) state: State,
    /// When the dependencies were resolved, and what time it is, in seconds since 1970.
    pub(crate) resolved_at: Option<u64>,
    pub(crate) now: u64,
    pub(crate) timings: Vec<(&'static str, Duration)>,
    pub(crate) notes: Vec<String>,
    /// What would ship, if that was asked.
    pub(crate) sources: Option<Sources>,
    /// The wheels that it needs, if that was asked.
    pub(crate) wheels: Vec<String>,
    /// The lock that says which these are.
    pub(crate) lock: Option<PathBuf>,
    /// Where it answers, whether it is live on an agent, and what it stands on there.
    pub(crate) address: Option<String>,
    pub(crate) live: bool,
    pub(crate) host: Option<String>,
}

/// Whether the dependencies had to be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Path {
    /// They are those that are live.
    Fast,
    Full,
}

/// What became of the release.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Published,
    /// It is live already.
    Unchanged,
    /// Nobody wanted it to be.
    NotPublished,
}

impl Path {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Full => "full",
        }
    }
}

impl Done {
    pub(crate) fn new(service: &str, release: Digest, generation: u64) -> Self {
        Self {
            service: service.to_owned(),
            release: Some(release),
            generation,
            path: Path::Fast,
            reason: String::new(),
            deps: None,
            source: None,
            moved: Moved::default(),
            state: State::Unchanged,
            resolved_at: None,
            now: 0,
            timings: Vec::new(),
            notes: Vec::new(),
            sources: None,
            wheels: Vec::new(),
            lock: None,
            address: None,
            live: false,
            host: None,
        }
    }

    pub(crate) fn as_text(&self) -> String {
        let release = self.release.map_or_else(String::new, |release| format!(", {release}"));
        let live = match (&self.address, self.live) {
            (Some(address), _) => format!(", live at {address}"),
            (None, true) => ", live".to_owned(),
            (None, false) => String::new(),
        };
        let name = format!("{} generation {}{release}{live}", self.service, self.generation);
        let total = self.timings.iter().find(|(name, _)| *name == "total");
        let total =
            total.map_or_else(String::new, |(_, took)| format!(" in {} ms", took.as_millis()));
        let lock = self.lock.as_ref().and_then(|lock| lock.file_name());
        let lock = lock.map_or_else(String::new, |name| {
            format!(" (as `{}` has them)", name.to_string_lossy())
        });
        let path = format!("{} path: {}{lock}{}", self.path.name(), self.reason, self.age());
        match self.state {
            State::Published => format!(
                "{name}\n{path}\n{} in {} moved, {} reused{total}{}",
                Size(self.moved.bytes),
                Count(self.moved.objects as usize, "object"),
                Count(self.moved.reused as usize, "content"),
                self.landed(),
            ),
            State::Unchanged if self.moved.objects > 0 => format!(
                "{name}\nnothing has changed; {} in {} put again{total}",
                Size(self.moved.bytes),
                Count(self.moved.objects as usize, "object"),
            ),
            State::Unchanged => format!("{name}\nnothing has changed{total}"),
            State::NotPublished => format!("{path}\n{}", self.list()),
        }
    }

    /// The same for somebody who deploys all the time.
    pub(crate) fn as_line(&self) -> String {
        let at = self.address.as_ref().map_or_else(String::new, |one| format!(" at {one}"));
        let (service, generation) = (&self.service, self.generation);
        if self.state == State::Unchanged {
            return format!("nothing has changed: {service} generation {generation} is live{at}");
        }
        let reason = match self.path {
            Path::Fast => String::new(),
            Path::Full => format!(" ({})", self.reason),
        };
        let total = self.timings.iter().find(|(name, _)| *name == "total");
        let total = total.map_or(0, |(_, took)| took.as_millis());
        let steps = self.timeline();
        format!("{service} generation {generation} live{at} in {total} ms{reason}\n  {steps}")
    }

    /// Whether it is a release that was not live before.
    pub(crate) fn is_new(&self) -> bool {
        self.state == State::Published
    }

    /// How it went live on an agent.
    fn landed(&self) -> String {
        let host = self.host.as_ref();
        host.map_or_else(String::new, |host| format!("\nhost {host}\n{}", self.timeline()))
    }

    /// How long each step took.
    pub(crate) fn timeline(&self) -> String {
        let steps = self.timings.iter().filter(|(name, _)| *name != "total");
        let shown = steps.map(|(name, took)| format!("{name} {} ms", took.as_millis()));
        shown.collect::<Vec<_>>().join(" | ")
    }

    /// What would ship, and what would not.
    fn list(&self) -> String {
        let Some(sources) = &self.sources else { return String::new() };
        let mut lines = Vec::new();
        for source in &sources.folders {
            let size = source.scan.files.iter().map(|file| file.size).sum();
            let count = Count(source.scan.files.len(), "file");
            lines.push(format!("{}: {count}, {}", source.name, Size(size)));
            lines.extend(source.scan.files.iter().map(|file| format!("  {}", file.path)));
        }
        let left_out = sources.left_out();
        let left_out = left_out.map(|out| format!("  {}: {}", out.path, out.reason));
        let left_out: Vec<String> = left_out.collect();
        if !left_out.is_empty() {
            lines.push("left out:".to_owned());
            lines.extend(left_out);
        }
        if !self.wheels.is_empty() {
            lines.push(format!("dependencies: {}", Count(self.wheels.len(), "wheel")));
            lines.extend(self.wheels.iter().map(|name| format!("  {name}")));
        }
        lines.join("\n")
    }

    /// How old the pins are, once that says something.
    fn age(&self) -> String {
        const DAY: u64 = 86_400;
        let age = self.resolved_at.map_or(0, |at| self.now.saturating_sub(at) / DAY);
        match age {
            0 => String::new(),
            days => format!(
                " (resolved {} ago; `--upgrade` resolves anew)",
                Count(days as usize, "day")
            ),
        }
    }

    pub(crate) fn as_json(&self) -> Value {
        let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
        let timings: serde_json::Map<String, Value> = self
            .timings
            .iter()
            .map(|(name, took)| ((*name).to_owned(), (took.as_secs_f64() * 1000.0).into()))
            .collect();
        let mut json = json!({
            "service": self.service,
            "address": self.address,
            "release": digest(self.release),
            "generation": self.generation,
            "path": self.path.name(),
            "reason": self.reason,
            "lock": self.lock,
            "deps": digest(self.deps),
            "source": digest(self.source),
            "uploaded": { "bytes": self.moved.bytes, "objects": self.moved.objects },
            "reused": { "bytes": self.moved.reused_bytes, "objects": self.moved.reused },
            "published": self.state == State::Published,
            "changed": self.state != State::Unchanged,
            "live": self.live,
            "host": self.host,
            "resolved_at": self.resolved_at,
            "timings_ms": timings,
        });
        if let Some(sources) = &self.sources {
            let files = sources.folders.iter().flat_map(|one| &one.scan.files);
            json["ships"] =
                files.map(|file| json!({ "path": file.path, "bytes": file.size })).collect();
            let out = sources.left_out();
            let out = out.map(|out| json!({ "path": out.path, "reason": out.reason.to_string() }));
            json["left_out"] = out.collect();
            json["wheels"] = self.wheels.clone().into();
        }
        json
    }
}

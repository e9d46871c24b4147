//! The report of a deployment, as text and as JSON.

use pinnace_deploy::{DeployPath, Deployed, Outcome, Plan};
use pinnace_store::Digest;
use serde_json::{Map, Value, json};

use crate::progress::{Count, Size};

/// A deployment that was made, and the time of the report.
pub(crate) struct Report {
    pub(crate) done: Deployed,
    /// The time, in seconds since 1970.
    pub(crate) now: u64,
}

fn name(path: DeployPath) -> &'static str {
    match path {
        DeployPath::Fast => "fast",
        _ => "full",
    }
}

impl Report {
    pub(crate) fn as_text(&self) -> String {
        let done = &self.done;
        let release = done.release.map_or_else(String::new, |release| format!(", {release}"));
        let live = match (self.address(), &done.rollout) {
            (Some(address), _) => format!(", live at {address}"),
            (None, Some(_)) => ", live".to_owned(),
            (None, None) => String::new(),
        };
        let title = format!("{} generation {}{release}{live}", done.service, done.generation);
        let total = format!(" in {} ms", done.timings.total().as_millis());
        let lock = done.lock.as_ref().and_then(|lock| lock.file_name());
        let lock = lock.map_or_else(String::new, |name| {
            format!(" (as `{}` has them)", name.to_string_lossy())
        });
        let path = format!("{} path: {}{lock}{}", name(done.path), done.reason, self.age());
        let transfer = done.transfer;
        let objects = Count(transfer.objects as usize, "object");
        match done.outcome {
            Outcome::Published => format!(
                "{title}\n{path}\n{} in {objects} moved, {} reused{total}{}",
                Size(transfer.bytes),
                Count(transfer.reused as usize, "content"),
                self.landed(),
            ),
            Outcome::Unchanged if transfer.objects > 0 => format!(
                "{title}\nnothing has changed; {} in {objects} put again{total}",
                Size(transfer.bytes),
            ),
            Outcome::Unchanged => format!("{title}\nnothing has changed{total}"),
            _ => format!("{path}\n{}", self.list()),
        }
    }

    /// Returns the report for a user who deploys all the time.
    pub(crate) fn as_line(&self) -> String {
        let done = &self.done;
        let at = self.address().map_or_else(String::new, |one| format!(" at {one}"));
        let (service, generation) = (&done.service, done.generation);
        if done.outcome == Outcome::Unchanged {
            return format!("nothing has changed: {service} generation {generation} is live{at}");
        }
        let reason = match done.path {
            DeployPath::Fast => String::new(),
            _ => format!(" ({})", done.reason),
        };
        let (total, steps) = (done.timings.total().as_millis(), self.timeline());
        format!("{service} generation {generation} live{at} in {total} ms{reason}\n  {steps}")
    }

    fn address(&self) -> Option<&String> {
        self.done.rollout.as_ref()?.address.as_ref()
    }

    /// Returns the environment of a new release on its host.
    fn host(&self) -> Option<&String> {
        let rollout = self.done.rollout.as_ref().filter(|_| self.done.is_new())?;
        Some(&rollout.attempt.as_ref()?.host)
    }

    /// Describes the rollout on an agent.
    fn landed(&self) -> String {
        let host = self.host();
        host.map_or_else(String::new, |host| format!("\nhost {host}\n{}", self.timeline()))
    }

    /// Lists the steps, and how long each took.
    fn timeline(&self) -> String {
        let steps = self.done.timings.steps().iter().filter(|(name, _)| name != "total");
        let shown = steps.map(|(name, took)| format!("{name} {} ms", took.as_millis()));
        shown.collect::<Vec<_>>().join(" | ")
    }

    /// Lists the files that ship, and those that do not.
    fn list(&self) -> String {
        let Some(Plan { sources, dependencies, .. }) = &self.done.plan else {
            return String::new();
        };
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
        if !dependencies.wheels.is_empty() {
            lines.push(format!("dependencies: {}", Count(dependencies.wheels.len(), "wheel")));
            lines.extend(dependencies.wheels.iter().map(|wheel| format!("  {}", wheel.name)));
        }
        lines.join("\n")
    }

    /// Returns the age of the pins, if it is at least a day.
    fn age(&self) -> String {
        const DAY: u64 = 86_400;
        let age = self.done.resolved_at.map_or(0, |at| self.now.saturating_sub(at) / DAY);
        match age {
            0 => String::new(),
            days => format!(
                " (resolved {} ago; `--upgrade` resolves anew)",
                Count(days as usize, "day")
            ),
        }
    }

    pub(crate) fn as_json(&self) -> Value {
        let done = &self.done;
        let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
        let timings = done.timings.steps().iter();
        let timings: Map<String, Value> = timings
            .map(|(name, took)| (name.clone(), (took.as_secs_f64() * 1000.0).into()))
            .collect();
        let mut json = json!({
            "service": done.service.as_str(),
            "address": self.address(),
            "release": digest(done.release),
            "generation": done.generation,
            "path": name(done.path),
            "reason": done.reason,
            "lock": done.lock,
            "deps": digest(done.dependencies),
            "source": digest(done.source),
            "uploaded": { "bytes": done.transfer.bytes, "objects": done.transfer.objects },
            "reused": { "bytes": done.transfer.reused_bytes, "objects": done.transfer.reused },
            "published": done.outcome == Outcome::Published,
            "changed": done.outcome != Outcome::Unchanged,
            "live": done.rollout.is_some(),
            "host": self.host(),
            "resolved_at": done.resolved_at,
            "timings_ms": timings,
        });
        if let Some(Plan { sources, dependencies, .. }) = &done.plan {
            let files = sources.folders.iter().flat_map(|one| &one.scan.files);
            json["ships"] =
                files.map(|file| json!({ "path": file.path, "bytes": file.size })).collect();
            let out = sources.left_out();
            let out = out.map(|out| json!({ "path": out.path, "reason": out.reason.to_string() }));
            json["left_out"] = out.collect();
            json["wheels"] =
                dependencies.wheels.iter().map(|wheel| wheel.name.to_string()).collect();
        }
        json
    }
}

//! The report of a deployment, as text and as JSON.

use pinnace_deploy::{DeployPath, Deployed, Outcome, Plan};
use pinnace_store::Digest;
use serde_json::{Map, Value, json};

use crate::quantity::{Count, Size};

/// The report of a deployment.
pub(crate) struct Report {
    pub(crate) done: Deployed,
    /// The time of the report, in seconds since 1970.
    pub(crate) now: u64,
}

fn path_name(path: DeployPath) -> &'static str {
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
        let lock =
            lock.map_or_else(String::new, |name| format!(" (from `{}`)", name.to_string_lossy()));
        let path = format!("{} path: {}{lock}{}", path_name(done.path), done.reason, self.age());
        let transfer = done.transfer;
        let objects = Count(transfer.objects as usize, "object");
        match done.outcome {
            Outcome::Published => format!(
                "{title}\n{path}\n{} in {objects} uploaded, {} reused{total}{}",
                Size(transfer.bytes),
                Count(transfer.reused as usize, "object"),
                self.rollout_lines(),
            ),
            Outcome::Unchanged if transfer.objects > 0 => format!(
                "{title}\nno changes; {} in {objects} uploaded again{total}",
                Size(transfer.bytes),
            ),
            Outcome::Unchanged => format!("{title}\nno changes{total}"),
            _ => format!("{path}\n{}", self.plan_lines()),
        }
    }

    /// Returns the short report of `pinnace up`.
    pub(crate) fn as_line(&self) -> String {
        let done = &self.done;
        let at = self.address().map_or_else(String::new, |url| format!(" at {url}"));
        let (service, generation) = (&done.service, done.generation);
        if done.outcome == Outcome::Unchanged {
            return format!("no changes: {service} generation {generation} is live{at}");
        }
        let reason = match done.path {
            DeployPath::Fast => String::new(),
            _ => format!(" ({})", done.reason),
        };
        let (total, timeline) = (done.timings.total().as_millis(), self.timeline());
        format!("{service} generation {generation} live{at} in {total} ms{reason}\n  {timeline}")
    }

    fn address(&self) -> Option<&String> {
        self.done.rollout.as_ref()?.address.as_ref()
    }

    /// Returns the description of the host, if the release is new there.
    fn host(&self) -> Option<&String> {
        let rollout = self.done.rollout.as_ref().filter(|_| self.done.is_new())?;
        Some(&rollout.attempt.as_ref()?.host)
    }

    /// Returns the lines on the rollout.
    fn rollout_lines(&self) -> String {
        let host = self.host();
        host.map_or_else(String::new, |host| format!("\nhost {host}\n{}", self.timeline()))
    }

    /// Lists the phases with their durations.
    fn timeline(&self) -> String {
        let phases = self.done.timings.steps().iter().filter(|(name, _)| name != "total");
        let shown = phases.map(|(name, took)| format!("{name} {} ms", took.as_millis()));
        shown.collect::<Vec<_>>().join(" | ")
    }

    /// Lists the files and the wheels of a dry run, and the files that are left out.
    fn plan_lines(&self) -> String {
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

    /// Returns the age of the resolution, if it is at least a day.
    fn age(&self) -> String {
        const DAY: u64 = 86_400;
        let age = self.done.resolved_at.map_or(0, |at| self.now.saturating_sub(at) / DAY);
        match age {
            0 => String::new(),
            days => {
                format!(" (resolved {} ago; upgrade with `--upgrade`)", Count(days as usize, "day"))
            }
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
            "path": path_name(done.path),
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
            let files = sources.folders.iter().flat_map(|folder| &folder.scan.files);
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

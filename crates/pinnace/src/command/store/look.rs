//! What is in a store, and whether it is whole.

use std::collections::{BTreeMap, BTreeSet};

use pinnace_store::{Deployment, Keep, OnMissing, RefName};
use serde_json::json;

use super::Job;
use crate::{
    Failure,
    arguments::StoreGc,
    deployments,
    progress::{Count, Size},
    stores,
};

/// The folders of contents.
const FOLDERS: [&str; 3] = ["blobs", "manifests", "packs"];
/// How many steps of a ref are listed.
const STEPS: usize = 100;

impl Job<'_> {
    pub(super) fn check(&self, other: Option<&str>) -> Result<(), Failure> {
        let open = |url| stores::open(Some(url), OnMissing::Refuse, self.env, &self.reporter);
        let other = other.map(open).transpose()?;
        let checked = self.store.check(other.as_ref())?;
        let findings: Vec<_> = checked
            .findings
            .iter()
            .map(|one| json!({ "object": one.key.to_string(), "problem": one.problem, "healed": one.healed }))
            .collect();
        let is_whole = checked.is_whole();
        let json = json!({
            "objects": checked.objects,
            "bytes": checked.bytes,
            "whole": is_whole,
            "findings": findings,
            "past": past(&checked.past),
        });
        let lines = checked.findings.iter().map(|one| {
            let end = if one.healed { " (healed)" } else { "" };
            format!("\n  - {}: {}{end}", one.key, one.problem)
        });
        let lines: String = lines.collect();
        let read = format!(
            "{} and {} read",
            Count(checked.objects as usize, "object"),
            Size(checked.bytes)
        );
        if !is_whole {
            return Err(Failure::job(format!("{read}; the store is not whole:{lines}"))
                .with_json(json)
                .hint("`--heal-from URL` copies what is damaged or missing from another store"));
        }
        let found = if lines.is_empty() { "all whole" } else { "healed:" };
        let past = past(&checked.past).into_iter().map(|(name, steps)| {
            let steps = generations(&steps);
            format!("\n  {name}: {steps} cannot be gone back to: collections keep less")
        });
        self.result(&format!("{read}, {found}{lines}{}", past.collect::<String>()), &json)
    }

    pub(super) fn collect(&self, arguments: &StoreGc) -> Result<(), Failure> {
        let keep = Keep { generations: arguments.keep as usize };
        let done = self.store.collect(keep, arguments.grace)?;
        let text = format!(
            "{} removed ({}), {} condemned until the next run after the grace, {} too young, {} in use",
            Count(done.removed, "object"),
            Size(done.removed_bytes),
            done.condemned,
            done.young,
            done.live,
        );
        let json = json!({
            "removed": done.removed,
            "removed_bytes": done.removed_bytes,
            "condemned": done.condemned,
            "young": done.young,
            "live": done.live,
            "swept": done.swept,
        });
        self.result(&text, &json)
    }

    pub(super) fn list(&self, what: Option<&str>) -> Result<(), Failure> {
        match what {
            None => self.list_refs(),
            Some(folder) if FOLDERS.contains(&folder) => self.list_objects(folder),
            Some(name) => {
                let name: RefName =
                    name.parse().map_err(|error| Failure::usage(format!("{error}")))?;
                let steps = self.store.history(&name, STEPS)?;
                if steps.is_empty() {
                    return Err(Failure::job(format!("there is no ref `{name}` in the store"))
                        .hint("`pinnace store ls` lists all of them"));
                }
                self.show_steps(name.as_str(), &steps)
            }
        }
    }

    fn list_refs(&self) -> Result<(), Failure> {
        let now = self.env.now;
        let (mut lines, mut json) = (Vec::new(), serde_json::Map::new());
        for name in self.store.refs()?.into_keys() {
            if let Some(step) = self.store.latest(&name)? {
                lines.push(format!("{name}  {}", deployments::line(&step, now)));
                json.insert(name.to_string(), deployments::as_json(&step));
            }
        }
        self.raw(&lines.join("\n"), &json!({ "refs": json }))
    }

    fn show_steps(&self, name: &str, steps: &[Deployment]) -> Result<(), Failure> {
        let lines: Vec<String> =
            steps.iter().map(|step| deployments::line(step, self.env.now)).collect();
        let json: Vec<_> = steps.iter().map(deployments::as_json).collect();
        self.raw(&lines.join("\n"), &json!({ "ref": name, "steps": json }))
    }

    fn list_objects(&self, folder: &str) -> Result<(), Failure> {
        let (mut lines, mut json) = (Vec::new(), Vec::new());
        self.store.contents(folder, |digest, meta| {
            lines.push(format!("{digest}  {:>12}", meta.size));
            json.push(json!({ "digest": digest.to_string(), "bytes": meta.size, "modified": meta.modified }));
        })?;
        self.raw(&lines.join("\n"), &json!({ folder: json }))
    }

    pub(super) fn count(&self) -> Result<(), Failure> {
        let (mut lines, mut json) = (Vec::new(), serde_json::Map::new());
        for folder in FOLDERS {
            let (mut objects, mut bytes) = (0_usize, 0);
            self.store.contents(folder, |_, meta| {
                objects += 1;
                bytes += meta.size;
            })?;
            lines.push(format!("{folder:<10} {}, {}", Count(objects, "object"), Size(bytes)));
            json.insert(folder.to_owned(), json!({ "objects": objects, "bytes": bytes }));
        }
        let refs = self.store.refs()?.len();
        lines.push(format!("{:<10} {refs}", "refs"));
        json.insert("refs".to_owned(), refs.into());
        self.result(&lines.join("\n"), &json.into())
    }
}

/// The steps whose release is not there any more, by ref.
fn past(steps: &[(RefName, u64)]) -> BTreeMap<String, BTreeSet<u64>> {
    let mut past: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for (name, generation) in steps {
        past.entry(name.to_string()).or_default().insert(*generation);
    }
    past
}

/// `generation 5`, `generations 1 to 3, 5`.
fn generations(numbers: &BTreeSet<u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let run = |(first, last): (u64, u64)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    let runs = runs.into_iter().map(run).collect::<Vec<_>>().join(", ");
    if numbers.len() == 1 { format!("generation {runs}") } else { format!("generations {runs}") }
}

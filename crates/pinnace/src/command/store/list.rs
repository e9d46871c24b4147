//! `pinnace store ls` and `pinnace store stat`: refs, deployments and objects.

use pinnace_store::{Deployment, RefName};
use serde_json::{Map, json};

use super::Job;
use crate::{
    Failure, deployments,
    quantity::{Count, Size},
};

/// The folders of objects.
const FOLDERS: [&str; 3] = ["blobs", "manifests", "packs"];
/// The largest number of deployments that a list of a ref shows.
const LISTED: usize = 100;

impl Job<'_> {
    /// Lists all refs, the objects of a folder, or the deployments of a ref.
    pub(super) fn list(&self, what: Option<&str>) -> Result<(), Failure> {
        match what {
            None => self.list_refs(),
            Some(folder) if FOLDERS.contains(&folder) => self.list_objects(folder),
            Some(name) => self.list_deployments(name),
        }
    }

    fn list_refs(&self) -> Result<(), Failure> {
        let now = self.env.now;
        let (mut lines, mut json) = (Vec::new(), Map::new());
        for name in self.store.refs()?.into_keys() {
            if let Some(newest) = self.store.latest(&name)? {
                lines.push(format!("{name}  {}", deployments::line(&newest, now)));
                json.insert(name.to_string(), deployments::as_json(&newest));
            }
        }
        self.raw(&lines.join("\n"), &json!({ "refs": json }))
    }

    fn list_objects(&self, folder: &str) -> Result<(), Failure> {
        let (mut lines, mut json) = (Vec::new(), Vec::new());
        self.store.contents(folder, |digest, meta| {
            lines.push(format!("{digest}  {:>12}", meta.size));
            json.push(json!({
                "digest": digest.to_string(), "bytes": meta.size, "modified": meta.modified,
            }));
        })?;
        self.raw(&lines.join("\n"), &json!({ folder: json }))
    }

    fn list_deployments(&self, name: &str) -> Result<(), Failure> {
        let name: RefName = name.parse().map_err(|error| Failure::usage(format!("{error}")))?;
        let history = self.store.history(&name, LISTED)?;
        if history.is_empty() {
            return Err(Failure::job(format!("no such ref: `{name}`"))
                .hint("list all refs with `pinnace store ls`"));
        }
        let line = |deployment: &Deployment| deployments::line(deployment, self.env.now);
        let lines: Vec<String> = history.iter().map(line).collect();
        let json: Vec<_> = history.iter().map(deployments::as_json).collect();
        self.raw(&lines.join("\n"), &json!({ "ref": name.as_str(), "steps": json }))
    }

    /// Counts the objects and the bytes of each folder, and the refs.
    pub(super) fn count(&self) -> Result<(), Failure> {
        let (mut lines, mut json) = (Vec::new(), Map::new());
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

//! Tests of the two implementations of `docs/storage.md` against each other.

use std::{path::Path, process::Command};

use pinnace_store::{
    Backend, ContentKind, Deployment, Durability, LocalStore, Manifest, MemoryBackend, Pack,
    PackBuilder, PutMode, RefName, Store,
};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/vectors/store.py");

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(include_str!("../../../../docs/vectors/store.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn manifests_and_packs_are_those_of_the_vectors() {
    for vector in vectors("manifests") {
        let mut keys = vector["keys"].as_object().unwrap().clone();
        keys.remove("format");
        let kind = keys.remove("kind").unwrap();
        let manifest = Manifest::new(kind.as_str().unwrap(), keys.into()).unwrap();
        assert_eq!(manifest.digest().to_string(), vector["digest"], "{vector}");
        let references: Vec<String> =
            manifest.references().iter().map(ToString::to_string).collect();
        assert_eq!(json!(references), vector["references"]);
    }
    for vector in vectors("packs") {
        let pack = Pack::parse(unhex(vector["pack"].as_str().unwrap())).unwrap();
        let mut builder = PackBuilder::new();
        for content in vector["contents"].as_array().unwrap() {
            let kind = if content[0] == 1 { ContentKind::Manifest } else { ContentKind::Blob };
            let bytes = unhex(content[1].as_str().unwrap());
            let digest = builder.add(kind, bytes.clone());
            assert_eq!(pack.index().find(&digest).unwrap().kind, kind);
            assert_eq!(pack.read(&digest).unwrap(), Some(bytes));
        }
    }
}

#[test]
fn steps_are_those_of_the_vectors() {
    for vector in vectors("steps") {
        let backend = MemoryBackend::new();
        let store = Store::open(backend.clone()).unwrap();
        let mut upload = backend.write().unwrap();
        upload.write_all(vector["record"].as_str().unwrap().as_bytes()).unwrap();
        upload
            .finish(&vector["key"].as_str().unwrap().parse().unwrap(), PutMode::Overwrite)
            .unwrap();
        let name: RefName = vector["name"].as_str().unwrap().parse().unwrap();
        let step = store.latest(&name).unwrap().unwrap();
        assert_eq!(step.generation, vector["generation"]);
        assert_eq!((step.by.as_str(), step.timings_ms["build"]), ("anna", 12));
    }
}

#[test]
fn the_second_implementation_agrees_and_reads_what_we_write() {
    let ran = Command::new("python3").arg(SCRIPT).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let folder = tempfile::tempdir().unwrap();
    let release = published(folder.path());
    let ran = Command::new("python3").arg(SCRIPT).arg(folder.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let expected = format!("live/shop/agent-1 1 {release} blob,manifest,packed,packed\n");
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), expected);
}

/// Creates a store on disk with a release of one blob, and of a tree and a small content in a pack.
fn published(folder: &Path) -> String {
    let store = Store::open(LocalStore::open(folder, Durability::Volatile).unwrap()).unwrap();
    let blob = store.put(&mut "large".as_bytes()).unwrap();
    let mut pack = PackBuilder::new();
    let small = pack.add(ContentKind::Blob, "small ".repeat(100).into_bytes());
    let tree = Manifest::new("tree", json!({ "entries": { "a.py": small.to_string() } })).unwrap();
    pack.add(ContentKind::Manifest, tree.as_bytes().to_vec());
    let packs = store.put_packs(pack).unwrap();
    let layers = json!({ "layers": [blob.to_string(), tree.digest().to_string()] });
    let release = store.put_manifest(&Manifest::new("release", layers).unwrap(), &packs).unwrap();
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    store.publish(&"live/shop/agent-1".parse().unwrap(), None, deployment).unwrap();
    release.to_string()
}

//! Property test: random operations by several handles, any of which may be killed at any backend
//! request. Afterwards, published releases are complete, generations are numbered without gaps, and
//! garbage collection has removed only unreferenced objects.

use std::collections::BTreeMap;

use pinnace_store::{
    ContentKind, Deployment, Digest, ErrorKind, Keep, Manifest, MemoryBackend, PackBuilder,
    Published, RefName, Store,
};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use crate::faults::Dying;

#[derive(Clone, Debug)]
enum Step {
    /// Publish a release of these contents under a name.
    Publish { name: u8, contents: Vec<u8> },
    /// Roll back to the release of the previous deployment.
    Rollback { name: u8 },
    /// Collect garbage, some time later.
    Collect { after: u64, generations: usize },
    /// Put a blob that nothing will refer to.
    Litter { content: u8 },
}

/// Returns random operations, each with the backend request at which its process is killed, if any.
fn steps() -> impl Strategy<Value = Vec<(Step, Option<(usize, bool)>)>> {
    let step = prop_oneof![
        4 => (0..2_u8, vec(0..6_u8, 1..4)).prop_map(|(name, contents)| Step::Publish { name, contents }),
        1 => (0..2_u8).prop_map(|name| Step::Rollback { name }),
        3 => (0..300_u64, 1..4_usize).prop_map(|(after, generations)| Step::Collect { after, generations }),
        1 => (0..6_u8).prop_map(|content| Step::Litter { content }),
    ];
    vec((step, proptest::option::of((0..14_usize, any::<bool>()))), 1..25)
}

const GRACE: u64 = 100;
/// Seconds after which a killed collection counts as dead.
const PATIENCE: u64 = 300;

fn name(number: u8) -> RefName {
    format!("wanted/s{number}").parse().unwrap()
}

fn blob(content: u8) -> String {
    format!("blob {content}").repeat(10)
}

/// Publishes as a deployer does: asks which blobs are missing, puts them, and publishes.
fn publish(
    store: &Store,
    number: u8,
    contents: &[u8],
) -> Result<Option<Digest>, pinnace_store::Error> {
    let digests: Vec<Digest> = contents
        .iter()
        .map(|one| {
            Digest::new(
                sha2::Digest::finalize(sha2::Digest::chain_update(
                    sha2::Sha256::default(),
                    blob(*one),
                ))
                .into(),
            )
        })
        .collect();
    let lacking = store.missing(&digests)?;
    for (content, digest) in contents.iter().zip(&digests) {
        if lacking.contains(digest) {
            store.put_as(digest, &mut blob(*content).as_bytes())?;
        }
    }
    let mut pack = PackBuilder::new();
    let small: Vec<String> =
        contents.iter().map(|one| pack.add(ContentKind::Blob, vec![*one]).to_string()).collect();
    let packs = store.put_packs(pack)?;
    let layers: Vec<String> = digests.iter().map(Digest::to_string).collect();
    let manifest = Manifest::new("release", json!({ "layers": layers, "small": small })).unwrap();
    let release = store.put_manifest(&manifest, &packs)?;
    let latest = store.latest(&name(number))?;
    store.hold(&release, latest.as_ref().and_then(|one| one.release.as_ref()))?;
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    match store.publish(&name(number), latest.as_ref(), deployment)? {
        Published::Done(_) => Ok(Some(release)),
        Published::Lost(_) => Ok(None),
    }
}

fn rollback(store: &Store, number: u8) -> Result<(), pinnace_store::Error> {
    let steps = store.history(&name(number), 2)?;
    let [newest, before] = &steps[..] else { return Ok(()) };
    let Some(release) = before.release else { return Ok(()) };
    // A rollback to a release that is gone is impossible.
    match store.hold(&release, newest.release.as_ref()) {
        Err(error) if error.is_retryable() || matches!(error.kind(), ErrorKind::Lost { .. }) => {
            return Ok(());
        }
        held => held?,
    }
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    store.publish(&name(number), Some(newest), deployment).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_what_is_published_is_whole(steps in steps()) {
        let backend = MemoryBackend::new();
        let mut now = 1000;
        backend.set_now(now);
        Store::open(backend.clone()).unwrap();
        let mut generations: BTreeMap<u8, u64> = BTreeMap::new();
        for (step, death) in steps {
            let (last, is_done) = death.unwrap_or((usize::MAX, false));
            let dying = Dying::new(backend.clone(), last, is_done);
            let Ok(store) = Store::open(dying.clone()) else { continue };
            let ended = match &step {
                Step::Publish { name, contents } => match publish(&store, *name, contents) {
                    // A collection was killed at its work, and a later one must finish that first.
                    Err(error) if error.is_retryable() => {
                        now += PATIENCE;
                        backend.set_now(now);
                        store.collect(Keep::default(), GRACE).and_then(|_| publish(&store, *name, contents)).map(drop)
                    }
                    done => done.map(drop),
                },
                Step::Rollback { name } => rollback(&store, *name),
                Step::Collect { after, generations } => {
                    now += after;
                    backend.set_now(now);
                    store.collect(Keep { generations: *generations }, GRACE).map(drop)
                }
                Step::Litter { content } => store.put(&mut format!("litter {content}").as_bytes()).map(drop),
            };
            prop_assert!(ended.is_ok() || dying.is_dead(), "{:?}: {:?}", step, ended);
            // Another process checks the store after every operation.
            let store = Store::open(backend.clone()).unwrap();
            let checked = store.check(None).unwrap();
            prop_assert!(checked.findings.is_empty(), "{:?}: {:?}", step, checked.findings);
            for number in 0..2 {
                let history = store.history(&name(number), 1000).unwrap();
                let newest = history.first().map_or(0, |one| one.generation);
                prop_assert_eq!(history.len() as u64, newest);
                let before = generations.insert(number, newest).unwrap_or(0);
                prop_assert!(newest >= before);
                if let Some(release) = history.first().and_then(|one| one.release) {
                    let stored = store.manifest(&release).unwrap();
                    prop_assert!(stored.is_some(), "{:?}: the live release is gone", step);
                }
            }
            // A killed operation can be done again.
            if dying.is_dead() {
                now += PATIENCE;
                backend.set_now(now);
                let again = match &step {
                    Step::Publish { name, contents } => store
                        .collect(Keep::default(), GRACE)
                        .and_then(|_| publish(&store, *name, contents))
                        .map(drop),
                    Step::Collect { generations, .. } => store.collect(Keep { generations: *generations }, GRACE).map(drop),
                    _ => Ok(()),
                };
                prop_assert!(again.is_ok(), "{:?}: {:?}", step, again);
            }
            for number in 0..2 {
                generations.insert(number, store.history(&name(number), 1).unwrap().first().map_or(0, |one| one.generation));
            }
        }
    }
}

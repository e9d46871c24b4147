use pinnace_deploy::{
    ErrorKind, Rollback, deployment_record, failed_generations, find_release, services,
    stop_service,
};
use pinnace_store::{Deployment, Digest, Keep};
use serde_json::json;

use crate::world::{World, assert_kind, shop};

/// Creates a world with three generations, and returns their releases.
fn world() -> (World, Vec<Digest>) {
    let world = World::new();
    let releases = (1..=3).map(|number| world.deploy_version(number).release.unwrap()).collect();
    (world, releases)
}

fn record(world: &World) -> Deployment {
    deployment_record(&world.path("p"), None, &world.env)
}

fn roll_back(world: &World, to: Option<u64>) -> Result<Deployment, pinnace_deploy::Error> {
    let service = shop();
    Rollback::new(&world.store, &world.cache, &service).to(to).run(record(world), Some("slow"))
}

#[test]
fn repeated_rollbacks_go_further_back() {
    let (world, releases) = world();
    let back = roll_back(&world, None).unwrap();
    assert_eq!((back.generation, back.release), (4, Some(releases[1])));
    assert_eq!(back.reason.as_deref(), Some("rollback to generation 2: slow"));
    let further = roll_back(&world, None).unwrap();
    assert_eq!((further.generation, further.release), (5, Some(releases[0])));
    assert_kind!(roll_back(&world, None), ErrorKind::NothingBefore { .. });
    let forward = roll_back(&world, Some(3)).unwrap();
    assert_eq!((forward.generation, forward.release), (6, Some(releases[2])));
    let history = world.store.history(shop().wanted(), 10).unwrap();
    let generations: Vec<u64> = history.iter().map(|deployment| deployment.generation).collect();
    assert_eq!(generations, [6, 5, 4, 3, 2, 1]);
    // A deployment of the project builds on the release that is live.
    let deployed = world.deploy_version(3);
    assert_eq!((deployed.release, deployed.generation), (Some(releases[2]), 6));
}

#[test]
fn rollbacks_without_a_release_are_refused_by_kind() {
    let (world, releases) = world();
    assert_kind!(roll_back(&world, Some(9)), ErrorKind::NoGeneration { generation: 9, .. });
    let stopped = stop_service(&world.store, &world.cache, &shop(), record(&world)).unwrap();
    assert_eq!((stopped.generation, stopped.release), (4, None));
    assert_kind!(roll_back(&world, Some(4)), ErrorKind::NotARelease { generation: 4, .. });
    // Stopping twice changes nothing, and a rollback starts the service again.
    let again = stop_service(&world.store, &world.cache, &shop(), record(&world)).unwrap();
    assert_eq!(again.generation, 4);
    let back = roll_back(&world, None).unwrap();
    assert_eq!((back.generation, back.release), (5, Some(releases[2])));
    let other = "other".parse().unwrap();
    let unknown = stop_service(&world.store, &world.cache, &other, record(&world));
    assert_kind!(unknown, ErrorKind::NoService { service } if service == "other");
    let rollback = Rollback::new(&world.store, &world.cache, &other);
    assert_kind!(rollback.run(record(&world), None), ErrorKind::NoService { .. });
}

#[test]
fn retention_removes_old_releases_and_rollbacks_say_so() {
    let (world, releases) = world();
    let keep = Keep { generations: 2 };
    // Of two collections, the first one writes tombstones, the second one removes.
    for _ in 0..2 {
        world.store.collect(keep, 0).unwrap();
    }
    assert!(world.store.check(None).unwrap().findings.is_empty());
    assert_kind!(roll_back(&world, Some(1)), ErrorKind::Collected { generation: 1, .. });
    assert!(world.store.manifest(&releases[0]).unwrap().is_none());
    let back = roll_back(&world, Some(2)).unwrap();
    assert_eq!(back.release, Some(releases[1]));
}

#[test]
fn releases_are_found_by_service_digest_and_first_digits() {
    let (world, releases) = world();
    let find = |text: &str| find_release(text, &world.store, &world.cache);
    assert_eq!(find("shop").unwrap(), releases[2]);
    let hex = releases[0].to_hex();
    for text in [&hex, &format!("sha256:{hex}"), &hex[..12], &hex[..12].to_uppercase()] {
        assert_eq!(find(text).unwrap(), releases[0], "{text}");
    }
    assert_kind!(find("nobody"), ErrorKind::NoRelease { text } if text == "nobody");
    stop_service(&world.store, &world.cache, &shop(), record(&world)).unwrap();
    assert_kind!(find("shop"), ErrorKind::Stopped { generation: 4, .. });
}

#[test]
fn services_are_listed_with_their_failures_on_agents() {
    let (world, _) = world();
    let listed = services(&world.store).unwrap();
    let generations: Vec<(&str, u64)> =
        listed.iter().map(|(name, newest)| (name.as_str(), newest.generation)).collect();
    assert_eq!(generations, [("shop", 3)]);
    let name = shop().live("agent-1").unwrap();
    let mut before = None;
    for (generation, state) in [(1, "live"), (2, "failed"), (3, "live")] {
        let mut report = Deployment::default();
        let status = json!({ "generation": generation, "state": state });
        report.extensions.insert("pinnace.agent".to_owned(), status);
        let published = world.store.publish(&name, before.as_ref(), report).unwrap();
        let pinnace_store::Published::Done(deployment) = published else {
            panic!("no other writer")
        };
        before = Some(deployment);
    }
    let failed = failed_generations(&world.store, &shop(), 10).unwrap();
    assert_eq!(failed.into_iter().collect::<Vec<_>>(), [(2, vec!["agent-1".to_owned()])]);
    assert!(failed_generations(&world.store, &shop(), 1).unwrap().is_empty());
    assert_eq!(shop().live("a b"), None);
}

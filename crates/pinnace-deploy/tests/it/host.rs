use std::sync::Mutex;

use pinnace_build::Context;
use pinnace_deploy::{
    Deployed, Deployer, Error, ErrorKind, Host, HostError, HostPlatforms, Outcome, Progress,
    Rollback, Rollout, RolloutAttempt, RolloutOutcome, ServiceName, StoreSide, deployment_record,
};
use pinnace_store::Digest;

use crate::world::{PLATFORM, World, assert_kind, platform, shop};

/// A host with one platform, which runs `shop` and reports an outcome for each rollout.
struct TestHost {
    platform: String,
    missing: Vec<String>,
    /// The outcomes to report, the last one first; then every rollout is live.
    outcomes: Mutex<Vec<RolloutOutcome>>,
    rolled_out: Mutex<Vec<u64>>,
    offered: Mutex<Vec<String>>,
}

impl TestHost {
    fn new() -> Self {
        Self {
            platform: format!("{PLATFORM}.4").replace("cp312.4", "3.12.4"),
            missing: Vec::new(),
            outcomes: Mutex::default(),
            rolled_out: Mutex::default(),
            offered: Mutex::default(),
        }
    }

    /// Fails the next rollout.
    fn fail_next(&self) {
        let reason = "exit status 1".to_owned();
        self.outcomes.lock().unwrap().push(RolloutOutcome::Failed { reason });
    }

    fn take_rolled_out(&self) -> Vec<u64> {
        std::mem::take(&mut self.rolled_out.lock().unwrap())
    }
}

impl Host for TestHost {
    fn name(&self) -> String {
        "test-host".to_owned()
    }

    fn platforms(&self) -> Result<HostPlatforms, HostError> {
        Ok(HostPlatforms::new(vec![self.platform.clone()], vec!["shop".to_owned()]))
    }

    fn missing_variables(
        &self,
        _: &ServiceName,
        names: &[String],
    ) -> Result<(Vec<String>, String), HostError> {
        let missing = names.iter().filter(|name| self.missing.contains(name)).cloned();
        Ok((missing.collect(), "set them".to_owned()))
    }

    fn offer(&self, wheels: &[(Digest, String)]) -> Result<(), HostError> {
        self.offered.lock().unwrap().extend(wheels.iter().map(|(_, address)| address.clone()));
        Ok(())
    }

    fn roll_out(
        &self,
        _: &ServiceName,
        generation: u64,
        _: Option<&Digest>,
        _: &dyn Progress,
    ) -> Result<Rollout, HostError> {
        self.rolled_out.lock().unwrap().push(generation);
        let outcome = self.outcomes.lock().unwrap().pop().unwrap_or(RolloutOutcome::Live);
        let mut attempt = RolloutAttempt::new(generation, outcome);
        attempt.timings_ms = vec![("start".to_owned(), 25.0)];
        attempt.log = vec!["Traceback".to_owned()];
        let mut rollout = Rollout::default();
        rollout.attempt = Some(attempt);
        Ok(rollout)
    }

    fn last_ready_before(&self, _: &ServiceName, generation: u64) -> Option<u64> {
        // Generation 2 was never ready.
        (1..generation).rev().find(|number| *number != 2)
    }
}

fn deploy_on(world: &World, host: &TestHost) -> Result<Deployed, Error> {
    let cx = Context::new(&world.env, &world.cache).unwrap();
    let deployer = Deployer::new(&world.store, &cx).on_host(host, StoreSide::Host);
    deployer.deploy(&world.project(), &shop(), &world.options())
}

/// Creates a world whose project has no platform of its own.
fn world() -> World {
    let world = World::new();
    world.write_settings("");
    world
}

#[test]
fn a_release_is_for_the_platform_of_its_host_and_waits_until_it_is_live() {
    let (world, host) = (world(), TestHost::new());
    let done = deploy_on(&world, &host).unwrap();
    assert_eq!((done.generation, host.take_rolled_out()), (1, vec![1]));
    let contents = pinnace_deploy::Contents::fetch(&world.store, &done.release.unwrap()).unwrap();
    assert_eq!(contents.release().platform, platform());
    let steps: Vec<&str> = done.timings.steps().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(steps, ["scan", "resolve", "build", "upload", "start", "total"]);
    // The host is offered the wheels' addresses once; later it has them.
    let offered = std::mem::take(&mut *host.offered.lock().unwrap());
    assert_eq!(offered.len(), 2);
    assert!(offered[0].ends_with("/moo-1.0-py3-none-any.whl"), "{offered:?}");
    world.write("src/shop/words.py", "EDITED = 1\n");
    deploy_on(&world, &host).unwrap();
    assert!(host.offered.lock().unwrap().is_empty());
}

#[test]
fn a_failed_rollout_is_an_error_with_the_log_and_can_be_tried_again() {
    let (world, host) = (world(), TestHost::new());
    host.fail_next();
    let error = deploy_on(&world, &host).err().unwrap();
    let ErrorKind::NotLive(not_live) = error.kind() else { panic!("{error}") };
    assert_eq!((not_live.generation, not_live.host.as_str()), (1, "test-host"));
    let text = error.to_string();
    assert!(text.contains("is not live: exit status 1") && text.contains("Traceback"), "{text}");
    // The release is published; deploying it again publishes it once more if the host still fails.
    host.fail_next();
    let again = deploy_on(&world, &host).unwrap();
    assert_eq!((again.generation, again.outcome), (2, Outcome::Published));
    assert_eq!(host.take_rolled_out(), [1, 1, 2]);
    let history = world.store.history(shop().wanted(), 5).unwrap();
    assert_eq!(history[0].release, history[1].release);
    assert_eq!(history[0].reason.as_deref(), Some("generation 1 once more"));
    // A release that is live is waited for, and not published again.
    assert_eq!(deploy_on(&world, &host).unwrap().outcome, Outcome::Unchanged);
}

#[test]
fn a_release_that_cannot_run_on_the_host_is_refused_before_any_upload() {
    let world = world();
    let refused = |host: &TestHost| deploy_on(&world, host);
    world.write_settings("env = ['KEY', 'OTHER']\n");
    let host = TestHost { missing: vec!["KEY".to_owned()], ..TestHost::new() };
    assert_kind!(
        refused(&host),
        ErrorKind::HostLacksVariables { names, remedy, .. } if names == &["KEY"] && remedy == "set them"
    );
    world.write_settings("python = '3.13'\n");
    assert_kind!(
        refused(&TestHost::new()),
        ErrorKind::HostHasNoPython { version: Some(version), .. } if version.starts_with("3.13")
    );
    world.write_settings("platform = 'manylinux_2_28_x86_64-cp311'\n");
    assert_kind!(refused(&TestHost::new()), ErrorKind::HostOtherPlatform { .. });
    world.write_settings("python = '/usr/bin/python3'\n");
    assert_kind!(refused(&TestHost::new()), ErrorKind::LocalInterpreter { .. });
    world.write_settings("");
    let cx = Context::new(&world.env, &world.cache).unwrap();
    let host = TestHost::new();
    let deployer = Deployer::new(&world.store, &cx).on_host(&host, StoreSide::Direct);
    let other = deployer.deploy(&world.project(), &"other".parse().unwrap(), &world.options());
    assert_kind!(other, ErrorKind::HostRunsOthers { services, .. } if services == &["shop"]);
    assert!(world.store.refs().unwrap().is_empty());
    assert!(host.take_rolled_out().is_empty());
}

#[test]
fn a_rollback_skips_generations_that_failed_on_the_host() {
    let (world, host) = (World::new(), TestHost::new());
    let releases: Vec<Option<Digest>> =
        (1..=3).map(|number| world.deploy_version(number).release).collect();
    let service = shop();
    let rollback = Rollback::new(&world.store, &world.cache, &service).on(Some(&host));
    let record = deployment_record(&world.path("p"), None, &world.env);
    let back = rollback.run(record, None).unwrap();
    assert_eq!(
        (back.release, back.reason.as_deref()),
        (releases[0], Some("rollback to generation 1"))
    );
}

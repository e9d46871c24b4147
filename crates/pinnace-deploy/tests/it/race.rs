use std::sync::Mutex;

use pinnace_build::{Cache, Context, Progress as BuildProgress};
use pinnace_deploy::{Deployer, ErrorKind, Progress, Stage};
use pinnace_test::Folder;
use pinnace_wheel::{Event, Progress as WheelProgress};

use crate::world::{World, shop};

/// An observer that runs something once, when a deployer begins to publish.
struct AtPublishing<'a>(Mutex<Option<Box<dyn FnOnce() + Send + 'a>>>);

impl WheelProgress for AtPublishing<'_> {
    fn event(&self, _: Event<'_>) {}
}

impl BuildProgress for AtPublishing<'_> {}

impl Progress for AtPublishing<'_> {
    fn stage(&self, stage: Stage<'_>) {
        if matches!(stage, Stage::Publishing)
            && let Some(work) = self.0.lock().unwrap().take()
        {
            work();
        }
    }
}

#[test]
fn the_second_of_two_deployers_is_superseded() {
    let world = World::new();
    world.deploy();
    let elsewhere = Folder::new();
    let other_cache = Cache::open(elsewhere.path()).unwrap();
    let other = || {
        world.write("src/shop/words.py", "THEIRS = 1\n");
        let cx = Context::new(&world.env, &other_cache).unwrap();
        let deployer = Deployer::new(&world.store, &cx);
        let done = deployer.deploy(&world.project(), &shop(), &world.options()).unwrap();
        assert_eq!(done.generation, 2);
        world.write("src/shop/words.py", "OURS = 1\n");
    };
    world.write("src/shop/words.py", "OURS = 1\n");
    let progress = AtPublishing(Mutex::new(Some(Box::new(other))));
    let cx = Context::new(&world.env, &world.cache).unwrap();
    let deployer = Deployer::new(&world.store, &cx).with_progress(&progress);
    let lost = deployer.deploy(&world.project(), &shop(), &world.options());
    let error = lost.err().unwrap();
    let ErrorKind::Superseded { service, newest: Some(newest) } = error.kind() else {
        panic!("{error}")
    };
    assert_eq!((service.as_str(), newest.generation), ("shop", 2));
    assert_eq!(world.store.generation(shop().wanted()).unwrap(), Some(2));
    // Deploying again publishes on top of the other's deployment.
    let again = deployer.deploy(&world.project(), &shop(), &world.options()).unwrap();
    assert_eq!(again.generation, 3);
    assert!(world.store.check(None).unwrap().findings.is_empty());
}

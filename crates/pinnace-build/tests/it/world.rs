use std::{fs, path::PathBuf, sync::Arc};

use pinnace_build::{Build, Cache, Context, Env, Error, ErrorKind, IndexSpec, Network};
use pinnace_test::{Folder, Wheel, python};
use pinnace_wheel::{Fetch, FetchError, GetRequest, Response};

/// A platform for which this machine need not have an interpreter.
pub(crate) const PLATFORM: &str = "manylinux_2_28_x86_64-cp312";

/// A current folder with wheels in `links`, an environment and a cache. Builds have no network.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) env: Env,
    pub(crate) cache: Cache,
    _cache: Folder,
}

impl World {
    pub(crate) fn new() -> Self {
        let (folder, cache) = (Folder::new(), Folder::new());
        let bin = python().parent().unwrap().display().to_string();
        let env = Env::new(folder.path().canonicalize().unwrap()).with_variable("PATH", bin);
        fs::create_dir(folder.join("links")).unwrap();
        Self { cache: Cache::open(cache.path()).unwrap(), _cache: cache, env, folder }
    }

    /// Creates a world with `moo` 1.0, which has a script and requires `voice`, and `voice` 1.5.
    pub(crate) fn with_moo() -> Self {
        let world = Self::new();
        let main = "def main():\n    import sys, voice\n    print(voice.say(sys.argv[1:]))\n";
        let moo = Wheel::new("moo", "1.0").requires("voice>=1").file("moo.py", main);
        world.link(&moo.console_script("moo", "moo:main"));
        world.link(&voice("1.5"));
        world
    }

    /// Adds a wheel to the folder of links.
    pub(crate) fn link(&self, wheel: &Wheel) {
        wheel.write_to(&self.folder.join("links"));
    }

    pub(crate) fn cx(&self) -> Context<'_> {
        Context::new(&self.env, &self.cache).unwrap().with_network(Network::new(Arc::new(Offline)))
    }

    /// Starts a build for [`PLATFORM`] that takes wheels from the folder of links.
    pub(crate) fn build<'w>(&self, cx: &'w Context<'w>) -> Build<'w> {
        let build = Build::with_context(cx).configure(|spec| spec.indexes = links());
        build.platform(PLATFORM).unwrap()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.env.folder.join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }
}

/// Returns the indexes of a world: its folder of links.
pub(crate) fn links() -> IndexSpec {
    let mut indexes = IndexSpec::default();
    (indexes.find_links, indexes.no_index) = (vec!["links".to_owned()], true);
    indexes
}

pub(crate) fn voice(version: &str) -> Wheel {
    let say = format!("def say(words):\n    return '{version} ' + ' '.join(words)\n");
    Wheel::new("voice", version).file("voice.py", say)
}

/// Returns the error of a result that must have one.
pub(crate) fn error<T>(result: Result<T, Error>) -> Error {
    result.err().unwrap()
}

/// Asserts that a result is an error of a kind.
macro_rules! assert_kind {
    ($result:expr, $kind:pat $(if $guard:expr)?) => {
        let error = $crate::world::error($result);
        assert!(matches!(error.kind(), $kind $(if $guard)?), "{:?}", error.kind());
    };
}
pub(crate) use assert_kind;

/// Returns true if an error is the one that a request without network gives.
pub(crate) fn is_offline(kind: &ErrorKind) -> bool {
    format!("{kind:?}").contains("no network")
}

/// A network on which every request fails.
struct Offline;

impl Fetch for Offline {
    fn fetch(&self, _: &GetRequest<'_>) -> Result<Response, FetchError> {
        Err(FetchError::new("no network in this test").lasting())
    }
}

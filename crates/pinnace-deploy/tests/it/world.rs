use std::{fs, path::PathBuf};

use pinnace_build::{Cache, Context, Env};
use pinnace_deploy::{DeployOptions, Deployed, Deployer, Error, Project, ServiceName};
use pinnace_store::{Durability, LocalStore, Store};
use pinnace_test::{Folder, Index, Wheel, python};
use pinnace_wheel::Target;

/// A platform for which this machine need not have an interpreter.
pub(crate) const PLATFORM: &str = "manylinux_2_28_x86_64-cp312";

/// A project `shop` in `p` that requires `moo`, an index that has it, a store and a cache.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) env: Env,
    pub(crate) cache: Cache,
    pub(crate) index: Index,
    pub(crate) store: Store,
}

impl World {
    /// Creates a world whose project is for [`PLATFORM`].
    pub(crate) fn new() -> Self {
        let world = Self::for_this_machine();
        world.write_settings(&format!("platform = '{PLATFORM}'\n"));
        world
    }

    /// Creates a world whose project is for the default interpreter.
    pub(crate) fn for_this_machine() -> Self {
        let folder = Folder::new();
        let bin = python().parent().unwrap().display().to_string();
        let root = folder.path().canonicalize().unwrap();
        let mut env = Env::new(&root).with_variable("PATH", bin).with_variable("USER", "anna");
        env.now = 1_800_000_000;
        let store = LocalStore::open(root.join("store"), Durability::Volatile).unwrap();
        let (cache, store) =
            (Cache::open(&root.join("cache")).unwrap(), Store::open(store).unwrap());
        let world = Self { folder, env, cache, index: Index::with_moo(), store };
        world.require("'moo'");
        world.write("src/shop/__init__.py", "def main():\n    print(say())\n");
        world.write("src/shop/words.py", "def say():\n    return 'one'\n");
        world.write("data/large.txt", &"data\n".repeat(2000));
        world
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.folder.write(&format!("p/{path}"), text);
    }

    /// Sets the requirements of the project, as a list in TOML.
    pub(crate) fn require(&self, requirements: &str) {
        let text = format!(
            "[project]\nname = 'shop'\nversion = '1.0'\ndependencies = [{requirements}]\n\
             scripts.shop = 'shop:main'\n"
        );
        self.write("pyproject.toml", &text);
    }

    /// Sets the settings of the project, besides its command.
    pub(crate) fn write_settings(&self, settings: &str) {
        let text = format!("serve = ['python', '-m', 'shop', '{{port}}']\n{settings}");
        self.write("pinnace.toml", &text);
    }

    /// Adds a version of `voice` to the index.
    pub(crate) fn add_voice(&self, version: &str) {
        self.index
            .add(&Wheel::new("voice", version).file("voice.py", "def say(words): return ''\n"));
    }

    pub(crate) fn project(&self) -> Project {
        Project::open("p", &self.env).unwrap()
    }

    pub(crate) fn options(&self) -> DeployOptions {
        let mut options = DeployOptions::default();
        options.indexes.index_url = Some(self.index.url());
        options
    }

    /// Deploys the project as `shop`.
    pub(crate) fn deploy(&self) -> Deployed {
        self.deploy_with(|_| {}).unwrap()
    }

    /// Deploys the project as `shop` with changed options.
    pub(crate) fn deploy_with(
        &self,
        change: impl FnOnce(&mut DeployOptions),
    ) -> Result<Deployed, Error> {
        let mut options = self.options();
        change(&mut options);
        let cx = Context::new(&self.env, &self.cache).unwrap();
        Deployer::new(&self.store, &cx).deploy(&self.project(), &shop(), &options)
    }

    /// Changes the project's code and deploys it, so that each number gives another release.
    pub(crate) fn deploy_version(&self, number: u32) -> Deployed {
        self.write("src/shop/words.py", &format!("def say():\n    return '{number}'\n"));
        self.deploy()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.env.folder.join(path)
    }

    /// Replaces the cache by an empty one, as on another machine.
    pub(crate) fn without_cache(self) -> Self {
        fs::remove_dir_all(self.path("cache")).unwrap();
        Self { cache: Cache::open(&self.path("cache")).unwrap(), ..self }
    }
}

/// Returns [`PLATFORM`] as releases name it.
pub(crate) fn platform() -> String {
    PLATFORM.parse::<Target>().unwrap().to_string()
}

pub(crate) fn shop() -> ServiceName {
    "shop".parse().unwrap()
}

/// Asserts that a result is an error of a kind.
macro_rules! assert_kind {
    ($result:expr, $kind:pat $(if $guard:expr)?) => {
        let error = $result.err().unwrap();
        assert!(matches!(error.kind(), $kind $(if $guard)?), "{:?}", error.kind());
    };
}
pub(crate) use assert_kind;

use pinnace_build::{IndexSpec, PlatformSpec, SolveSpec};

/// The options of a deployment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeployOptions {
    /// The choice of dependencies, if no lock pins them.
    pub dependencies: DependencyPolicy,
    /// The use of this machine's cache of the store.
    pub memory: StoreMemory,
    /// The effect of the deployment.
    pub effect: Effect,
    /// The reason, for the record.
    pub reason: Option<String>,
    /// The platform; by default, that of the project's settings or of the host.
    pub platforms: PlatformSpec,
    /// The rules of the resolver.
    pub solve: SolveSpec,
    /// The indexes.
    pub indexes: IndexSpec,
}

/// A choice of dependencies that no lock pins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum DependencyPolicy {
    /// Reuse the live ones while the inputs are unchanged; otherwise resolve, and prefer the live versions.
    #[default]
    Reuse,
    /// Use the live ones, or those of a lock. A change of the inputs is an error.
    Locked,
    /// Resolve, and take the newest versions.
    Upgrade,
}

/// A use of this machine's cache of a store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreMemory {
    /// Trust the cache: known objects count as present, and the live dependencies may be reused.
    #[default]
    Used,
    /// Ignore the cache: resolve again, check every object in the store, and upload the missing ones.
    Ignored,
}

/// An effect of a deployment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Publish the release.
    #[default]
    Publish,
    /// Plan the deployment, and publish nothing.
    DryRun,
}

impl DeployOptions {
    /// Returns true if the live dependencies must not be reused without resolving.
    pub(crate) fn resolves_again(&self) -> bool {
        self.memory == StoreMemory::Ignored || self.dependencies == DependencyPolicy::Upgrade
    }
}

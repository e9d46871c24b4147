use pinnace_build::{IndexSpec, PlatformSpec, SolveSpec};

/// The options of a deployment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeployOptions {
    /// The choice of dependencies that no lock names.
    pub dependencies: DependencyPolicy,
    /// The use of what this machine remembers of the store.
    pub memory: StoreMemory,
    /// The effect of the deployment.
    pub effect: Effect,
    /// The reason, for the record.
    pub reason: Option<String>,
    /// The platform, if it is not that of the project's settings or of the host.
    pub platforms: PlatformSpec,
    /// The rules of the resolver.
    pub solve: SolveSpec,
    /// The indexes.
    pub indexes: IndexSpec,
}

/// A choice of the dependencies that no lock names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum DependencyPolicy {
    /// The live ones while the inputs are the same; otherwise a resolution that prefers the live versions.
    #[default]
    Reuse,
    /// The live ones, or those of a lock. A change of the inputs is an error.
    Locked,
    /// The newest ones.
    Upgrade,
}

/// A use of what this machine remembers of a store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreMemory {
    /// Remembered objects count as present, and remembered resolutions count.
    #[default]
    Used,
    /// Everything is resolved again, and every object is looked for and put again where it is missing.
    Ignored,
}

/// An effect of a deployment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// The release is published, and goes live.
    #[default]
    Publish,
    /// The deployment is planned only.
    DryRun,
}

impl DeployOptions {
    /// Returns true if remembered dependencies do not count.
    pub(crate) fn resolves_again(&self) -> bool {
        self.memory == StoreMemory::Ignored || self.dependencies == DependencyPolicy::Upgrade
    }
}

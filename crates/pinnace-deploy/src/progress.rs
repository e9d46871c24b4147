use pinnace_wheel::Silent;

/// An observer of deployments, which can also cancel them.
///
/// The supertrait reports the build; this trait adds the stages of a deployment.
pub trait Progress: pinnace_build::Progress {
    /// Reports a stage.
    fn stage(&self, stage: Stage<'_>) {
        let _ = stage;
    }
}

impl Progress for Silent {}

/// A stage of a deployment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Stage<'a> {
    /// The deployer publishes the release to the store.
    Publishing,
    /// The host launches the release.
    Starting,
    /// The host waits for something, such as a port or a probe.
    Waiting(&'a str),
}

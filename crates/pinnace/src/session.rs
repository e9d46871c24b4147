//! The state shared by all commands that resolve: cache, network, progress and interruption.

use std::sync::Arc;

use pinnace_build::{Cache, Context, Env, Network};

use crate::{
    Failure, arguments::IndexArguments, interrupt::Interrupt, output::Output, progress::Reporter,
};

/// The cache, the network, the progress and the interrupt of a command.
pub(crate) struct Session<'e> {
    pub(crate) env: &'e Env,
    pub(crate) interrupt: Interrupt,
    pub(crate) reporter: Arc<Reporter>,
    cache: Cache,
    network: Network,
}

impl<'e> Session<'e> {
    /// Opens the cache, and listens for signals, which also end downloads.
    pub(crate) fn start(env: &'e Env, output: Output) -> Result<Self, Failure> {
        let network = Network::default();
        let stopped = network.clone();
        let interrupt = Interrupt::listen(move || stopped.stop())?;
        Ok(Self { network, ..Self::with_interrupt(env, output, interrupt)? })
    }

    /// Opens the cache for work that the given interrupt stops.
    pub(crate) fn with_interrupt(
        env: &'e Env,
        output: Output,
        interrupt: Interrupt,
    ) -> Result<Self, Failure> {
        let reporter = Arc::new(Reporter::new(output, interrupt.clone()));
        let cache = Cache::open(&env.cache_folder()?)?;
        Ok(Self { env, interrupt, reporter, cache, network: Network::default() })
    }

    /// Creates the context of a build.
    pub(crate) fn context(&self, index: &IndexArguments) -> Result<Context<'_>, Failure> {
        let cx = Context::new(self.env, &self.cache)?
            .with_progress(&*self.reporter)
            .with_network(self.network.clone());
        match &index.keyring_provider {
            Some(name) => Ok(cx.with_keyring(name.parse()?)),
            None => Ok(cx),
        }
    }
}

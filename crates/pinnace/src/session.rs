//! The means of all commands that resolve: cache, network, terminal and Ctrl-C.

use std::sync::Arc;

use pinnace_build::{Cache, Context, Env, Network};

use crate::{
    Failure,
    arguments::IndexArguments,
    interrupt::Interrupt,
    progress::{Output, Reporter},
};

/// The means of one command.
pub(crate) struct Session<'e> {
    pub(crate) env: &'e Env,
    pub(crate) interrupt: Interrupt,
    pub(crate) reporter: Arc<Reporter>,
    cache: Cache,
    network: Network,
}

impl<'e> Session<'e> {
    /// Opens the cache, and listens for Ctrl-C, which also ends downloads.
    pub(crate) fn start(env: &'e Env, output: Output) -> Result<Self, Failure> {
        let network = Network::default();
        let stopped = network.clone();
        let interrupt = Interrupt::listen(move || stopped.stop())?;
        Ok(Self { network, ..Self::under(env, output, interrupt)? })
    }

    /// Opens the cache for work that an interrupt of the caller's ends.
    pub(crate) fn under(
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

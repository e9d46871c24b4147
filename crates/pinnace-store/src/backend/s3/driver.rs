//! The thread that drives the network.

use std::{io, sync::mpsc};

use object_store::Error as S3Error;
use tokio::{runtime::Handle, sync::oneshot};

/// A runtime on a thread of its own, which ends when the driver is dropped.
pub(super) struct Driver {
    pub(super) handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl Driver {
    pub(super) fn start() -> io::Result<Self> {
        // Another part of the program may have installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new().name("pinnace-s3".to_owned()).spawn(move || {
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, _stop: stop })
    }

    /// Runs a request on the network thread, and waits for its result.
    pub(super) fn run<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<S3Error> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel();
        self.handle.spawn(async move {
            let _ = sender.send(work.await);
        });
        receiver.recv().unwrap_or_else(|_| {
            let source = "the network's thread ended".into();
            Err(S3Error::Generic { store: "S3", source }.into())
        })
    }
}

//! An agent, from its start to its end.

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};

use super::{
    context::Context,
    http_server,
    options::{Dependencies, Options},
    orphans,
    polling::{poll_store, poll_tokens},
    ports::bind,
    proxy::{Handler, listen},
    services::Services,
    state_dir::ServiceDir,
    supervisors::Supervisors,
};
use crate::{AgentStatus, Error, ErrorKind};

/// A running agent. Dropping it stops it at once; [`stop`](Self::stop) drains.
pub struct Agent {
    supervisors: Arc<Supervisors>,
    runtime: Option<Runtime>,
    /// The lock of the folder, held as long as the agent runs.
    lock: File,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Agent {
    /// Starts an agent. It ends processes that an earlier agent has left, and launches the releases that were ready last.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoToken`] if other machines can reach the address and there is no token,
    /// [`ErrorKind::InUse`] if another agent has the folder, [`ErrorKind::Listen`] if the address is taken, or
    /// [`ErrorKind::Io`] if the folder cannot be used.
    pub fn start(dependencies: Dependencies, options: Options) -> Result<Self, Error> {
        if !options.listen.ip().is_loopback() && options.tokens.are_open() {
            return Err(ErrorKind::NoToken { address: options.listen }.into());
        }
        let data = create_folder(&options.data)?;
        let lock = lock(&data)?;
        orphans::end(&data);
        clear_sockets(&data)?;
        let runtime = runtime()?;
        let listener = {
            let _inside = runtime.enter();
            let failed = |source| ErrorKind::Listen { address: options.listen, source };
            bind(options.listen).map_err(failed)?
        };
        let address = listener.local_addr().map_err(system("read the address"))?;
        let context = Context::new(dependencies, &options, data, address);
        let services = Arc::new(Services::new(context));
        let supervisors = Arc::new(Supervisors::new(Arc::clone(&services)));
        let handler = Handler::Agent(http_server::handler(&supervisors));
        runtime.spawn(listen(listener, handler, services.context.stop.subscribe()));
        runtime.block_on(recover(&supervisors));
        runtime.spawn(poll_store(Arc::clone(&supervisors), options.poll_interval));
        if let Some(file) = options.token_file {
            runtime.spawn(poll_tokens(services, file));
        }
        Ok(Self { supervisors, runtime: Some(runtime), lock })
    }

    /// Returns the address that the agent listens on.
    pub fn address(&self) -> SocketAddr {
        self.context().address
    }

    /// Returns the URL for a [`Client`](crate::Client).
    pub fn url(&self) -> String {
        format!("http://{}", self.context().shown_address(self.address().port()))
    }

    /// Returns the state of the agent and its services.
    pub fn status(&self) -> AgentStatus {
        self.supervisors.services.status()
    }

    /// Stops the agent: it answers the requests in flight, asks all processes to stop, and kills those that are left after
    /// [`Options::shutdown_timeout`].
    pub fn stop(mut self) {
        self.context().stop.send_replace(true);
        let tasks = self.supervisors.take_tasks();
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(futures_util::future::join_all(tasks));
            runtime.shutdown_timeout(LAST);
            // Processes that have left their group are found by their mark.
            orphans::end(&self.context().data);
        }
    }

    fn context(&self) -> &Context {
        &self.supervisors.services.context
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // A process that is being started holds a copy of the file until its program runs: closing ours is not enough.
        let _ = self.lock.unlock();
    }
}

/// The time that reads and writes have to end when the agent stops.
const LAST: Duration = Duration::from_secs(1);

fn runtime() -> Result<Runtime, Error> {
    const THREADS: usize = 2;
    // An idle blocking thread costs memory.
    const IDLE: Duration = Duration::from_secs(5);
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(THREADS)
        .thread_keep_alive(IDLE)
        .thread_name("pinnace-agent")
        .enable_all();
    builder.build().map_err(system("start threads"))
}

fn create_folder(data: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(data).map_err(Error::at("create the folder", data))?;
    data.canonicalize().map_err(Error::at("look at", data))
}

/// Removes the sockets of earlier processes.
fn clear_sockets(data: &Path) -> Result<(), Error> {
    let sockets = data.join("sockets");
    let _ = fs::remove_dir_all(&sockets);
    fs::create_dir_all(&sockets).map_err(Error::at("create the folder", &sockets))
}

fn lock(data: &Path) -> Result<File, Error> {
    let path = data.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(Error::at("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ErrorKind::InUse { path: data.to_owned() }.into()),
        Err(fs::TryLockError::Error(error)) => Err(Error::at("lock", &path)(error)),
    }
}

fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| ErrorKind::System { doing, source }.into()
}

/// Supervises the services that have a folder.
async fn recover(supervisors: &Supervisors) {
    let context = &supervisors.services.context;
    for name in ServiceDir::services(&context.data) {
        if context.is_ours(&name) {
            let _ = supervisors.supervise(&name);
        }
    }
}

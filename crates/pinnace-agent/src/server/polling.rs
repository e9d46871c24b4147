//! The periodic checks of an agent: the store and the token file.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::{log::AGENT, proxy::stopped, services::Services, supervisors::Supervisors};
use crate::Tokens;

/// Every so many polls the agent lists all refs, to find new services.
const DISCOVERY: u64 = 5;
/// The interval of checks of the token file.
const TOKENS: Duration = Duration::from_secs(2);

/// Polls the store for deployments that were not announced over HTTP.
pub(crate) async fn poll_store(supervisors: Arc<Supervisors>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = supervisors.services.context.stop.subscribe();
    for number in 0_u64.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopped(&mut stop) => return,
        }
        let services = Arc::clone(&supervisors.services);
        let is_discovery = number % DISCOVERY == 0;
        let newest = tokio::task::spawn_blocking(move || {
            if is_discovery { all_services(&services) } else { known_services(&services) }
        });
        // The next poll asks a store again that cannot be reached.
        let Ok(Ok(newest)) = newest.await else { continue };
        for (name, generation) in newest {
            // Repeated until the supervisor has seen the generation, too; its own look at the store may fail.
            let service = supervisors.services.get(&name);
            if service.is_none_or(|service| service.wanted_generation() != generation) {
                let _ = supervisors.check(&name);
            }
        }
    }
}

/// Reads the token file again when it changes. A file that is unusable changes nothing.
pub(crate) async fn poll_tokens(services: Arc<Services>, file: PathBuf) {
    let mut ticks = interval(TOKENS);
    let mut reported = None;
    loop {
        ticks.tick().await;
        let news = match read_tokens(&file) {
            Ok(tokens) => {
                let is_new = services.context.replace_tokens(tokens);
                is_new.then(|| "the tokens have changed".to_owned())
            }
            Err(reason) => Some(format!("{reason}; the tokens stay as they were")),
        };
        if let Some(news) = news.as_ref().filter(|_| news != reported) {
            services.context.log_sink.line("", AGENT, news);
        }
        reported = news;
    }
}

fn read_tokens(file: &std::path::Path) -> Result<Tokens, String> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| format!("`{name}`: {error}"))?;
    Tokens::parse(&text, &name).map_err(|error| error.to_string())
}

/// Lists the services of the store that this agent runs, with their newest generations. It reads the history of all refs.
fn all_services(services: &Services) -> Result<Vec<(String, u64)>, pinnace_store::Error> {
    let refs = services.context.store.refs()?.into_iter();
    let wanted =
        refs.filter_map(|(name, generation)| Some((name.wanted_service()?.to_owned(), generation)));
    Ok(wanted.filter(|(name, _)| services.context.is_ours(name)).collect())
}

/// Returns the newest generations of the services that are supervised.
fn known_services(services: &Services) -> Result<Vec<(String, u64)>, pinnace_store::Error> {
    let mut newest = Vec::new();
    for service in services.all() {
        if let Some(generation) = services.context.store.generation(&service.wanted)? {
            newest.push((service.name.clone(), generation));
        }
    }
    Ok(newest)
}

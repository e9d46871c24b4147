//! The readiness checks of processes.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Method, Request, header::HOST};
use pinnace_deploy::{LogPattern, Ready};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep, timeout},
};

use super::{
    body::full,
    exit,
    gate::Upstream,
    grpc::{self, Field},
    instance::Instance,
    service::Service,
};

/// The intervals of checks, while a process is young and afterwards. An interpreter starts in a fraction of a second;
/// a slower start is not worth much processor time.
const YOUNG_INTERVAL: Duration = Duration::from_millis(3);
const INTERVAL: Duration = Duration::from_millis(25);
const YOUNG: Duration = Duration::from_secs(1);
/// The time limit of one check.
const CHECK: Duration = Duration::from_secs(10);
/// The uptime after which a process without an address counts as ready.
const STEADY: Duration = Duration::from_secs(1);
/// The size limit of a response to a check, in bytes.
const LARGEST: usize = 1 << 20;
/// The value `SERVING` of gRPC's `HealthCheckResponse`.
const SERVING: u64 = 1;

/// Waits until a process is ready.
///
/// # Errors
///
/// Returns the reason if the process ends first, or is not ready within `limit`.
pub(crate) async fn wait_until_ready(
    service: &Service,
    instance: &Instance,
    limit: Duration,
) -> Result<(), String> {
    let mut last = String::new();
    let check = async {
        match &instance.process.ready {
            Ready::Log(pattern) => wait_for_line(instance, pattern).await,
            Ready::Tcp if has_no_address(instance) => {
                sleep(STEADY).await;
                Ok(())
            }
            ready => poll(service, instance, ready, &mut last).await,
        }
    };
    let done = tokio::select! {
        done = timeout(limit, check) => done,
        status = instance.exited() => {
            return Err(format!("`{}` {}", instance.name, exit::describe(status)));
        }
    };
    done.unwrap_or_else(|_| {
        let (name, seconds) = (&instance.name, limit.as_secs());
        let ready = &instance.process.ready;
        let last = if last.is_empty() { String::new() } else { format!(": {last}") };
        Err(format!("`{name}` was not ready (`{ready}`) within {seconds} s{last}"))
    })
}

/// Returns true if a process was told no address. Only `web` may take its address from `PORT` alone.
fn has_no_address(instance: &Instance) -> bool {
    let is_address = |word: &String| word.contains("{port}") || word.contains("{socket}");
    !instance.is_web() && !instance.process.argv.iter().any(is_address)
}

/// Repeats a check until it succeeds.
async fn poll(
    service: &Service,
    instance: &Instance,
    ready: &Ready,
    last: &mut String,
) -> Result<(), String> {
    let started = Instant::now();
    loop {
        let checked = timeout(CHECK, check(&instance.upstream, ready)).await;
        match checked.unwrap_or_else(|_| Err(format!("no answer within {} s", CHECK.as_secs()))) {
            Ok(()) => return Ok(()),
            Err(reason) => *last = reason,
        }
        let is_young = started.elapsed() < YOUNG;
        if !is_young {
            service.set_waiting(Some(format!("`{}` (`{ready}`): {last}", instance.name)));
        }
        sleep(if is_young { YOUNG_INTERVAL } else { INTERVAL }).await;
    }
}

async fn check(upstream: &Upstream, ready: &Ready) -> Result<(), String> {
    // A failed connection is cheaper than a failed request.
    drop(upstream.address().connect().await.map_err(|error| error.to_string())?);
    match ready {
        Ready::Http(path) => check_http(upstream, path).await,
        Ready::Grpc(service) => {
            let message = grpc::text_message(service);
            let answer = grpc::call(upstream, "/grpc.health.v1.Health/Check", message).await?;
            match grpc::first_field(&answer) {
                Some(Field::Number(SERVING)) => Ok(()),
                _ => Err(format!("`{service}` does not serve")),
            }
        }
        _ => Ok(()),
    }
}

async fn check_http(upstream: &Upstream, path: &str) -> Result<(), String> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("http://process{path}"))
        .header(HOST, "localhost")
        .body(full(""))
        .map_err(|error| error.to_string())?;
    let answer =
        upstream.clients.http1.request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    // Read to its end, so that the connection can be reused.
    let _ = http_body_util::Limited::new(answer.into_body(), LARGEST).collect().await;
    if status.is_success() { Ok(()) } else { Err(format!("`{path}` answers {status}")) }
}

async fn wait_for_line(instance: &Instance, pattern: &LogPattern) -> Result<(), String> {
    let (lines, mut more) = instance.subscribe();
    if lines.iter().any(|line| pattern.is_match(line)) {
        return Ok(());
    }
    loop {
        match more.recv().await {
            Ok(line) if pattern.is_match(&line) => return Ok(()),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err("its output has ended".to_owned()),
        }
    }
}

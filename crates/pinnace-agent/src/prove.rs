//! Whether a process that was started is ready to answer.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use http_body_util::BodyExt;
use hyper::{Method, Request, header::HOST};
use pinnace_deploy::Ready;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    body::full,
    gate::Upstream,
    grpc::{self, Field},
    instance::Instance,
    kept::Kept,
};

/// How often a process is asked, while it is young and afterwards: an interpreter is up in a fraction of a second, and
/// what takes longer is not worth much of a processor.
const OFTEN: Duration = Duration::from_millis(3);
const SELDOM: Duration = Duration::from_millis(25);
const YOUNG: Duration = Duration::from_secs(1);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a process that answers nobody must live to be believed.
const STEADY: Duration = Duration::from_secs(1);
/// Of gRPC's health service (its `HealthCheckResponse`): it serves.
const SERVING: u64 = 1;

/// Waits until a process is ready.
///
/// # Errors
///
/// Why it is not, and will not be: it ended, or took too long.
pub(crate) async fn prove(kept: &Kept, instance: &Instance, limit: Duration) -> Result<(), String> {
    let mut last = String::new();
    let proof = async {
        match &instance.process.ready {
            Ready::Log(line) => log(instance, line).await,
            Ready::Tcp if instance.answers_nobody() => {
                sleep(STEADY).await;
                Ok(())
            }
            ready => ask(kept, instance, ready, &mut last).await,
        }
    };
    let done = tokio::select! {
        done = timeout(limit, proof) => done,
        status = instance.exited() => return Err(format!("`{}` {}", instance.name, ended(status))),
    };
    done.unwrap_or_else(|_| {
        let (name, seconds) = (&instance.name, limit.as_secs());
        let ready = &instance.process.ready;
        let last = if last.is_empty() { String::new() } else { format!(": {last}") };
        Err(format!("`{name}` was not ready (`{ready}`) within {seconds} s{last}"))
    })
}

/// How a process ended, in words.
pub(crate) fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

impl Instance {
    /// Whether nobody can be told where it answers: only `web` is found by its `PORT` alone.
    fn answers_nobody(&self) -> bool {
        let is_told = |word: &String| word.contains("{port}") || word.contains("{socket}");
        !self.is_web() && !self.process.argv.iter().any(is_told)
    }
}

/// Asks until the answer is yes.
async fn ask(
    kept: &Kept,
    instance: &Instance,
    ready: &Ready,
    last: &mut String,
) -> Result<(), String> {
    let started = Instant::now();
    loop {
        let asked = timeout(ANSWER, ask_once(&instance.upstream, ready)).await;
        match asked.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER.as_secs()))) {
            Ok(()) => return Ok(()),
            Err(reason) => *last = reason,
        }
        if started.elapsed() > YOUNG {
            kept.wait_for(Some(format!("`{}` (`{ready}`): {last}", instance.name)));
        }
        sleep(if started.elapsed() < YOUNG { OFTEN } else { SELDOM }).await;
    }
}

async fn ask_once(upstream: &Upstream, ready: &Ready) -> Result<(), String> {
    // Whoever takes no connections is not asked further: it is cheaper so.
    drop(upstream.place().connect().await.map_err(|error| error.to_string())?);
    match ready {
        Ready::Http(path) => http(upstream, path).await,
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

async fn http(upstream: &Upstream, path: &str) -> Result<(), String> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("http://process{path}"))
        .header(HOST, "localhost")
        .body(full(""))
        .map_err(|error| error.to_string())?;
    let answer =
        upstream.clients.http1.request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    // Read to its end, so that the connection is used again.
    let _ = http_body_util::Limited::new(answer.into_body(), 1 << 20).collect().await;
    match status.is_success() {
        true => Ok(()),
        false => Err(format!("`{path}` answers {status}")),
    }
}

async fn log(instance: &Instance, line: &str) -> Result<(), String> {
    let wanted = regex_lite::Regex::new(line).map_err(|error| error.to_string())?;
    let (said, mut more) = instance.words();
    if said.iter().any(|line| wanted.is_match(line)) {
        return Ok(());
    }
    loop {
        match more.recv().await {
            Ok(line) if wanted.is_match(&line) => return Ok(()),
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => {
                return Err("it says nothing any more".to_owned());
            }
        }
    }
}

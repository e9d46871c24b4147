//! The metadata of a release.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use pinnace_deploy::{Metadata, ProcessGroup};
use serde::Deserialize;
use serde_json::Value;
use tokio::{io::AsyncReadExt, time::timeout};

use super::{
    exit,
    grpc::{self, Field},
    instance::Instance,
    recorded_group::group_of,
};

/// The program that calls a function. Standard output goes to standard error before the import, so that a module may
/// print.
const CALL: &str = "\
import functools, importlib, json, os, sys
answer = os.fdopen(os.dup(1), 'w', encoding='utf-8')
os.dup2(2, 1)
module, function = sys.argv[1:]
found = functools.reduce(getattr, function.split('.'), importlib.import_module(module))
answer.write(json.dumps(found()))
answer.close()
";
/// The time limit of an answer.
const LIMIT: Duration = Duration::from_secs(180);
/// The size limit of an answer, in bytes.
const LARGEST: u64 = 64 << 20;

/// An error of Python, as Dagster serializes it. A code server stays up and answers with it if it cannot load the
/// definitions.
#[derive(Deserialize)]
struct DagsterError {
    #[serde(rename = "__class__")]
    class: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    stack: Vec<String>,
    cause: Option<Box<DagsterError>>,
}

/// Returns the command that calls a function.
pub(crate) fn words(module: &str, function: &str) -> Vec<String> {
    ["python", "-c", CALL, module, function].map(str::to_owned).into()
}

/// Asks a release for its metadata: by `command` for a function, or at the `web` process.
pub(crate) async fn ask(
    metadata: &Metadata,
    command: Option<Command>,
    web: Option<&Instance>,
) -> Result<Value, String> {
    let answer = async {
        match (metadata, command, web) {
            (Metadata::Function { .. }, Some(command), _) => run(command).await,
            (Metadata::Grpc(path), _, Some(web)) => {
                let answer = grpc::call(&web.upstream, path, Vec::new()).await?;
                read(&answer)
            }
            _ => Err("the release has no process `web` to ask".to_owned()),
        }
    };
    let answer = timeout(LIMIT, answer).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())));
    answer.map_err(|reason| format!("`metadata` (`{metadata}`): {reason}"))
}

async fn run(mut command: Command) -> Result<Value, String> {
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    let mut child = command.kill_on_drop(true).spawn().map_err(|error| error.to_string())?;
    let _ending = Ending(group_of(&child));
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("its output cannot be read".to_owned());
    };
    let (mut answer, mut errors) = (Vec::new(), Vec::new());
    let (mut out, mut err) = (out.take(LARGEST), err.take(LARGEST));
    let read =
        tokio::join!(out.read_to_end(&mut answer), err.read_to_end(&mut errors), child.wait());
    let status = read.2.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!(
            "it {}\n{}",
            exit::describe(status),
            last(&String::from_utf8_lossy(&errors))
        ));
    }
    serde_json::from_slice(&answer).map_err(|error| format!("its answer is no JSON: {error}"))
}

/// A guard that kills the process group of a call.
struct Ending(Option<ProcessGroup>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            group.kill();
        }
    }
}

/// Returns the end of a text, as much as is worth showing.
fn last(text: &str) -> &str {
    const MOST: usize = 8 << 10;
    let start = text.len().saturating_sub(MOST);
    let start = (start..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text[start..].trim()
}

/// Decodes the text of an answer, as JSON if it is JSON.
pub(crate) fn read(message: &[u8]) -> Result<Value, String> {
    let Some(Field::Bytes(bytes)) = grpc::first_field(message) else { return Ok(Value::Null) };
    if let Ok(error) = serde_json::from_slice::<DagsterError>(bytes)
        && error.class == "SerializableErrorInfo"
    {
        return Err(last(&error.shown()).to_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    Ok(serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned())))
}

impl DagsterError {
    /// Formats the error like a traceback of Python: the cause first.
    fn shown(&self) -> String {
        let cause = self
            .cause
            .as_ref()
            .map_or_else(String::new, |cause| format!("{}\nwhich led to\n", cause.shown()));
        format!(
            "{cause}Traceback (most recent call last):\n{}{}",
            self.stack.concat(),
            self.message.trim_end()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_dagster_is_one() {
        let answer = r#"{"__class__": "ListRepositoriesResponse", "repository_symbols": []}"#;
        assert_eq!(
            read(&grpc::text_message(answer)).unwrap()["repository_symbols"],
            serde_json::json!([])
        );
        let error = r#"{"__class__": "SerializableErrorInfo", "message": "ImportError: no x\n", "stack": ["  File 1\n"],
            "cls_name": "ImportError", "cause": {"__class__": "SerializableErrorInfo", "message": "first", "stack": []}}"#;
        let shown = read(&grpc::text_message(error)).unwrap_err();
        assert!(shown.starts_with("Traceback (most recent call last):\nfirst"), "{shown}");
        assert!(shown.ends_with("  File 1\nImportError: no x"), "{shown}");
        assert_eq!(read(&[]).unwrap(), Value::Null);
    }
}

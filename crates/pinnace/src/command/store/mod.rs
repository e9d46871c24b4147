//! `pinnace store`: inspection and maintenance of a store.

mod check;
mod gc;
mod list;
mod transfer;

use std::sync::Arc;

use pinnace_build::Env;
use pinnace_store::{OnMissing, Store};
use serde_json::Value;

use crate::{
    Failure,
    arguments::{StoreCommand, StoreSubcommand},
    interrupt::Interrupt,
    output::Output,
    progress::Reporter,
    stores,
};

/// The state that all subcommands share.
struct Job<'a> {
    store: Store,
    env: &'a Env,
    interrupt: Interrupt,
    reporter: Arc<Reporter>,
    output: Output,
}

pub(crate) fn run(arguments: &StoreCommand, env: &Env, output: Output) -> Result<(), Failure> {
    let interrupt = Interrupt::listen_or_exit(output)?;
    let reporter = Arc::new(Reporter::new(output, interrupt.clone()));
    let (on_missing, message) = match arguments.subcommand {
        StoreSubcommand::Put(_) => (OnMissing::Create, "storing"),
        StoreSubcommand::Check(_) => (OnMissing::Refuse, "checking"),
        StoreSubcommand::Gc(_) => (OnMissing::Refuse, "collecting garbage"),
        _ => (OnMissing::Refuse, "reading"),
    };
    reporter.show_bytes(message);
    let store = stores::open(arguments.store.as_deref(), on_missing, env, &reporter);
    let done = store.and_then(|store| {
        Job { store, env, interrupt: interrupt.clone(), reporter, output }.run(arguments)
    });
    done.map_err(|failure| interrupt.explain(failure))
}

impl Job<'_> {
    fn run(&self, arguments: &StoreCommand) -> Result<(), Failure> {
        match &arguments.subcommand {
            StoreSubcommand::Put(put) => self.put(&put.files),
            StoreSubcommand::Get(get) => self.get(&get.digest, &get.output),
            StoreSubcommand::Check(check) => self.check(check.heal_from.as_deref()),
            StoreSubcommand::Gc(gc) => self.collect(gc),
            StoreSubcommand::Ls(ls) => self.list(ls.what.as_deref()),
            StoreSubcommand::Stat => self.count(),
        }
    }

    /// Clears the progress, and prints a result.
    fn result(&self, text: &str, json: &Value) -> Result<(), Failure> {
        self.reporter.clear();
        self.output.result(text, json)
    }

    /// Clears the progress, and prints a result that `--quiet` does not suppress.
    fn raw(&self, text: &str, json: &Value) -> Result<(), Failure> {
        self.reporter.clear();
        self.output.raw(text, json)
    }
}

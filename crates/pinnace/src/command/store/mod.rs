//! `pinnace store`: looking into a store, and looking after it.

mod look;
mod transfer;

use std::sync::Arc;

use pinnace_build::Env;
use pinnace_store::{OnMissing, Store};
use serde_json::Value;

use crate::{
    Failure,
    arguments::{StoreCommand, StoreVerb},
    interrupt::Interrupt,
    progress::{Output, Reporter},
    stores,
};

/// What all verbs stand on.
struct Job<'a> {
    store: Store,
    env: &'a Env,
    interrupt: Interrupt,
    reporter: Arc<Reporter>,
    output: Output,
}

pub(crate) fn run(arguments: &StoreCommand, env: &Env, output: Output) -> Result<(), Failure> {
    let interrupt = Interrupt::listen_for_good(output)?;
    let reporter = Arc::new(Reporter::new(output, interrupt.clone()));
    let (absent, doing) = match arguments.verb {
        StoreVerb::Put(_) => (OnMissing::Create, "storing"),
        StoreVerb::Check(_) => (OnMissing::Refuse, "checking"),
        StoreVerb::Gc(_) => (OnMissing::Refuse, "collecting"),
        _ => (OnMissing::Refuse, "reading"),
    };
    reporter.moving(doing);
    let done = stores::open(arguments.store.as_deref(), absent, env, &reporter).and_then(|store| {
        Job { store, env, interrupt: interrupt.clone(), reporter, output }.run(arguments)
    });
    done.map_err(|failure| interrupt.explain(failure))
}

impl Job<'_> {
    fn run(&self, arguments: &StoreCommand) -> Result<(), Failure> {
        match &arguments.verb {
            StoreVerb::Put(put) => self.put(&put.files),
            StoreVerb::Get(get) => self.get(&get.digest, &get.output),
            StoreVerb::Check(check) => self.check(check.heal_from.as_deref()),
            StoreVerb::Gc(gc) => self.collect(gc),
            StoreVerb::Ls(ls) => self.list(ls.what.as_deref()),
            StoreVerb::Stat => self.count(),
        }
    }

    /// Ends what is shown of the work, and tells its result.
    fn result(&self, text: &str, json: &Value) -> Result<(), Failure> {
        self.reporter.clear();
        self.output.result(text, json)
    }

    /// The same with a text that is asked for.
    fn raw(&self, text: &str, json: &Value) -> Result<(), Failure> {
        self.reporter.clear();
        self.output.raw(text, json)
    }
}

//! `pinnace store`: looking into a store, and looking after it.

mod look;
mod transfer;

use pinnace_store::Store;

use crate::{
    Failure,
    arguments::{StoreCommand, StoreVerb},
    environment::Environment,
    interrupt::Interrupt,
    progress::Output,
    stores::{self, Absent},
};

/// What all verbs stand on.
struct Job<'a> {
    store: Store,
    environment: &'a Environment,
    interrupt: Interrupt,
    output: Output,
}

pub(crate) fn run(
    arguments: &StoreCommand,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen(|| {})?;
    let absent = match arguments.verb {
        StoreVerb::Put(_) => Absent::Make,
        _ => Absent::Refuse,
    };
    let store = stores::named(arguments.store.as_deref(), absent, environment)?;
    let job = Job { store, environment, interrupt, output };
    let done = match &arguments.verb {
        StoreVerb::Put(put) => job.put(&put.files),
        StoreVerb::Get(get) => job.get(&get.digest, &get.output),
        StoreVerb::Check(check) => job.check(check.heal_from.as_deref()),
        StoreVerb::Gc(gc) => job.collect(gc),
        StoreVerb::Ls(ls) => job.list(ls.what.as_deref()),
        StoreVerb::Stat => job.count(),
    };
    done.map_err(|failure| job.interrupt.explain(failure))
}

//! `cargo bench -p pinnace-benches`: the workloads in time.

fn main() {
    divan::main();
}

#[divan::bench(args = pinnace_benches::WORKLOADS.map(|(name, _)| name))]
fn workload(bencher: divan::Bencher<'_, '_>, name: &str) {
    let found = pinnace_benches::WORKLOADS.iter().find(|(known, _)| *known == name);
    if let Some((_, work)) = found {
        bencher.bench(work);
    }
}

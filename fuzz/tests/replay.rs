//! Replays every seed through its oracle.

use std::{fs, path::Path};

#[test]
fn every_seed_satisfies_its_oracle() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, oracle) in pinnace_fuzz::ORACLES {
        let mut replayed = 0;
        for entry in fs::read_dir(seeds.join(name)).unwrap() {
            oracle(&fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "{name} has no seeds");
    }
}

/// Every target has an oracle, seeds, and a line in the manifest.
#[test]
fn targets_oracles_and_seeds_go_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str| {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let mut oracles: Vec<&str> = pinnace_fuzz::ORACLES.iter().map(|(name, _)| *name).collect();
    oracles.sort_unstable();
    assert_eq!(names("targets"), oracles);
    assert_eq!(names("seeds"), oracles);
}

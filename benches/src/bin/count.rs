//! Runs one workload once, for a tool that counts instructions:
//!
//! ```text
//! cargo build --release -p pinnace-benches
//! valgrind --tool=callgrind target/release/count wheel/resolve_100_projects
//! ```
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, work) in pinnace_benches::WORKLOADS {
        if name == wanted {
            println!("{name}: {}", work());
            return ExitCode::SUCCESS;
        }
    }
    println!("workloads: {:?}", pinnace_benches::WORKLOADS.map(|(name, _)| name));
    ExitCode::FAILURE
}

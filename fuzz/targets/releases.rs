//! Fuzzes [`pinnace_fuzz::releases`]; without a fuzzer it does nothing.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pinnace_fuzz::releases(bytes));

#[cfg(not(fuzzing))]
fn main() {}

//! Fuzzes [`pinnace_fuzz::agents`]; without a fuzzer it does nothing.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pinnace_fuzz::agents(bytes));

#[cfg(not(fuzzing))]
fn main() {}

//! Fuzzes [`pinnace_fuzz::sources`]; without a fuzzer it does nothing.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pinnace_fuzz::sources(bytes));

#[cfg(not(fuzzing))]
fn main() {}

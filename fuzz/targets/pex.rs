//! Fuzzes [`pinnace_fuzz::pex`]; without a fuzzer it does nothing.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pinnace_fuzz::pex(bytes));

#[cfg(not(fuzzing))]
fn main() {}

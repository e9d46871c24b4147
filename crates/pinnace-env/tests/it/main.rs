//! The laws of merging, and every kind of conflict.

mod conflicts;
mod laws;

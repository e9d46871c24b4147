use std::{
    thread,
    time::{Duration, Instant},
};

/// Waits until a condition holds, and fails with what was waited for after 30 seconds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

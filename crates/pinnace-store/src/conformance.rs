//! Conformance tests of a [`Backend`]: cases that run against any implementation.
//!
//! ```
//! use pinnace_store::{MemoryBackend, conformance};
//!
//! conformance::run(&|| Box::new(MemoryBackend::new()))?;
//! # Ok::<(), String>(())
//! ```

use std::{io::Read, ops::Range, sync::Barrier, thread};

use crate::{Backend, Key, PutMode, PutResult};

/// A test case: takes an empty backend, and returns the reason if the backend does not conform.
pub type Case = fn(&dyn Backend) -> Result<(), String>;

/// All cases with their names.
pub const CASES: [(&str, Case); 9] = [
    ("written objects are readable", written_is_read),
    ("ranges are cut at the end", ranges_are_cut),
    ("unfinished uploads are invisible", unfinished_is_absent),
    ("conditions hold", conditions_hold),
    ("removed objects are gone", removed_is_gone),
    ("listings are sorted, whole and bounded", listings_are_sorted),
    ("missing keys keep their order", missing_in_order),
    ("objects are dated by the clock", objects_are_dated),
    ("one of racing writers wins, and contents are never mixed", races_have_one_winner),
];

/// Runs all cases, each on a new, empty backend.
///
/// # Errors
///
/// Returns the name of the first case that fails, and the reason.
pub fn run(make: &dyn Fn() -> Box<dyn Backend>) -> Result<(), String> {
    CASES
        .iter()
        .try_for_each(|(name, case)| case(&*make()).map_err(|reason| format!("{name}: {reason}")))
}

fn written_is_read(backend: &dyn Backend) -> Result<(), String> {
    let large: Vec<u8> = (0..3_000_001_u32).map(|n| (n % 251) as u8).collect();
    for (name, content) in [("a/empty", &b""[..]), ("a/small", b"small"), ("large", &large)] {
        same(read(backend, name, None)?, None, "before")?;
        put(backend, name, content, PutMode::Overwrite)?;
        same(read(backend, name, None)?, Some(content.to_vec()), name)?;
        let size = backend.head(&key(name)?).map_err(text)?.map(|meta| meta.size);
        same(size, Some(content.len() as u64), "size")?;
    }
    put(backend, "a/small", b"other", PutMode::Overwrite)?;
    same(read(backend, "a/small", None)?, Some(b"other".to_vec()), "replaced")
}

fn ranges_are_cut(backend: &dyn Backend) -> Result<(), String> {
    put(backend, "x", b"0123456789", PutMode::Overwrite)?;
    for (range, expected) in [
        (0..10, &b"0123456789"[..]),
        (3..5, b"34"),
        (8..100, b"89"),
        (10..20, b""),
        (50..60, b""),
        (4..4, b""),
    ] {
        same(
            read(backend, "x", Some(range.clone()))?,
            Some(expected.to_vec()),
            &format!("{range:?}"),
        )?;
    }
    same(read(backend, "y", Some(0..1))?, None, "absent")
}

fn unfinished_is_absent(backend: &dyn Backend) -> Result<(), String> {
    let mut upload = backend.write().map_err(text)?;
    upload.write_all(b"never").map_err(text)?;
    same(list(backend, "", None, 10)?, Vec::<String>::new(), "under way")?;
    drop(upload);
    same(list(backend, "", None, 10)?, Vec::<String>::new(), "dropped")
}

fn conditions_hold(backend: &dyn Backend) -> Result<(), String> {
    same(put(backend, "c", b"1", PutMode::Create)?, PutResult::Written, "first")?;
    same(put(backend, "c", b"2", PutMode::Create)?, PutResult::AlreadyExists, "second")?;
    same(read(backend, "c", None)?, Some(b"1".to_vec()), "kept")?;
    backend.remove(&key("c")?).map_err(text)?;
    same(put(backend, "c", b"3", PutMode::Create)?, PutResult::Written, "after removing")
}

fn removed_is_gone(backend: &dyn Backend) -> Result<(), String> {
    put(backend, "r/x", b"1", PutMode::Overwrite)?;
    for round in ["once", "twice"] {
        backend.remove(&key("r/x")?).map_err(text)?;
        same(read(backend, "r/x", None)?, None, round)?;
        same(list(backend, "r", None, 10)?, Vec::<String>::new(), round)?;
    }
    Ok(())
}

fn listings_are_sorted(backend: &dyn Backend) -> Result<(), String> {
    let names = ["a", "b-c", "b.d", "b/a", "b/b/c", "b0", "bb/x", "c/@/00002", "c/@/00010"];
    for name in names.iter().rev() {
        put(backend, name, name.as_bytes(), PutMode::Overwrite)?;
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    same(sorted(list(backend, "", None, 100)?), owned(&names), "all")?;
    same(sorted(list(backend, "b", None, 100)?), owned(&["b/a", "b/b/c"]), "a folder")?;
    same(list(backend, "c/@", None, 9)?, owned(&["c/@/00002", "c/@/00010"]), "of one folder")?;
    same(list(backend, "c/@", None, 1)?, owned(&["c/@/00002"]), "the first")?;
    same(list(backend, "nothing", None, 1)?, Vec::new(), "no folder")?;
    for limit in 1..=names.len() {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = list(backend, "", after.as_deref(), limit)?;
            if page.len() > limit {
                return Err(format!("{} where {limit} were asked for", page.len()));
            }
            let is_last = page.len() < limit;
            after = page.last().cloned().or(after);
            all.extend(page);
            if is_last {
                break;
            }
        }
        same(sorted(all), owned(&names), &format!("in pages of {limit}"))?;
    }
    Ok(())
}

fn missing_in_order(backend: &dyn Backend) -> Result<(), String> {
    put(backend, "m/2", b"", PutMode::Overwrite)?;
    let keys = ["m/3", "m/2", "m/1"].map(key).into_iter().collect::<Result<Vec<_>, _>>()?;
    let missing = backend.missing(&keys).map_err(text)?;
    same(missing, vec![keys[0].clone(), keys[2].clone()], "missing")
}

fn objects_are_dated(backend: &dyn Backend) -> Result<(), String> {
    let before = backend.now().map_err(text)?;
    put(backend, "d", b"", PutMode::Overwrite)?;
    let after = backend.now().map_err(text)?;
    let modified =
        backend.head(&key("d")?).map_err(text)?.map(|meta| meta.modified).unwrap_or_default();
    // Clocks of file systems and servers advance in steps.
    if (before.saturating_sub(2)..=after + 2).contains(&modified) {
        Ok(())
    } else {
        Err(format!("{modified} is not between {before} and {after}"))
    }
}

fn races_have_one_winner(backend: &dyn Backend) -> Result<(), String> {
    const WRITERS: usize = 8;
    for (round, mode) in
        [PutMode::Create, PutMode::Overwrite].into_iter().cycle().take(6).enumerate()
    {
        let name = format!("race/{round}");
        let barrier = Barrier::new(WRITERS);
        let write = |writer: usize| {
            barrier.wait();
            put(backend, &name, &[writer as u8; 50_000], mode)
        };
        let outcomes: Vec<Result<PutResult, String>> = thread::scope(|scope| {
            let started: Vec<_> =
                (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            let joined = started.into_iter().map(|thread| thread.join());
            joined
                .map(|outcome| outcome.unwrap_or_else(|_| Err("a writer panicked".to_owned())))
                .collect()
        });
        let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
        let written: Vec<usize> =
            (0..WRITERS).filter(|writer| outcomes[*writer] == PutResult::Written).collect();
        let content = read(backend, &name, None)?.unwrap_or_default();
        let winner = content.first().map(|byte| usize::from(*byte));
        let is_whole = content.len() == 50_000
            && content.iter().all(|byte| Some(usize::from(*byte)) == winner);
        let expected = if mode == PutMode::Create { 1 } else { WRITERS };
        if !is_whole
            || written.len() != expected
            || !winner.is_some_and(|content| written.contains(&content))
        {
            return Err(format!("{mode:?}: {} writers were told that they wrote", written.len()));
        }
    }
    Ok(())
}

fn key(name: &str) -> Result<Key, String> {
    name.parse().map_err(text)
}

fn put(
    backend: &dyn Backend,
    name: &str,
    content: &[u8],
    mode: PutMode,
) -> Result<PutResult, String> {
    let mut upload = backend.write().map_err(text)?;
    upload.write_all(content).map_err(text)?;
    upload.finish(&key(name)?, mode).map_err(text)
}

fn read(
    backend: &dyn Backend,
    name: &str,
    range: Option<Range<u64>>,
) -> Result<Option<Vec<u8>>, String> {
    let Some(mut reading) = backend.read(&key(name)?, range).map_err(text)? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    reading.body.read_to_end(&mut content).map_err(text)?;
    same(content.len() as u64, reading.size, "the size that was told")?;
    Ok(Some(content))
}

fn list(
    backend: &dyn Backend,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, String> {
    let after = after.map(key).transpose()?;
    let listed = backend.list(prefix, after.as_ref(), limit).map_err(text)?;
    Ok(listed.into_iter().map(|listed| listed.key.to_string()).collect())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {}", shortened(&format!("{found:?} where {expected:?} was expected"))))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

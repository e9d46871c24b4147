use std::fs;

use pinnace_store::Cache;

#[test]
fn a_torn_or_foreign_entry_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    cache.put("b", "k", b"some content").unwrap();
    let name = crate::files(folder.path()).remove(0);
    let path = folder.path().join("b").join(name);
    let whole = fs::read(&path).unwrap();
    for bad in [&whole[..whole.len() - 1], &whole[..5], b"", &[0; 40]] {
        fs::remove_file(&path).unwrap();
        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), bad).unwrap();
        assert!(cache.get("b", "k").is_none());
    }
    cache.put("b", "k", b"again").unwrap();
    assert_eq!(cache.get("b", "k").unwrap().read_all().unwrap(), b"again");
}

#[test]
fn ranges_stay_inside() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    cache.put("b", "k", b"0123456789").unwrap();
    let entry = cache.get("b", "k").unwrap();
    let mut part = [0; 4];
    entry.read_exact_at(&mut part, 3).unwrap();
    assert_eq!(&part, b"3456");
    assert!(entry.read_exact_at(&mut part, 8).is_err());
    assert!(entry.read_exact_at(&mut part, u64::MAX).is_err());
}

#[test]
fn an_unwritable_cache_says_so_and_reads_as_empty() {
    let cache = Cache::new("/dev/null/cache");
    assert!(cache.get("b", "k").is_none());
    assert!(cache.put("b", "k", b"").unwrap_err().to_string().contains("/dev/null/cache"));
}

//! The number of reads that each operation takes. Each read of a remote source is a request.

use std::{cell::RefCell, io};

use pinnace_archive::{Archive, Mode, Policy, ReadAt};

use crate::{Files, write};

/// A source that records offset and length of each read.
struct Counting {
    bytes: Vec<u8>,
    reads: RefCell<Vec<(u64, usize)>>,
}

impl ReadAt for Counting {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.borrow_mut().push((offset, buffer.len()));
        self.bytes.read_exact_at(buffer, offset)
    }
}

fn counting(files: &Files) -> Counting {
    Counting { bytes: write(None, files).0, reads: RefCell::default() }
}

#[test]
fn opening_is_one_read_and_a_member_one_more() {
    let files: Files = (0..300)
        .map(|n| (format!("package/module_{n:03}.py"), Mode::File, vec![b'x'; 5000]))
        .collect();
    let source = counting(&files);
    let archive = Archive::open(&source, Policy::strict()).unwrap();
    assert_eq!(source.reads.borrow().len(), 1);
    for name in ["package/module_000.py", "package/module_150.py", "package/module_299.py"] {
        source.reads.borrow_mut().clear();
        assert_eq!(archive.read(archive.find(name).unwrap()).unwrap().len(), 5000);
        let reads = source.reads.borrow();
        assert_eq!(reads.len(), 1, "{name}");
        assert_eq!(reads[0].1, 30 + name.len() + 5000, "nothing but the member is read");
    }
}

#[test]
fn a_large_directory_costs_one_read_more_and_a_large_member_still_one() {
    let mut files: Files = (0..2000).map(|n| (format!("{n:04}"), Mode::File, Vec::new())).collect();
    files.push(("large".into(), Mode::File, vec![7; 5 << 20]));
    let source = counting(&files);
    let archive = Archive::open(&source, Policy::strict()).unwrap();
    assert_eq!(source.reads.borrow().len(), 2);
    source.reads.borrow_mut().clear();
    archive.read(archive.find("large").unwrap()).unwrap();
    assert_eq!(source.reads.borrow().len(), 1);
}

/// A source that ends early is an error of the source, not of the archive.
#[test]
fn a_source_that_fails_says_so() {
    #[derive(Debug)]
    struct Failing;
    impl ReadAt for Failing {
        fn size(&self) -> io::Result<u64> {
            Ok(1000)
        }
        fn read_exact_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    let error = Archive::open(Failing, Policy::strict()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the archive"), "{error}");
}

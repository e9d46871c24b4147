//! Factors that never change a byte: order of arrival, threads, the cut of the input.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    sync::LazyLock,
};

use pinnace_archive::{
    Archive, ArchiveBuilder, Content, Deflate, Encoder, ErrorKind, Method, Mode, Policy,
    SymlinkPolicy, WriteOptions, Writer,
};
use proptest::prelude::*;

use crate::{Files, POLICY, path, roundtrip::files, sample, write};

fn builder(files: &[(String, Mode, Vec<u8>)]) -> ArchiveBuilder<'static> {
    let mut builder = ArchiveBuilder::new();
    for (name, mode, content) in files {
        builder.add_bytes(&path(name), *mode, content.clone()).unwrap();
    }
    builder
}

fn built(builder: &ArchiveBuilder<'_>, writing: &WriteOptions<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.write(&mut bytes, writing).unwrap();
    bytes
}

/// A source that returns its bytes in pieces of alternating sizes.
struct Cut<'a> {
    bytes: Cursor<&'a [u8]>,
    sizes: Vec<usize>,
    at: usize,
}

impl Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.at += 1;
        let most = self.sizes[self.at % self.sizes.len()].min(buffer.len());
        self.bytes.read(&mut buffer[..most])
    }
}

impl Seek for Cut<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

fn encoded(encoder: &dyn Encoder, source: impl Read + Seek) -> Vec<u8> {
    let content = Content::encode(source, encoder, Cursor::new(Vec::new())).unwrap();
    let mut writer = Writer::new(Vec::new());
    writer.file(&path("a"), Mode::File, content).unwrap();
    writer.finish().unwrap().0
}

proptest! {
    #[test]
    fn order_of_arrival_and_threads(
        (files, shuffled) in files().prop_flat_map(|files| (Just(files.clone()), Just(files).prop_shuffle())),
        threads in 0..4_usize,
        compress: bool,
    ) {
        static DEFLATE: LazyLock<Deflate> = LazyLock::new(Deflate::default);
        let plain = WriteOptions::default();
        let one = if compress { plain.encoder(&*DEFLATE) } else { plain };
        let bytes = built(&builder(&files), &one);
        prop_assert_eq!(&built(&builder(&shuffled), &one.threads(threads)), &bytes);
        if !compress {
            prop_assert_eq!(bytes, write(None, &files).0);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn how_the_input_is_cut(
        seed in proptest::collection::vec(any::<u8>(), 1..2000),
        repeat in 1..1500_usize,
        sizes in proptest::collection::vec(1..300_000_usize, 1..5),
        level in 1..10_u8,
    ) {
        let content = seed.repeat(repeat);
        let deflate = Deflate::new(level);
        let whole = encoded(&deflate, Cursor::new(content.as_slice()));
        let cut = Cut { bytes: Cursor::new(&content), sizes, at: 0 };
        prop_assert_eq!(&encoded(&deflate, cut), &whole);
        let archive = Archive::open(whole, Policy::strict()).unwrap();
        prop_assert_eq!(archive.read(&archive.entries()[0]).unwrap(), content);
    }
}

/// Returns enough entries to occupy all threads, with sizes around the border of what is kept.
fn many() -> Files {
    (0..300)
        .map(|n| {
            let size = if n % 50 == 0 { 300_000 } else { n * 37 };
            let line = format!("line {n} of a file\n");
            (format!("d{}/f{n}", n % 7), Mode::File, line.repeat(size / line.len()).into_bytes())
        })
        .collect()
}

#[test]
fn many_threads_give_what_one_gives() {
    let files = many();
    let folder = tempfile::tempdir().unwrap();
    let mut from_disk = ArchiveBuilder::new();
    for (name, mode, content) in &files {
        let file = folder.path().join(name.replace('/', "-"));
        io::Write::write_all(&mut std::fs::File::create(&file).unwrap(), content).unwrap();
        from_disk.add_file(&path(name), *mode, &file).unwrap();
    }
    let deflate = Deflate::default();
    let spool = || tempfile::tempfile().map(|file| Box::new(file) as _);
    for base in [WriteOptions::default(), WriteOptions::default().encoder(&deflate)] {
        let one = built(&builder(&files), &base);
        for threads in [2, 8] {
            assert_eq!(built(&builder(&files), &base.threads(threads)), one);
            assert_eq!(built(&from_disk, &base.threads(threads).spool(&spool)), one);
        }
    }
}

#[test]
fn from_folders_archives_and_memory_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, summary) = write(None, &sample());
    let original = Archive::open(bytes.clone(), Policy::strict()).unwrap();
    original.extract(folder.path()).unwrap();

    let mut from_folder = ArchiveBuilder::new();
    from_folder.add_folder(folder.path(), SymlinkPolicy::Refuse).unwrap();
    assert_eq!(built(&from_folder, &WriteOptions::default()), bytes);

    let mut from_archive = ArchiveBuilder::new();
    from_archive.add_archive(&original).unwrap();
    let again = from_archive.write(io::sink(), &WriteOptions::default().threads(2)).unwrap();
    assert_eq!(again, summary);

    let mut from_sources = ArchiveBuilder::new();
    for (name, mode, content) in sample().into_iter().rev() {
        let open = move || Ok(Cursor::new(content.clone()));
        from_sources.add_with(&path(&name), mode, open).unwrap();
    }
    assert_eq!(built(&from_sources, &WriteOptions::default()), bytes);
}

#[test]
fn folders_keep_what_is_empty_and_report_what_cannot_be_held() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let mut builder = ArchiveBuilder::new();
    builder.add_folder(folder.path(), SymlinkPolicy::Refuse).unwrap();
    let bytes = built(&builder, &WriteOptions::default());
    assert_eq!(Archive::open(bytes, POLICY).unwrap().entries()[0].name(), "empty/");

    std::os::unix::fs::symlink(".", folder.path().join("circle")).unwrap();
    for links in [SymlinkPolicy::Refuse, SymlinkPolicy::Follow] {
        let error = ArchiveBuilder::new().add_folder(folder.path(), links).unwrap_err();
        assert!(error.to_string().contains("circle"), "{error}");
    }
}

#[test]
fn a_builder_refuses_what_an_archive_cannot_hold() {
    let mut builder = ArchiveBuilder::new();
    builder.add_bytes(&path("a/b"), Mode::File, "").unwrap();
    let kind = |result: Result<(), pinnace_archive::Error>| match result.unwrap_err().kind() {
        ErrorKind::Duplicate { path } => format!("twice {path}"),
        ErrorKind::FileAndDirectory { path } => format!("both {path}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(builder.add_bytes(&path("a/b"), Mode::File, "")), "twice a/b");
    assert_eq!(kind(builder.add_bytes(&path("a"), Mode::File, "")), "both a");
    assert_eq!(kind(builder.add_bytes(&path("a/b/c/d"), Mode::File, "")), "both a/b");
    assert_eq!(kind(builder.add_directory(&path("a/b"))), "both a/b");
    builder.add_directory(&path("a")).unwrap();
    builder.add_directory(&path("a")).unwrap();
    assert_eq!(kind(builder.add_bytes(&path("a"), Mode::File, "")), "both a");
}

#[test]
fn a_source_that_is_gone_is_named() {
    let mut builder = ArchiveBuilder::new();
    builder.add_file(&path("a"), Mode::File, "/no/such/file".as_ref()).unwrap();
    for threads in [1, 2] {
        let error =
            builder.write(io::sink(), &WriteOptions::default().threads(threads)).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    }
}

#[test]
fn what_does_not_become_smaller_is_stored() {
    let noise: Vec<u8> =
        (0..4000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for (content, method) in
        [(&noise[..], Method::Stored), (b"", Method::Stored), (&[b'a'; 99], Method::Deflated)]
    {
        let encoder = Deflate::default();
        let content =
            Content::encode(Cursor::new(content), &encoder, Cursor::new(Vec::new())).unwrap();
        assert_eq!(content.method(), method);
    }
    let bytes = encoded(&Deflate::default(), Cursor::new(noise.as_slice()));
    Archive::open(bytes, Policy::strict()).unwrap().verify().unwrap();
}

/// A change to these ids means that the compressor writes other bytes than before. Caches that
/// include the id in their keys are then invalidated, as intended.
#[test]
fn encoders_are_recorded_by_what_they_make() {
    let deflate = Deflate::default();
    assert_eq!(deflate.id(), GOLDEN_DEFLATE);
    assert_ne!(Deflate::new(9).id(), deflate.id());
    assert_eq!(Deflate::new(200).id(), Deflate::new(9).id());
    let files = vec![("a".into(), Mode::File, vec![b'a'; 100])];
    let summary = |writing| builder(&files).write(io::sink(), &writing).unwrap();
    assert_eq!(summary(WriteOptions::default()).encoders, [""; 0]);
    let compressed = summary(WriteOptions::default().encoder(&deflate));
    assert_eq!(compressed.encoders, [GOLDEN_DEFLATE]);
    assert_eq!(compressed.content_digest, summary(WriteOptions::default()).content_digest);
}

const GOLDEN_DEFLATE: &str = "deflate-6:1601db56";

#[cfg(feature = "zstd")]
#[test]
fn zstandard_round_trips_in_one_frame() {
    let content = b"the same again and again, ".repeat(100_000);
    let encoder = pinnace_archive::Zstandard::default();
    let bytes = encoded(&encoder, Cursor::new(content.as_slice()));
    assert!(bytes.len() < content.len() / 100);
    let cut = Cut { bytes: Cursor::new(&content), sizes: vec![1, 70_000], at: 0 };
    assert_eq!(encoded(&encoder, cut), bytes);
    let archive = Archive::open(bytes, Policy::strict()).unwrap();
    let entry = &archive.entries()[0];
    assert_eq!(
        (entry.method(), archive.read(entry).unwrap() == content),
        (Method::Zstandard, true)
    );
}

/// An encoder that stops early would lose content.
#[test]
fn an_encoder_must_read_everything() {
    struct Lazy;
    impl Encoder for Lazy {
        fn id(&self) -> &str {
            "lazy"
        }
        fn method(&self) -> Method {
            Method::Deflated
        }
        fn encode(&self, content: &mut dyn Read, _: &mut dyn io::Write) -> io::Result<()> {
            content.read(&mut [0; 3]).map(drop)
        }
    }
    assert!(Content::encode(Cursor::new(b"abcd"), &Lazy, Cursor::new(Vec::new())).is_err());
}

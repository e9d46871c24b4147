//! Bugs of other tools, each with its issue number.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write},
};

use pinnace_archive::{
    Archive, ArchiveBuilder, Content, Deflate, Encoder, ErrorKind, Mode, Policy, ReadAt,
    WriteOptions, Writer,
};

use crate::{
    Files,
    forge::{Local, Part, forge, rule},
    path, sample, write,
};

/// zip2 #715, #717: zip64 output that other readers could not read. Here we and the zip crate read
/// back a member of more than 4 GiB, and one whose header lies beyond 4 GiB.
#[test]
fn zip2_715_more_than_4_gib() {
    const SIZE: u64 = (4 << 30) + 5;
    let mut writer = Writer::new(Sparse::default());
    let content = Content::measure(zeros(SIZE)).unwrap();
    writer.file(&path("a"), Mode::File, content).unwrap();
    writer.bytes(&path("b"), Mode::File, b"beyond").unwrap();
    let (sparse, summary) = writer.finish().unwrap();
    assert_eq!(sparse.size, summary.bytes);

    let archive = Archive::open(&sparse, Policy::strict()).unwrap();
    assert_eq!(archive.find("a").unwrap().size(), SIZE);
    assert_eq!(archive.read(archive.find("b").unwrap()).unwrap(), b"beyond");
    archive.copy_to(archive.find("a").unwrap(), &mut io::sink()).unwrap();

    let mut theirs = zip::ZipArchive::new(Reading { sparse: &sparse, at: 0 }).unwrap();
    assert_eq!(theirs.by_name("a").unwrap().size(), SIZE);
    let mut content = String::new();
    theirs.by_name("b").unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "beyond");
}

/// zip2 #189: more than 65,535 entries. `docs/vectors` covers both sides of the border.
#[test]
fn zip2_189_more_than_65535_entries() {
    let files: Files = (0..70_000).map(|n| (format!("{n:06}"), Mode::File, Vec::new())).collect();
    let (bytes, summary) = write(None, &files);
    assert_eq!(summary.entries, 70_000);
    assert_eq!(Archive::open(&bytes[..], Policy::strict()).unwrap().entries().len(), 70_000);
    let mut second = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    assert_eq!(second.by_index(69_999).unwrap().name().unwrap(), "069999");
}

/// ouch #1018: zip64 fields on directories, which 7-Zip and macOS refuse. Our directories have
/// none. A header has a zip64 field only if its numbers need one.
#[test]
fn ouch_1018_no_zip64_field_without_need() {
    let (bytes, _) = write(None, &[("d/f".into(), Mode::File, vec![b'x'])]);
    let per_entry = |name: usize| 30 + 46 + 2 * name;
    assert_eq!(bytes.len(), per_entry(2) + per_entry(3) + 1 + 22);
}

/// zip2 #271: a corrupt archive from a merge through `BufWriter<&File>`.
#[test]
fn zip2_271_merging_through_a_buffered_file() {
    let (a, _) = write(None, &sample());
    let (b, _) = write(None, &[("zz".into(), Mode::File, b"more".to_vec())]);
    let [a, b] = [&a, &b].map(|bytes| Archive::open(&bytes[..], Policy::strict()).unwrap());
    let mut builder = ArchiveBuilder::new();
    builder.add_archive(&a).unwrap();
    builder.add_archive(&b).unwrap();
    let file = tempfile::tempfile().unwrap();
    builder.write(BufWriter::new(&file), &WriteOptions::default().threads(2)).unwrap();
    let merged = Archive::open(file, Policy::strict()).unwrap();
    merged.verify().unwrap();
    assert_eq!(merged.entries().len(), 8);
}

/// zlib-rs #459: a reused compressor produced other bytes. Ours starts with fresh state per piece.
#[test]
fn zlib_rs_459_no_state_from_one_content_to_the_next() {
    let deflate = Deflate::default();
    let encode = |content: &[u8]| {
        let mut out = Vec::new();
        deflate.encode(&mut &*content, &mut out).unwrap();
        out
    };
    let text = b"some text, some text, other text ".repeat(1000);
    let first = encode(&text);
    encode(&[7; 100_000]);
    assert_eq!(encode(&text), first);
    // One piece that occurs twice in a content is compressed to the same bytes twice.
    let piece = text.repeat(2)[..1 << 15].repeat(32);
    let (once, twice) = (encode(&piece), encode(&piece.repeat(2)));
    let body = &once[..once.len() - 2];
    assert_eq!(twice, [body, body, &once[once.len() - 2..]].concat());
}

/// zlib-rs #300: the cut of the input changed bytes. `laws.rs` has the property, and this its core.
#[test]
fn zlib_rs_300_reads_of_one_byte() {
    struct OneByOne<'a>(Cursor<&'a [u8]>);
    impl Read for OneByOne<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }
    impl Seek for OneByOne<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let text = b"abcabcabd".repeat(999);
    let encode = |source: &mut dyn ReadSeek| {
        let content = Content::encode(source, &Deflate::new(1), Cursor::new(Vec::new())).unwrap();
        let mut writer = Writer::new(Vec::new());
        writer.file(&path("a"), Mode::File, content).unwrap();
        writer.finish().unwrap().0
    };
    let cut = encode(&mut OneByOne(Cursor::new(&text)));
    assert_eq!(cut, encode(&mut Cursor::new(&text[..])));
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// RUSTSEC-2025-0168 (zip below 2.3): extraction through `..`, absolute names and links.
#[test]
fn rustsec_2025_0168_traversal() {
    for name in ["../../etc/cron.d/x", "/etc/cron.d/x", "a/../../x", "..\\x"] {
        assert!(Archive::open(forge(&[Part::new(name, "x")]), Policy::strict()).is_err());
    }
    // The zip crate maps these names to others (`/abs` to `abs`, `a\b` to `a/b`); we refuse them.
    assert!(Archive::open(forge(&[Part::new("a\\b", "")]), Policy::strict()).is_err());
}

/// CVE-2025-54368 (uv): two archives in one file. A reader of local headers and a reader of the
/// directory see different contents.
#[test]
fn cve_2025_54368_two_archives_in_one_file() {
    let hidden = forge(&[Part::new("evil.py", "import os")]);
    let local_only = &hidden[..30 + 7 + 9];
    let part = Part { after: local_only.to_vec(), ..Part::new("good.py", "") };
    assert_eq!(rule(&forge(&[part])), pinnace_archive::Rule::Gap);
    let local = Local { name: Some(b"evil.py".to_vec()), ..Local::default() };
    let part = Part { local, ..Part::new("good.py", "") };
    assert_eq!(rule(&forge(&[part])), pinnace_archive::Rule::LocalHeader);
}

/// rawzip writes descriptors behind stored members even if sizes are known, so a streaming reader
/// cannot find their end. We write no descriptors, so a streaming reader reads our archives.
#[test]
fn archives_can_be_read_forward_only() {
    let (bytes, _) = write(None, &sample());
    let mut rest = bytes.as_slice();
    let mut contents = BTreeMap::new();
    while let Some(mut member) = zip::read::read_zipfile_from_stream(&mut rest).unwrap() {
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        contents.insert(member.name().unwrap().into_owned(), content);
    }
    for (name, _, content) in sample() {
        assert_eq!(contents[&name], content);
    }
}

/// CPython and others take the last 20 bytes of a directory for a zip64 locator if they look like
/// one. Here they do, because of the offset and the length of the last name.
#[test]
fn a_directory_that_ends_like_a_zip64_locator() {
    let mut writer = Writer::new(Sparse::default());
    let before = 2 * 30 + "a".len() as u64;
    let size = 0x0706_4b50 - (before - 30);
    let content = Content::measure(zeros(size)).unwrap();
    writer.file(&path("a"), Mode::File, content).unwrap();
    writer.bytes(&path("module_name16.py"), Mode::File, b"x").unwrap();
    let (sparse, _) = writer.finish().unwrap();
    let mut last = [0; 22 + 20 + 56 + 20];
    sparse.read_exact_at(&mut last, sparse.size - 118).unwrap();
    assert!(last.starts_with(b"PK\x06\x07"), "the offset is not the one that is tested");
    let archive = Archive::open(&sparse, Policy::strict()).unwrap();
    assert_eq!(archive.read(archive.find("module_name16.py").unwrap()).unwrap(), b"x");
    zip::ZipArchive::new(Reading { sparse: &sparse, at: 0 }).unwrap();
}

/// A writer that failed inside an entry never finishes.
#[test]
fn a_writer_that_failed_stays_failed() {
    let content = Content::measure(zeros(100)).unwrap();
    let mut writer = Writer::new(Vec::new());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"long enough").unwrap();
    let shrinking = Content::measure(file.try_clone().unwrap()).unwrap();
    file.set_len(1).unwrap();
    writer.file(&path("a"), Mode::File, shrinking).unwrap_err();
    let error = writer.file(&path("b"), Mode::File, content).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unfinished));
    assert!(writer.finish().is_err());
}

/// Creates a source of zeros: a file that is one hole.
fn zeros(size: u64) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(size).unwrap();
    file
}

/// A file in memory that does not store pieces of zeros.
#[derive(Debug, Default)]
struct Sparse {
    pieces: BTreeMap<u64, Vec<u8>>,
    size: u64,
}

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Only the content of zeros arrives in pieces this large.
        if bytes.len() < 1000 {
            self.pieces.insert(self.size, bytes.to_vec());
        }
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadAt for Sparse {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset + buffer.len() as u64;
        if end > self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.fill(0);
        let first = self.pieces.range(..=offset).next_back().map_or(0, |(at, _)| *at);
        for (at, piece) in self.pieces.range(first..end) {
            let (from, to) = (offset.max(*at), end.min(at + piece.len() as u64));
            if from < to {
                let into = (from - offset) as usize..(to - offset) as usize;
                buffer[into].copy_from_slice(&piece[(from - at) as usize..(to - at) as usize]);
            }
        }
        Ok(())
    }
}

struct Reading<'a> {
    sparse: &'a Sparse,
    at: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = (self.sparse.size - self.at).min(buffer.len() as u64) as usize;
        self.sparse.read_exact_at(&mut buffer[..n], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Reading<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.sparse.size.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

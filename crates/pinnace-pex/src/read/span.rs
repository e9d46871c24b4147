use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use pinnace_archive::ReadAt;

use crate::wheels::Seeking;

/// A range of bytes in a file, a wheel or memory, read in place.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    source: Source,
    start: u64,
    length: u64,
}

#[derive(Clone, Debug)]
enum Source {
    File(Arc<File>),
    Memory(Arc<Vec<u8>>),
    Seeking(Arc<Seeking>),
}

impl Span {
    pub(crate) fn of_file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { source: Source::File(Arc::new(file)), start: 0, length })
    }

    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self { source: Source::Memory(Arc::new(bytes)), start: 0, length }
    }

    pub(crate) fn of_wheel(wheel: Seeking) -> io::Result<Self> {
        let length = wheel.size()?;
        Ok(Self { source: Source::Seeking(Arc::new(wheel)), start: 0, length })
    }

    /// Returns a part of the range, clipped to its end.
    pub(crate) fn part(&self, start: u64, length: u64) -> Self {
        let start = start.min(self.length);
        let length = length.min(self.length - start);
        Self { source: self.source.clone(), start: self.start + start, length }
    }

    /// Returns a reader that starts at the beginning of the range.
    pub(crate) fn reader(self) -> impl Read + Seek + Send + 'static {
        SpanReader { span: self, at: 0 }
    }
}

impl ReadAt for Span {
    fn size(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.length);
        if end.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.source {
            Source::File(file) => ReadAt::read_exact_at(&**file, buffer, self.start + offset),
            Source::Seeking(wheel) => wheel.read_exact_at(buffer, self.start + offset),
            Source::Memory(bytes) => bytes.read_exact_at(buffer, self.start + offset),
        }
    }
}

struct SpanReader {
    span: Span,
    at: u64,
}

impl Read for SpanReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.span.length.saturating_sub(self.at);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        self.span.read_exact_at(&mut buffer[..count], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for SpanReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.span.length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

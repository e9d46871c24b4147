//! The records of the zip format (APPNOTE 6.3.10, section 4.3): the encoding of headers, and the
//! encoding and decoding of the end records.

use crate::{Error, Rule};

pub(crate) const STORED: u16 = 0;
pub(crate) const DEFLATED: u16 = 8;
pub(crate) const ZSTANDARD: u16 = 93;

/// 1980-01-01, the first day that a DOS date can hold.
const DATE: u16 = 0x0021;
const TIME: u16 = 0;
/// Version 2.0: directories and deflate.
const VERSION: u16 = 20;
/// Version 4.5: zip64.
const VERSION_ZIP64: u16 = 45;
/// Version 6.3: Zstandard. The newest version with a feature that this crate reads.
pub(crate) const VERSION_ZSTANDARD: u16 = 63;
const HOST_UNIX: u16 = 3 << 8;
/// Bit 11: the name is UTF-8. Set only if the name is not ASCII.
pub(crate) const FLAG_UTF8: u16 = 1 << 11;
/// Bit 3: sizes and checksum follow the data instead of standing in the local header.
pub(crate) const FLAG_DESCRIPTOR: u16 = 1 << 3;
const MAX16: u64 = u16::MAX as u64;
pub(crate) const MAX32: u64 = u32::MAX as u64;

/// The extra field with the numbers that are too large for the header (APPNOTE 4.5.3).
pub(crate) const ZIP64_EXTRA: u16 = 1;

pub(crate) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
pub(crate) const LOCAL_LENGTH: usize = 30;
pub(crate) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
pub(crate) const CENTRAL_LENGTH: usize = 46;
pub(crate) const END_SIGNATURE: u32 = 0x0605_4b50;
pub(crate) const END_LENGTH: usize = 22;
const ZIP64_END_SIGNATURE: u32 = 0x0606_4b50;
pub(crate) const ZIP64_END_LENGTH: usize = 56;
const ZIP64_LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
pub(crate) const ZIP64_LOCATOR_LENGTH: usize = 20;

/// A member as the writer describes it.
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    /// The Unix mode with its file type.
    pub(crate) unix_mode: u32,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
}

impl Member<'_> {
    pub(crate) fn encode_local(&self, out: &mut Vec<u8>) {
        let zip64 = self.size >= MAX32 || self.compressed >= MAX32;
        let extra: &[u64] = if zip64 { &[self.size, self.compressed] } else { &[] };
        put32(out, LOCAL_SIGNATURE);
        put16(out, self.version(zip64));
        self.encode_common(out, zip64, extra);
        out.extend_from_slice(self.name.as_bytes());
        put_zip64(out, extra);
    }

    pub(crate) fn encode_central(&self, out: &mut Vec<u8>) {
        let sizes = self.size >= MAX32 || self.compressed >= MAX32;
        let mut extra = Vec::new();
        if sizes {
            extra.extend([self.size, self.compressed]);
        }
        if self.offset >= MAX32 {
            extra.push(self.offset);
        }
        let version = self.version(!extra.is_empty());
        put32(out, CENTRAL_SIGNATURE);
        put16(out, HOST_UNIX | version);
        put16(out, version);
        self.encode_common(out, sizes, &extra);
        put16(out, 0); // comment length
        put16(out, 0); // disk
        put16(out, 0); // internal attributes
        put32(out, self.external_attributes());
        put32(out, self.offset.min(MAX32) as u32);
        out.extend_from_slice(self.name.as_bytes());
        put_zip64(out, &extra);
    }

    /// Encodes the run of fields that both headers share, from the flags to the extra length.
    fn encode_common(&self, out: &mut Vec<u8>, sizes_in_extra: bool, extra: &[u64]) {
        put16(out, if self.name.is_ascii() { 0 } else { FLAG_UTF8 });
        put16(out, self.method);
        put16(out, TIME);
        put16(out, DATE);
        put32(out, self.crc32);
        let size = |n: u64| if sizes_in_extra { u32::MAX } else { n as u32 };
        put32(out, size(self.compressed));
        put32(out, size(self.size));
        put16(out, self.name.len() as u16);
        put16(out, if extra.is_empty() { 0 } else { 4 + 8 * extra.len() as u16 });
    }

    fn version(&self, zip64: bool) -> u16 {
        match self.method {
            ZSTANDARD => VERSION_ZSTANDARD,
            _ if zip64 => VERSION_ZIP64,
            _ => VERSION,
        }
    }

    fn external_attributes(&self) -> u32 {
        const DOS_DIRECTORY: u32 = 0x10;
        let dos = if self.name.ends_with('/') { DOS_DIRECTORY } else { 0 };
        self.unix_mode << 16 | dos
    }
}

/// The position of the central directory, and the number of its entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct End {
    pub(crate) entries: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
}

impl End {
    /// Appends the end records to the encoded directory.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let large = self.entries >= MAX16 || self.size >= MAX32 || self.offset >= MAX32;
        if large || ends_like_a_locator(out) {
            self.encode_zip64(out);
        }
        put32(out, END_SIGNATURE);
        put16(out, 0);
        put16(out, 0);
        put16(out, self.entries.min(MAX16) as u16);
        put16(out, self.entries.min(MAX16) as u16);
        put32(out, self.size.min(MAX32) as u32);
        put32(out, self.offset.min(MAX32) as u32);
        put16(out, 0);
    }

    fn encode_zip64(&self, out: &mut Vec<u8>) {
        put32(out, ZIP64_END_SIGNATURE);
        put64(out, ZIP64_END_LENGTH as u64 - 12);
        put16(out, HOST_UNIX | VERSION_ZIP64);
        put16(out, VERSION_ZIP64);
        put32(out, 0);
        put32(out, 0);
        put64(out, self.entries);
        put64(out, self.entries);
        put64(out, self.size);
        put64(out, self.offset);
        put32(out, ZIP64_LOCATOR_SIGNATURE);
        put32(out, 0);
        put64(out, self.offset + self.size);
        put32(out, 1);
    }

    /// Decodes the plain end record. `comment` is the length of the comment that must follow it.
    pub(crate) fn decode(bytes: &[u8; END_LENGTH], comment: usize) -> Result<Self, Error> {
        let mut fields = Fields(bytes);
        if fields.u32() != END_SIGNATURE {
            return Err(Error::refused(Rule::EndRecord, ""));
        }
        let (disk, start_disk) = (fields.u16(), fields.u16());
        let (entries_here, entries) = (fields.u16(), fields.u16());
        let end = Self {
            entries: entries.into(),
            size: fields.u32().into(),
            offset: fields.u32().into(),
        };
        if usize::from(fields.u16()) != comment {
            return Err(Error::refused(Rule::EndRecord, ""));
        }
        if disk != 0 || start_disk != 0 || entries_here != entries {
            return Err(Error::refused(Rule::SingleDisk, ""));
        }
        Ok(end)
    }

    pub(crate) fn may_be_zip64(&self) -> bool {
        self.entries == MAX16 || self.size == MAX32 || self.offset == MAX32
    }

    /// Returns the offset of the zip64 end record, if these bytes are its locator.
    pub(crate) fn decode_locator(bytes: &[u8; ZIP64_LOCATOR_LENGTH]) -> Result<Option<u64>, Error> {
        let mut fields = Fields(bytes);
        if fields.u32() != ZIP64_LOCATOR_SIGNATURE {
            return Ok(None);
        }
        let (disk, offset, disks) = (fields.u32(), fields.u64(), fields.u32());
        if disk != 0 || disks != 1 {
            return Err(Error::refused(Rule::SingleDisk, ""));
        }
        Ok(Some(offset))
    }

    /// Decodes the zip64 record, which must agree with every plain field that is not saturated.
    pub(crate) fn decode_zip64(
        bytes: &[u8; ZIP64_END_LENGTH],
        plain: &Self,
    ) -> Result<Self, Error> {
        let mut fields = Fields(bytes);
        let contradiction = || Error::refused(Rule::Zip64, "");
        if fields.u32() != ZIP64_END_SIGNATURE || fields.u64() != ZIP64_END_LENGTH as u64 - 12 {
            return Err(contradiction());
        }
        fields.skip(4);
        if fields.u32() != 0 || fields.u32() != 0 {
            return Err(Error::refused(Rule::SingleDisk, ""));
        }
        let entries_here = fields.u64();
        let end = Self { entries: fields.u64(), size: fields.u64(), offset: fields.u64() };
        let agrees = |plain: u64, full: u64, saturated: u64| plain == saturated || plain == full;
        if entries_here != end.entries
            || !agrees(plain.entries, end.entries, MAX16)
            || !agrees(plain.size, end.size, MAX32)
            || !agrees(plain.offset, end.offset, MAX32)
        {
            return Err(contradiction());
        }
        Ok(end)
    }
}

/// Returns true if the directory ends in bytes that look like a zip64 locator (an offset of
/// 0x07064b50, and a name of 16 bytes). Readers look for a locator right before the end record, so
/// such a directory must not stand there.
fn ends_like_a_locator(directory: &[u8]) -> bool {
    directory
        .last_chunk::<ZIP64_LOCATOR_LENGTH>()
        .is_some_and(|last| last.starts_with(&ZIP64_LOCATOR_SIGNATURE.to_le_bytes()))
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_zip64(out: &mut Vec<u8>, values: &[u64]) {
    if !values.is_empty() {
        put16(out, ZIP64_EXTRA);
        put16(out, 8 * values.len() as u16);
        values.iter().for_each(|value| put64(out, *value));
    }
}

/// A decoder of little-endian fields. The caller has checked the length of the record.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at(N);
        self.0 = rest;
        let mut field = [0; N];
        field.copy_from_slice(head);
        field
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.0 = &self.0[bytes..];
    }
}

impl From<Rule> for Error {
    fn from(rule: Rule) -> Self {
        Self::refused(rule, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Central;

    fn member(size: u64, offset: u64) -> Member<'static> {
        Member {
            name: "a",
            unix_mode: 0o100_644,
            method: STORED,
            crc32: 7,
            compressed: size,
            size,
            offset,
        }
    }

    #[test]
    fn zip64_fields_are_a_function_of_the_numbers_alone() {
        for (size, offset) in
            [(0, 0), (MAX32 - 1, MAX32 - 1), (MAX32, 3), (5, MAX32), (1 << 40, 1 << 50)]
        {
            let mut bytes = Vec::new();
            member(size, offset).encode_central(&mut bytes);
            let wide = usize::from(size >= MAX32) * 2 + usize::from(offset >= MAX32);
            let extra = if wide == 0 { 0 } else { 4 + 8 * wide };
            assert_eq!(bytes.len(), CENTRAL_LENGTH + 1 + extra);
            let read = Central::decode(&mut bytes.as_slice()).unwrap();
            assert_eq!((read.size, read.compressed, read.offset), (size, size, offset));
        }
    }

    #[test]
    fn a_directory_that_ends_like_a_locator_is_followed_by_a_real_one() {
        let mut bytes = vec![7; 30];
        put32(&mut bytes, ZIP64_LOCATOR_SIGNATURE);
        bytes.extend(b"module_name16.py");
        let end = End { entries: 1, size: 50, offset: 200 };
        end.encode(&mut bytes);
        assert_eq!(bytes.len(), 50 + ZIP64_END_LENGTH + ZIP64_LOCATOR_LENGTH + END_LENGTH);
        let mut plain = vec![7; 50];
        end.encode(&mut plain);
        assert_eq!(plain.len(), 50 + END_LENGTH);
    }

    #[test]
    fn end_records_round_trip_on_both_sides_of_the_zip64_border() {
        for end in [
            End { entries: 3, size: 100, offset: 200 },
            End { entries: 65_535, size: 100, offset: 200 },
            End { entries: 3, size: 100, offset: 1 << 33 },
        ] {
            let mut bytes = Vec::new();
            end.encode(&mut bytes);
            let plain = End::decode(bytes.last_chunk().unwrap(), 0).unwrap();
            assert_eq!(plain.may_be_zip64(), bytes.len() > END_LENGTH);
            if plain.may_be_zip64() {
                let read = End::decode_zip64(bytes.first_chunk().unwrap(), &plain).unwrap();
                assert_eq!(read, end);
            } else {
                assert_eq!(plain, end);
            }
        }
    }
}

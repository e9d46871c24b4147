//! Decoding of headers, and of the data descriptor, which repeats their sizes and checksum.

use crate::{
    Error, Rule,
    extra::{extra_agrees, widen},
    record::{
        CENTRAL_LENGTH, CENTRAL_SIGNATURE, Fields, LOCAL_LENGTH, LOCAL_SIGNATURE, put32, put64,
    },
};

const DESCRIPTOR_SIGNATURE: u32 = 0x0807_4b50;

/// A decoded entry of a central directory.
#[derive(Debug)]
pub(crate) struct Central {
    /// The system that made the entry and defines its attributes (APPNOTE 4.4.2).
    pub(crate) host: u8,
    /// The version needed to extract, times ten.
    pub(crate) version: u16,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    pub(crate) external_attributes: u32,
    pub(crate) name: Vec<u8>,
}

impl Central {
    /// Decodes one entry from the front of `bytes`.
    pub(crate) fn decode(bytes: &mut &[u8]) -> Result<Self, Error> {
        let malformed = || Error::refused(Rule::CentralDirectory, "");
        let (head, rest) = bytes.split_at_checked(CENTRAL_LENGTH).ok_or_else(malformed)?;
        let mut fields = Fields(head);
        if fields.u32() != CENTRAL_SIGNATURE {
            return Err(malformed());
        }
        let host = (fields.u16() >> 8) as u8;
        let version = fields.u16() & 0xff;
        let (flags, method) = (fields.u16(), fields.u16());
        fields.skip(4);
        let (crc32, compressed, size) = (fields.u32(), fields.u32(), fields.u32());
        let lengths = [fields.u16(), fields.u16(), fields.u16()].map(usize::from);
        let disk = fields.u16();
        fields.skip(2);
        let (external_attributes, offset) = (fields.u32(), fields.u32());
        let (name, rest) = rest.split_at_checked(lengths[0]).ok_or_else(malformed)?;
        let (extra, rest) = rest.split_at_checked(lengths[1]).ok_or_else(malformed)?;
        let (_comment, rest) = rest.split_at_checked(lengths[2]).ok_or_else(malformed)?;
        if disk != 0 {
            return Err(Error::refused(Rule::SingleDisk, String::from_utf8_lossy(name)));
        }
        if !extra_agrees(extra, name) {
            return Err(Error::refused(Rule::ExtraField, String::from_utf8_lossy(name)));
        }
        *bytes = rest;
        let [size, compressed, offset] = widen(extra, [size, compressed, offset], name)?;
        Ok(Self {
            host,
            version,
            flags,
            method,
            crc32,
            compressed,
            size,
            offset,
            external_attributes,
            name: name.to_vec(),
        })
    }
}

/// The fields of a local header that must agree with the central directory.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Local {
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed: u32,
    pub(crate) size: u32,
    pub(crate) name_length: usize,
    pub(crate) extra_length: usize,
}

impl Local {
    pub(crate) fn decode(bytes: &[u8; LOCAL_LENGTH]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u32() != LOCAL_SIGNATURE {
            return None;
        }
        fields.skip(2);
        let (flags, method) = (fields.u16(), fields.u16());
        fields.skip(4);
        Some(Self {
            flags,
            method,
            crc32: fields.u32(),
            compressed: fields.u32(),
            size: fields.u32(),
            name_length: fields.u16().into(),
            extra_length: fields.u16().into(),
        })
    }
}

/// Returns the length of the data descriptor that `bytes` start with (APPNOTE 4.3.9). It may have a
/// signature, and sizes of 4 or 8 bytes. Returns `None` if it contradicts the given values.
pub(crate) fn descriptor_length(
    bytes: &[u8],
    crc32: u32,
    compressed: u64,
    size: u64,
) -> Option<usize> {
    let mut narrow = crc32.to_le_bytes().to_vec();
    let mut wide = narrow.clone();
    let fits = u32::try_from(compressed).is_ok() && u32::try_from(size).is_ok();
    put32(&mut narrow, compressed as u32);
    put32(&mut narrow, size as u32);
    put64(&mut wide, compressed);
    put64(&mut wide, size);
    let signature = DESCRIPTOR_SIGNATURE.to_le_bytes();
    let behind = |bytes: &[u8]| {
        let forms = [&wide, &narrow];
        let found = forms.into_iter().find(|form| bytes.starts_with(form));
        found.filter(|form| form.len() == wide.len() || fits).map(Vec::len)
    };
    let signed = bytes.strip_prefix(&signature).and_then(behind).map(|n| n + signature.len());
    signed.or_else(|| behind(bytes))
}

//! A compact encoding of the parts of a wheel that a merge needs, for callers that cache them.

use pinnace_env::{Contents, Distribution, File, Place, Script};
use pinnace_wheel::WheelName;

use crate::{Error, PexDistribution, WheelFiles};

impl PexDistribution {
    /// Encodes the [`Self::distribution`] of a wheel for [`Self::decode`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Wheel`](crate::ErrorKind::Wheel) if the wheel is missing. Returns
    /// another error if it is malformed.
    pub fn encode(
        name: &WheelName,
        sha256: [u8; 32],
        wheels: &dyn WheelFiles,
    ) -> Result<Vec<u8>, Error> {
        let distribution = Self::of_wheel(name, sha256, wheels)?.distribution()?;
        let mut out = distribution.id().to_vec();
        put(&mut out, distribution.requires_python().unwrap_or_default());
        put_count(&mut out, distribution.requires().len());
        distribution.requires().iter().for_each(|text| put(&mut out, text));
        put_count(&mut out, distribution.contents().scripts().len());
        for script in distribution.contents().scripts() {
            put(&mut out, script.name());
            put(&mut out, script.target());
        }
        for file in distribution.contents().files() {
            let place = PLACES.iter().position(|place| *place == file.place()).unwrap_or_default();
            out.push(place as u8 | u8::from(file.declares_namespace()) << 7);
            put(&mut out, file.path());
            out.extend(file.id());
        }
        Ok(out)
    }

    /// Decodes the output of [`Self::encode`], or returns `None` for other bytes.
    pub fn decode(name: &WheelName, bytes: &[u8]) -> Option<Distribution<[u8; 32]>> {
        let (id, rest) = bytes.split_first_chunk::<32>()?;
        let mut input = Input(rest);
        let python = Some(input.text()?).filter(|python| !python.is_empty());
        let requires = (0..input.count()?).map(|_| input.text()).collect::<Option<_>>()?;
        let scripts = (0..input.count()?)
            .map(|_| Some(Script::new(input.text()?, input.text()?)))
            .collect::<Option<Vec<_>>>()?;
        let mut files = Vec::new();
        while let Some((head, rest)) = input.0.split_first() {
            input.0 = rest;
            let place = *PLACES.get(usize::from(head & 0x7f))?;
            let file = File::new(place, input.text()?, *input.digest()?);
            files.push(if head & 0x80 == 0 { file } else { file.declaring_namespace() });
        }
        let contents = Contents::new(files).ok()?.with_scripts(scripts);
        let (project, version) = (name.project().as_str(), name.version().to_string());
        let distribution = Distribution::new(project, version, name.as_str(), *id);
        Some(
            distribution.requiring(requires, Vec::new()).for_python(python).with_contents(contents),
        )
    }
}

/// The places, by their number in the encoding.
const PLACES: [Place; 4] = [Place::Library, Place::Scripts, Place::Headers, Place::Data];

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend((count as u32).to_le_bytes());
}

fn put(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend(text.as_bytes());
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn count(&mut self) -> Option<usize> {
        let (count, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        usize::try_from(u32::from_le_bytes(*count)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn digest(&mut self) -> Option<&'a [u8; 32]> {
        let (digest, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(digest)
    }
}

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Cursor, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::{
    Archive, ArchivePath, Content, Entry, Error, ErrorKind, Mode, ReadAt, Rule, Summary,
    WriteOptions, Writer,
    folder::{self, SymlinkPolicy},
    member::Scratch,
    ordered,
    writer::sha256_of,
};

/// Collects entries in any order, from anywhere, and writes them in the one order of an archive.
///
/// Contents are opened only when they are written, so memory is bounded by the names and by what
/// was added from memory.
///
/// ```
/// use pinnace_archive::{ArchiveBuilder, ArchivePath, Mode, WriteOptions};
///
/// let mut builder = ArchiveBuilder::new();
/// builder.add_bytes(&ArchivePath::parse("z.txt")?, Mode::File, "last")?;
/// builder.add_bytes(&ArchivePath::parse("a.txt")?, Mode::File, "first")?;
/// let summary = builder.write(std::io::sink(), &WriteOptions::default())?;
/// assert_eq!(summary.entries, 2);
/// # Ok::<(), pinnace_archive::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ArchiveBuilder<'a> {
    prefix: Vec<u8>,
    nodes: BTreeMap<String, Node<'a>>,
}

/// One entry; the key of a directory ends in `/`.
pub(crate) enum Node<'a> {
    Directory,
    File(ArchivePath, Mode, Box<dyn Feed + 'a>),
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => f.write_str("Directory"),
            Self::File(_, mode, _) => f.debug_tuple("File").field(mode).finish_non_exhaustive(),
        }
    }
}

/// Where a member's bytes come from.
pub(crate) trait Feed: Sync {
    /// Reads it once.
    fn measure(
        &self,
        path: &ArchivePath,
        writing: &WriteOptions<'_>,
    ) -> Result<Measured<'_>, Error>;

    /// Writes what was measured as [`Measured::Raw`].
    fn copy(
        &self,
        _writer: &mut Writer<&mut dyn Write>,
        _path: &ArchivePath,
        _mode: Mode,
        _sha256: [u8; 32],
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// A member, ready to be written.
pub(crate) enum Measured<'a> {
    Directory,
    Content(Content<Box<dyn ReadSeek + 'a>>),
    Raw([u8; 32]),
}

/// A source of bytes that can be read twice.
pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl<'a> ArchiveBuilder<'a> {
    /// No entries yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the archive with a script line, as [`Writer::with_prefix`] does.
    pub fn set_prefix(&mut self, prefix: &[u8]) {
        self.prefix = prefix.to_vec();
    }

    /// Adds a directory, if it is not there already. Parents of other entries need none of this.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::FileAndDirectory`].
    pub fn add_directory(&mut self, path: &ArchivePath) -> Result<(), Error> {
        self.insert(format!("{path}/"), Node::Directory)
    }

    /// Adds a file from memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Duplicate`], [`ErrorKind::FileAndDirectory`].
    pub fn add_bytes(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<(), Error> {
        self.add(path, mode, Bytes(bytes.into()))
    }

    /// Adds a file of the disk. It is opened when the archive is written.
    ///
    /// # Errors
    ///
    /// As [`ArchiveBuilder::add_bytes`].
    pub fn add_file(&mut self, path: &ArchivePath, mode: Mode, file: &Path) -> Result<(), Error> {
        self.add(path, mode, OnDisk(file.to_owned()))
    }

    /// Adds a file from whatever `open` opens. It is called when the archive is written.
    ///
    /// # Errors
    ///
    /// As [`ArchiveBuilder::add_bytes`].
    pub fn add_with<R: Read + Seek + Send + 'a>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        open: impl Fn() -> io::Result<R> + Sync + 'a,
    ) -> Result<(), Error> {
        let open = move || open().map(|source| Box::new(source) as Box<dyn ReadSeek + 'a>);
        self.add(path, mode, Opened(Box::new(open)))
    }

    /// Adds all that lies in a folder, at the top of the archive: files (dot-files too),
    /// executables (where the owner may execute them), directories (empty ones too). See to it
    /// that the archive itself is not written into the folder.
    ///
    /// ```
    /// use pinnace_archive::{ArchiveBuilder, Deflate, SymlinkPolicy, WriteOptions};
    ///
    /// let mut builder = ArchiveBuilder::new();
    /// builder.add_folder("src".as_ref(), SymlinkPolicy::Refuse)?;
    /// let deflate = Deflate::default();
    /// let summary = builder.write(std::io::sink(), &WriteOptions::default().encoder(&deflate))?;
    /// assert_eq!(summary.encoders, [pinnace_archive::Encoder::id(&deflate)]);
    /// # Ok::<(), pinnace_archive::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Source`] for what cannot be read or held; as [`ArchiveBuilder::add_bytes`].
    /// Nothing is added then.
    pub fn add_folder(&mut self, folder: &Path, links: SymlinkPolicy) -> Result<(), Error> {
        self.add_walk(folder, "", links)
    }

    /// The same below a directory of the archive.
    ///
    /// # Errors
    ///
    /// As [`ArchiveBuilder::add_folder`].
    pub fn add_folder_at(
        &mut self,
        path: &ArchivePath,
        folder: &Path,
        links: SymlinkPolicy,
    ) -> Result<(), Error> {
        self.add_walk(folder, &format!("{path}/"), links)?;
        self.add_directory(path)
    }

    fn add_walk(&mut self, folder: &Path, below: &str, links: SymlinkPolicy) -> Result<(), Error> {
        let found = folder::walk(folder, below, links)?;
        self.insert_all(found.into_iter().map(|found| match found.mode {
            None => (format!("{}/", found.path), Node::Directory),
            Some(mode) => file(&found.path, mode, OnDisk(found.file)),
        }))
    }

    /// Adds a member of another archive under a new name. Its compressed stream is copied
    /// untouched ([`Writer::copy`]).
    ///
    /// # Errors
    ///
    /// As [`ArchiveBuilder::add_bytes`]; [`ErrorKind::Refused`] for what is no file.
    pub fn add_member<R: ReadAt + Sync>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        archive: &'a Archive<R>,
        entry: &'a Entry,
    ) -> Result<(), Error> {
        if !entry.is_file() {
            return Err(Error::refused(Rule::FileType, entry.name()));
        }
        self.add(path, mode, Member { archive, entry })
    }

    /// Adds all members of another archive, with names and modes as they are; its prefix stays
    /// behind.
    ///
    /// ```
    /// use pinnace_archive::{Archive, ArchiveBuilder, ArchivePath, Mode, Policy, WriteOptions};
    ///
    /// let mut bytes = Vec::new();
    /// let mut builder = ArchiveBuilder::new();
    /// builder.add_bytes(&ArchivePath::parse("a")?, Mode::File, "")?;
    /// builder.write(&mut bytes, &WriteOptions::default())?;
    ///
    /// let other = Archive::open(bytes, Policy::strict())?;
    /// let mut merged = ArchiveBuilder::new();
    /// merged.add_archive(&other)?;
    /// merged.add_bytes(&ArchivePath::parse("b")?, Mode::File, "")?;
    /// assert_eq!(merged.write(std::io::sink(), &WriteOptions::default())?.entries, 2);
    /// # Ok::<(), pinnace_archive::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ArchiveBuilder::add_member`]. Nothing is added then.
    pub fn add_archive<R: ReadAt + Sync>(&mut self, archive: &'a Archive<R>) -> Result<(), Error> {
        let mut directories = archive.entries().iter().filter(|entry| entry.is_directory());
        directories.try_for_each(|entry| archive.copy_to(entry, &mut io::sink()).map(drop))?;
        let nodes = archive.entries().iter().map(|entry| match entry.name().strip_suffix('/') {
            Some(_) => Ok((entry.name().to_owned(), Node::Directory)),
            None if entry.is_symlink() => Err(Error::refused(Rule::NoSymlink, entry.name())),
            None => {
                let path = ArchivePath::parse(entry.name())?;
                Ok(file(&path, entry.mode(), Member { archive, entry }))
            }
        });
        self.insert_all(nodes.collect::<Result<Vec<_>, _>>()?)
    }

    /// Writes the archive. The same entries give the same bytes, whatever the order in which they
    /// were added and the number of threads.
    ///
    /// # Errors
    ///
    /// If a content cannot be read, changes meanwhile, or `out` fails. What was written is then no
    /// archive.
    pub fn write(&self, mut out: impl Write, writing: &WriteOptions<'_>) -> Result<Summary, Error> {
        let out: &mut dyn Write = &mut out;
        let mut writer = match self.prefix.as_slice() {
            [] => Writer::new(out),
            prefix => Writer::with_prefix(out, prefix)?,
        };
        let nodes: Vec<(&String, &Node<'_>)> = self.nodes.iter().collect();
        ordered::for_each(
            &nodes,
            writing.threads,
            |item| measure(item.1, writing),
            |(name, node), measured| match (node, measured?) {
                (Node::File(path, mode, _), Measured::Content(content)) => {
                    writer.file(path, *mode, content)
                }
                (Node::File(path, mode, feed), Measured::Raw(sha256)) => {
                    feed.copy(&mut writer, path, *mode, sha256)
                }
                (Node::Directory, _) | (Node::File(..), Measured::Directory) => {
                    writer.directory(&ArchivePath::parse(name.trim_end_matches('/'))?)
                }
            },
        )?;
        writer.finish().map(|(_, summary)| summary)
    }

    fn add(&mut self, path: &ArchivePath, mode: Mode, feed: impl Feed + 'a) -> Result<(), Error> {
        let (name, node) = file(path, mode, feed);
        self.insert(name, node)
    }

    /// All of them or none. Among themselves they do not clash.
    fn insert_all(
        &mut self,
        nodes: impl IntoIterator<Item = (String, Node<'a>)>,
    ) -> Result<(), Error> {
        let nodes: Vec<_> = nodes.into_iter().collect();
        nodes.iter().try_for_each(|(name, node)| self.admit(name, node))?;
        self.nodes.extend(nodes);
        Ok(())
    }

    fn insert(&mut self, name: String, node: Node<'a>) -> Result<(), Error> {
        self.admit(&name, &node)?;
        self.nodes.insert(name, node);
        Ok(())
    }

    fn admit(&self, name: &str, node: &Node<'a>) -> Result<(), Error> {
        let path = name.trim_end_matches('/');
        let clash = |path: &str| Err(ErrorKind::FileAndDirectory { path: path.to_owned() }.into());
        let mut parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(file) = parents.find(|parent| self.nodes.contains_key(*parent)) {
            return clash(file);
        }
        match node {
            // Two folders that are added may both hold one of that name.
            Node::Directory if self.nodes.contains_key(path) => clash(path),
            Node::Directory => Ok(()),
            Node::File(..) if self.has_below(&format!("{path}/")) => clash(path),
            Node::File(..) if self.nodes.contains_key(path) => {
                Err(ErrorKind::Duplicate { path: path.to_owned() }.into())
            }
            Node::File(..) => Ok(()),
        }
    }

    fn has_below(&self, folder: &str) -> bool {
        let next = self.nodes.range(folder.to_owned()..).next();
        next.is_some_and(|(name, _)| name.starts_with(folder))
    }
}

fn file<'a>(path: &ArchivePath, mode: Mode, feed: impl Feed + 'a) -> (String, Node<'a>) {
    (path.to_string(), Node::File(path.clone(), mode, Box::new(feed)))
}

fn measure<'n>(node: &'n Node<'_>, writing: &WriteOptions<'_>) -> Result<Measured<'n>, Error> {
    match node {
        Node::Directory => Ok(Measured::Directory),
        Node::File(path, _, feed) => feed.measure(path, writing),
    }
}

struct Bytes(Vec<u8>);

impl Feed for Bytes {
    fn measure(
        &self,
        path: &ArchivePath,
        writing: &WriteOptions<'_>,
    ) -> Result<Measured<'_>, Error> {
        let measured = writing.measure(Cursor::new(self.0.as_slice()));
        measured.map(Measured::Content).map_err(unreadable(path))
    }
}

struct OnDisk(PathBuf);

impl Feed for OnDisk {
    fn measure(&self, _: &ArchivePath, writing: &WriteOptions<'_>) -> Result<Measured<'_>, Error> {
        let measured = File::open(&self.0).and_then(|file| writing.measure(file));
        measured
            .map(Measured::Content)
            .map_err(|source| ErrorKind::Source { path: self.0.clone(), source }.into())
    }
}

type Open<'a> = Box<dyn Fn() -> io::Result<Box<dyn ReadSeek + 'a>> + Sync + 'a>;

struct Opened<'a>(Open<'a>);

impl Feed for Opened<'_> {
    fn measure(
        &self,
        path: &ArchivePath,
        writing: &WriteOptions<'_>,
    ) -> Result<Measured<'_>, Error> {
        let measured = (self.0)().and_then(|source| writing.measure(source));
        measured.map(Measured::Content).map_err(unreadable(path))
    }
}

fn unreadable(path: &ArchivePath) -> impl FnOnce(io::Error) -> Error {
    move |source| ErrorKind::Content { path: path.to_string(), source }.into()
}

struct Member<'a, R> {
    archive: &'a Archive<R>,
    entry: &'a Entry,
}

impl<R: ReadAt + Sync> Feed for Member<'_, R> {
    fn measure(&self, _: &ArchivePath, _: &WriteOptions<'_>) -> Result<Measured<'_>, Error> {
        sha256_of(self.archive, self.entry, &mut Scratch::default()).map(Measured::Raw)
    }

    fn copy(
        &self,
        writer: &mut Writer<&mut dyn Write>,
        path: &ArchivePath,
        mode: Mode,
        sha256: [u8; 32],
    ) -> Result<(), Error> {
        writer.copy_verified(path, mode, self.archive, self.entry, sha256)
    }
}

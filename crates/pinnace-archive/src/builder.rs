use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Cursor, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::{
    Archive, ArchivePath, Content, Entry, Error, ErrorKind, Mode, ReadAt, Rule, Summary,
    WriteOptions, Writer,
    content::ReadSeek,
    folder::{self, SymlinkPolicy},
    member::Scratch,
    ordered,
    writer::sha256_of,
};

/// A collection of entries, added in any order from any source and written in archive order.
///
/// The builder opens contents only when it writes them. Memory use is bounded by the names and by
/// the contents that were added from memory.
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

/// A collected entry. The key of a directory ends in `/`.
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

/// A source of a member's bytes.
pub(crate) trait Feed: Sync {
    /// Reads the source once and measures it.
    fn measure(
        &self,
        path: &ArchivePath,
        options: &WriteOptions<'_>,
    ) -> Result<Measured<'_>, Error>;

    /// Writes a member that was measured as [`Measured::Raw`].
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

/// A measured member, ready to be written.
pub(crate) enum Measured<'a> {
    Directory,
    Content(Content<Box<dyn ReadSeek + 'a>>),
    Raw([u8; 32]),
}

impl<'a> ArchiveBuilder<'a> {
    /// Creates a builder without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the script line that the archive starts with, as in [`Writer::with_prefix`].
    pub fn set_prefix(&mut self, prefix: &[u8]) {
        self.prefix = prefix.to_vec();
    }

    /// Adds a directory, unless it was added before. Parents of other entries are written
    /// automatically.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::FileAndDirectory`] if a file has this name or the name of a parent.
    pub fn add_directory(&mut self, path: &ArchivePath) -> Result<(), Error> {
        self.insert(format!("{path}/"), Node::Directory)
    }

    /// Adds a file from memory.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Duplicate`] if the name was added before, and
    /// [`ErrorKind::FileAndDirectory`] if it would make a path both a file and a directory.
    pub fn add_bytes(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<(), Error> {
        self.add(path, mode, Bytes(bytes.into()))
    }

    /// Adds a file from disk. It is opened when the archive is written.
    ///
    /// # Errors
    ///
    /// Fails like [`ArchiveBuilder::add_bytes`].
    pub fn add_file(&mut self, path: &ArchivePath, mode: Mode, file: &Path) -> Result<(), Error> {
        self.add(path, mode, OnDisk(file.to_owned()))
    }

    /// Adds a file from the source that `open` returns. The builder calls `open` when the archive
    /// is written.
    ///
    /// # Errors
    ///
    /// Fails like [`ArchiveBuilder::add_bytes`].
    pub fn add_with<R: Read + Seek + Send + 'a>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        open: impl Fn() -> io::Result<R> + Sync + 'a,
    ) -> Result<(), Error> {
        let open = move || open().map(|source| Box::new(source) as Box<dyn ReadSeek + 'a>);
        self.add(path, mode, Opened(Box::new(open)))
    }

    /// Adds the contents of a folder at the top of the archive: files (dot-files too), executables
    /// (if the owner may execute them) and directories (empty ones too). Do not write the archive
    /// itself into the folder.
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
    /// Returns [`ErrorKind::Source`] for a file or folder that cannot be read, or that an archive
    /// cannot hold. Otherwise fails like [`ArchiveBuilder::add_bytes`]. On an error nothing is
    /// added.
    pub fn add_folder(&mut self, folder: &Path, links: SymlinkPolicy) -> Result<(), Error> {
        self.add_walk(folder, "", links)
    }

    /// Adds the contents of a folder below a directory of the archive.
    ///
    /// # Errors
    ///
    /// Fails like [`ArchiveBuilder::add_folder`].
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

    /// Adds a member of another archive under a new name. Its compressed stream is copied unchanged
    /// ([`Writer::copy`]).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Refused`] if the member is not a file. Otherwise fails like
    /// [`ArchiveBuilder::add_bytes`].
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

    /// Adds all members of another archive with their names and modes. The prefix of that archive
    /// is not copied.
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
    /// Fails like [`ArchiveBuilder::add_member`]. On an error nothing is added.
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

    /// Writes the archive. The same entries give the same bytes, in whatever order they were added
    /// and with any number of threads.
    ///
    /// # Errors
    ///
    /// Fails if a content cannot be read or changes meanwhile, or if `out` fails. The output is
    /// then not a valid archive.
    pub fn write(&self, mut out: impl Write, options: &WriteOptions<'_>) -> Result<Summary, Error> {
        let out: &mut dyn Write = &mut out;
        let mut writer = match self.prefix.as_slice() {
            [] => Writer::new(out),
            prefix => Writer::with_prefix(out, prefix)?,
        };
        let nodes: Vec<(&String, &Node<'_>)> = self.nodes.iter().collect();
        ordered::for_each(
            &nodes,
            options.threads,
            |item| measure(item.1, options),
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

    /// Adds all nodes or none. The nodes must not clash among themselves.
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
            // Two added folders may both contain a directory of this name.
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

fn measure<'n>(node: &'n Node<'_>, options: &WriteOptions<'_>) -> Result<Measured<'n>, Error> {
    match node {
        Node::Directory => Ok(Measured::Directory),
        Node::File(path, _, feed) => feed.measure(path, options),
    }
}

struct Bytes(Vec<u8>);

impl Feed for Bytes {
    fn measure(
        &self,
        path: &ArchivePath,
        options: &WriteOptions<'_>,
    ) -> Result<Measured<'_>, Error> {
        let measured = options.measure(Cursor::new(self.0.as_slice()));
        measured.map(Measured::Content).map_err(unreadable(path))
    }
}

struct OnDisk(PathBuf);

impl Feed for OnDisk {
    fn measure(&self, _: &ArchivePath, options: &WriteOptions<'_>) -> Result<Measured<'_>, Error> {
        let measured = File::open(&self.0).and_then(|file| options.measure(file));
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
        options: &WriteOptions<'_>,
    ) -> Result<Measured<'_>, Error> {
        let measured = (self.0)().and_then(|source| options.measure(source));
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

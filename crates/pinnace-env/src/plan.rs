use std::{collections::BTreeMap, ops::Range, sync::Arc};

use crate::{Conflict, Contents, Distribution, File, Owner, OwnerDistribution, Place};

/// The contents of a merged environment, and the conflicts that the merge found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan<Id> {
    /// The layers' own files first, then the distributions, each in the order of layers.
    pub(crate) sources: Vec<Source<Id>>,
    pub(crate) pieces: Vec<PieceAt>,
    pub(crate) programs: BTreeMap<String, ProgramAt>,
    pub(crate) conflicts: Vec<Conflict>,
}

/// A source of files in a plan: a layer's own files, or a distribution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source<Id> {
    /// The index among the plan's sources.
    pub(crate) number: usize,
    pub(crate) layer: String,
    pub(crate) distribution: Option<Distribution<Id>>,
    pub(crate) contents: Arc<Contents<Id>>,
}

/// A file of the environment, or a folder that has only one owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PieceAt {
    pub(crate) source: usize,
    pub(crate) files: Range<usize>,
    /// The length of the piece's own path, which is a prefix of its files' paths.
    pub(crate) length: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ProgramAt {
    Script { source: usize, at: usize },
    File { source: usize, at: usize },
}

/// A file of the environment, or a folder whose whole content comes from one source.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'p, Id> {
    source: &'p Source<Id>,
    files: &'p [File<Id>],
    length: usize,
}

/// A program of the environment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Program<'p, Id> {
    /// A script that an installer generates from an entry point.
    Script {
        /// The owner.
        source: &'p Source<Id>,
        /// The entry point, as `module:function`.
        target: &'p str,
    },
    /// A program that exists as a file.
    File {
        /// The owner.
        source: &'p Source<Id>,
        /// The file.
        file: &'p File<Id>,
    },
}

impl<Id> Plan<Id> {
    /// Returns the distributions, in the order of the layers and within them.
    pub fn distributions(&self) -> impl DoubleEndedIterator<Item = &Distribution<Id>> {
        self.sources.iter().filter_map(Source::distribution)
    }

    /// Returns the sources of files: first the layers that have files of their own, then the
    /// distributions.
    pub fn sources(&self) -> &[Source<Id>] {
        &self.sources
    }

    /// Returns the files and folders to link, sorted by place, and within each folder by name. A
    /// folder that has one owner is one piece, and can be shown by one link. Programs are not
    /// included.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = Piece<'_, Id>> {
        self.pieces.iter().map(|piece| {
            let source = &self.sources[piece.source];
            let files = &source.contents.files[piece.files.clone()];
            Piece { source, files, length: piece.length }
        })
    }

    /// Returns all files one by one, sorted by piece, each with its source. Programs are not
    /// included.
    pub fn files(&self) -> impl Iterator<Item = (&File<Id>, &Source<Id>)> {
        self.pieces().flat_map(|piece| piece.files.iter().map(move |file| (file, piece.source)))
    }

    /// Returns the programs by name.
    pub fn programs(&self) -> impl ExactSizeIterator<Item = (&str, Program<'_, Id>)> {
        self.programs.iter().map(|(name, program)| {
            let program = match *program {
                ProgramAt::Script { source, at } => {
                    let source = &self.sources[source];
                    Program::Script { source, target: &source.contents.scripts[at].target }
                }
                ProgramAt::File { source, at } => {
                    let source = &self.sources[source];
                    Program::File { source, file: &source.contents.files[at] }
                }
            };
            (name.as_str(), program)
        })
    }

    /// Returns the `.pth` files. The interpreter runs their lines at every start, in the order of
    /// the files' names.
    pub fn path_files(&self) -> impl Iterator<Item = (&File<Id>, &Source<Id>)> {
        let at_top = |file: &File<Id>| {
            file.place == Place::Library && file.path.ends_with(".pth") && !file.path.contains('/')
        };
        self.files().filter(move |(file, _)| at_top(file))
    }

    /// Returns the conflicts, in the order in which the merge found them.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

impl<Id> Source<Id> {
    /// Returns the layer's name.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// Returns the distribution, or `None` for the layer's own files.
    pub fn distribution(&self) -> Option<&Distribution<Id>> {
        self.distribution.as_ref()
    }

    /// Returns all files and scripts of the source, including those that lost.
    pub fn contents(&self) -> &Contents<Id> {
        &self.contents
    }

    pub(crate) fn owner(&self) -> Owner {
        let distribution = self.distribution.as_ref().map(|known| OwnerDistribution {
            project: known.project.clone(),
            file_name: known.file_name.clone(),
        });
        Owner { layer: self.layer.clone(), distribution }
    }
}

impl<'p, Id> Piece<'p, Id> {
    /// Returns the place.
    pub fn place(&self) -> Place {
        self.files[0].place
    }

    /// Returns the path below the place.
    pub fn path(&self) -> &'p str {
        &self.files[0].path[..self.length]
    }

    /// Returns true if the piece is a file, and false if it is a folder.
    pub fn is_file(&self) -> bool {
        self.files[0].path.len() == self.length
    }

    /// Returns the file, or all files of the folder.
    pub fn files(&self) -> &'p [File<Id>] {
        self.files
    }

    /// Returns the owner.
    pub fn source(&self) -> &'p Source<Id> {
        self.source
    }
}

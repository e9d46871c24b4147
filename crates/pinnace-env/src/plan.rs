use std::{collections::BTreeMap, ops::Range, sync::Arc};

use crate::{Conflict, Contents, Distribution, File, Owner, OwnerDistribution, Place};

/// What one interpreter will see, and what stood in the way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan<Id> {
    /// The layers' own files come first, then the distributions, each in the order of layers.
    pub(crate) sources: Vec<Source<Id>>,
    pub(crate) pieces: Vec<PieceAt>,
    pub(crate) programs: BTreeMap<String, ProgramAt>,
    pub(crate) conflicts: Vec<Conflict>,
}

/// Where files of a plan come from: a layer's own, or those of a distribution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source<Id> {
    /// Which of the plan's sources it is.
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
    /// How much of the path of its files is the piece's own path.
    pub(crate) length: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ProgramAt {
    Script { source: usize, at: usize },
    File { source: usize, at: usize },
}

/// A file of the environment, or a folder with all that is in it, which one source alone has.
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
    /// One that an installer writes: what it runs, as `module:function`.
    Script {
        /// Whose it is.
        source: &'p Source<Id>,
        /// What it runs.
        target: &'p str,
    },
    /// One that is there as a file.
    File {
        /// Whose it is.
        source: &'p Source<Id>,
        /// The file.
        file: &'p File<Id>,
    },
}

impl<Id> Plan<Id> {
    /// The distributions, in the order of layers and within them.
    pub fn distributions(&self) -> impl DoubleEndedIterator<Item = &Distribution<Id>> {
        self.sources.iter().filter_map(Source::distribution)
    }

    /// Where files come from: first the layers that have files of their own, then the distributions.
    pub fn sources(&self) -> &[Source<Id>] {
        &self.sources
    }

    /// The files and folders to show, sorted by place, and folder by folder by name: a folder that has one owner is
    /// one piece, and can be shown by one link. Programs are not among them.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = Piece<'_, Id>> {
        self.pieces.iter().map(|piece| {
            let source = &self.sources[piece.source];
            let files = &source.contents.files[piece.files.clone()];
            Piece { source, files, length: piece.length }
        })
    }

    /// All files one by one, sorted by piece, each with where it comes from. Programs are not among
    /// them.
    pub fn files(&self) -> impl Iterator<Item = (&File<Id>, &Source<Id>)> {
        self.pieces().flat_map(|piece| piece.files.iter().map(move |file| (file, piece.source)))
    }

    /// The programs by name.
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

    /// Lines of `.pth` files are run at every start of an interpreter, in the order of the files'
    /// names: these are they.
    pub fn path_files(&self) -> impl Iterator<Item = (&File<Id>, &Source<Id>)> {
        let at_top = |file: &File<Id>| {
            file.place == Place::Library && file.path.ends_with(".pth") && !file.path.contains('/')
        };
        self.files().filter(move |(file, _)| at_top(file))
    }

    /// What stood in the way, in the order in which it was met.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

impl<Id> Source<Id> {
    /// The layer's name.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// The distribution; `None` for the layer's own files.
    pub fn distribution(&self) -> Option<&Distribution<Id>> {
        self.distribution.as_ref()
    }

    /// All its files and scripts, those that lost included.
    pub fn contents(&self) -> &Contents<Id> {
        &self.contents
    }

    pub(crate) fn owner(&self) -> Owner {
        let distribution = self.distribution.as_ref().map(|one| OwnerDistribution {
            project: one.project.clone(),
            file_name: one.file_name.clone(),
        });
        Owner { layer: self.layer.clone(), distribution }
    }
}

impl<'p, Id> Piece<'p, Id> {
    /// Where it is.
    pub fn place(&self) -> Place {
        self.files[0].place
    }

    /// Its path below that place.
    pub fn path(&self) -> &'p str {
        &self.files[0].path[..self.length]
    }

    /// Whether it is a file; else it is a folder.
    pub fn is_file(&self) -> bool {
        self.files[0].path.len() == self.length
    }

    /// The file, or all files of the folder.
    pub fn files(&self) -> &'p [File<Id>] {
        self.files
    }

    /// Whose it is.
    pub fn source(&self) -> &'p Source<Id> {
        self.source
    }
}

//! The overlay of all sources' files, folder by folder. Folders that only one source has are not
//! searched, so the work grows with what is shared, not with the number of files.

use std::ops::Range;

use crate::{
    Conflict, File, Place,
    contents::Role,
    plan::{PieceAt, Plan},
};

/// The files of one source below a folder.
struct Part {
    source: usize,
    files: Range<usize>,
}

/// The files of one source under one name in a folder.
struct Named<'a> {
    name: &'a str,
    part: Part,
    is_file: bool,
}

pub(crate) fn overlay<Id: Clone + Eq>(plan: &mut Plan<Id>) {
    let (mut pieces, mut conflicts) = (Vec::new(), Vec::new());
    for place in [Place::Code, Place::Library, Place::Headers, Place::Data] {
        let parts = plan.sources.iter().enumerate().filter_map(|(source, found)| {
            let files = &found.contents.files;
            let start = files.partition_point(|file| file.place < place);
            let end = files.partition_point(|file| file.place <= place);
            (start < end).then_some(Part { source, files: start..end })
        });
        let level = Level { plan, place, path: String::new() };
        // Each distribution has a folder of its own for its headers.
        let groups: Vec<Vec<Part>> = match place {
            Place::Headers => parts.map(|part| vec![part]).collect(),
            _ => vec![parts.collect()],
        };
        for group in groups {
            level.lay(group, &mut pieces, &mut conflicts);
        }
    }
    plan.pieces = pieces;
    plan.conflicts.append(&mut conflicts);
}

/// A folder that is being merged.
struct Level<'a, Id> {
    plan: &'a Plan<Id>,
    place: Place,
    /// The folder's path with a trailing `/`, or empty for the place itself.
    path: String,
}

impl<Id: Eq> Level<'_, Id> {
    fn lay(&self, parts: Vec<Part>, pieces: &mut Vec<PieceAt>, conflicts: &mut Vec<Conflict>) {
        let mut named: Vec<Named<'_>> = parts.iter().flat_map(|part| self.names(part)).collect();
        // The sort is stable, so under each name the sources keep their order.
        named.sort_by(|a, b| a.name.cmp(b.name));
        self.find_case_twins(&named, conflicts);
        let mut rest = named.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut others = Vec::new();
            while let Some(other) = rest.next_if(|other| other.name == first.name) {
                others.push(other);
            }
            self.settle(first, others, pieces, conflicts);
        }
    }

    /// Decides the winner for one name in the folder.
    fn settle(
        &self,
        first: Named<'_>,
        others: Vec<Named<'_>>,
        pieces: &mut Vec<PieceAt>,
        conflicts: &mut Vec<Conflict>,
    ) {
        let path = format!("{}{}", self.path, first.name);
        let mut parts = vec![first.part];
        for other in others {
            let (winner, loser) = (&parts[0], &other.part);
            match (first.is_file, other.is_file) {
                (false, false) => parts.push(other.part),
                (true, true) if self.is_same(winner, loser) => {}
                (true, true) => conflicts.push(self.same_file(&path, winner, loser)),
                _ => conflicts.push(self.file_and_folder(&path, winner, loser)),
            }
        }
        if parts.len() == 1 {
            let Part { source, files } = parts.swap_remove(0);
            pieces.push(PieceAt { source, files, length: path.len() });
        } else {
            let level = Level { plan: self.plan, place: self.place, path: path + "/" };
            level.lay(parts, pieces, conflicts);
        }
    }

    /// Returns the names that a source has in this folder, each with the files below it.
    fn names(&self, part: &Part) -> Vec<Named<'_>> {
        let files = self.files(part.source);
        let mut found = Vec::new();
        let mut start = part.files.start;
        while start < part.files.end {
            let below = &files[start].path[self.path.len()..];
            let (name, is_file) = match below.split_once('/') {
                Some((name, _)) => (name, false),
                None => (below, true),
            };
            let end = if is_file {
                start + 1
            } else {
                // Names are sorted, so the files of a folder are adjacent.
                start + run(&files[start..part.files.end], self.path.len() + name.len())
            };
            let part = Part { source: part.source, files: start..end };
            found.push(Named { name, part, is_file });
            start = end;
        }
        found
    }

    fn find_case_twins(&self, named: &[Named<'_>], conflicts: &mut Vec<Conflict>) {
        let mut folded: Vec<(String, &Named<'_>)> =
            named.iter().map(|named| (named.name.to_lowercase(), named)).collect();
        folded.sort_by(|a, b| {
            (&a.0, a.1.part.source, a.1.name).cmp(&(&b.0, b.1.part.source, b.1.name))
        });
        for twins in folded.chunk_by(|a, b| a.0 == b.0) {
            let (_, first) = twins[0];
            let mut reported = vec![first.name];
            for (_, other) in twins {
                if reported.contains(&other.name) || other.part.source == first.part.source {
                    continue;
                }
                reported.push(other.name);
                conflicts.push(Conflict::SameButForCase {
                    place: self.place,
                    path: format!("{}{}", self.path, first.name),
                    other: format!("{}{}", self.path, other.name),
                    winner: self.plan.sources[first.part.source].owner(),
                    loser: self.plan.sources[other.part.source].owner(),
                });
            }
        }
    }

    fn files(&self, source: usize) -> &[File<Id>] {
        &self.plan.sources[source].contents.files
    }

    fn is_same(&self, a: &Part, b: &Part) -> bool {
        let [a, b] = [a, b].map(|part| &self.files(part.source)[part.files.start]);
        a.id == b.id || (a.role == Role::Namespace && b.role == Role::Namespace)
    }

    fn same_file(&self, path: &str, winner: &Part, loser: &Part) -> Conflict {
        let [winner, loser] = [winner, loser].map(|part| self.plan.sources[part.source].owner());
        Conflict::SameFile { place: self.place, path: path.to_owned(), winner, loser }
    }

    fn file_and_folder(&self, path: &str, winner: &Part, loser: &Part) -> Conflict {
        let [winner, loser] = [winner, loser].map(|part| self.plan.sources[part.source].owner());
        Conflict::FileAndFolder { place: self.place, path: path.to_owned(), winner, loser }
    }
}

/// Counts the leading files that lie below the folder whose path is the first `length` bytes of the
/// first file's path.
fn run<Id>(files: &[File<Id>], length: usize) -> usize {
    let folder = &files[0].path[..=length];
    files.partition_point(|file| file.path.starts_with(folder))
}

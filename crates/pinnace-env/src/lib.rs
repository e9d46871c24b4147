//! Merging of layers into one Python environment: the files and programs that one interpreter sees.
//!
//! A [`Layer`] is a named, ordered set of distributions and files, such as a PEX file. [`merge`] is
//! a pure function from a flat list of layers to a [`Plan`]; it reads nothing and writes nothing.
//!
//! ```
//! use pinnace_env::{Conflict, Distribution, Layer, NoRules, merge};
//!
//! let ours = Layer::new("ours").with(Distribution::new("lib", "2.0", "lib-2.0-py3-none-any.whl", 1));
//! let theirs = Layer::new("theirs")
//!     .with(Distribution::new("lib", "1.0", "lib-1.0-py3-none-any.whl", 2))
//!     .with(Distribution::new("more", "1.0", "more-1.0-py3-none-any.whl", 3));
//!
//! let plan = merge(&[ours, theirs], &NoRules);
//! let kept: Vec<_> = plan.distributions().map(|one| one.file_name()).collect();
//! assert_eq!(kept, ["lib-2.0-py3-none-any.whl", "more-1.0-py3-none-any.whl"]);
//! assert!(matches!(plan.conflicts(), [Conflict::SameProject { project, .. }] if project == "lib"));
//! ```
//!
//! # The rules of merging
//!
//! Distributions are decided first. A distribution that loses is dropped entirely, so its files are
//! never mixed with those of another version. Then the files are overlaid: first the layers' own,
//! in the order of the layers, and then those of the remaining distributions.
//!
//! | in common | in the plan | conflict |
//! |---|---|---|
//! | nothing | both | |
//! | the same distribution, byte for byte | one copy, with the extras of both | none |
//! | one project in two versions, or two wheels of it | the first | [`Conflict::SameProject`] |
//! | one file with the same content | one copy | none |
//! | one file with two contents | the first | [`Conflict::SameFile`] |
//! | `__init__.py` files that only [declare a namespace](declares_namespace) | the first | none |
//! | a file here, a folder of that name there | the first | [`Conflict::FileAndFolder`] |
//! | two names that differ only in case | both | [`Conflict::SameButForCase`] |
//! | two programs of one name | the first | [`Conflict::SameScript`] |
//!
//! The merged set is then checked as a whole. Every requirement of every remaining distribution
//! must hold ([`Conflict::Unsatisfied`]), and every wheel must fit the platform and its Python
//! ([`Conflict::Misfit`]). This crate does not interpret requirements or tags: it asks the caller's
//! [`Rules`].
//!
//! Conflicts are data that name both owners. A [`Policy`] decides by path, project or kind whether
//! a conflict is an error. For example, a build stops, while a boot can continue with the first
//! owner.
//!
//! # Guarantees
//!
//! Merging the same list gives the same plan. Merging a layer with itself changes nothing. A lower
//! layer never changes what a higher one contributed. A plan holds exactly what a naive overlay of
//! the remaining sources, file by file, would give. Plans cannot be merged: to combine two sets of
//! layers, concatenate the lists.
//!
//! Contents are compared by an id of the caller's choice, such as a digest.
//!
//! # Cost
//!
//! The merge does not look into folders that only one source has. Planning therefore grows with
//! what is shared and with the number of distributions, not with the number of their files. Such a
//! folder is one [`Piece`] of the plan, and [`Venv`] shows it by one link.
//!
//! # On disk
//!
//! [`Venv`] installs a plan into a folder as a virtual environment that Python itself recognises.
//! Unpacked distributions lie elsewhere, once per content, and any number of environments share
//! them; [`LinkMode`] says how. This crate neither chooses where such folders are nor publishes
//! them: that is the job of a store.

mod check;
mod conflict;
mod contents;
mod error;
mod interpreter;
mod layer;
mod link_mode;
mod merge;
mod namespace;
mod overlay;
mod plan;
mod policy;
mod rules;
mod script;
mod venv;

pub use conflict::{Conflict, ConflictKind, Owner, OwnerDistribution};
pub use contents::{Contents, ContentsError, File, Place, Script};
pub use error::{Error, ErrorKind};
pub use interpreter::{Implementation, Interpreter};
pub use layer::{Distribution, Layer};
pub use link_mode::LinkMode;
pub use merge::merge;
pub use namespace::declares_namespace;
pub use plan::{Piece, Plan, Program, Source};
pub use policy::{Policy, Ruling};
pub use rules::{Need, NoRules, Rules};
pub use venv::{Unpacked, Venv};

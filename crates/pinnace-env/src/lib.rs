//! Merges layers into one Python environment: what one interpreter sees.
//!
//! A [`Layer`] is a named, ordered set of distributions and files. [`merge`] is a pure function
//! from a flat list of layers to a [`Plan`]; it reads nothing and writes nothing.
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
//! Distributions are decided first: one that loses leaves whole, so that no file of it is mixed with
//! those of another version. Then files are laid over one another: the layers' own, in their order,
//! and after them those of the distributions that are left.
//!
//! | what two have in common | what the plan holds | what is said |
//! |---|---|---|
//! | nothing | both | |
//! | the same distribution, byte for byte | it, once; the extras of both are asked of it | nothing |
//! | one project in two versions, or two wheels of it | the first | [`Conflict::SameProject`] |
//! | one file with the same content | it, once | nothing |
//! | one file with two contents | the first | [`Conflict::SameFile`] |
//! | `__init__.py` files that only [declare a namespace](declares_namespace) | the first | nothing |
//! | a file here, a folder of that name there | the first | [`Conflict::FileAndFolder`] |
//! | two names that differ in case | both | [`Conflict::SameButForCase`] |
//! | two programs of one name | the first | [`Conflict::SameScript`] |
//!
//! The merged set is then checked as a whole: every requirement of every distribution that is left
//! holds ([`Conflict::Unsatisfied`]), and every wheel fits the platform and its Python
//! ([`Conflict::Misfit`]).
//! What that means is not for this crate to know: it asks [`Rules`].
//!
//! Conflicts are data that name both owners. What to make of them a [`Policy`] says, by path, by
//! project or by kind: a build stops, a boot may go on with what came first.
//!
//! # What holds whatever the layers
//!
//! Merging the same list gives the same plan. Merging a layer with itself changes nothing. A lower
//! layer never changes what a higher one put in. What a plan holds is what a naive overlay of the
//! remaining sources, file by file, would give. There is no merging of plans: combining is
//! concatenating the lists of layers.
//!
//! Contents are compared by an id of the caller's choice, such as a digest.
//!
//! # What it costs
//!
//! Folders that only one source has are not looked into, so that planning grows with what is shared
//! and with the number of distributions, and not with the number of their files. Such a folder is
//! one [`Piece`] of the plan, and is shown by one link when the plan is put on disk.
//!
//! # On disk
//!
//! [`Venv`] puts a plan into a folder: a virtual environment that Python itself takes for one.
//! Distributions lie unpacked elsewhere, once per content, and are shared by as many environments as
//! have them; how, [`LinkMode`] says. Nothing here decides where such folders are, or publishes them:
//! that is for a store.

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

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
//! let kept: Vec<_> = plan.distributions().iter().map(|one| one.distribution.file_name()).collect();
//! assert_eq!(kept, ["lib-2.0-py3-none-any.whl", "more-1.0-py3-none-any.whl"]);
//! assert!(matches!(plan.conflicts(), [Conflict::SameProject { project, .. }] if project == "lib"));
//! ```
//!
//! # The rules of merging
//!
//! | what two layers have in common | what the plan holds | what is said |
//! |---|---|---|
//! | nothing | both | |
//! | the same distribution, byte for byte | it, once | nothing |
//! | one project in two versions, or two wheels of it | that of the earlier layer; the other leaves whole | [`Conflict::SameProject`] |
//! | one file with the same content | it, once | nothing |
//! | one file with two contents | that of the earlier layer | [`Conflict::SameFile`] |
//! | a file here, a folder of that name there | that of the earlier layer | [`Conflict::FileAndFolder`] |
//!
//! The merged set is then checked as a whole: every requirement of every distribution that is left
//! holds ([`Conflict::Unsatisfied`]), and every wheel fits the platform ([`Conflict::Misfit`]).
//! What that means is not for this crate to know: it asks [`Rules`].
//!
//! Conflicts are data that name both owners. What to do about them is the caller's decision: a
//! build stops, a boot may go on with what came first.
//!
//! # What holds whatever the layers
//!
//! Merging the same list gives the same plan. Merging a layer with itself changes nothing. A lower
//! layer never changes what a higher one put in. There is no merging of plans: combining is
//! concatenating the lists of layers.
//!
//! Contents are compared by an id of the caller's choice, such as a digest.

mod conflict;
mod layer;
mod merge;
mod rules;

pub use conflict::{Conflict, Owner};
pub use layer::{Distribution, Layer};
pub use merge::{Placed, Plan, merge};
pub use rules::{Need, NoRules, Rules};

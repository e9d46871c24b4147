use std::collections::{BTreeMap, BTreeSet};

use pinnace_env::{
    Conflict, Contents, Distribution, File, Layer, NoRules, Place, Plan, Script, Source, merge,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// Generates contents from few names and ids, so that they often coincide.
fn contents() -> impl Strategy<Value = Contents<u8>> {
    let place = select(vec![Place::Code, Place::Library, Place::Scripts, Place::Data]);
    let file = (place, "[ab](/[abA]){0,2}", 0u8..3, any::<bool>());
    (vec(file, 0..8), vec(("[ab]", "[mn]:f"), 0..2)).prop_map(|(files, scripts)| {
        let mut kept: Vec<File<u8>> = Vec::new();
        for (place, path, id, namespace) in files {
            let file = File::new(place, path, id);
            let file = if namespace { file.declaring_namespace() } else { file };
            kept.push(file);
            if Contents::new(kept.clone()).is_err() {
                kept.pop();
            }
        }
        let scripts = scripts.into_iter().map(|(name, target)| Script::new(name, target));
        Contents::new(kept).unwrap().with_scripts(scripts)
    })
}

/// Generates layers with one content per id, as with digests.
fn layers() -> impl Strategy<Value = Vec<Layer<u8>>> {
    let layer = (vec(("[abc]", 0u8..6), 0..4), contents());
    (vec(contents(), 6), vec(layer, 0..4)).prop_map(|(wheels, layers)| {
        let layers = layers.into_iter().enumerate();
        layers
            .map(|(number, (distributions, own))| {
                let layer = Layer::new(format!("layer {number}")).with_contents(own);
                distributions.into_iter().fold(layer, |layer, (project, id)| {
                    let file_name = format!("{project}-{id}-py3-none-any.whl");
                    let one = Distribution::new(project, id.to_string(), file_name, id);
                    layer.with(one.with_contents(wheels[usize::from(id)].clone()))
                })
            })
            .collect()
    })
}

type Files = BTreeMap<(Place, String), u8>;

fn chosen(plan: &Plan<u8>) -> BTreeMap<String, u8> {
    plan.distributions().map(|one| (one.project().to_owned(), *one.id())).collect()
}

fn files(plan: &Plan<u8>) -> Files {
    plan.files().map(|(file, _)| ((file.place(), file.path().to_owned()), *file.id())).collect()
}

fn programs(plan: &Plan<u8>) -> BTreeMap<String, String> {
    plan.programs().map(|(name, program)| (name.to_owned(), format!("{program:?}"))).collect()
}

/// Overlays files one by one. Each is kept unless an earlier file is in its way.
fn naive(sources: &[Source<u8>]) -> Files {
    let mut laid = Files::new();
    for file in sources.iter().flat_map(|source| source.contents().files()) {
        let path = file.path();
        let is_clear = laid.keys().filter(|(place, _)| *place == file.place()).all(|(_, there)| {
            there != path
                && !there.starts_with(&format!("{path}/"))
                && !path.starts_with(&format!("{there}/"))
        });
        if is_clear && file.place() != Place::Scripts {
            laid.insert((file.place(), path.to_owned()), *file.id());
        }
    }
    laid
}

proptest! {
    #[test]
    fn the_same_layers_give_the_same_plan(layers in layers()) {
        prop_assert_eq!(merge(&layers, &NoRules), merge(&layers, &NoRules));
    }

    #[test]
    fn a_layer_merged_with_itself_changes_nothing(layers in layers()) {
        let once = merge(&layers, &NoRules);
        let doubled: Vec<_> = layers.iter().flat_map(|layer| [layer.clone(), layer.clone()]).collect();
        let twice = merge(&doubled, &NoRules);
        prop_assert_eq!(chosen(&once), chosen(&twice));
        prop_assert_eq!(files(&once), files(&twice));
        prop_assert_eq!(programs(&once).into_keys().collect::<Vec<_>>(), programs(&twice).into_keys().collect::<Vec<_>>());
    }

    #[test]
    fn a_lower_layer_never_changes_a_winner(layers in layers(), lower in layers()) {
        let before = merge(&layers, &NoRules);
        let more: Vec<_> = layers.into_iter().chain(lower).collect();
        let after = merge(&more, &NoRules);
        let all = chosen(&after);
        prop_assert!(chosen(&before).iter().all(|(project, id)| all.get(project) == Some(id)));
        // Code precedes all distributions, so a lower layer's code may win over a distribution.
        let all = files(&after);
        for (key, id) in files(&before) {
            let is_own = |other: &&Source<u8>| other.distribution().is_none();
            let shadowed = after.sources().iter().filter(is_own).any(|source| {
                source.contents().files().iter().any(|file| {
                    let path = file.path();
                    path == key.1 || path.starts_with(&format!("{}/", key.1)) || key.1.starts_with(&format!("{path}/"))
                })
            });
            prop_assert!(shadowed || all.get(&key) == Some(&id), "{:?}", key);
        }
    }

    #[test]
    fn what_remains_is_a_naive_overlay(layers in layers()) {
        let plan = merge(&layers, &NoRules);
        prop_assert_eq!(files(&plan), naive(plan.sources()));
    }

    #[test]
    fn a_folder_in_one_piece_is_whole_and_has_one_owner(layers in layers()) {
        let plan = merge(&layers, &NoRules);
        for piece in plan.pieces().filter(|piece| !piece.is_file()) {
            let below = format!("{}/", piece.path());
            let inside = |file: &File<u8>| file.place() == piece.place() && file.path().starts_with(&below);
            let expected = piece.source().contents().files().iter().filter(|file| inside(file)).count();
            prop_assert_eq!(piece.files().len(), expected);
            prop_assert!(piece.files().iter().all(inside));
            prop_assert_eq!(plan.files().filter(|(file, _)| inside(file)).count(), expected);
        }
    }

    #[test]
    fn losing_distributions_leave_whole(layers in layers()) {
        let plan = merge(&layers, &NoRules);
        let kept = chosen(&plan);
        for (_, source) in plan.files() {
            if let Some(one) = source.distribution() {
                prop_assert_eq!(kept.get(one.project()), Some(one.id()));
            }
        }
    }

    #[test]
    fn every_file_is_kept_or_named_in_a_conflict(layers in layers()) {
        let plan = merge(&layers, &NoRules);
        let kept = files(&plan);
        let named: BTreeSet<(Place, &str)> = plan.conflicts().iter().filter_map(|conflict| match conflict {
            Conflict::SameFile { place, path, .. } | Conflict::FileAndFolder { place, path, .. } => Some((*place, path.as_str())),
            _ => None,
        }).collect();
        for file in plan.sources().iter().flat_map(|source| source.contents().files()) {
            let path = file.path();
            let is_kept = kept.get(&(file.place(), path.to_owned())) == Some(file.id());
            let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
            let is_named = folders.chain([path]).any(|path| named.contains(&(file.place(), path)));
            prop_assert!(is_kept || is_named || file.place() == Place::Scripts || kept.contains_key(&(file.place(), path.to_owned())), "{:?}", file);
        }
    }
}

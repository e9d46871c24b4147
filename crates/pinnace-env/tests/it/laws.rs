use std::collections::BTreeMap;

use pinnace_env::{Distribution, Layer, NoRules, Plan, merge};
use proptest::prelude::*;

fn layers() -> impl Strategy<Value = Vec<Layer<u8>>> {
    let distributions = proptest::collection::vec(("[ab]", "[12]", 0u8..3), 0..3);
    let files = proptest::collection::btree_map("[ab](/[ab]){0,2}", 0u8..3, 0..4);
    proptest::collection::vec((distributions, files), 0..4).prop_map(|layers| {
        layers
            .into_iter()
            .enumerate()
            .map(|(n, (distributions, files))| {
                let mut layer = Layer::new(format!("layer {n}"));
                for (project, version, id) in distributions {
                    let file_name = format!("{project}-{version}-py3-none-any.whl");
                    layer = layer.with(Distribution::new(project, version, file_name, id));
                }
                files.into_iter().fold(layer, |layer, (path, id)| layer.with_file(path, id))
            })
            .collect()
    })
}

fn chosen(plan: &Plan<u8>) -> BTreeMap<String, u8> {
    plan.distributions()
        .iter()
        .map(|one| (one.distribution.project().to_owned(), *one.distribution.id()))
        .collect()
}

fn files(plan: &Plan<u8>) -> BTreeMap<String, u8> {
    plan.files().map(|(path, id, _)| (path.to_owned(), *id)).collect()
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
    }

    #[test]
    fn a_lower_layer_never_changes_a_winner(layers in layers(), lower in layers()) {
        let before = merge(&layers, &NoRules);
        let more: Vec<_> = layers.into_iter().chain(lower).collect();
        let after = merge(&more, &NoRules);
        let distributions = chosen(&after);
        prop_assert!(chosen(&before).iter().all(|(project, id)| distributions.get(project) == Some(id)));
        let all = files(&after);
        prop_assert!(files(&before).iter().all(|(path, id)| all.get(path) == Some(id)));
    }

    #[test]
    fn a_plan_can_be_put_on_a_disk(layers in layers()) {
        let files = files(&merge(&layers, &NoRules));
        for path in files.keys() {
            let below = format!("{path}/");
            prop_assert!(!files.keys().any(|other| other.starts_with(&below)));
        }
    }

    #[test]
    fn every_file_is_kept_or_named_in_a_conflict(layers in layers()) {
        let plan = merge(&layers, &NoRules);
        let kept = files(&plan);
        let all: std::collections::BTreeSet<_> =
            layers.iter().flat_map(|layer| merge(std::slice::from_ref(layer), &NoRules).files().map(|(p, id, _)| (p.to_owned(), *id)).collect::<Vec<_>>()).collect();
        let lost = all.iter().filter(|(path, id)| kept.get(path) != Some(id)).count();
        prop_assert!(lost == 0 || !plan.conflicts().is_empty());
    }
}

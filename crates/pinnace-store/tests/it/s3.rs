//! Tests against a real server, which `.ci/s3` starts: `PINNACE_TEST_S3` is a bucket on a server
//! that keeps conditions, `PINNACE_TEST_CARELESS` one on a server that does not.

use std::{
    cell::Cell,
    io::Read,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use pinnace_store::{
    Backend, Deployment, Digest, ErrorKind, Keep, Manifest, Published, PutMode, S3Backend, Store,
    conformance,
};

#[expect(clippy::disallowed_methods, reason = "the server lies outside of the repository")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see .ci/s3"))
}

#[expect(clippy::disallowed_methods, reason = "the server lies outside of the repository")]
fn open(url: &str, endpoint: &str) -> S3Backend {
    let mut variables: Vec<(String, String)> = std::env::vars().collect();
    variables.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
    variables.push(("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned()));
    S3Backend::open(url, &variables).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a folder of its own for each run")]
fn fresh(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{}/{name}-{now}", variable("PINNACE_TEST_S3"))
}

fn backend(name: &str) -> S3Backend {
    open(&fresh(name), &variable("AWS_ENDPOINT_URL"))
}

#[test]
fn the_location_of_a_bucket_is_its_url_without_credentials() {
    let keys = [("AWS_ACCESS_KEY_ID", "the-id"), ("AWS_SECRET_ACCESS_KEY", "the-secret")];
    let keys = keys.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let backend = S3Backend::open("s3://bucket/folder", &keys).unwrap();
    assert_eq!(backend.location(), "s3://bucket/folder");
}

#[test]
#[ignore = "needs a server: .ci/s3 starts one"]
fn s3_conforms() {
    let number = Cell::new(0);
    let make = || -> Box<dyn Backend> {
        number.set(number.get() + 1);
        Box::new(backend(&format!("conformance-{}", number.get())))
    };
    conformance::run(&make).unwrap();
}

#[test]
#[ignore = "needs a server: .ci/s3 starts one"]
fn large_objects_go_in_pieces() {
    let store = Store::open(backend("large")).unwrap();
    let length = 40_000_001;
    let content = || (0_u64..).map(|n| ((n * n) >> 7) as u8).take(length).collect::<Vec<u8>>();
    let digest = store.put(&mut content().as_slice()).unwrap();
    let mut back = Vec::new();
    store.get(&digest).unwrap().unwrap().read_to_end(&mut back).unwrap();
    assert!(back == content());
    assert_eq!(store.missing(&[Digest::new([0; 32]), digest]).unwrap(), [Digest::new([0; 32])]);
}

#[test]
#[ignore = "needs a server: .ci/s3 starts one"]
fn refs_move_and_what_is_left_is_collected() {
    let store = Store::open(backend("refs")).unwrap();
    let name = "wanted/shop".parse().unwrap();
    let garbage = store.put(&mut "garbage".as_bytes()).unwrap();
    let mut latest = None;
    for generation in 0..3 {
        let blob = store.put(&mut format!("blob {generation}").as_bytes()).unwrap();
        let keys = serde_json::json!({ "layers": [blob.to_string()] });
        let manifest = Manifest::new("release", keys).unwrap();
        let release = store.put_manifest(&manifest, &Default::default()).unwrap();
        store.hold(&release, None).unwrap();
        let mut deployment = Deployment::default();
        deployment.release = Some(release);
        let done = store.publish(&name, latest.as_ref(), deployment.clone()).unwrap();
        let Published::Done(step) = done else { panic!("somebody else was first") };
        deployment.by = "another".to_owned();
        let late = store.publish(&name, latest.as_ref(), deployment).unwrap();
        latest = Some(step);
        assert!(matches!(late, Published::Lost(Some(one)) if one.generation == generation + 1));
    }
    assert_eq!(store.history(&name, 2).unwrap().len(), 2);
    let checked = store.check(None).unwrap();
    assert!(checked.findings.is_empty() && checked.objects == 10, "{checked:?}");
    // Two collections are enough without a grace period.
    let keep = Keep { generations: 1 };
    assert_eq!(store.collect(keep, 0).unwrap().tombstoned, 5);
    assert_eq!(store.collect(keep, 0).unwrap().removed, 5);
    assert!(store.get(&garbage).unwrap().is_none());
    assert!(store.check(None).unwrap().findings.is_empty());
}

#[test]
#[ignore = "needs a server: .ci/s3 starts one"]
fn a_server_that_ignores_conditions_is_refused_for_refs() {
    let url = variable("PINNACE_TEST_CARELESS");
    let store = Store::open(open(&url, &variable("PINNACE_TEST_CARELESS_ENDPOINT"))).unwrap();
    let release = store
        .put_manifest(
            &Manifest::new("release", serde_json::json!({})).unwrap(),
            &Default::default(),
        )
        .unwrap();
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    let refused = store.publish(&"x".parse().unwrap(), None, deployment).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::NoConditions { .. }), "{refused}");
}

#[test]
fn what_is_no_bucket_is_refused() {
    for url in ["http://x", "s3://", "s3:///x", "s3://b/a b", "s3://b/../x"] {
        assert!(S3Backend::open(url, &[]).is_err(), "{url}");
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_names_the_object() {
    let variables = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ];
    let variables: Vec<(String, String)> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let backend =
        S3Backend::with_patience("s3://bucket/folder", &variables, Duration::from_millis(300))
            .unwrap();
    let key = "refs/x".parse().unwrap();
    let error = backend.head(&key).unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("`refs/x`"), "{error}");
    let mut upload = backend.write().unwrap();
    upload.write_all(b"x").unwrap();
    let error = upload.finish(&key, PutMode::Overwrite).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

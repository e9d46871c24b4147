use pinnace_test::{Page, Sdist, sha256_hex};
use pinnace_wheel::{
    Address, BuildingSource, Error, ErrorKind, File, IndexOptions, Metadata, MetadataFile, Outcome,
    Project, Request, Resolution, SdistMetadata, Source, resolve,
};

use crate::site::Site;

const JSON: &str = Page::JSON;
const BASE: &str = "http://index.test/simple";

/// Returns a page of these files: names and digests.
fn json(files: &[(&str, &str)]) -> String {
    let page = files.iter().fold(Page::new("x"), |page, (name, sha256)| {
        page.file(name, &format!("../../files/{name}"), sha256)
    });
    page.json()
}

fn site() -> Site {
    let site = Site::default();
    let a = site.wheel("a-1-py3-none-any.whl", &["b"]);
    let b = site.wheel("b-2-py3-none-any.whl", &[]);
    site.put("/simple/a/", JSON, json(&[("a-1-py3-none-any.whl", &a)]));
    site.put("/simple/b/", JSON, json(&[("b-2-py3-none-any.whl", &b)]));
    site
}

/// Serves a page of `b` that announces a metadata file beside its wheel.
fn told_of_metadata(site: &Site) {
    let sha256 = site.wheel("b-2-py3-none-any.whl", &[]);
    let page = json(&[("b-2-py3-none-any.whl", &sha256)]);
    site.put("/simple/b/", JSON, page.replace("\"hashes\"", "\"core-metadata\":true,\"hashes\""));
}

fn solve(site: &Site, now: u64) -> Result<Resolution, Error> {
    let index = site.index(&[BASE], now);
    let request = Request::new(["a".parse().unwrap()]);
    let target = super::target();
    match index.reading_ahead(&request, &target, || resolve(&index, &request, &target))? {
        Outcome::Solved(resolution) => {
            index.download(resolution.pins())?;
            Ok(resolution)
        }
        Outcome::Unsolvable(why) => panic!("{why}"),
    }
}

#[test]
fn a_second_run_asks_nobody_until_the_pages_are_old() {
    let site = site();
    solve(&site, 1_000).unwrap();
    assert!(site.requests().contains(&"/simple/a/".to_owned()));
    solve(&site, 1_599).unwrap();
    assert_eq!(site.requests(), [""; 0]);
    solve(&site, 1_600).unwrap();
    let mut asked = site.requests();
    asked.sort();
    assert_eq!(asked, ["/simple/a/", "/simple/b/"]);
}

#[test]
fn a_clock_that_went_back_does_not_make_pages_fresh() {
    let site = site();
    solve(&site, 1_000).unwrap();
    site.requests();
    solve(&site, 500).unwrap();
    assert_eq!(site.requests().len(), 2);
}

#[test]
fn passing_trouble_is_survived_and_lasting_trouble_is_not() {
    let site = site();
    *site.trouble.lock().unwrap() = vec![503, 0, 429];
    solve(&site, 1).unwrap();
    let site = self::site();
    *site.trouble.lock().unwrap() = vec![503; 100];
    let error = solve(&site, 1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Status { status: 503, .. }), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn refused_credentials_stop_the_search() {
    let site = site();
    site.answer("/private/a/", 401, "", "");
    for status in [401, 403] {
        site.answer("/private/a/", status, "", "");
        let index = site.index(&["http://user:hunter2@index.test/private", BASE], 1);
        let error = index.project(&"a".parse().unwrap()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unauthorized { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"));
        assert_eq!(site.requests(), ["/private/a/"]);
    }
}

#[test]
fn the_first_index_that_has_a_name_owns_it() {
    let site = site();
    site.put("/private/a/", JSON, json(&[]));
    let bases = ["http://index.test/private", BASE];
    let index = site.index(&bases, 1);
    assert!(index.project(&"a".parse().unwrap()).unwrap().unwrap().releases().is_empty());
    assert_eq!(index.project(&"b".parse().unwrap()).unwrap().unwrap().releases().len(), 1);
    assert!(index.project(&"c".parse().unwrap()).unwrap().is_none());
    site.requests();
    // The index also remembers that the private index has no `b`.
    assert!(site.index(&bases, 2).project(&"b".parse().unwrap()).unwrap().is_some());
    assert_eq!(site.requests(), [""; 0]);
}

#[test]
fn offline_is_offline() {
    let site = site();
    let mut options = IndexOptions::new(vec![Address::parse(BASE).unwrap()], 1);
    options.offline = true;
    let error = site.index_with(options.clone()).project(&"a".parse().unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Offline { .. }), "{error}");
    solve(&site, 1).unwrap();
    site.requests();
    options.now = 1_000_000;
    assert!(site.index_with(options).project(&"a".parse().unwrap()).unwrap().is_some());
    assert_eq!(site.requests(), [""; 0]);
}

#[test]
fn another_content_than_the_index_promised_is_refused() {
    let site = site();
    solve(&site, 1).unwrap();
    let site = self::site();
    site.put("/files/b-2-py3-none-any.whl.metadata", "", "Name: b\nVersion: 2\n");
    site.put("/files/b-2-py3-none-any.whl", "", "Name: b\nVersion: 2\nKeywords: evil\n");
    let error = solve(&site, 1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Broken { .. }), "{error}");
    assert!(error.to_string().contains("b-2-py3-none-any.whl"));
}

#[test]
fn metadata_that_differs_from_the_wheel_is_found_out() {
    let site = site();
    told_of_metadata(&site);
    site.put("/files/b-2-py3-none-any.whl.metadata", "", "Name: b\nVersion: 2\nRequires-Dist: a\n");
    let error = solve(&site, 1).unwrap_err();
    assert!(error.to_string().contains("differs from the METADATA inside the wheel"), "{error}");
}

#[test]
fn a_metadata_file_that_is_none_of_this_wheel_is_not_believed() {
    for body in ["Name: c\nVersion: 2\n", "<html>a portal</html>", ""] {
        let site = site();
        told_of_metadata(&site);
        site.put("/files/b-2-py3-none-any.whl.metadata", "", body);
        assert_eq!(solve(&site, 1).unwrap().pins().len(), 2, "{body}");
    }
}

#[test]
fn a_metadata_file_that_nobody_told_of_is_asked_for_last() {
    let site = site();
    solve(&site, 1).unwrap();
    let asked = site.requests();
    assert!(!asked.iter().any(|path| path.ends_with(".metadata")), "{asked:?}");
    let site = self::site();
    told_of_metadata(&site);
    site.put("/files/b-2-py3-none-any.whl.metadata", "", "Name: b\nVersion: 2\n");
    solve(&site, 1).unwrap();
    assert!(site.requests().contains(&"/files/b-2-py3-none-any.whl.metadata".to_owned()));
}

#[test]
fn a_download_that_broke_off_is_taken_up_where_it_ended() {
    let site = site();
    let resolution = solve(&site, 1).unwrap();
    site.wheels.clear();
    site.requests();
    // Breaks are used from the last to the first: two for the first wheel, and one for its rest.
    *site.breaks.lock().unwrap() = vec![5, 12, 10];
    site.index(&[BASE], 2).download(&resolution.pins()[..1]).unwrap();
    assert_eq!(
        site.requests(),
        [
            "/files/a-1-py3-none-any.whl",
            "/files/a-1-py3-none-any.whl bytes=10-",
            "/files/a-1-py3-none-any.whl bytes=22-",
            "/files/a-1-py3-none-any.whl bytes=27-",
        ]
    );
}

#[test]
fn a_failure_that_stays_is_not_tried_again() {
    use pinnace_wheel::{Fetch, FetchError, GetRequest, Response};
    struct Circle(std::sync::atomic::AtomicUsize);
    impl Fetch for Circle {
        fn fetch(&self, _get: &GetRequest<'_>) -> Result<Response, FetchError> {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Err(FetchError::new("redirects in a circle").lasting())
        }
    }
    let (site, circle) = (Site::default(), Circle(0.into()));
    let index = site.index_through(&circle, BASE);
    let error = index.project(&"a".parse().unwrap()).unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert_eq!(circle.0.into_inner(), 1);
}

#[test]
fn old_and_new_names_of_the_metadata_file_go_together() {
    let site = site();
    let page = json(&[("a-1-py3-none-any.whl", "0"), ("a-2-py3-none-any.whl", "0")]);
    let hash = "0".repeat(63) + "7";
    let both = format!(
        r#""core-metadata":{{"sha256":"{hash}"}},"data-dist-info-metadata":{{"sha256":"{hash}"}},"hashes""#
    );
    let page = page.replace("\"hashes\"", &both);
    // A malformed row is skipped without losing the other rows.
    let page = page.replace("\"files\":[", "\"files\":[{\"filename\":7},");
    site.put("/simple/a/", JSON, page);
    let project = site.index(&[BASE], 1).project(&"a".parse().unwrap()).unwrap().unwrap();
    assert_eq!(project.releases().len(), 2);
    let file = &project.releases()[0].files().unwrap()[0];
    assert!(matches!(file.metadata_file, MetadataFile::Hashed(sha256) if sha256[31] == 7));
}

#[test]
fn html_is_as_good_as_json() {
    let html = r##"<!DOCTYPE html><html><head><base href="http://files.test/x/"></head><body>
        <a href="a-1-py3-none-any.whl#sha256=0000000000000000000000000000000000000000000000000000000000000001"
           data-requires-python="&gt;=3.8" data-yanked="bad &amp; gone">x</a>
        <a href="https://files.test/a-1%2Blocal-py3-none-any.whl">x</a>
        <a href="a-1.exe">x</a> <a>x</a> <a href="javascript:alert(1)">x</a>
        <a href="a-2.tar.gz" data-dist-info-metadata="sha256=0000000000000000000000000000000000000000000000000000000000000002">x</a>
        </body></html>"##;
    let site = Site::default();
    site.put("/simple/a/", "text/html", html);
    let check = |project: &Project| {
        let files: Vec<_> = project
            .releases()
            .iter()
            .rev()
            .flat_map(|one| one.files().unwrap().to_owned())
            .collect();
        let names: Vec<_> = files.iter().map(|file| file.artifact.file_name()).collect();
        assert_eq!(names, ["a-1-py3-none-any.whl", "a-1+local-py3-none-any.whl", "a-2.tar.gz"]);
        assert_eq!(files[0].address.to_string(), "http://files.test/x/a-1-py3-none-any.whl");
        assert_eq!(files[0].requires_python.as_deref(), Some(">=3.8"));
        assert_eq!(files[0].yanked.as_deref(), Some("bad & gone"));
        assert_eq!(files[0].sha256.unwrap()[31], 1);
        assert_eq!(files[1].sha256, None);
        assert!(matches!(files[2].metadata_file, MetadataFile::Hashed(sha256) if sha256[31] == 2));
    };
    let name = "a".parse().unwrap();
    check(&site.index(&[BASE], 1).project(&name).unwrap().unwrap());
    // The cached page gives all of it, too.
    check(&site.index(&[BASE], 2).project(&name).unwrap().unwrap());
    assert_eq!(site.requests().len(), 1);
}

#[test]
fn addresses_with_queries_stay_in_memory() {
    let site = Site::default();
    let page = r#"<a href="/files/a-1-py3-none-any.whl?signature=hunter2">x</a>"#;
    site.put("/simple/a/", "text/html", page);
    for now in [1, 2] {
        let project = site.index(&[BASE], now).project(&"a".parse().unwrap()).unwrap().unwrap();
        let file = &project.releases()[0].files().unwrap()[0];
        assert!(file.address.with_credentials().ends_with("?signature=hunter2"));
    }
    assert_eq!(site.requests().len(), 2);
    let key = "http://index.test/simple/a/";
    assert!(pinnace_wheel::Cache::get(&site.cache, "pages-2", key).is_none());
}

#[test]
fn what_one_index_says_of_a_wheel_another_need_not_believe() {
    let site = site();
    let sha256 = site.wheel("b-2-py3-none-any.whl", &[]);
    let page = json(&[("b-2-py3-none-any.whl", &sha256)]);
    let told = page.replace("\"hashes\"", "\"core-metadata\":true,\"hashes\"");
    site.put("/evil/b/", JSON, told.replace("../../files/", "/evil-files/"));
    let lie = "Name: b\nVersion: 2\nRequires-Dist: nope\n";
    site.put("/evil-files/b-2-py3-none-any.whl.metadata", "", lie);
    let requires = |base: &str| {
        let index = site.index(&[base], 1);
        let project = index.project(&"b".parse().unwrap()).unwrap().unwrap();
        let file = project.releases()[0].files().unwrap()[0].clone();
        index.metadata(&file).unwrap().unwrap().requires().len()
    };
    assert_eq!(requires("http://index.test/evil"), 1);
    assert_eq!(requires(BASE), 0);
    assert_eq!(requires("http://index.test/evil"), 1);
}

/// Adds a source distribution with this `PKG-INFO` to the page of `a`, beside its wheel.
fn add_sdist(site: &Site, info: &str) {
    let sdist = Sdist::new("a", "2").file("setup.py", "raise SystemExit").file("PKG-INFO", info);
    let bytes = sdist.bytes();
    let hash = sha256_hex(&bytes);
    let wheel = site.wheel("a-1-py3-none-any.whl", &["b"]);
    site.put("/files/a-2.tar.gz", "", bytes);
    let page = json(&[("a-1-py3-none-any.whl", &wheel), ("a-2.tar.gz", &hash)]);
    site.put("/simple/a/", JSON, page);
}

#[test]
fn what_a_source_distribution_says_for_good_is_believed() {
    let head = "Metadata-Version: 2.2\nName: a\nVersion: 2\n";
    for (info, version) in [
        (head.to_owned(), "2"),
        (format!("{head}Requires-Dist: b>1\nDynamic: License\n"), "2"),
        (format!("{head}Dynamic: Requires-Dist\n"), "1"),
        (head.replace("2.2", "2.1"), "1"),
        (head.replace("Name: a", "Name: c"), "1"),
        ("nonsense".to_owned(), "1"),
    ] {
        let site = site();
        add_sdist(&site, &info);
        for now in [1, 2] {
            let resolution = solve(&site, now).unwrap();
            assert_eq!(resolution.pins()[0].version().to_string(), version, "{info}");
            assert_eq!(resolution.pins()[0].wheel().is_some(), version == "1");
        }
    }
}

/// A builder that either builds every file into a release that requires `b`, or fails.
struct Builder {
    works: bool,
}

impl SdistMetadata for Builder {
    fn metadata(&self, file: &File) -> Result<Metadata, Box<dyn std::error::Error + Send + Sync>> {
        if !self.works {
            return Err("no compiler".into());
        }
        let version = file.artifact.version().clone();
        Ok(Metadata::new("a".parse()?, version).requiring(vec!["b".to_owned()], Vec::new()))
    }
}

#[test]
fn a_builder_is_asked_where_only_building_would_tell() {
    let site = site();
    add_sdist(&site, "Metadata-Version: 1.0\nName: a\nVersion: 2\n");
    let index = site.index(&[BASE], 1);
    let (request, target) = (Request::new(["a".parse().unwrap()]), super::target());
    let build = Builder { works: true };
    let Outcome::Solved(resolution) =
        resolve(&BuildingSource::new(&index, &build), &request, &target).unwrap()
    else {
        panic!()
    };
    let versions: Vec<_> = resolution.pins().iter().map(|pin| pin.version().to_string()).collect();
    assert_eq!(versions, ["2", "2"]);
}

#[test]
fn what_cannot_be_built_is_not_replaced_by_something_older() {
    let site = site();
    add_sdist(&site, "Metadata-Version: 1.0\nName: a\nVersion: 2\n");
    let index = site.index(&[BASE], 1);
    let (request, target) = (Request::new(["a".parse().unwrap()]), super::target());
    let build = Builder { works: false };
    let error = resolve(&BuildingSource::new(&index, &build), &request, &target).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Build { file, .. } if file == "a-2.tar.gz"));
    assert_eq!(error.to_string(), "no compiler");
}

#[test]
fn json_is_known_by_its_first_letter() {
    let site = site();
    let page = json(&[("a-1-py3-none-any.whl", "0")]);
    site.put("/simple/a/", "application/octet-stream", format!(" \n{page}"));
    let project = site.index(&[BASE], 1).project(&"a".parse().unwrap()).unwrap().unwrap();
    assert_eq!(project.releases().len(), 1);
}

#[test]
fn pages_of_a_future_version_are_refused() {
    for (kind, page) in [
        (JSON, r#"{"meta":{"api-version":"2.0"},"files":[]}"#),
        ("text/html", r#"<meta name="pypi:repository-version" content="2.0">"#),
        (JSON, "<html>"),
        (JSON, r#"{"meta":{}}"#),
    ] {
        let site = Site::default();
        site.put("/simple/a/", kind, page);
        let error = site.index(&[BASE], 1).project(&"a".parse().unwrap()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Page { .. }), "{error}");
    }
}

#[test]
fn credentials_go_to_files_of_the_same_origin_and_not_to_the_cache() {
    let site = Site::default();
    let page = json(&[("a-1-py3-none-any.whl", "0"), ("a-2-py3-none-any.whl", "0")])
        .replace("../../files/a-2", "http://elsewhere.test/a-2");
    site.put("/simple/a/", JSON, page);
    for now in [1, 2] {
        let index = site.index(&["http://user:hunter2@index.test/simple"], now);
        let project = index.project(&"a".parse().unwrap()).unwrap().unwrap();
        let addresses: Vec<_> =
            project.releases().iter().map(|one| one.files().unwrap()[0].address.clone()).collect();
        assert_eq!(addresses[0].with_credentials(), "http://elsewhere.test/a-2-py3-none-any.whl");
        assert_eq!(
            addresses[1].with_credentials(),
            "http://user:hunter2@index.test/files/a-1-py3-none-any.whl"
        );
    }
    let key = "http://index.test/simple/a/";
    let entry = pinnace_wheel::Cache::get(&site.cache, "pages-2", key).unwrap();
    let mut bytes = vec![0; entry.size().unwrap() as usize];
    entry.read_exact_at(&mut bytes, 0).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
}

#[test]
fn an_index_without_hashes_is_remembered_by_what_it_gave() {
    let site = Site::default();
    site.wheel("a-1-py3-none-any.whl", &[]);
    site.put("/simple/a/", "text/html", r#"<a href="../../files/a-1-py3-none-any.whl">a</a>"#);
    solve(&site, 1).unwrap();
    let first = site.requests().iter().filter(|one| *one == "/files/a-1-py3-none-any.whl").count();
    assert_eq!(first, 1);
    solve(&site, 2).unwrap();
    assert!(!site.requests().contains(&"/files/a-1-py3-none-any.whl".to_owned()));
}

#[test]
fn references_are_relative_to_where_a_redirect_led() {
    let site = site();
    *site.redirect.lock().unwrap() =
        Some(Address::parse("http://index.test/mirror/deep/a/").unwrap());
    let index = site.index(&["http://user:hunter2@index.test/simple"], 1);
    let project = index.project(&"a".parse().unwrap()).unwrap().unwrap();
    let file = &project.releases()[0].files().unwrap()[0];
    assert_eq!(file.address.to_string(), "http://index.test/mirror/files/a-1-py3-none-any.whl");
    assert!(file.address.with_credentials().contains("hunter2"));
    *site.redirect.lock().unwrap() = Some(Address::parse("http://elsewhere.test/x/y/a/").unwrap());
    let index = site.index(&["http://user:hunter2@index.test/simple"], 10_000);
    let project = index.project(&"a".parse().unwrap()).unwrap().unwrap();
    let file = &project.releases()[0].files().unwrap()[0];
    assert_eq!(
        file.address.with_credentials(),
        "http://elsewhere.test/x/files/a-1-py3-none-any.whl"
    );
}

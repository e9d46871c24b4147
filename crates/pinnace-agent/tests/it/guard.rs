//! The authentication of requests.

use pinnace_agent::{Agent, Client, ErrorKind, Tokens};
use pinnace_test::ask;

use crate::world::{World, client};

const TOKEN: &str = "0123456789abcdef0123";

#[test]
fn a_token_is_needed_where_others_may_come() {
    let world = World::new();
    let mut options = world.options();
    options.listen = "0.0.0.0:0".parse().unwrap();
    let error = Agent::start(world.dependencies(), options).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoToken { .. }), "{error}");
}

#[test]
fn tokens_are_asked_for_and_change_while_it_runs() {
    let world = World::new();
    let file = world.folder.path().join("tokens");
    pinnace_test::write(&file, TOKEN);
    let mut options = world.options();
    options.tokens = Tokens::parse(TOKEN, "tokens").unwrap();
    options.token_file = Some(file.clone());
    let agent = world.agent(options);
    let status = |token: Option<&str>| Client::new(&agent.url(), token).unwrap().status();
    assert!(status(Some(TOKEN)).is_ok());
    for wrong in [None, Some("0123456789abcdef0124")] {
        let error = status(wrong).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Refused { status: 401, .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("0124"));
    }
    pinnace_test::write(&file, format!("{TOKEN}\nanother-token-of-ours\n"));
    pinnace_test::until("the second is taken, too", || {
        status(Some("another-token-of-ours")).is_ok()
    });
    assert!(status(Some(TOKEN)).is_ok());
    pinnace_test::write(&file, "another-token-of-ours");
    pinnace_test::until("the first is not taken any more", || status(Some(TOKEN)).is_err());
    agent.stop();
}

#[test]
fn pages_of_other_sites_are_refused() {
    let world = World::new();
    let agent = world.agent(world.options());
    let own = agent.address().to_string();
    let asked =
        |headers: &str| ask(&own, &format!("GET /-/pinnace/v1/agent HTTP/1.1\r\n{headers}")).0;
    assert_eq!(asked("Host: localhost\r\n"), 200);
    assert_eq!(asked("Host: rebound.example\r\n"), 403);
    assert_eq!(asked("Host: localhost\r\nOrigin: https://evil.example\r\n"), 403);
    assert_eq!(asked("Host: localhost\r\nOrigin: http://localhost\r\n"), 200);
    assert_eq!(asked("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"), 403);
    // Asking makes no service of what the store does not have.
    let path =
        "GET /-/pinnace/v1/services/made-up/attempts/1?wait=1 HTTP/1.1\r\nHost: localhost\r\n";
    assert_eq!(ask(&own, path).0, 404);
    assert!(agent.status().services.is_empty());
    agent.stop();
}

#[test]
fn what_is_asked_wrongly_is_told_so() {
    let world = World::new();
    let agent = world.agent(world.options());
    let own = agent.address().to_string();
    for (request, status) in [
        ("GET /-/pinnace/v1/objects/a/../b", 400),
        ("GET /-/pinnace/v1/objects/blobs/x", 404),
        ("DELETE /-/pinnace/v1/objects/format", 405),
        ("GET /-/pinnace/v1/services/none", 404),
        ("GET /-/pinnace/v1/services/a%2Fb/attempts/1", 404),
        ("GET /-/pinnace/v1/services/shop/attempts/x", 400),
        ("GET /-/pinnace/v2/agent", 404),
        ("GET /-/pinnace", 302),
        ("GET /", 302),
        ("CONNECT /x", 404),
    ] {
        let answer = ask(&own, &format!("{request} HTTP/1.1\r\nHost: localhost\r\n"));
        assert_eq!(answer.0, status, "{request}: {}", answer.1);
    }
    assert!(agent.status().services.is_empty());
    let other = Client::new("http://127.0.0.1:1", None).unwrap().status().unwrap_err();
    assert!(other.is_retryable() && other.to_string().contains("cannot be reached"), "{other}");
    for url in ["", "ftp://x", "http://", "http://user:secret@host", "http://host/path"] {
        assert!(Client::new(url, None).is_err(), "{url}");
    }
    assert!(client(&agent).platforms().unwrap().platforms.len() == 1);
    agent.stop();
}

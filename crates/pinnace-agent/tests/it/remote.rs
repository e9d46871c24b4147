//! The store of an agent, for those who have no key to it.

use std::{
    collections::BTreeMap,
    io::Read,
    sync::{Arc, Mutex},
};

use pinnace_agent::{Agent, Fetch, Offer};
use pinnace_store::{Backend, Digest, PutMode, Store};

use crate::world::{World, client, get, is_live, landed, place};

#[test]
fn a_release_is_put_through_the_agent() {
    let world = World::new();
    let agent = world.agent(world.options());
    let client = client(&agent);
    let mut project = world.version("1");
    project.store = Store::unopened(client.backend());
    assert!(project.store.exists().unwrap());
    let answered = landed(&client, "shop", project.publish("shop"));
    assert!(is_live(&answered), "{answered:?}");
    assert_eq!(get(&place(answered.address.as_ref()), "/"), "1 /");
    // What is large is streamed, and read again in parts.
    let large = vec![7; 9 << 20];
    let digest = project.store.put(&mut large.as_slice()).unwrap();
    let mut read = Vec::new();
    project.store.get(&digest).unwrap().unwrap().read_to_end(&mut read).unwrap();
    assert!(read == large);
    let hex = digest.to_hex();
    let key = format!("blobs/{}/{}", &hex[..2], &hex[2..]).parse().unwrap();
    let part = client.backend().read(&key, Some(5..9)).unwrap().unwrap();
    assert_eq!(part.size, 4);
    assert_eq!(client.backend().head(&key).unwrap(), world.backend.head(&key).unwrap());
    assert_eq!(project.store.refs().unwrap(), world.store.refs().unwrap());
    agent.stop();
}

#[test]
fn nothing_is_taken_on_trust() {
    let world = World::new();
    let agent = world.agent(world.options());
    let backend = client(&agent).backend();
    let put = |key: &str, bytes: &[u8]| {
        let mut upload = backend.write().unwrap();
        upload.write_all(bytes).unwrap();
        upload.finish(&key.parse().unwrap(), PutMode::Overwrite).map_err(|error| error.to_string())
    };
    let hex = Digest::of("right").to_hex();
    let key = format!("blobs/{}/{}", &hex[..2], &hex[2..]);
    assert!(put(&key, b"wrong").unwrap_err().contains("expected sha256:"));
    assert!(put(&key, b"right").is_ok());
    assert!(put("format", b"pinnace-store 2\n").unwrap_err().contains("the store refuses"));
    assert!(put("refs/wanted/shop/@/18446744073709551614", b"{}").is_err());
    let digest = world.store.put(&mut "x".as_bytes()).unwrap();
    let mut step = pinnace_store::Deployment::default();
    (step.release, step.generation) = (Some(digest), 1);
    for name in ["anything", "live/shop/agent", "wanted/a/b"] {
        let refused =
            put(&format!("refs/{name}/@/18446744073709551614"), &step.to_bytes().unwrap());
        assert!(refused.unwrap_err().contains("is no ref of a deployer"), "{name}");
    }
    assert!(put("refs/live/shop/agent/@/18446744073709551614", b"{}").is_err());
    assert!(
        backend
            .remove(&key.parse().unwrap())
            .unwrap_err()
            .to_string()
            .contains("an agent removes nothing")
    );
    assert!(world.store.exists().unwrap());
    agent.stop();
}

/// A public host with its files, and the requests that it saw.
#[derive(Default)]
struct Elsewhere {
    has: BTreeMap<String, Vec<u8>>,
    asked: Mutex<Vec<String>>,
}

impl Fetch for Elsewhere {
    fn fetch(&self, url: &str) -> Result<Option<Box<dyn Read + Send>>, String> {
        self.asked.lock().unwrap().push(url.to_owned());
        if url.contains("silent") {
            return Err("no answer".to_owned());
        }
        let bytes = self.has.get(url).cloned();
        Ok(bytes.map(|bytes| Box::new(std::io::Cursor::new(bytes)) as Box<dyn Read + Send>))
    }
}

#[test]
fn what_the_world_has_need_not_be_sent() {
    let world = World::new();
    let mut elsewhere = Elsewhere::default();
    elsewhere.has.insert("https://files.example/a.whl".to_owned(), b"a".to_vec());
    elsewhere.has.insert("https://files.example/lie.whl".to_owned(), b"not b".to_vec());
    let elsewhere = Arc::new(elsewhere);
    let mut parts = world.dependencies();
    parts.fetch = Some(Arc::clone(&elsewhere) as Arc<dyn Fetch>);
    let agent = Agent::start(parts, world.options()).unwrap();
    let digest = |text: &str| Digest::of(text);
    let there = world.store.put(&mut "there".as_bytes()).unwrap();
    let offers = [
        Offer::new(&digest("a"), "https://files.example/a.whl"),
        Offer::new(&digest("b"), "https://files.example/lie.whl"),
        Offer::new(&digest("c"), "https://files.example/gone.whl"),
        Offer::new(&there, "https://files.example/there.whl"),
    ];
    let lacking = client(&agent).offer(&offers).unwrap();
    assert_eq!(lacking, [digest("b"), digest("c")]);
    assert!(world.store.get(&digest("a")).unwrap().is_some());
    assert!(world.store.get(&digest("b")).unwrap().is_none());
    let asked = elsewhere.asked.lock().unwrap().clone();
    assert!(!asked.iter().any(|url| url.contains("there")), "{asked:?}");

    let offers: Vec<Offer> = (0..20)
        .map(|n| Offer::new(&digest(&format!("s{n}")), format!("https://silent.example/{n}")))
        .collect();
    assert_eq!(client(&agent).offer(&offers).unwrap().len(), 20);
    let asked = elsewhere.asked.lock().unwrap().iter().filter(|url| url.contains("silent")).count();
    assert!(asked <= 8, "a host that does not answer is asked {asked} times");
    agent.stop();
}

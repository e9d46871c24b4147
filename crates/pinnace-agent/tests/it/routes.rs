//! Where services are found.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use pinnace_agent::Route;
use pinnace_test::ask;

use crate::world::{World, get, is_live, place};

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn hosts_and_paths_share_one_address() {
    let world = World::new();
    let mut options = world.options();
    let route = |service: &str, route: &str| (service.to_owned(), route.parse::<Route>().unwrap());
    options.routes = vec![
        route("shop", "path:/shop"),
        route("blog", "host:blog.example"),
        route("blog", "path:/shop/blog"),
    ];
    let agent = world.agent(options);
    let shop = world.version("shop").deploy("shop", &agent);
    let own = agent.address().to_string();
    assert_eq!(shop.address.as_deref(), Some(format!("http://{own}/shop/").as_str()));
    assert!(is_live(&world.version("blog").deploy("blog", &agent)));
    assert_eq!(get(&own, "/shop/a?b"), "shop /a?b");
    assert_eq!(get(&own, "/shop/blog/a"), "blog /a");
    let asked =
        |host: &str, path: &str| ask(&own, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n"));
    assert_eq!(asked("blog.example:80", "/shop/x").1, "blog /shop/x");
    assert_eq!(asked("other.example", "/elsewhere").0, 404);
    let headers = get(&own, "/shop/headers");
    assert!(headers.contains("x-forwarded-prefix: /shop"), "{headers}");
    assert!(headers.contains("x-forwarded-for: 127.0.0.1"), "{headers}");
    agent.stop();
}

#[test]
fn bytes_are_carried_as_they_are() {
    let world = World::new();
    let mut options = world.options();
    let (port, own) = (free_port(), free_port());
    options.routes =
        vec![("echo".to_owned(), Route::Tcp(port)), ("sniffed".to_owned(), Route::Port(own))];
    let agent = world.agent(options);
    let code = "import socketserver, sys\nclass Echo(socketserver.BaseRequestHandler):\n    def handle(self):\n        \
                self.request.sendall(b'hello ' + self.request.recv(99))\n\
                class Server(socketserver.ThreadingTCPServer):\n    daemon_threads = True\n\
                Server(('127.0.0.1', int(sys.argv[1])), Echo).serve_forever()\n";
    for (service, port) in [("echo", port), ("sniffed", own)] {
        let echo = world.project(code).deploy(service, &agent);
        assert!(is_live(&echo), "{echo:?}");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"\x00\x01 world").unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"hello \x00\x01 world");
    }
    agent.stop();
}

#[test]
fn a_connection_may_become_another_protocol_and_drains() {
    let world = World::new();
    let agent = world.agent(world.options());
    let code = "import socketserver, sys\nclass Upgrade(socketserver.StreamRequestHandler):\n    def handle(self):\n        \
                asked = b''\n        while not asked.endswith(b'\\r\\n\\r\\n'): asked += self.rfile.read(1)\n        \
                if b'pgrade: echo' not in asked: return\n        \
                self.wfile.write(b'HTTP/1.1 101 Switching Protocols\\r\\nConnection: upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n')\n        \
                for line in self.rfile: self.wfile.write(line)\n\
                class Server(socketserver.ThreadingTCPServer):\n    daemon_threads = True\n\
                Server(('127.0.0.1', int(sys.argv[1])), Upgrade).serve_forever()\n";
    let place = place(world.project(code).deploy("shop", &agent).address.as_ref());
    let mut stream = TcpStream::connect(&place).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    let echo = |stream: &mut TcpStream, text: &[u8]| {
        stream.write_all(text).unwrap();
        let mut back = vec![0; text.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, text);
    };
    echo(&mut stream, b"one\n");
    assert!(is_live(&world.version("2").deploy("shop", &agent)));
    assert_eq!(get(&place, "/"), "2 /");
    echo(&mut stream, b"still the old one\n");
    agent.stop();
}

#[test]
fn several_processes_are_one_release_and_a_socket_will_do() {
    let world = World::new();
    let agent = world.agent(world.options());
    let code = crate::world::SERVER
        .replace("(\"127.0.0.1\", int(sys.argv[1]))", "sys.argv[1]")
        .replace("http.server.HTTPServer", "socketserver.UnixStreamServer")
        .replace("class Handler(http.server.BaseHTTPRequestHandler):", "class Handler(http.server.BaseHTTPRequestHandler):\n    def address_string(self): return 'x'");
    let mut project = world.project(&format!("VERSION = 'socket'\n{code}"));
    project.web().argv[2] = "{socket}".to_owned();
    let mut worker = project.web().clone();
    worker.argv = ["python", "-c", "import time; print('works', flush=True); time.sleep(600)"]
        .map(str::to_owned)
        .into();
    project.inputs.processes.insert("worker".to_owned(), worker);
    let answered = project.deploy("shop", &agent);
    assert!(is_live(&answered), "{answered:?}");
    assert_eq!(get(&place(answered.address.as_ref()), "/x"), "socket /x");
    let names: Vec<String> =
        agent.status().services[0].processes.iter().map(|one| one.name.clone()).collect();
    assert_eq!(names, ["web 1", "worker 1"]);
    agent.stop();
}

#[test]
fn a_connection_that_says_nothing_yet_is_led_nowhere_yet() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("1").deploy("shop", &agent).address.as_ref());
    let mut early = crate::swap::Kept::to(&place);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(is_live(&world.version("2").deploy("shop", &agent)));
    assert_eq!(early.get("/"), "2 /");
    agent.stop();
}

#[test]
fn a_port_that_is_taken_is_a_failure_until_it_is_free() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut options = world.options();
    let other = free_port();
    let routes = [Route::Port(other), Route::Port(port)];
    options.routes = routes.map(|route| ("shop".to_owned(), route)).into();
    let agent = world.agent(options);
    let refused = world.version("1").deploy("shop", &agent);
    let reason = crate::world::reason(&refused);
    assert!(reason.contains(&format!("cannot listen on the route `port:{port}`")), "{reason}");
    drop(taken);
    assert!(is_live(&world.version("2").deploy("shop", &agent)));
    for port in [port, other] {
        assert_eq!(get(&format!("127.0.0.1:{port}"), "/"), "2 /");
    }
    agent.stop();
}

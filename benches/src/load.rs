//! Load over HTTP/1.1 on persistent connections, with the latency of each response.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// The load on a server.
#[derive(Clone, Debug)]
pub struct Load {
    /// `HOST:PORT`.
    pub place: String,
    /// The path.
    pub path: String,
    /// The number of connections.
    pub connections: usize,
    /// The requests per second of all connections; `None` for as many as possible.
    pub rate: Option<f64>,
    /// The duration.
    pub seconds: f64,
}

/// The result of a load.
#[derive(Debug, Default)]
pub struct Answers {
    /// The time at which each request was due, and the latency of its response from then.
    pub taken: Vec<(Instant, Duration)>,
    /// The reasons of failed requests.
    pub failures: Vec<String>,
}

/// A persistent connection.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    ///
    /// Returns an error if no server listens.
    pub fn open(place: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(place)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a GET; returns the body of the response.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no response, or its status is no success.
    pub fn get(&mut self, path: &str) -> io::Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length, mut is_good) = (String::new(), 0, None);
        loop {
            line.clear();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::Error::other("the connection was closed"));
            }
            is_good.get_or_insert_with(|| line.contains(" 200 "));
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        match is_good {
            Some(true) => Ok(String::from_utf8_lossy(&body).into_owned()),
            _ => Err(io::Error::other("the answer is no success")),
        }
    }
}

impl Load {
    /// Runs the load.
    pub fn run(&self) -> Answers {
        let started = Instant::now();
        let ask = |number| self.ask(started, number);
        let parts: Vec<Answers> = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..self.connections).map(|number| scope.spawn(move || ask(number))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let mut all = Answers::default();
        for part in parts {
            all.taken.extend(part.taken);
            all.failures.extend(part.failures);
        }
        all
    }

    fn ask(&self, started: Instant, number: usize) -> Answers {
        let mut answers = Answers::default();
        let end = started + Duration::from_secs_f64(self.seconds);
        let every = self.rate.map(|rate| self.connections as f64 / rate);
        let first = every.unwrap_or_default() * number as f64 / self.connections as f64;
        let mut connection = Connection::open(&self.place).ok();
        for turn in 0_u32.. {
            let due = match every {
                Some(every) => started + Duration::from_secs_f64(first + every * f64::from(turn)),
                None => Instant::now(),
            };
            if due >= end {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let asked = match &mut connection {
                Some(open) => open.get(&self.path),
                None => Connection::open(&self.place)
                    .and_then(|new| connection.insert(new).get(&self.path)),
            };
            match asked {
                Ok(_) => answers.taken.push((due, due.elapsed())),
                Err(error) => {
                    answers.failures.push(error.to_string());
                    connection = None;
                }
            }
        }
        answers
    }
}

impl Answers {
    /// Returns the requests that were due in a period.
    #[must_use]
    pub fn within(mut self, from: Instant, to: Instant) -> Self {
        self.taken.retain(|(due, _)| (from..to).contains(due));
        self
    }

    /// Returns the latency of a percentile.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut times: Vec<Duration> = self.taken.iter().map(|(_, took)| *took).collect();
        times.sort();
        let at = (times.len() as f64 * share) as usize;
        times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

use std::io::BufRead;

/// A GET request that a [`Server`](crate::Server) received.
#[derive(Clone, Debug)]
pub struct Request {
    target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// Reads the head of a request; `None` at the end of the connection.
    pub(crate) fn read(reader: impl BufRead) -> Option<Self> {
        let mut lines = reader.lines().map_while(Result::ok);
        let first = lines.next()?;
        let headers = lines.take_while(|line| !line.is_empty());
        let headers = headers.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        });
        let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
        Some(Self { headers: headers.collect(), target })
    }

    /// Returns the path with its query, as the client sent it.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the path without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Checks for `Connection: close`: the client sends no more requests.
    pub(crate) fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Returns the first byte that is wanted of so many, and the byte after the last one. `None`
    /// means all of them.
    pub(crate) fn range(&self, length: usize) -> Option<(usize, usize)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(start), Ok(last)) => (start, length.min(last + 1)),
            (Ok(start), Err(_)) => (start, length),
            (Err(_), Ok(count)) => (length.saturating_sub(count), length),
            (Err(_), Err(_)) => return None,
        };
        (start < end).then_some((start, end))
    }
}

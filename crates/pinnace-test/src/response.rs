use std::{
    io::{self, Write},
    thread,
    time::Duration,
};

use crate::request::Request;

/// A response of a [`Server`](crate::Server).
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delivery: Delivery,
}

/// The way in which the body of a [`Response`] reaches the client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Delivery {
    /// All of it, on a connection that stays open.
    #[default]
    KeepAlive,
    /// All of it, on a connection that is then closed.
    Close,
    /// Half of it, on a connection that is then closed.
    Truncated,
    /// A byte every 100 ms, on a connection that is then closed.
    Slow,
}

impl Response {
    /// Returns a response with status 200.
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut response = Self::status(200).header("Content-Type", content_type);
        response.body = body.into();
        response
    }

    /// Returns a response with an empty body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), delivery: Delivery::default() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Chooses the way in which the body reaches the client.
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Cuts the body to the range that a request wants, if it wants one.
    pub fn cut_for(mut self, request: &Request) -> Self {
        let length = self.body.len();
        let Some((start, end)) = request.range(length) else {
            return self.header("Accept-Ranges", "bytes");
        };
        self.status = 206;
        self.body = self.body[start..end].to_vec();
        self.header("Content-Range", &format!("bytes {start}-{}/{length}", end - 1))
    }

    /// Sends the response, and tells if the connection stays open.
    pub(crate) fn send(&self, mut out: impl Write) -> io::Result<bool> {
        let head = self.head();
        match self.delivery {
            Delivery::KeepAlive | Delivery::Close => {
                out.write_all(&[head.as_bytes(), &self.body].concat())?;
            }
            Delivery::Truncated => {
                out.write_all(head.as_bytes())?;
                out.write_all(&self.body[..self.body.len() / 2])?;
            }
            Delivery::Slow => {
                out.write_all(head.as_bytes())?;
                for byte in &self.body {
                    thread::sleep(Duration::from_millis(100));
                    out.write_all(&[*byte])?;
                }
            }
        }
        Ok(self.delivery == Delivery::KeepAlive)
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.delivery != Delivery::KeepAlive {
            head.push_str("Connection: close\r\n");
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        head
    }
}

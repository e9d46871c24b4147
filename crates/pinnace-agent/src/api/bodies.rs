//! Bodies for those who read and write as the rest of the program does, by blocking.

use std::{
    io::{self, Read},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::stream::unfold;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::{
    Request,
    body::{Frame, Incoming},
};
use serde::de::DeserializeOwned;
use tokio::{sync::mpsc, time::timeout};

use super::Refusal;
use crate::body::{Body, BodyError};

/// No list or question is larger.
const LARGEST: usize = 8 << 20;
const PIECE: usize = 128 << 10;
/// How many pieces may wait.
const WAITING: usize = 4;

/// A body in JSON.
pub(super) async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    let body = Limited::new(request.into_body(), LARGEST).collect().await;
    let bytes = body.map_err(|error| Refusal::bad(error.to_string()))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| Refusal::bad(error.to_string()))
}

/// A body that is read by a thread that may wait.
pub(super) fn reader(mut body: Incoming) -> impl Read + Send + 'static {
    let (sender, pieces) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        loop {
            let Ok(frame) = timeout(SILENCE, body.frame()).await else {
                let silent = io::Error::new(io::ErrorKind::TimedOut, "nothing came any more");
                let _ = sender.send(Err(silent)).await;
                return;
            };
            let Some(frame) = frame else { return };
            let piece = match frame {
                Ok(frame) => frame.into_data().map_err(|_| io::Error::other("trailers")),
                Err(error) => Err(io::Error::other(error)),
            };
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    Pieces { pieces, piece: Bytes::new() }
}

/// How long somebody who sends may pause.
const SILENCE: Duration = Duration::from_secs(30);

struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// A body of what a thread reads.
pub(super) fn written(mut source: Box<dyn Read + Send>) -> Body {
    let (sender, pieces) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = source.read(&mut piece).map(|length| {
                piece.truncate(length);
                Bytes::from(piece)
            });
            let is_last = !matches!(&read, Ok(piece) if !piece.is_empty());
            if matches!(&read, Ok(piece) if piece.is_empty())
                || sender.blocking_send(read).is_err()
                || is_last
            {
                return;
            }
        }
    });
    stream(pieces)
}

/// A body of what comes through a channel.
pub(super) fn stream(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Body {
    let frames = unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece.map(Frame::data).map_err(BodyError::from), pieces))
    });
    StreamBody::new(frames).boxed_unsync()
}

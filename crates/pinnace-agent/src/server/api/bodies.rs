//! Bodies as blocking readers, and readers as bodies.

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

use super::refusal::Refusal;
use crate::server::body::{Body, BodyError};

/// The size limit of a JSON body, in bytes.
const LARGEST: usize = 8 << 20;
const PIECE: usize = 128 << 10;
/// The number of pieces that may wait for their reader.
const WAITING: usize = 4;

/// Reads a JSON body.
pub(super) async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    let body = Limited::new(request.into_body(), LARGEST).collect().await;
    let bytes = body.map_err(|error| Refusal::bad(error.to_string()))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| Refusal::bad(error.to_string()))
}

/// Returns a body as a reader, for a thread that may block.
pub(super) fn reader(mut body: Incoming) -> impl Read + Send + 'static {
    let (sender, pieces) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        loop {
            let Ok(frame) = timeout(SILENCE, body.frame()).await else {
                let silent =
                    io::Error::new(io::ErrorKind::TimedOut, "the client sent nothing for 30 s");
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

/// The time that a client may pause within a body.
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

/// Returns a reader as a body.
pub(super) fn body_of(mut source: Box<dyn Read + Send>) -> Body {
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

/// Returns a body of the pieces that a channel delivers.
pub(super) fn stream(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Body {
    let frames = unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece.map(Frame::data).map_err(BodyError::from), pieces))
    });
    StreamBody::new(frames).boxed_unsync()
}

//! Uploads to the server.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use object_store::{
    Error as S3Error, ObjectStore, ObjectStoreExt, PutMode as S3PutMode, PutOptions,
    WriteMultipart, path::Path,
};

use super::{
    connection::{Connection, failed},
    pieces::{AT_ONCE, PIECE},
};
use crate::{Error, Key, PutMode, PutResult, Upload};

/// An upload to S3. An object of more than one piece waits in a file until its key is known.
pub(super) struct S3Upload<'a> {
    connection: &'a Connection,
    spool: Vec<u8>,
    file: Option<File>,
}

impl<'a> S3Upload<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, spool: Vec::new(), file: None }
    }
}

impl Write for S3Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            return file.write(bytes);
        }
        if self.spool.len() + bytes.len() > PIECE as usize {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.spool)?;
            file.write_all(bytes)?;
            self.spool = Vec::new();
            self.file = Some(file);
        } else {
            self.spool.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Upload for S3Upload<'_> {
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        let S3Upload { connection, spool, file } = *self;
        let path = connection.path(key);
        let Some(file) = file else {
            let client = Arc::clone(&connection.client);
            let mode = match mode {
                PutMode::Overwrite => S3PutMode::Overwrite,
                PutMode::Create => S3PutMode::Create,
            };
            let options = PutOptions { mode, ..PutOptions::default() };
            return match connection
                .driver
                .run(async move { client.put_opts(&path, spool.into(), options).await })
            {
                Ok(_) => Ok(PutResult::Written),
                Err(S3Error::AlreadyExists { .. } | S3Error::Precondition { .. }) => {
                    Ok(PutResult::AlreadyExists)
                }
                Err(error) => Err(failed("write", key, error)),
            };
        };
        // No record is that large, so the condition need not hold against a race.
        if mode == PutMode::Create && connection.head(key)?.is_some() {
            return Ok(PutResult::AlreadyExists);
        }
        multipart(connection, path, file).map_err(|error| failed("write", key, error))?;
        Ok(PutResult::Written)
    }
}

/// Uploads a file in pieces, several at once. The server checks each of them.
fn multipart(connection: &Connection, path: Path, mut file: File) -> Result<(), S3Error> {
    let generic = |source: io::Error| S3Error::Generic { store: "S3", source: source.into() };
    file.rewind().map_err(generic)?;
    let client = Arc::clone(&connection.client);
    let upload = connection.driver.run(async move { client.put_multipart(&path).await })?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PIECE as usize);
    loop {
        let mut piece = Vec::with_capacity(PIECE as usize);
        let read = (&mut file).take(PIECE).read_to_end(&mut piece);
        if let Err(error) = read {
            let _ = connection.driver.run(async move { writer.abort().await });
            return Err(generic(error));
        }
        if piece.is_empty() {
            return connection.driver.run(async move { writer.finish().await }).map(drop);
        }
        writer = connection.driver.run(async move {
            match writer.wait_for_capacity(AT_ONCE).await {
                Ok(()) => {
                    writer.put(piece.into());
                    Ok(writer)
                }
                Err(error) => {
                    let _ = writer.abort().await;
                    Err(error)
                }
            }
        })?;
    }
}

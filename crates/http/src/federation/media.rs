//! Files that were uploaded here, for other servers.
//!
//! An answer has two parts, as `multipart/mixed`: what is known of the file, of which there is nothing yet, and the file
//! itself, streamed.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#content-repository>

mod download;
mod thumbnail;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, header};
use rohrpost_core::media::download::Download;
use ruma::http_headers::{ContentDisposition, ContentDispositionType};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::routes::Routes;

/// How much of a file is in memory at a time, in bytes.
const PIECE_BYTES: usize = 128 * 1024;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation_raw(download::download);
    routes.federation_raw(thumbnail::thumbnail);
}

/// The file as the second of two parts. What stands between them is the hash of the file, which can't stand in it.
fn parts(found: Download) -> Response {
    let (boundary, size) = (found.tag, found.size_bytes);
    let content_type = found
        .content_type
        .unwrap_or_else(|| "application/octet-stream".to_owned());
    let disposition =
        ContentDisposition::new(ContentDispositionType::Attachment).with_filename(found.file_name);
    let head = format!(
        "--{boundary}\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--{boundary}\r\n\
         Content-Type: {content_type}\r\nContent-Disposition: {disposition}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = head.len() as u64 + size + tail.len() as u64;
    let headers: [(HeaderName, String); 2] = [
        (
            header::CONTENT_TYPE,
            format!("multipart/mixed; boundary={boundary}"),
        ),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    let piece = |text: String| stream::iter([Ok(Bytes::from(text))]);
    let file = ReaderStream::with_capacity(found.file.take(size), PIECE_BYTES);
    let body = piece(head).chain(file).chain(piece(tail));
    (headers, Body::from_stream(body)).into_response()
}

//! A file as an HTTP answer. Everything here assumes that the file was made to harm whoever opens it.

use std::io::SeekFrom;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use rohrpost_core::{Refusal, media::download::Download};
use ruma::http_headers::{ContentDisposition, ContentDispositionType};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::range::{self, Wanted};
use crate::error::{not_modified, partial_content, range_not_satisfiable};

/// How much of a file is in memory at a time, in bytes.
const PIECE_BYTES: usize = 128 * 1024;

/// What a browser may do with a file that it opens: nothing.
const POLICY: &str = "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; \
                      style-src 'unsafe-inline'; object-src 'self';";

/// "Servers SHOULD restrict `Content-Type` headers to one of the following values when serving content with
/// `Content-Disposition: inline`"
const INLINE: [&str; 26] = [
    "text/css",
    "text/plain",
    "text/csv",
    "application/json",
    "application/ld+json",
    "image/jpeg",
    "image/gif",
    "image/png",
    "image/apng",
    "image/webp",
    "image/avif",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "audio/mp4",
    "audio/webm",
    "audio/aac",
    "audio/mpeg",
    "audio/ogg",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-pn-wav",
    "audio/flac",
    "audio/x-flac",
];

/// Sends a file, or the part of it that is asked for, or that the client has it already.
///
/// # Spec
/// [Serving content](https://spec.matrix.org/v1.19/client-server-api/#content-repository)
pub(super) async fn answer(mut found: Download, request: &HeaderMap) -> Result<Response, Refusal> {
    let etag = format!("\"{}\"", found.tag);
    let mut headers = protection(&found, &etag)?;
    if range::is_known(request, &etag) {
        return Ok((headers, not_modified()).into_response());
    }
    let size = found.size_bytes;
    let part = range::wanted(request, &etag, size);
    let (first, length) = match &part {
        Wanted::Nothing => return Ok(range_not_satisfiable(size)),
        Wanted::Part(part) => {
            let content_range = format!("bytes {}-{}/{size}", part.start(), part.end());
            headers.insert(header::CONTENT_RANGE, value(content_range)?);
            (*part.start(), part.end() - part.start() + 1)
        }
        Wanted::Whole => (0, size),
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if first > 0 {
        let moved = found.file.seek(SeekFrom::Start(first)).await;
        moved.map_err(|error| Refusal::Internal(format!("an uploaded file can't be read: {error}")))?;
    }
    let pieces = ReaderStream::with_capacity(found.file.take(length), PIECE_BYTES);
    let whole = (headers, Body::from_stream(pieces));
    Ok(match part {
        Wanted::Part(_) => partial_content(whole),
        _ => whole.into_response(),
    })
}

/// What the file is, and what keeps it from doing harm.
fn protection(found: &Download, etag: &str) -> Result<HeaderMap, Refusal> {
    let content_type = found
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let disposition =
        ContentDisposition::new(disposition(content_type)).with_filename(found.file_name.clone());
    Ok(HeaderMap::from_iter([
        (header::CONTENT_TYPE, value(content_type)?),
        (header::CONTENT_DISPOSITION, value(disposition.to_string())?),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=31536000, immutable"),
        ),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, value(etag)?),
    ]))
}

fn value(text: impl AsRef<str>) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text.as_ref())
        .map_err(|_| Refusal::Internal("a header of a file can't be written".to_owned()))
}

/// Whether a browser may show it. Parameters such as `charset` may follow the type, another type may not.
fn disposition(content_type: &str) -> ContentDispositionType {
    let (essence, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    let essence = essence.trim();
    let is_safe = INLINE.iter().any(|safe| safe.eq_ignore_ascii_case(essence)) && !content_type.contains(',');
    if is_safe {
        ContentDispositionType::Inline
    } else {
        ContentDispositionType::Attachment
    }
}

#[cfg(test)]
mod tests {
    use ruma::http_headers::ContentDispositionType;

    use super::disposition;

    #[test]
    fn shows_only_what_can_not_run() {
        for safe in [
            "image/png",
            "IMAGE/PNG",
            "text/plain; charset=utf-8",
            "video/mp4 ;codecs=avc1",
        ] {
            assert_eq!(disposition(safe), ContentDispositionType::Inline, "{safe}");
        }
        for hostile in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/pdf",
            "image/png,text/html",
            "image/png;,text/html",
            "",
            "application/octet-stream",
            "image/pngx",
            "text/javascript",
        ] {
            assert_eq!(
                disposition(hostile),
                ContentDispositionType::Attachment,
                "{hostile}"
            );
        }
    }
}

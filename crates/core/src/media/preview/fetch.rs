//! Fetching: redirections followed by hand, so that each is asked about, and what came unpacked within its size.

use std::{io::Read as _, sync::Arc};

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use flate2::read::MultiGzDecoder;
use url::Url;

use super::{page, policy::PreviewSettings};
use crate::{Server, ports::Get};

/// Redirections that are followed.
const MAX_REDIRECTIONS: usize = 5;

/// What was fetched.
pub(super) struct Fetched {
    /// Where it was in the end.
    pub(super) url: Url,
    content_type: String,
    /// Unpacked.
    pub(super) body: Vec<u8>,
    /// Whether that is all of it.
    pub(super) is_whole: bool,
}

/// Fetches the first `max_bytes` of what is at an address. `None`: it can't be had, or may not be.
pub(super) async fn fetch(
    server: &Arc<Server>,
    settings: &PreviewSettings,
    mut url: Url,
    accept: &'static str,
    max_bytes: usize,
) -> Option<Fetched> {
    let pages = server.pages.as_ref()?;
    for _ in 0..=MAX_REDIRECTIONS {
        if !settings.allows(&url) {
            return None;
        }
        let get = Get {
            url: url.clone(),
            accept,
            max_bytes,
        };
        let got = pages.get(get).await.ok()?;
        match got.status {
            200 => {
                let is_compressed = match got.content_encoding.as_deref().map(str::trim) {
                    None | Some("" | "identity") => false,
                    Some(coding) if coding.eq_ignore_ascii_case("gzip") => true,
                    Some(_) => return None,
                };
                let (body, is_whole) = if is_compressed {
                    unpack(&got.body, max_bytes, got.is_whole)?
                } else {
                    (got.body, got.is_whole)
                };
                return Some(Fetched {
                    url,
                    content_type: got.content_type.unwrap_or_default(),
                    body,
                    is_whole,
                });
            }
            301 | 302 | 303 | 307 | 308 => url = url.join(&got.location?).ok()?,
            _ => return None,
        }
    }
    None
}

/// Unpacks the first `max_bytes`. Of what is cut off the beginning counts.
fn unpack(packed: &[u8], max_bytes: usize, is_all: bool) -> Option<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    let more_than_fits = u64::try_from(max_bytes).ok()?.saturating_add(1);
    let read = MultiGzDecoder::new(packed)
        .take(more_than_fits)
        .read_to_end(&mut body);
    if read.is_err() && (is_all || body.is_empty()) {
        return None;
    }
    let fits = body.len() <= max_bytes;
    body.truncate(max_bytes);
    Some((body, fits && is_all))
}

impl Fetched {
    fn essence(&self) -> &str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }

    /// Whether it says that it is a page.
    pub(super) fn is_page(&self) -> bool {
        let is = |name: &str| self.essence().eq_ignore_ascii_case(name);
        is("text/html") || is("application/xhtml+xml")
    }

    /// Whether it says that it is a picture.
    pub(super) fn is_picture(&self) -> bool {
        let kind = self.essence().get(..6).unwrap_or_default();
        kind.eq_ignore_ascii_case("image/")
    }

    /// The text of a page, in whichever character set it was written: what its first bytes say, then the header, then
    /// the page itself. Without any of them it is UTF-8 if it can be, else what most old pages are.
    pub(super) fn text(&self) -> String {
        let named = charset(&self.content_type).or_else(|| page::charset(&self.body));
        let named = named.and_then(|name| Encoding::for_label(name.as_bytes()));
        let encoding = named.unwrap_or_else(|| match std::str::from_utf8(&self.body) {
            Ok(_) => UTF_8,
            // Cut off in the middle of a character.
            Err(error) if error.error_len().is_none() => UTF_8,
            Err(_) => WINDOWS_1252,
        });
        encoding.decode(&self.body).0.into_owned()
    }
}

/// The character set in a content type.
pub(super) fn charset(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').skip(1);
    let charset = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    });
    Some(charset?.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::{Fetched, unpack};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn text(content_type: &str, body: &[u8]) -> String {
        let fetched = Fetched {
            url: "https://a.example/".parse().expect("an address"),
            content_type: content_type.to_owned(),
            body: body.to_vec(),
            is_whole: true,
        };
        fetched.text()
    }

    #[test]
    fn a_bomb_is_unpacked_only_as_far_as_it_may_be() {
        let bomb = packed(&vec![b'x'; 50_000_000]);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        let (body, is_whole) = unpack(&bomb, 1000, true).expect("its beginning");
        assert_eq!((body.len(), is_whole), (1000, false));
        let small = unpack(&packed(b"page"), 4, true);
        assert_eq!(small, Some((b"page".to_vec(), true)));
        let half = packed(&(0..9_999_u32).flat_map(u32::to_be_bytes).collect::<Vec<_>>());
        let half = &half[..half.len() / 2];
        assert_eq!(unpack(half, 1_000_000, true), None, "it says that it is all");
        assert!(unpack(half, 1_000_000, false).is_some_and(|(body, is_whole)| !body.is_empty() && !is_whole));
        assert_eq!(unpack(b"no gzip", 1000, false), None);
    }

    #[test]
    fn pages_are_read_in_their_character_set() {
        assert_eq!(text("text/html; charset=iso-8859-1", b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(
            text("text/html; Charset=\"windows-1251\"", b"\xcf\xf0\xe8"),
            "При"
        );
        assert_eq!(text("text/html", "Grüße".as_bytes()), "Grüße");
        assert_eq!(text("text/html", b"Gr\xfc\xdfe"), "Grüße");
        let named = b"<meta charset=shift_jis><title>\x93\xfa\x96{";
        assert!(text("text/html", named).ends_with("日本"));
        let old =
            b"<meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1251\">\xcf\xf0\xe8";
        assert!(text("text/html", old).ends_with("При"));
        assert_eq!(
            text("text/html; charset=iso-8859-1", b"\xef\xbb\xbfGr\xc3\xbc"),
            "Grü"
        );
        assert_eq!(text("text/html; charset=nonsense", b"x"), "x");
    }
}

//! Endpoints for files.

use super::{
    given::{FILE, files, pictures, places_for_files},
    row::{
        Again::{Other, Refused},
        Row, Unknown,
        Who::Nobody,
        row,
    },
};

const FOR_ALL: Unknown = Unknown::Told(
    (404, "M_NOT_FOUND"),
    (200, ""),
    "a file is there for whoever is signed in and knows its address",
);

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let get = |path| row("GET", path).given(files).query("timeout_ms=0").unknown("mediaId", FOR_ALL).content(FILE);
    let preview = |path| row("GET", path).query("url={page}").gives("/og:title")
        .other_query("", 400, "M_MISSING_PARAM").other_query("url=javascript%3Aalert(1)", 400, "M_INVALID_PARAM")
        .other_query("url={noPage}", 404, "M_NOT_FOUND");
    // There is nothing to be had without a token, whatever is asked for.
    let closed = |path| row("GET", path).by(Nobody).given(files).answers(404, "M_NOT_FOUND");
    vec![
        row("POST", "/_matrix/media/v1/create").gives("/content_uri").gives("/unused_expires_at").again(Other("each address is another")),
        row("POST", "/_matrix/media/v3/upload").query("filename=Plan.txt").file(FILE).gives("/content_uri")
            .again(Other("each file has its own address")),
        row("PUT", "/_matrix/media/v3/upload/{serverName}/{mediaId}").given(places_for_files).file(FILE)
            .unknown("mediaId", Unknown::Told((404, "M_NOT_FOUND"), (403, "M_FORBIDDEN"), "\"If the user making the request is not the one who created the media ID\""))
            .again(Refused(409, "M_CANNOT_OVERWRITE_MEDIA")),
        get("/_matrix/client/v1/media/download/{serverName}/{mediaId}"),
        get("/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}").header("content-disposition", "inline; filename=Plan.txt"),
        row("GET", "/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}").given(pictures).query("width=32&height=32&timeout_ms=0")
            .header("content-type", "image/jpeg").unknown("mediaId", FOR_ALL)
            .other_query("", 400, "M_MISSING_PARAM").other_query("width=0&height=32", 400, "M_INVALID_PARAM")
            .other_query("width=32&height=32&method=melt", 400, "M_INVALID_PARAM"),
        closed("/_matrix/media/v3/download/{serverName}/{mediaId}"),
        closed("/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}"),
        closed("/_matrix/media/v3/thumbnail/{serverName}/{mediaId}"),
        preview("/_matrix/client/v1/media/preview_url"),
        preview("/_matrix/media/v3/preview_url"),
    ]
}

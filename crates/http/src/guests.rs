//! What guests may call, and nothing else: the list of the specification.
//!
//! Whether a room takes guests, and that they change nothing of their profile but the name, is looked at by the use
//! cases. `GET /events` is on the list, too; this server doesn't have it.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#guest-access>

/// Method and path behind the version of the API, with `{}` for what a path names.
const ALLOWED: &[&str] = &[
    // Events and media.
    "GET /rooms/{}/state",
    "GET /rooms/{}/context/{}",
    "GET /rooms/{}/event/{}",
    "GET /rooms/{}/state/{}",
    "GET /rooms/{}/state/{}/",
    "GET /rooms/{}/state/{}/{}",
    "GET /rooms/{}/messages",
    "GET /rooms/{}/initialSync",
    "GET /rooms/{}/members",
    "GET /sync",
    "GET /media/download/{}/{}",
    "GET /media/download/{}/{}/{}",
    "GET /media/thumbnail/{}/{}",
    // Sending.
    "POST /rooms/{}/join",
    "POST /rooms/{}/leave",
    "PUT /rooms/{}/send/{}/{}",
    "PUT /rooms/{}/state/{}",
    "PUT /rooms/{}/state/{}/",
    "PUT /rooms/{}/state/{}/{}",
    "PUT /sendToDevice/{}/{}",
    // Their account.
    "PUT /profile/{}/{}",
    "PUT /profile/{}/displayname",
    "DELETE /profile/{}/{}",
    "GET /devices",
    "GET /devices/{}",
    "PUT /devices/{}",
    "GET /account/whoami",
    // Encryption.
    "POST /keys/upload",
    "POST /keys/query",
    "POST /keys/claim",
];

/// Whether guests may call an endpoint, by method and path template such as `GET /_matrix/client/v3/sync`.
pub(crate) fn may(operation: &str) -> bool {
    let Some((method, path)) = operation.split_once(" /_matrix/client/") else {
        return false;
    };
    let Some((version @ ("r0" | "v1" | "v3"), path)) = path.split_once('/') else {
        return false;
    };
    let is_media = path.starts_with("media/");
    if is_media != (version == "v1") {
        return false;
    }
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part });
    let path: Vec<&str> = parts.collect();
    ALLOWED.contains(&format!("{method} /{}", path.join("/")).as_str())
}

#[cfg(test)]
mod tests {
    use super::may;

    #[test]
    fn guests_may_what_the_list_names_in_each_stable_version() {
        assert!(may("GET /_matrix/client/v3/sync"));
        assert!(may(
            "GET /_matrix/client/r0/rooms/{room_id}/state/{event_type}/{state_key}"
        ));
        assert!(may(
            "GET /_matrix/client/v1/media/download/{server_name}/{media_id}"
        ));
        for other in [
            "POST /_matrix/client/v3/sync",
            "GET /_matrix/client/unstable/sync",
            "POST /_matrix/client/v3/rooms/{room_id}/invite",
            "POST /_matrix/client/v3/join/{room_id_or_alias}",
            "POST /_matrix/client/v1/sync",
            "GET /_matrix/media/v3/download/{server_name}/{media_id}",
            "POST /_matrix/client/v3/logout",
            "GET /_rohrpost/client/v1/sync",
        ] {
            assert!(!may(other), "{other}");
        }
    }
}

//! `GET /_matrix/client/versions`
//!
//! The versions of the specification that this server follows. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions)

use rohrpost_core::Result;
use rohrpost_room::Encryption;
use ruma::api::client::discovery::get_supported_versions::{Request, Response};

use crate::call::Public;

/// Clients look for these very strings, so every version is named.
const VERSIONS: [&str; 20] = [
    "r0.6.1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11",
    "v1.12", "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18", "v1.19",
];

pub(crate) async fn versions(Public { server, .. }: Public, _: Request) -> Result<Response> {
    let mut response = Response::new(VERSIONS.map(str::to_owned).to_vec());
    let is_forced = server.settings.encryption == Encryption::Required;
    // Not org.matrix.msc4306: threads can be followed, but push rules don't tell followed ones apart yet.
    let features = [
        ("io.element.msc4388", true),
        ("org.matrix.msc4108", true),
        ("org.matrix.msc4140", true),
        ("org.matrix.msc4143", true),
        ("org.matrix.msc4222", true),
        ("org.matrix.msc4354", true),
        ("org.matrix.simplified_msc3575", true),
        ("org.matrix.msc3266", true),
        ("org.matrix.msc3882", true),
        ("org.matrix.msc4151", true),
        ("org.matrix.msc4260", true),
        ("org.matrix.msc4380", true),
        ("org.matrix.msc4380.stable", true),
        ("uk.half-shot.msc2666.query_mutual_rooms", true),
        ("uk.half-shot.msc2666.query_mutual_rooms.stable", true),
        ("uk.tcpip.msc4133", true),
        ("uk.tcpip.msc4133.stable", true),
        ("uk.timedout.msc4323", true),
        ("org.matrix.msc4174", !server.settings.push.gateways.is_empty()),
        ("io.element.e2ee_forced.public", is_forced),
        ("io.element.e2ee_forced.private", is_forced),
        ("io.element.e2ee_forced.trusted_private", is_forced),
    ];
    response.unstable_features = features
        .into_iter()
        .map(|(name, on)| (name.to_owned(), on))
        .collect();
    Ok(response)
}

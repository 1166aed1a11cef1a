//! Requests that are not signed as they must be.

use axum::body::Body;
use http::{Request, header};
use rohrpost_testkit::{Neighbours, TestServer};
use ruma::{
    OwnedServerName,
    api::federation::authentication::{XMatrix, XMatrixSigningInput},
    signatures::Ed25519KeyPair,
};

const PATH: &str = "/_matrix/federation/v1/query/profile?user_id=%40a%3Ab";

async fn status(server: &TestServer, headers: &[String]) -> (u16, String) {
    let mut request = Request::get(PATH);
    for value in headers {
        request = request.header(header::AUTHORIZATION, value);
    }
    let answer = server.ask(request.body(Body::empty()).expect("a request")).await;
    let errcode = answer.json()["errcode"].as_str().unwrap_or_default().to_owned();
    (answer.status, errcode)
}

fn sign(origin: &OwnedServerName, destination: &ruma::ServerName, path: &str) -> String {
    let key = Ed25519KeyPair::from_der(&Ed25519KeyPair::generate(), "a1".to_owned()).expect("a key");
    let request = Request::get(format!("https://x{path}"))
        .body(Vec::new())
        .expect("a request");
    let input = XMatrixSigningInput::new(origin.clone(), destination.to_owned(), &key);
    XMatrix::sign_http_request(&request, input)
        .expect("a signature")
        .to_string()
}

#[tokio::test]
async fn a_request_without_a_proof_is_refused() {
    let neighbours = Neighbours::new();
    let (server, other) = (neighbours.sqlite().await, neighbours.sqlite().await);
    let origin = other.name().to_owned();
    let good = sign(&origin, server.name(), PATH);
    for headers in [
        vec![],
        vec![String::new()],
        vec!["Bearer abc".to_owned()],
        vec!["X-Matrix".to_owned()],
        vec!["X-Matrix origin=x".to_owned()],
        vec![good.clone(), good.clone()],
        // Signed with a key that the server it names doesn't have.
        vec![good.clone()],
        // For another server.
        vec![sign(&origin, &origin, PATH)],
        // From this server itself.
        vec![sign(&server.name().to_owned(), server.name(), PATH)],
        // From a server that can't be reached.
        vec![sign(
            &"127.0.0.1:1".try_into().expect("a name"),
            server.name(),
            PATH,
        )],
    ] {
        let answer = status(&server, &headers).await;
        assert_eq!(answer, (401, "M_UNAUTHORIZED".to_owned()), "{headers:?}");
    }
    server.close().await;
    other.close().await;
}

#[tokio::test]
async fn servers_that_arent_listed_are_refused_before_they_are_asked_for_their_key() {
    use rohrpost_core::federation::{Federation, Partners};
    let neighbours = Neighbours::new();
    let other = neighbours.sqlite().await;
    let server = neighbours
        .with(|settings| {
            settings.federation = Federation {
                partners: Partners::Listed(["b.example".try_into().expect("a name")].into()),
                address: None,
            };
        })
        .sqlite()
        .await;
    let headers = [sign(&other.name().to_owned(), server.name(), PATH)];
    assert_eq!(status(&server, &headers).await, (403, "M_FORBIDDEN".to_owned()));
    // Nor are they asked anything.
    let anna = server.user("anna").await;
    let path = format!(
        "/_matrix/client/v3/profile/%40a%3A{}",
        rohrpost_testkit::enc(other.name().as_str())
    );
    assert_eq!(anna.get(&path).await.0, 404);
    // Names are compared to the letter.
    let core = server.core();
    assert!(core.speaks_with("b.example".try_into().expect("a name")));
    for name in ["B.EXAMPLE", "b.example:8448", "a.b.example", "example"] {
        assert!(!core.speaks_with(name.try_into().expect("a name")), "{name}");
    }
    drop(core);
    server.close().await;
    other.close().await;
}

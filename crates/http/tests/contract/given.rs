//! What a row needs beside what each world has: files, addresses that were confirmed, tokens of another kind.

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{Request, header};
use rohrpost_core::email::outbox;
use rohrpost_testkit::{PASSWORD, User};
use serde_json::{Value, json};

use super::world::{World, good, text};
use crate::{bridge, cross_signing::Identity, signing};

/// Puts something into a world.
pub(super) type Given = fn(&mut World) -> BoxFuture<'_, ()>;

/// What is in Alice's file.
pub(super) const FILE: &str = "Haushalt";
const V3: &str = "/_matrix/client/v3";
/// The client's secret in each confirmation of Alice.
const SECRET: &str = "secret";

async fn upload(user: &User, content_type: &str, bytes: Vec<u8>) -> String {
    let request = Request::post("/_matrix/media/v3/upload")
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
        .header(header::CONTENT_TYPE, content_type);
    let answer = user
        .server
        .ask(request.body(Body::from(bytes)).expect("a request"));
    media_id(&good((200, answer.await.json())))
}

fn media_id(answer: &Value) -> String {
    let address = text(&answer["content_uri"]);
    let id = address.strip_prefix("mxc://test.example/");
    id.expect("an address of this server").to_owned()
}

/// A file of Alice, and one of Mallory.
pub(super) fn files(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let id = upload(&world.alice, "text/plain", FILE.into()).await;
        world.put("mediaId", id);
        let id = upload(&world.mallory, "text/plain", "Geheim".into()).await;
        world.put("other:mediaId", id);
    })
}

/// A picture of Alice, and one of Mallory.
pub(super) fn pictures(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(64, 64)
            .write_to(&mut bytes, image::ImageFormat::Png)
            .expect("a picture");
        let bytes = bytes.into_inner();
        let id = upload(&world.alice, "image/png", bytes.clone()).await;
        world.put("mediaId", id);
        let id = upload(&world.mallory, "image/png", bytes).await;
        world.put("other:mediaId", id);
    })
}

/// An address for a file of Alice, and one for a file of Mallory.
pub(super) fn places_for_files(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        for (name, user) in [("mediaId", &world.alice), ("other:mediaId", &world.mallory)] {
            let made = good(user.post("/_matrix/media/v1/create", json!({})).await);
            world.names.insert(name, media_id(&made));
        }
    })
}

/// Alice is signed in once more, by a program that exchanges its tokens. An access token is of another kind.
pub(super) fn refresh_token(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let body = json!({ "type": "m.login.password", "password": PASSWORD, "refresh_token": true,
            "identifier": { "type": "m.id.user", "user": world.alice.id } });
        let tokens = good(world.server.post(&format!("{V3}/login"), None, body).await);
        world.put("refreshToken", text(&tokens["refresh_token"]));
        world.put("other:refresh_token", text(&tokens["access_token"]));
    })
}

/// The keys of Alice's device and of her identity are published.
pub(super) fn identity(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        signing::publish(&world.alice).await;
        let body = Identity::new(10).body(&world.alice);
        let path = format!("{V3}/keys/device_signing/upload");
        good(world.alice.post(&path, body).await);
    })
}

/// Sends a link to an address, and follows it; answers the session.
async fn confirm(world: &World, purpose: &str, address: &str, secret: &str) -> String {
    let body = json!({ "client_secret": secret, "email": address, "send_attempt": 1 });
    let path = format!("{V3}/{purpose}/email/requestToken");
    let session = good(world.server.post(&path, None, body).await);
    let written = outbox::take(&world.server.core(), 100).await;
    let mut written = written.expect("the store works").into_iter();
    let mail = written.find(|mail| mail.address == address).expect("a mail");
    let link = mail.body.split_whitespace().find(|word| word.contains("?sid="));
    let (page, form) = link.and_then(|link| link.split_once('?')).expect("a link");
    let path = page.strip_prefix("https://test.example").expect("to this server");
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Body::from(form.to_owned())).expect("a request");
    assert_eq!(world.server.ask(request).await.status, 200);
    text(&session["sid"])
}

/// An address of Alice that she showed to be hers, and one of Mallory's.
pub(super) fn confirmed_addresses(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let number = world.get("number").to_owned();
        let own = confirm(
            world,
            "account/3pid",
            &format!("alice{number}@amt.example"),
            SECRET,
        )
        .await;
        world.put("sid", own);
        let address = format!("mallory{number}@amt.example");
        let other = confirm(world, "account/3pid", &address, "another.secret").await;
        world.put("other:sid", other);
    })
}

/// Mallory's account has an address.
pub(super) fn owned_address(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let address = format!("mallory{}@amt.example", world.get("number"));
        let sid = confirm(world, "account/3pid", &address, SECRET).await;
        let body = json!({ "sid": sid, "client_secret": SECRET, "auth": {
            "type": "m.login.password", "password": PASSWORD,
            "identifier": { "type": "m.id.user", "user": world.mallory.id },
        } });
        good(world.mallory.post(&format!("{V3}/account/3pid/add"), body).await);
        world.put("other:address", address.clone());
        world.put("other:email", address);
    })
}

/// Somebody made their account with an address.
pub(super) fn account_with_address(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let number = world.get("number").to_owned();
        let address = format!("erika{number}@amt.example");
        let sid = confirm(world, "register", &address, SECRET).await;
        let body = json!({ "username": format!("erika{number}"), "password": PASSWORD, "auth": {
            "type": "m.login.email.identity", "threepid_creds": { "sid": sid, "client_secret": SECRET },
        } });
        good(world.server.post(&format!("{V3}/register"), None, body).await);
        world.put("other:email", address);
    })
}

/// A room of the service. Alice's is one of somebody else.
pub(super) fn room_of_the_service(world: &mut World) -> BoxFuture<'_, ()> {
    Box::pin(async {
        let path = format!("{V3}/createRoom");
        let made = good(world.server.post(&path, Some(bridge::TOKEN), json!({})).await);
        let of_alice = world.get("roomId").to_owned();
        world.put("roomId", text(&made["room_id"]));
        world.put("other:roomId", of_alice);
    })
}

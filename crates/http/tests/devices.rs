//! Devices people are signed in on.

use std::time::Duration;

use rohrpost_testkit::TestServer;
use serde_json::json;

use crate::uia::{by_password, refusal};

const DEVICES: &str = "/_matrix/client/v3/devices";

#[tokio::test]
async fn people_see_and_name_their_devices() {
    TestServer::each(async |server| {
        let (erika, max) = (server.user("erika").await, server.user("max").await);
        let (_, list) = erika.get(DEVICES).await;
        assert_eq!(
            list["devices"][0]["device_id"].as_str(),
            Some(erika.device.as_str())
        );
        let path = format!("{DEVICES}/{}", erika.device);
        for _ in 0..2 {
            assert_eq!(
                erika.put(&path, json!({ "display_name": "Amtszimmer" })).await,
                (200, json!({}))
            );
        }
        assert_eq!(erika.put(&path, json!({})).await.0, 200);
        let (_, device) = erika.get(&path).await;
        assert_eq!(device["display_name"], "Amtszimmer");
        assert!(device["last_seen_ip"].is_null(), "addresses are not kept");
        for answer in [
            max.get(&path).await,
            max.put(&path, json!({ "display_name": "x" })).await,
            max.put(&path, json!({})).await,
        ] {
            assert_eq!(refusal(answer), (404, "M_NOT_FOUND".into()));
        }
        let long = json!({ "display_name": "x".repeat(256) });
        assert_eq!(
            refusal(erika.put(&path, long).await),
            (400, "M_INVALID_PARAM".into())
        );
        assert_eq!(
            refusal(server.get(DEVICES, None).await),
            (401, "M_MISSING_TOKEN".into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_removed_device_is_signed_out_and_its_mates_hear_of_it() {
    TestServer::each(async |server| {
        let (erika, max) = (server.user("erika").await, server.user("max").await);
        let room = erika
            .create_room(json!({ "preset": "private_chat", "invite": [max.id] }))
            .await;
        max.join(&room).await;
        let second = erika.another_device().await;
        let since = max.sync(None).await["next_batch"].as_str().unwrap().to_owned();
        let path = format!("{DEVICES}/{}", second.device);
        assert_eq!(server.delete(&path, None).await.0, 401);
        assert_eq!(
            by_password(&erika, "DELETE", &path, json!({})).await,
            (200, json!({}))
        );
        assert_eq!(
            refusal(second.get(DEVICES).await),
            (401, "M_UNKNOWN_TOKEN".into())
        );
        assert_eq!(refusal(erika.get(&path).await), (404, "M_NOT_FOUND".into()));
        assert_eq!(
            max.sync(Some(&since)).await["device_lists"]["changed"],
            json!([erika.id])
        );
        // The same again, and a device of somebody else: the same answer, and nothing happens.
        assert_eq!(by_password(&erika, "DELETE", &path, json!({})).await.0, 200);
        let body = json!({ "devices": [max.device, second.device] });
        let answer = by_password(&erika, "POST", "/_matrix/client/v3/delete_devices", body).await;
        assert_eq!(answer, (200, json!({})));
        assert_eq!(max.get(DEVICES).await.0, 200);
        let own = json!({ "devices": [erika.device] });
        assert_eq!(
            by_password(&erika, "POST", "/_matrix/client/v3/delete_devices", own)
                .await
                .0,
            200
        );
        assert_eq!(refusal(erika.get(DEVICES).await), (401, "M_UNKNOWN_TOKEN".into()));
    })
    .await;
}

#[tokio::test]
async fn the_day_of_last_use_is_kept_and_no_more() {
    TestServer::each(async |server| {
        const DAY_MS: i64 = 86_400_000;
        let erika = server.user("erika").await;
        let seen = async || {
            erika.get(DEVICES).await.1["devices"][0]["last_seen_ts"]
                .as_i64()
                .unwrap()
        };
        let first = seen().await;
        assert_eq!(first % DAY_MS, 0);
        server.clock().advance(Duration::from_secs(3600));
        assert_eq!(seen().await, first);
        server.clock().advance(Duration::from_secs(24 * 3600));
        erika.get(DEVICES).await;
        assert_eq!(seen().await, first + DAY_MS);
    })
    .await;
}

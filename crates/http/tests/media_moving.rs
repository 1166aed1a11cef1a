//! Thumbnails of pictures that move, over the client-server API.

use std::io::Cursor;

use axum::body::Body;
use http::Request;
use image::{
    AnimationDecoder as _, Delay, DynamicImage, Frame, ImageFormat, RgbaImage,
    codecs::gif::{GifDecoder, GifEncoder},
};
use rohrpost_testkit::{Answer, TestServer, User};

async fn uploaded(user: &User, bytes: Vec<u8>) -> String {
    let request =
        Request::post("/_matrix/media/v3/upload").header("authorization", format!("Bearer {}", user.token));
    let answer = user
        .server
        .ask(request.body(Body::from(bytes)).expect("a request"))
        .await;
    let json = answer.json();
    let address = json["content_uri"].as_str().expect("an address");
    address
        .strip_prefix("mxc://test.example/")
        .expect("a file of this server")
        .to_owned()
}

async fn thumbnail(user: &User, id: &str, size: u32, rest: &str) -> Answer {
    let path =
        format!("/_matrix/client/v1/media/thumbnail/test.example/{id}?width={size}&height={size}{rest}");
    let request = Request::get(path).header("authorization", format!("Bearer {}", user.token));
    let answer = user
        .server
        .ask(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// One colour for each frame.
fn frame(number: u32, (width, height): (u32, u32)) -> RgbaImage {
    let colours = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]];
    RgbaImage::from_pixel(width, height, image::Rgba(colours[number as usize % 3]))
}

fn gif(frames: u32, size: (u32, u32)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    for number in 0..frames {
        let delay = Delay::from_numer_denom_ms(70, 1);
        let frame = Frame::from_parts(frame(number, size), 0, 0, delay);
        encoder.encode_frame(frame).expect("a frame");
    }
    drop(encoder);
    bytes
}

fn still(number: u32, size: (u32, u32), format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(frame(number, size))
        .write_to(&mut bytes, format)
        .expect("a picture");
    bytes.into_inner()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [&kind[..], data].concat();
    let length = u32::try_from(data.len()).expect("it is short");
    [&length.to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
}

/// A PNG that moves, made of three that don't.
fn apng(size: (u32, u32)) -> Vec<u8> {
    let (width, height) = (size.0.to_be_bytes(), size.1.to_be_bytes());
    let control = |sequence: u32| {
        let place = [
            &sequence.to_be_bytes()[..],
            &width,
            &height,
            &[0; 8],
            &[0, 70, 3, 232, 0, 0],
        ]
        .concat();
        chunk(b"fcTL", &place)
    };
    let data = |number| {
        let png = still(number, size, ImageFormat::Png);
        let mut found = Vec::new();
        let mut rest = &png[8..];
        while let [a, b, c, d, after @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            if &after[..4] == b"IDAT" {
                found.extend_from_slice(&after[4..4 + length]);
            }
            rest = &after[4 + length + 4..];
        }
        found
    };
    let png = still(0, size, ImageFormat::Png);
    let mut bytes = png[..33].to_vec();
    bytes.extend(chunk(b"acTL", &[0, 0, 0, 3, 0, 0, 0, 0]));
    bytes.extend(control(0));
    bytes.extend(chunk(b"IDAT", &data(0)));
    for number in [1, 2] {
        let sequence = 2 * number - 1;
        bytes.extend(control(sequence));
        let frame = [&(sequence + 1).to_be_bytes()[..], &data(number)].concat();
        bytes.extend(chunk(b"fdAT", &frame));
    }
    bytes.extend(chunk(b"IEND", &[]));
    bytes
}

/// A WebP that moves, made of three that don't.
fn webp(size: (u32, u32)) -> Vec<u8> {
    let part = |kind: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).expect("it is short");
        let padding = vec![0; data.len() % 2];
        [&kind[..], &length.to_le_bytes(), data, &padding].concat()
    };
    let three = |number: u32| number.to_le_bytes()[..3].to_vec();
    let side = [three(size.0 - 1), three(size.1 - 1)].concat();
    let mut parts = part(b"VP8X", &[&[0x12, 0, 0, 0][..], &side].concat());
    parts.extend(part(b"ANIM", &[0, 0, 0, 0, 0, 0]));
    for number in 0..3 {
        let picture = &still(number, size, ImageFormat::WebP)[12..];
        let head = [&[0; 6][..], &side, &three(70), &[2]].concat();
        parts.extend(part(b"ANMF", &[&head, picture].concat()));
    }
    let length = u32::try_from(parts.len() + 4).expect("it is short");
    [&b"RIFF"[..], &length.to_le_bytes(), b"WEBP", &parts].concat()
}

/// The size and first pixels of the frames of a GIF.
fn frames(bytes: &[u8]) -> Vec<((u32, u32), [u8; 4])> {
    let decoder = GifDecoder::new(Cursor::new(bytes)).expect("a GIF");
    let frames = decoder.into_frames().collect_frames().expect("frames");
    for frame in &frames {
        assert_eq!(frame.delay(), Delay::from_numer_denom_ms(70, 1));
    }
    let look = |frame: &Frame| (frame.buffer().dimensions(), frame.buffer().get_pixel(0, 0).0);
    frames.iter().map(look).collect()
}

fn is_still(answer: &Answer, size: (u32, u32)) {
    assert!(
        matches!(answer.header("content-type"), "image/png" | "image/jpeg"),
        "{answer:?}"
    );
    let picture = image::load_from_memory(&answer.body)
        .expect("a picture")
        .into_rgb8();
    assert_eq!(picture.dimensions(), size);
    let [red, green, blue] = picture.get_pixel(0, 0).0;
    assert!(red > 250 && green < 5 && blue < 5, "it is the first frame");
}

#[tokio::test]
async fn a_picture_that_moves_does_so_as_a_thumbnail_only_when_it_is_asked_to() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for (what, bytes) in [
            ("gif", gif(3, (400, 300))),
            ("apng", apng((400, 300))),
            ("webp", webp((400, 300))),
        ] {
            let id = uploaded(&alice, bytes.clone()).await;
            for _ in 0..2 {
                for (rest, size) in [("", (96, 72)), ("&method=crop", (96, 96))] {
                    let moving = thumbnail(&alice, &id, 96, &format!("&animated=true{rest}")).await;
                    assert_eq!(moving.header("content-type"), "image/gif", "{what}");
                    let colours = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]];
                    assert_eq!(
                        frames(&moving.body),
                        colours.map(|colour| (size, colour)),
                        "{what}"
                    );
                    for still in ["&animated=false", ""] {
                        is_still(&thumbnail(&alice, &id, 96, &format!("{still}{rest}")).await, size);
                    }
                }
            }
            // Larger than itself: as it is, or its first frame.
            for size in [700, 2000] {
                let moving = thumbnail(&alice, &id, size, "&animated=true").await;
                assert_eq!(moving.body, bytes, "{what}");
                is_still(&thumbnail(&alice, &id, size, "&animated=false").await, (400, 300));
            }
        }
        let id = uploaded(&alice, gif(1, (400, 300))).await;
        is_still(&thumbnail(&alice, &id, 96, "&animated=true").await, (96, 72));
        let original = thumbnail(&alice, &id, 2000, "&animated=false").await;
        assert_eq!(
            original.header("content-length"),
            gif(1, (400, 300)).len().to_string()
        );
        let id = uploaded(&alice, still(0, (400, 300), ImageFormat::Jpeg)).await;
        is_still(&thumbnail(&alice, &id, 96, "&animated=true").await, (96, 72));
    })
    .await;
}

#[tokio::test]
async fn one_that_is_too_much_work_stands_still() {
    let server = TestServer::with(|settings| settings.thumbnail_max_pixels = 20_000)
        .sqlite()
        .await;
    let alice = server.user("alice").await;
    // 15,000 pixels each: 8 times 20,000 are ten frames.
    for (frames, moves) in [(10, true), (11, false)] {
        let id = uploaded(&alice, gif(frames, (150, 100))).await;
        let answer = thumbnail(&alice, &id, 32, "&animated=true").await;
        assert_eq!(answer.header("content-type") == "image/gif", moves, "{frames}");
        // What was found out is kept.
        let again = thumbnail(&alice, &id, 32, "&animated=true").await;
        assert_eq!(again.body, answer.body);
    }
    let mut broken = gif(3, (150, 100));
    broken.truncate(broken.len() - 100);
    let id = uploaded(&alice, broken).await;
    is_still(&thumbnail(&alice, &id, 32, "&animated=true").await, (32, 21));
}

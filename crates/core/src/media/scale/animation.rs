//! Pictures that move. One frame is in memory at a time, and how many there may be is bounded by the pixels that they
//! have together: a file of a few kB can hold a hundred thousand.

use std::io::{BufRead, Seek};

use image::{
    AnimationDecoder as _, DynamicImage, Frame, Frames, ImageDecoder as _, ImageFormat,
    codecs::{
        gif::{GifDecoder, GifEncoder, Repeat},
        png::PngDecoder,
        webp::WebPDecoder,
    },
};

use super::{Shape, limits};

/// Frames that are made smaller.
const MAX_FRAMES: u64 = 300;
/// How many times as many pixels as one picture may have, all frames together may have.
const SOURCE_FACTOR: u64 = 8;
/// How carefully colours are chosen, from 1, the best, to 30.
const SPEED: i32 = 20;

/// Whether there is more than one frame.
pub(super) fn moves<R: BufRead + Seek>(source: R, format: ImageFormat, max_pixels: u64) -> bool {
    let frames = frames(source, format, max_pixels);
    frames.is_some_and(|mut frames| frames.nth(1).is_some_and(|frame| frame.is_ok()))
}

/// Makes all frames smaller; answers a GIF, which every client can show. `None`: it doesn't move, has too many frames, or
/// is broken.
pub(super) fn scale<R: BufRead + Seek>(
    source: R,
    format: ImageFormat,
    shape: Shape,
    max_pixels: u64,
) -> Option<Vec<u8>> {
    let (mut count, mut from, mut to) = (0, 0, 0);
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, SPEED);
    encoder.set_repeat(Repeat::Infinite).ok()?;
    for frame in frames(source, format, max_pixels)? {
        let frame = frame.ok()?;
        let delay = frame.delay();
        let picture = DynamicImage::from(frame.into_buffer());
        let pixels = |picture: &DynamicImage| u64::from(picture.width()) * u64::from(picture.height());
        let smaller = shape.apply(&picture).into_rgba8();
        count += 1;
        from += pixels(&picture);
        to += u64::from(smaller.width()) * u64::from(smaller.height());
        if count > MAX_FRAMES || from > max_pixels.saturating_mul(SOURCE_FACTOR) || to > max_pixels {
            return None;
        }
        encoder
            .encode_frame(Frame::from_parts(smaller, 0, 0, delay))
            .ok()?;
    }
    drop(encoder);
    (count > 1).then_some(bytes)
}

/// The frames of a picture that may move; `None` for one that doesn't.
fn frames<'a, R: BufRead + Seek + 'a>(source: R, format: ImageFormat, max_pixels: u64) -> Option<Frames<'a>> {
    let limits = limits(max_pixels);
    match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(source).ok()?;
            decoder.set_limits(limits).ok()?;
            Some(decoder.into_frames())
        }
        ImageFormat::WebP => {
            let mut decoder = WebPDecoder::new(source).ok()?;
            decoder.set_limits(limits).ok()?;
            decoder.has_animation().then(|| decoder.into_frames())
        }
        ImageFormat::Png => {
            let decoder = PngDecoder::with_limits(source, limits).ok()?;
            decoder
                .is_apng()
                .ok()?
                .then(|| decoder.apng().ok().map(|frames| frames.into_frames()))?
        }
        _ => None,
    }
}

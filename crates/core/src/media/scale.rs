//! Making pictures smaller. Pure computation on untrusted bytes: sizes are looked at before anything is unpacked.

use std::{
    fs::File,
    io::{BufReader, Cursor},
};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder};

use crate::{Refusal, Result};

/// Bytes that one pixel may take while it is unpacked: four channels of 16 bits.
const BYTES_PER_PIXEL: u64 = 8;
/// What a decoder may take beside the pixels.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;
/// Longest side of a picture.
const MAX_SIDE: u32 = 65_535;
const JPEG_QUALITY: u8 = 80;

/// What became of a picture.
#[derive(Debug)]
pub(super) enum Scaled {
    /// It is not larger than what was asked for.
    Original,
    /// It was made smaller.
    Picture {
        /// The encoded picture.
        bytes: Vec<u8>,
        /// Its content type.
        content_type: &'static str,
    },
}

pub(super) fn not_a_picture() -> Refusal {
    Refusal::Unknown("there is no thumbnail of this file: it is encrypted or not a picture".to_owned())
}

/// Makes a picture smaller so that it fits into a box of width and height, or fills it when it is to be cropped.
/// Without a size it only looks whether it is a picture. Of an animation the first frame is taken.
pub(super) fn scale(source: File, size: Option<(u32, u32, bool)>, max_pixels: u64) -> Result<Scaled> {
    let not_a_picture = |_| not_a_picture();
    let mut reader = ImageReader::new(BufReader::new(source))
        .with_guessed_format()
        .map_err(|_| self::not_a_picture())?;
    let is_understood = |format| {
        matches!(
            format,
            ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP
        )
    };
    if !reader.format().is_some_and(is_understood) {
        return Err(self::not_a_picture());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(
        max_pixels
            .saturating_mul(BYTES_PER_PIXEL)
            .saturating_add(SPARE_BYTES),
    );
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(not_a_picture)?;
    let (from_width, from_height) = decoder.dimensions();
    if u64::from(from_width) * u64::from(from_height) > max_pixels {
        return Err(Refusal::TooLarge(
            "this picture has too many pixels for a thumbnail".to_owned(),
        ));
    }
    let Some((width, height, crop)) = size else {
        return Ok(Scaled::Original);
    };
    if from_width <= width && from_height <= height {
        return Ok(Scaled::Original);
    }
    let orientation = decoder.orientation().map_err(not_a_picture)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(not_a_picture)?;
    picture = if crop {
        cropped(&picture, width, height)
    } else {
        picture.thumbnail(width, height)
    };
    picture.apply_orientation(orientation);
    encode(&picture)
}

/// The middle of a picture in the shape of the box, never made larger.
fn cropped(picture: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    let (from_width, from_height) = (picture.width(), picture.height());
    let (mut cut_width, mut cut_height) = (from_width, from_height);
    // Whichever side is too long for the shape is cut.
    let wide = u64::from(from_width) * u64::from(height);
    let high = u64::from(from_height) * u64::from(width);
    if wide > high {
        cut_width = u32::try_from(high / u64::from(height))
            .unwrap_or(from_width)
            .max(1);
    } else {
        cut_height = u32::try_from(wide / u64::from(width))
            .unwrap_or(from_height)
            .max(1);
    }
    if cut_width <= width || cut_height <= height {
        return middle(picture, cut_width, cut_height);
    }
    // Made smaller first, so that the large picture isn't copied.
    let scaled = |from: u32, to: u32, cut: u32| {
        let side = (u64::from(from) * u64::from(to)).div_ceil(u64::from(cut));
        u32::try_from(side).unwrap_or(from).max(to)
    };
    let (scaled_width, scaled_height) = (
        scaled(from_width, width, cut_width),
        scaled(from_height, height, cut_height),
    );
    middle(
        &picture.thumbnail_exact(scaled_width, scaled_height),
        width,
        height,
    )
}

fn middle(picture: &DynamicImage, width: u32, height: u32) -> DynamicImage {
    let left = picture.width().saturating_sub(width) / 2;
    let top = picture.height().saturating_sub(height) / 2;
    picture.crop_imm(left, top, width, height)
}

fn encode(picture: &DynamicImage) -> Result<Scaled> {
    let failed =
        |error: image::ImageError| Refusal::Internal(format!("a thumbnail could not be written: {error}"));
    let mut bytes = Cursor::new(Vec::new());
    let content_type = if picture.color().has_alpha() {
        DynamicImage::from(picture.to_rgba8())
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(failed)?;
        "image/png"
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        DynamicImage::from(picture.to_rgb8())
            .write_with_encoder(encoder)
            .map_err(failed)?;
        "image/jpeg"
    };
    Ok(Scaled::Picture {
        bytes: bytes.into_inner(),
        content_type,
    })
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;

    use super::cropped;

    fn size(from: (u32, u32), to: (u32, u32)) -> (u32, u32) {
        let picture = cropped(&DynamicImage::new_rgb8(from.0, from.1), to.0, to.1);
        (picture.width(), picture.height())
    }

    #[test]
    fn a_cropped_picture_fills_its_box() {
        assert_eq!(size((1000, 500), (96, 96)), (96, 96));
        assert_eq!(size((500, 1000), (320, 240)), (320, 240));
    }

    #[test]
    fn a_picture_is_never_made_larger() {
        assert_eq!(size((1000, 50), (96, 96)), (50, 50));
        assert_eq!(size((1, 4000), (32, 32)), (1, 1));
    }
}

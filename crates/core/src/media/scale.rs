//! Making pictures smaller. Pure computation on untrusted bytes: sizes are looked at before anything is unpacked.

mod animation;

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Seek},
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

/// The box that a picture is fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
    /// Whether it fills the box, and what is left over is cut off.
    pub(super) crop: bool,
}

impl Shape {
    fn apply(self, picture: &DynamicImage) -> DynamicImage {
        if self.crop {
            cropped(picture, self.width, self.height)
        } else {
            picture.thumbnail(self.width, self.height)
        }
    }
}

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// By its content, not by what somebody says.
    pub(super) content_type: &'static str,
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
}

/// Looks what a picture is. `None`: none that this server understands, or one with too many pixels.
pub(super) fn measure(bytes: &[u8], max_pixels: u64) -> Option<Size> {
    let (format, decoder) = open(Cursor::new(bytes), max_pixels).ok()?;
    let (width, height) = decoder.dimensions();
    Some(Size {
        content_type: format.to_mime_type(),
        width,
        height,
    })
}

/// Whether a picture moves. Like the others, it refuses what isn't a picture and what has too many pixels.
pub(super) fn moves(source: &File, max_pixels: u64) -> Result<bool> {
    let (format, _) = open(start(source)?, max_pixels)?;
    Ok(animation::moves(start(source)?, format, max_pixels))
}

/// Makes a picture smaller so that it fits into a box, or fills it when it is to be cropped. One that moves does so
/// afterwards if that is wanted and not too much work; else its first frame is taken.
pub(super) fn scale(source: &File, shape: Shape, animated: bool, max_pixels: u64) -> Result<Scaled> {
    let (format, mut decoder) = open(start(source)?, max_pixels)?;
    let (from_width, from_height) = decoder.dimensions();
    let fits = from_width <= shape.width && from_height <= shape.height;
    let orientation = decoder.orientation().map_err(|_| not_a_picture())?;
    if fits && (animated || !animation::moves(start(source)?, format, max_pixels)) {
        return Ok(Scaled::Original);
    }
    if animated && let Some(bytes) = animation::scale(start(source)?, format, shape, max_pixels) {
        return Ok(Scaled::Picture {
            bytes,
            content_type: ImageFormat::Gif.to_mime_type(),
        });
    }
    // Looking at the frames moved the file to another place.
    drop(decoder);
    let (_, decoder) = open(start(source)?, max_pixels)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| not_a_picture())?;
    if !fits {
        picture = shape.apply(&picture);
    }
    picture.apply_orientation(orientation);
    encode(&picture)
}

/// The file from its beginning.
fn start(mut source: &File) -> Result<BufReader<&File>> {
    let rewound = source.rewind();
    rewound.map_err(|error| Refusal::Internal(format!("an uploaded file can't be read: {error}")))?;
    Ok(BufReader::new(source))
}

/// Reads the head of a picture; nothing is unpacked yet.
fn open<'a, R: BufRead + Seek + 'a>(
    source: R,
    max_pixels: u64,
) -> Result<(ImageFormat, impl ImageDecoder + 'a)> {
    let mut reader = ImageReader::new(source)
        .with_guessed_format()
        .map_err(|_| not_a_picture())?;
    let format = reader.format().filter(|format| {
        matches!(
            format,
            ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP
        )
    });
    let format = format.ok_or_else(not_a_picture)?;
    reader.limits(limits(max_pixels));
    let decoder = reader.into_decoder().map_err(|_| not_a_picture())?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Refusal::TooLarge(
            "this picture has too many pixels for a thumbnail".to_owned(),
        ));
    }
    Ok((format, decoder))
}

/// What a decoder may take.
fn limits(max_pixels: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(
        max_pixels
            .saturating_mul(BYTES_PER_PIXEL)
            .saturating_add(SPARE_BYTES),
    );
    limits
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

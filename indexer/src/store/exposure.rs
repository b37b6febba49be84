//! The bytes of what is known of an image beside the facts that every record has had from the
//! start: how the camera was set, what people think of it, and its place in a video.

use super::codec::{Damage, Decoder, Encoder};
use crate::{Exposure, ImageId, Moment};

// Which of them follow.
const LENS: u8 = 1;
const FOCAL_LENGTH: u8 = 2;
const APERTURE: u8 = 4;
const EXPOSURE_TIME: u8 = 8;
const ISO: u8 = 16;
const RATING: u8 = 32;
const MOMENT: u8 = 64;
const ALL: u8 = LENS | FOCAL_LENGTH | APERTURE | EXPOSURE_TIME | ISO | RATING | MOMENT;

/// In place of the number of a video: the image stands for it itself.
const ITSELF: u64 = u64::MAX;

/// The best rating.
const BEST: u8 = 5;

/// True if there is anything to write.
pub(super) fn is_further(exposure: &Exposure, rating: Option<u8>, moment: Option<Moment>) -> bool {
    rating.is_some() || moment.is_some() || *exposure != Exposure::default()
}

/// `present (1) | lens? | focal length (4, f32)? | aperture (4, f32)? | exposure time (4, f32)? |
/// iso (4)? | rating (1)? | (video (8) | start (8) | end (8) | duration (8) | complete (1))?`
pub(super) fn encode_further(value: &mut Encoder, exposure: &Exposure, rating: Option<u8>, moment: Option<Moment>) {
    let present = [
        (exposure.lens.is_some(), LENS),
        (exposure.focal_length.is_some(), FOCAL_LENGTH),
        (exposure.aperture.is_some(), APERTURE),
        (exposure.exposure_time.is_some(), EXPOSURE_TIME),
        (exposure.iso.is_some(), ISO),
        (rating.is_some(), RATING),
        (moment.is_some(), MOMENT),
    ];
    value.u8(present.iter().filter(|(there, _)| *there).map(|(_, flag)| flag).sum());
    if let Some(lens) = &exposure.lens {
        value.str(lens);
    }
    for number in [exposure.focal_length, exposure.aperture, exposure.exposure_time].into_iter().flatten() {
        value.u32(number.to_bits());
    }
    if let Some(iso) = exposure.iso {
        value.u32(iso);
    }
    if let Some(rating) = rating {
        value.u8(rating);
    }
    if let Some(Moment { video, start, end, duration, complete }) = moment {
        value.u64(video.map_or(ITSELF, |video| video.0)).u64(start).u64(end).u64(duration).u8(u8::from(complete));
    }
}

/// What [`encode_further`] wrote.
pub(super) type Further = (Exposure, Option<u8>, Option<Moment>);

pub(super) fn decode_further(fields: &mut Decoder<'_>) -> Result<Further, Damage> {
    let present = fields.u8()?;
    if present & !ALL != 0 {
        return Err(Damage::Field("list of further facts"));
    }
    let lens = if present & LENS != 0 { Some(fields.string()?) } else { None };
    let mut number = |flag: u8| match present & flag {
        0 => Ok(None),
        _ => fields.u32().map(f32::from_bits).map(Some),
    };
    let (focal_length, aperture, exposure_time) = (number(FOCAL_LENGTH)?, number(APERTURE)?, number(EXPOSURE_TIME)?);
    let iso = if present & ISO != 0 { Some(fields.u32()?) } else { None };
    let rating = if present & RATING != 0 { Some(fields.u8()?) } else { None };
    let moment = if present & MOMENT != 0 { Some(decode_moment(fields)?) } else { None };
    Ok((Exposure { lens, focal_length, aperture, exposure_time, iso }, rating, moment))
}

fn decode_moment(fields: &mut Decoder<'_>) -> Result<Moment, Damage> {
    Ok(Moment {
        video: Some(fields.u64()?).filter(|&video| video != ITSELF).map(ImageId),
        start: fields.u64()?,
        end: fields.u64()?,
        duration: fields.u64()?,
        complete: fields.u8()? != 0,
    })
}

/// Cuts the lens's name, and drops numbers that mean nothing.
pub(super) fn fit(exposure: &mut Exposure, rating: &mut Option<u8>) {
    const LENS: usize = 128;
    if let Some(lens) = &mut exposure.lens {
        lens.truncate(lens.floor_char_boundary(LENS));
    }
    for number in [&mut exposure.focal_length, &mut exposure.aperture, &mut exposure.exposure_time] {
        *number = number.filter(|number| number.is_finite() && *number > 0.0);
    }
    exposure.iso = exposure.iso.filter(|&iso| iso > 0);
    *rating = rating.filter(|&rating| rating <= BEST);
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Facts as a record may have them.
    pub(in crate::store) fn further() -> impl Strategy<Value = Further> {
        let number = || proptest::option::of(1e-6..1e6f32);
        let iso = proptest::option::of(1..u32::MAX);
        let facts = (any::<Option<String>>(), number(), number(), number(), iso, proptest::option::of(0..=BEST));
        let moment = proptest::option::of((proptest::option::of(0..u64::MAX), any::<(u64, u64, u64, bool)>()));
        (facts, moment).prop_map(|((lens, focal_length, aperture, exposure_time, iso, rating), moment)| {
            let moment = moment.map(|(video, (start, end, duration, complete))| Moment {
                video: video.map(ImageId),
                start,
                end,
                duration,
                complete,
            });
            (Exposure { lens, focal_length, aperture, exposure_time, iso }, rating, moment)
        })
    }

    #[test]
    fn what_means_nothing_is_dropped() {
        let (zero, infinite) = (Some(0.0), Some(f32::INFINITY));
        let mut exposure =
            Exposure { lens: None, focal_length: zero, aperture: infinite, exposure_time: Some(-1.0), iso: Some(0) };
        let mut rating = Some(BEST + 1);
        fit(&mut exposure, &mut rating);
        assert_eq!((exposure, rating), (Exposure::default(), None));
    }

    #[test]
    fn a_fact_that_this_program_does_not_know_is_damage() {
        let mut value = Encoder::new(0);
        value.u8(128);
        let value = value.into_fields();
        assert!(decode_further(&mut Decoder::of_fields(&value)).is_err());
    }
}

//! What goes to a worker and back, as [postcard](https://postcard.jamesmunro.dev).

use glimpse_encoder::dense::{DenseProfile, RegionMap, Regions, Views};
use glimpse_encoder::{Embedding, PixelInput};
use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::ingest::encode::model::Ask;
use crate::ingest::pipeline::item::{Encoded, Wants};

/// Changes with the messages: a worker of another number is refused.
pub const PROTOCOL: u32 = 2;

/// A batch on its way to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// [`glimpse_encoder::ModelInfo::fingerprint`] of the library.
    fingerprint: String,
    /// The [`DenseProfile`] as JSON, whose fields may be left out.
    profile: String,
    captions: Option<String>,
    images: Vec<Image>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Image {
    regions: bool,
    caption: bool,
    /// Rows and columns of the common grid.
    size: (usize, usize),
    corners: Vec<(usize, usize)>,
    inputs: Vec<Input>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Input {
    rows: usize,
    cols: usize,
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// A batch as a worker reads it.
pub struct Received {
    pub fingerprint: String,
    pub profile: DenseProfile,
    pub captions: Option<String>,
    pub images: Vec<(Wants, Views)>,
}

/// What a worker makes of a batch: an entry for each image, in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    images: Vec<Made>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Made {
    vector: Vec<f32>,
    regions: Option<MadeRegions>,
    caption: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MadeRegions {
    rows: usize,
    cols: usize,
    labels: Vec<u8>,
    members: Vec<u32>,
    /// One after the other, each as wide as the model's.
    vectors: Vec<f32>,
}

/// The bytes of a request.
pub fn request(
    fingerprint: &str,
    profile: &DenseProfile,
    captions: Option<&str>,
    batch: &[Ask<'_>],
) -> Result<Vec<u8>, String> {
    let images = batch.iter().map(|ask| Image {
        regions: ask.wants.regions,
        caption: ask.wants.caption,
        size: ask.views.size(),
        corners: ask.views.corners().to_vec(),
        inputs: ask.views.prepared().iter().map(Input::of).collect(),
    });
    let request = Request {
        fingerprint: fingerprint.to_owned(),
        profile: serde_json::to_string(profile).map_err(|error| error.to_string())?,
        captions: captions.map(str::to_owned),
        images: images.collect(),
    };
    postcard::to_allocvec(&request).map_err(|error| error.to_string())
}

/// Reads a request.
pub fn read_request(bytes: &[u8]) -> Result<Received, String> {
    let request: Request = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    let profile = serde_json::from_str(&request.profile).map_err(|error| format!("how regions are made: {error}"))?;
    let read = |(n, image): (usize, Image)| {
        let wants = Wants { regions: image.regions, caption: image.caption };
        let inputs: Option<Vec<PixelInput>> = image.inputs.into_iter().map(Input::read).collect();
        let views = inputs.and_then(|inputs| Views::from_parts(inputs, image.corners, image.size));
        Ok((wants, views.ok_or_else(|| format!("the parts of image {n} do not fit together"))?))
    };
    let images = request.images.into_iter().enumerate().map(read).collect::<Result<_, String>>()?;
    Ok(Received { fingerprint: request.fingerprint, profile, captions: request.captions, images })
}

/// The bytes of an answer.
pub fn answer(encoded: &[Encoded]) -> Result<Vec<u8>, String> {
    let images = encoded.iter().map(|encoded| Made {
        vector: encoded.embedding.as_slice().to_vec(),
        regions: encoded.regions.as_ref().map(MadeRegions::of),
        caption: encoded.model_caption.clone(),
    });
    postcard::to_allocvec(&Answer { images: images.collect() }).map_err(|error| error.to_string())
}

/// Reads the answer to a batch, with vectors of `dim` values.
pub fn read_answer(bytes: &[u8], batch: &[Ask<'_>], dim: usize) -> Result<Vec<Encoded>, String> {
    let answer: Answer = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    if answer.images.len() != batch.len() {
        return Err(format!("it gave {} vectors for {} images", answer.images.len(), batch.len()));
    }
    answer.images.into_iter().zip(batch).map(|(made, ask)| made.read(ask.wants, dim)).collect()
}

/// Texts on their way to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Texts {
    /// [`glimpse_encoder::ModelInfo::fingerprint`] of the library.
    pub fingerprint: String,
    pub texts: Vec<String>,
}

/// The bytes of texts.
pub fn texts_request(fingerprint: &str, texts: &[&str]) -> Result<Vec<u8>, String> {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    let request = Texts { fingerprint: fingerprint.to_owned(), texts };
    postcard::to_allocvec(&request).map_err(|error| error.to_string())
}

/// Reads texts.
pub fn read_texts(bytes: &[u8]) -> Result<Texts, String> {
    postcard::from_bytes(bytes).map_err(|error| error.to_string())
}

/// The bytes of the vectors of texts, one after the other.
pub fn texts_answer(vectors: &[Embedding]) -> Result<Vec<u8>, String> {
    let values: Vec<f32> = vectors.iter().flat_map(|vector| vector.as_slice()).copied().collect();
    postcard::to_allocvec(&values).map_err(|error| error.to_string())
}

/// Reads the vectors of `count` texts, each of `dim` values.
pub fn read_texts_answer(bytes: &[u8], count: usize, dim: usize) -> Result<Vec<Embedding>, String> {
    let values: Vec<f32> = postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
    if values.len() != count * dim {
        return Err(format!("it gave {} values for {count} texts of {dim}", values.len()));
    }
    let vectors = values.chunks_exact(dim.max(1)).map(|vector| Embedding::new(vector.to_vec()));
    vectors.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

impl Input {
    fn of(input: &PixelInput) -> Self {
        let (width, height) = input.pixels.dimensions();
        Self { rows: input.rows, cols: input.cols, width, height, pixels: input.pixels.as_raw().clone() }
    }

    /// `None` if there are too many or too few pixels.
    fn read(self) -> Option<PixelInput> {
        let bytes = (self.width as usize).checked_mul(self.height as usize)?.checked_mul(3)?;
        let pixels = RgbImage::from_raw(self.width, self.height, self.pixels).filter(|image| image.len() == bytes)?;
        Some(PixelInput { rows: self.rows, cols: self.cols, pixels })
    }
}

impl Made {
    fn read(self, wants: Wants, dim: usize) -> Result<Encoded, String> {
        if self.vector.len() != dim {
            return Err(format!("it gave a vector of {} values instead of {dim}", self.vector.len()));
        }
        if self.regions.is_some() != wants.regions {
            return Err("it gave regions where none were asked for, or none where some were".to_owned());
        }
        Ok(Encoded {
            embedding: Embedding::new(self.vector).map_err(|error| error.to_string())?,
            regions: self.regions.map(|regions| regions.read(dim)).transpose()?,
            model_caption: self.caption.filter(|_| wants.caption),
        })
    }
}

impl MadeRegions {
    fn of(regions: &Regions) -> Self {
        let map = &regions.map;
        Self {
            rows: map.rows(),
            cols: map.cols(),
            labels: map.labels().to_vec(),
            members: map.members().to_vec(),
            vectors: regions.vectors.iter().flat_map(|vector| vector.as_slice()).copied().collect(),
        }
    }

    fn read(self, dim: usize) -> Result<Regions, String> {
        let expected = self.members.len() * dim;
        if self.vectors.len() != expected {
            return Err(format!("its regions have {} values instead of {expected}", self.vectors.len()));
        }
        let map = RegionMap::new(self.rows, self.cols, self.labels, self.members);
        let vectors = self.vectors.chunks_exact(dim.max(1)).map(|vector| Embedding::new(vector.to_vec()));
        Ok(Regions {
            map: map.ok_or("the parts of its regions do not fit together")?,
            vectors: vectors.collect::<Result<_, _>>().map_err(|error| error.to_string())?,
        })
    }
}

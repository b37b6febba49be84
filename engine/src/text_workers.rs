//! Texts that other machines encode: for one that has no room for a text tower, which is most of
//! some models, or no time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use glimpse_encoder::decoder::Decoder;
use glimpse_encoder::{Embedding, Encode, EncodeError, ImageFeatures, ModelInfo, Outputs, PixelInput, Projection};
use image::RgbImage;
use parking_lot::Mutex;

use crate::Worker;

/// How long a worker that did not answer is left alone.
const AGAIN: Duration = Duration::from_secs(30);

/// A model whose texts are encoded by workers, and here if none answers.
pub(crate) struct TextsByWorkers {
    encoder: Arc<dyn Encode>,
    /// Each with when it last did not answer.
    workers: Vec<(Worker, Mutex<Option<Instant>>)>,
}

impl TextsByWorkers {
    pub fn new(encoder: Arc<dyn Encode>, workers: &[Worker]) -> Self {
        let workers = workers.iter().map(|worker| (worker.clone(), Mutex::default())).collect();
        Self { encoder, workers }
    }

    /// What the first worker that answers makes of texts.
    fn elsewhere(&self, texts: &[&str]) -> Option<Vec<Embedding>> {
        self.workers.iter().find_map(|(worker, silent)| {
            if silent.lock().is_some_and(|since| since.elapsed() < AGAIN) {
                return None;
            }
            let made = worker.encode_texts(self.encoder.info(), texts);
            *silent.lock() = made.is_err().then(Instant::now);
            made.ok()
        })
    }
}

impl Encode for TextsByWorkers {
    fn info(&self) -> &ModelInfo {
        self.encoder.info()
    }

    fn prepare(&self, image: &RgbImage) -> Result<PixelInput, EncodeError> {
        self.encoder.prepare(image)
    }

    fn encode_images(&self, batch: &[PixelInput], outputs: Outputs) -> Result<Vec<ImageFeatures>, EncodeError> {
        self.encoder.encode_images(batch, outputs)
    }

    fn wait_for_turn(&self) {
        self.encoder.wait_for_turn();
    }

    fn encode_texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncodeError> {
        self.elsewhere(texts).map_or_else(|| self.encoder.encode_texts(texts), Ok)
    }

    fn prepare_texts(&self) -> Result<(), EncodeError> {
        match self.elsewhere(&["a"]) {
            Some(_) => Ok(()),
            None => self.encoder.prepare_texts(),
        }
    }

    fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.encoder.token_ids(text)
    }

    fn align(&self, tokens: &[f32], projection: Projection) -> Result<Vec<f32>, EncodeError> {
        self.encoder.align(tokens, projection)
    }

    fn decoder(&self) -> Result<Option<&Decoder>, EncodeError> {
        self.encoder.decoder()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use glimpse_encoder::testing::FakeEncoder;
    use glimpse_indexer::ingest::answer_texts;
    use glimpse_nonempty::each;

    use super::*;

    const DIM: usize = 8;

    /// A worker that answers so many requests, one a connection; its address, and how many it has
    /// answered.
    fn worker(most: usize) -> (Worker, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let worker = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let answered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&answered);
        std::thread::spawn(move || {
            for stream in listener.incoming().take(most) {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).unwrap() > 2 {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let answer = answer_texts(&FakeEncoder::new(DIM), &body).unwrap();
                count.fetch_add(1, SeqCst);
                write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len())
                    .unwrap();
                stream.write_all(&answer).unwrap();
            }
        });
        (worker, answered)
    }

    #[test]
    fn workers_encode_texts_and_this_machine_when_none_answers() {
        let here = Arc::new(FakeEncoder::new(DIM));
        let expected = here.encode_texts(&["red", "blue"]).unwrap();
        let (first, of_first) = worker(1);
        let (second, of_second) = worker(2);
        let encoder = TextsByWorkers::new(here, &[first, second]);
        encoder.prepare_texts().unwrap();
        assert_eq!([of_first.load(SeqCst), of_second.load(SeqCst)], [1, 0]);
        // The first is gone by now, then the second as well.
        for of_second_then in [1, 2, 2] {
            let made = encoder.encode_texts(&["red", "blue"]).unwrap();
            assert_eq!(made.len(), expected.len());
            each(made.iter().zip(&expected)).for_each(|(made, expected)| {
                assert!(glimpse_encoder::dot(made.as_slice(), expected.as_slice()) > 0.99999)
            });
            assert_eq!([of_first.load(SeqCst), of_second.load(SeqCst)], [1, of_second_then]);
        }
    }
}

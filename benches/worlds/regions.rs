//! Regions of made-up images: 31 nested ones, of which one shows a thing and those that hold it do
//! too.

use glimpse::encoder::Embedding;
use glimpse::encoder::dense::{RegionMap, Regions};

use super::{Noise, OWN, World, add, direction, normalise};

/// Regions that are not merged; with their merges 31.
const LEAVES: usize = 16;
const NODES: usize = 2 * LEAVES - 1;
/// Patches of a side.
const SIDE: usize = 16;
/// What a region has of its image, and of its own (squares sum to one).
const OF_IMAGE: f32 = 0.8;
const OF_ITSELF: f32 = 0.6;
/// What is left of a thing in a region that holds its own, for each step up.
const UP: f32 = 0.85;
/// What is left of a thing in a part of its region.
const PART: f32 = 0.7;

impl World {
    /// The regions of an image.
    pub fn regions(&self, image: usize) -> Regions {
        let mut noise = Noise((image as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut without = self.images[image].clone();
        let held = &self.holdings[image];
        held.iter().for_each(|holding| add(&mut without, &self.texts[holding.text].own, -holding.amount));
        let mut own: Vec<Vec<f32>> = (0..LEAVES).map(|_| direction(&mut noise, self.geometry.dim)).collect();
        for first in (0..NODES - 1).step_by(2) {
            let mut merged = own[first].clone();
            add(&mut merged, &own[first + 1], 1.0);
            normalise(&mut merged);
            own.push(merged);
        }
        let vector = |(node, own): (usize, &Vec<f32>)| {
            let mut region: Vec<f32> = without.iter().map(|value| OF_IMAGE * value).collect();
            add(&mut region, own, OF_ITSELF * OWN);
            for holding in held {
                let share = share_of_thing(node, self.node_of(image, holding.text));
                add(&mut region, &self.texts[holding.text].own, share * holding.amount);
            }
            Embedding::new(region).expect("a direction")
        };
        let vectors = own.iter().enumerate().map(vector).collect();
        let labels = (0..SIDE * SIDE).map(|cell| (cell / SIDE / 4 * 4 + cell % SIDE / 4) as u8).collect();
        let members = (0..NODES).map(leaves_of).collect();
        Regions { map: RegionMap::new(SIDE, SIDE, labels, members).expect("a map"), vectors }
    }

    /// The region of an image that shows a text.
    fn node_of(&self, image: usize, text: usize) -> usize {
        // Any region but the whole.
        Noise(((image as u64) << 20 | text as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).below(NODES - 1)
    }
}

/// The region that a region is merged into, with its neighbour.
fn parent(node: usize) -> usize {
    LEAVES + node / 2
}

fn leaves_of(node: usize) -> u32 {
    if node < LEAVES { 1 << node } else { leaves_of(2 * (node - LEAVES)) | leaves_of(2 * (node - LEAVES) + 1) }
}

/// What a region has of a thing whose own region is `of`.
fn share_of_thing(node: usize, of: usize) -> f32 {
    let (mine, its) = (leaves_of(node), leaves_of(of));
    if mine & its == its {
        let mut steps = 0;
        let mut at = of;
        while at != node {
            (at, steps) = (parent(at), steps + 1);
        }
        UP.powi(steps)
    } else if mine & its == mine {
        PART
    } else {
        0.0
    }
}

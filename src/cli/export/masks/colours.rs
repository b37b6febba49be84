//! A colour for each label: the order of PASCAL VOC, in which each has bits of its own.

/// The colour of a label by its number, 0 for none: black.
pub fn colour(label: usize) -> [u8; 3] {
    let mut colour = [0u8; 3];
    let mut rest = label;
    for shift in (0..8).rev() {
        for (channel, value) in colour.iter_mut().enumerate() {
            *value |= ((rest >> channel & 1) as u8) << shift;
        }
        rest >>= 3;
    }
    colour
}

/// As CSS has it.
pub fn hex(label: usize) -> String {
    let [r, g, b] = colour(label);
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_voc() {
        assert_eq!([0, 1, 2, 15, 20].map(colour), [[0, 0, 0], [128, 0, 0], [0, 128, 0], [192, 128, 128], [0, 64, 128]]);
        assert_eq!(hex(20), "#004080");
        let all: std::collections::HashSet<_> = (0..10_000).map(colour).collect();
        assert_eq!(all.len(), 10_000);
    }
}

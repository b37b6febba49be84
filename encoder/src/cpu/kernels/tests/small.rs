//! Every kernel over shapes so small that Miri, a thousand times as slow, gets through them
//! (`tests/miri.sh`): whole and partial tiles, and what fills up the last line.

use super::attention::check_attention;
use super::gemm::{check_operands, check_product};
use super::int8;
use super::patches::check_fill;
use super::rows::{check_norm, check_pooling};

#[test]
fn products() {
    check_product(3, 19, 18);
    check_operands(2, 5, 3, 1.0);
}

#[test]
fn products_of_int8() {
    int8::check_product(2, 21, 18);
}

#[test]
fn attentions() {
    check_attention(&[3, 1], 2, 5, 1);
}

#[test]
fn rows() {
    check_norm(2, 19, 3.0, 1);
    check_pooling(&[2, 3], 2, 5);
}

#[test]
fn patches() {
    check_fill(&[(1, 2)], 2, 1);
}
